// Integers as they lie on the wire.
//
// A wire integer is a type of its own, so that a forgotten swap does not compile: it is made from
// and read as a host integer only explicitly, and being an array of bytes it may stand at any address.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace viaduct::core {

// Big-endian to host and back, which is the same thing.
template <class Host>
constexpr Host swap_if_little(Host value) {
  if constexpr (std::endian::native == std::endian::big) return value;
  if constexpr (sizeof(Host) == 2) return __builtin_bswap16(value);
  if constexpr (sizeof(Host) == 4) return __builtin_bswap32(value);
}

template <class Host>
class BigEndian {
 public:
  BigEndian() = default;
  explicit constexpr BigEndian(Host value) { set(value); }

  constexpr Host value() const { return swap_if_little(std::bit_cast<Host>(bytes_)); }
  constexpr void set(Host value) { bytes_ = std::bit_cast<Bytes>(swap_if_little(value)); }
  constexpr bool operator==(const BigEndian&) const = default;

 private:
  using Bytes = std::array<uint8_t, sizeof(Host)>;
  Bytes bytes_{};
};

class be16 : public BigEndian<uint16_t> {
 public:
  using BigEndian::BigEndian;
};
class be32 : public BigEndian<uint32_t> {
 public:
  using BigEndian::BigEndian;
};

static_assert(sizeof(be16) == 2 && alignof(be16) == 1);
static_assert(sizeof(be32) == 4 && alignof(be32) == 1);

}  // namespace viaduct::core
