#include "core/endian.h"

#include <gtest/gtest.h>

#include <cstring>
#include <type_traits>

namespace viaduct::core {
namespace {

// A forgotten swap does not compile.
static_assert(!std::is_convertible_v<uint16_t, be16> && !std::is_convertible_v<be16, uint16_t>);
static_assert(!std::is_convertible_v<uint32_t, be32> && !std::is_convertible_v<be32, uint32_t>);
static_assert(std::is_trivially_copyable_v<be16> && std::is_trivially_copyable_v<be32>);

// And all of it works where nothing runs.
static_assert(be16(0x1234).value() == 0x1234);
static_assert(be32(0x12345678).value() == 0x12345678);
static_assert(be16(5060) == be16(5060) && be16(5060) != be16(5061));

TEST(BigEndian, LiesInNetworkOrder) {
  const be16 port(5060);
  const uint8_t port_bytes[] = {0x13, 0xc4};
  EXPECT_EQ(std::memcmp(&port, port_bytes, 2), 0);
  const be32 address(0xc0000201);
  const uint8_t address_bytes[] = {192, 0, 2, 1};
  EXPECT_EQ(std::memcmp(&address, address_bytes, 4), 0);
}

TEST(BigEndian, MayStandAnywhere) {
  struct Header {
    uint8_t kind;
    be32 sequence;
    be16 length;
  };
  static_assert(sizeof(Header) == 7);
  const uint8_t bytes[] = {1, 0, 0, 1, 0, 0xff, 0xfe};
  Header header;
  std::memcpy(static_cast<void*>(&header), bytes, sizeof header);
  EXPECT_EQ(header.sequence.value(), 256u);
  EXPECT_EQ(header.length.value(), 0xfffe);
}

TEST(BigEndian, GivesBackEveryValue) {
  for (unsigned value = 0; value < 65536; ++value) {
    be16 wire;
    wire.set(static_cast<uint16_t>(value));
    ASSERT_EQ(wire.value(), value);
  }
  for (uint64_t value = 1; value < uint64_t{1} << 32; value = value * 3 + 1) {
    ASSERT_EQ(be32(static_cast<uint32_t>(value)).value(), value);
  }
}

}  // namespace
}  // namespace viaduct::core
