// The To tag of our own answers (RFC 3261 section 8.2.7: a stateless UAS must give the same one to every copy).
//
// Made of what the ACK shares with the request it belongs to, so that the ACK is known by its tag and ends here,
// however late it comes and whichever node gets it (LOC-03, LOC-06).
#pragma once

#include <string_view>

#include "proxy/view.h"
#include "sip/message.h"

namespace viaduct::proxy {

class ToTag {
 public:
  ToTag(const sip::Message& message, const Keys& keys);
  std::string_view text() const { return {text_, sizeof text_}; }

 private:
  char text_[2 + 16];  // "vd" and 16 hex digits
};

// An ACK to an answer of ours.
bool is_ack_to_own_reply(const sip::Message& message, const View& view);

}  // namespace viaduct::proxy
