// Base32 in lower case (RFC 4648 section 6, without padding): token characters that stay themselves when somebody
// compares without regard to letter case (TXN-01), five bits an octet. Digits of whole vectors are in digits.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace viaduct::proxy {

constexpr size_t base32_size(size_t bytes) { return (bytes * 8 + 4) / 5; }

// The lowest 5 * `digits` bits of `value`, most significant first; at most 13 digits for 64 bits.
void base32_number(uint64_t value, unsigned digits, char* out);

}  // namespace viaduct::proxy
