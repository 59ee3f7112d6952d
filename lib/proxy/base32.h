// Base32 in lower case (RFC 4648 section 6, without padding): token characters that stay themselves when somebody
// compares without regard to letter case (TXN-01), five bits an octet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace viaduct::proxy {

constexpr size_t base32_size(size_t bytes) { return (bytes * 8 + 4) / 5; }

// Writes base32_size(size) characters to `out`.
void base32_encode(const uint8_t* bytes, size_t size, char* out);

// Reads exactly `size` bytes. False if `text` is not what `base32_encode` writes for them.
bool base32_decode(std::string_view text, uint8_t* bytes, size_t size);

// The lowest 5 * `digits` bits of `value`, most significant first; at most 13 digits for 64 bits.
void base32_number(uint64_t value, unsigned digits, char* out);
bool base32_number(std::string_view text, uint64_t& value);

}  // namespace viaduct::proxy
