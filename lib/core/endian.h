// Integers as they lie on the wire.
//
// A wire integer is a type of its own, so that a forgotten swap does not compile: it is made from
// and read as a host integer only explicitly, and being an array of bytes it may stand at any address.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace viaduct::core {

template <class Host>
class BigEndian {
 public:
  BigEndian() = default;
  explicit constexpr BigEndian(Host value) { set(value); }

  constexpr Host value() const {
    Host host{};
    for (uint8_t byte : bytes_) host = static_cast<Host>((host << 8) | byte);
    return host;
  }
  constexpr void set(Host value) {
    for (size_t i = sizeof(Host); i-- > 0; value = static_cast<Host>(value >> 8)) {
      bytes_[i] = static_cast<uint8_t>(value);
    }
  }
  constexpr bool operator==(const BigEndian&) const = default;

 private:
  uint8_t bytes_[sizeof(Host)]{};
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
