// From and To (RFC 3261 sections 20.20 and 20.39): what a proxy needs of them is the tag.
#pragma once

#include "sip/message.h"

namespace viaduct::sip {

// Finds the tag among the header parameters of `value`, past display name and URI. False if the value is not
// ( name-addr / addr-spec ) *( SEMI param ), or the tag is there twice or empty.
bool find_tag(std::string_view bytes, Slice value, Slice& tag, bool& has_tag);

}  // namespace viaduct::sip
