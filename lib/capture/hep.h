// HEP version 3, as Homer and its like take it: one captured message in one datagram.
//
//   "HEP3" length(2)  then chunks: vendor(2) type(2) length(2) value       all in network order
//
// Format: the HEP/EEP reference of the Homer project (revision 32). Thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/address.h"

namespace viaduct::capture {

struct HepPacket {
  net::Endpoint source, destination;
  uint64_t time_ns = 0;  // since 1970
  uint32_t agent_id = 0;
  std::string_view agent_name;      // empty: left out
  std::string_view password;        // empty: left out
  std::string_view correlation_id;  // the Call-ID; empty: left out
  std::string_view payload;         // the message
};

// The datagram; empty where it would be longer than a datagram can be.
std::string encode_hep(const HepPacket& packet);

}  // namespace viaduct::capture
