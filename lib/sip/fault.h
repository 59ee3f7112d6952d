// What can be wrong with a message, made from faults.def.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace viaduct::sip {

enum class Fault : uint8_t {
  none,
#define FAULT(symbol, status, reason_phrase, clause) symbol,
#include "sip/faults.def"
#undef FAULT
};

inline constexpr size_t fault_count = 1
#define FAULT(symbol, status, reason_phrase, clause) +1
#include "sip/faults.def"
#undef FAULT
    ;

struct FaultText {
  std::string_view name;
  uint16_t status;                 // what a request with this fault is answered with
  std::string_view reason_phrase;  // names the fault (RFC 3261 section 21.4.1)
  std::string_view clause;
};

// The texts of `fault`; for `none`, an empty name.
const FaultText& text_of(Fault fault);

}  // namespace viaduct::sip
