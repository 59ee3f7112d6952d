// Noting what is wrong.
#pragma once

#include <algorithm>

#include "sip/message.h"

namespace viaduct::sip {

// The first fault stays.
inline void note(Message& message, Fault fault) {
  if (message.fault == Fault::none) message.fault = fault;
}

inline bool looks_like_bare_ipv6(std::string_view text) {
  return text.find('[') == std::string_view::npos && std::count(text.begin(), text.end(), ':') > 2;
}

}  // namespace viaduct::sip
