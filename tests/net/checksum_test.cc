#include "net/checksum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "support/effort.h"
#include "support/guarded_buffer.h"

namespace viaduct::net {
namespace {

// The loop of RFC 1071 section 4.1, word by word in network order.
uint32_t plain_sum(core::ByteView bytes, uint32_t sum = 0) {
  while (sum > 0xffff) sum -= 0xffff;
  for (size_t i = 0; i < bytes.size(); i += 2) {
    sum += static_cast<uint32_t>(bytes[i]) << 8;
    if (i + 1 < bytes.size()) sum += bytes[i + 1];
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

TEST(Checksum, OfTheExampleInRfc1071) {
  const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(checksum_add(bytes), 0xddf2u);
  EXPECT_EQ(checksum(bytes).value(), 0x220d);
}

TEST(Checksum, OfAnIpv4HeaderFillsItToAllOnes) {
  // 45 00 0073, 192.168.0.1 to 192.168.0.199: 0xb861 by hand.
  uint8_t header[] = {0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0, 0, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0, 0xc7};
  EXPECT_EQ(checksum(header).value(), 0xb861);
  header[10] = 0xb8;
  header[11] = 0x61;
  EXPECT_EQ(checksum_add(header), 0xffffu);
}

TEST(Checksum, AgreesWithThePlainLoopOnAMillionBuffersOfAnyLengthAndAlignment) {
  SCOPED_TRACE("FWD-13");
  std::mt19937_64 random(13);
  std::vector<uint8_t> noise(4096);
  for (uint8_t& byte : noise) byte = static_cast<uint8_t>(random());
  // Runs of ones bring every carry to life.
  for (size_t i = 1024; i < 2048; ++i) noise[i] = 0xff;
  for (int round = 0; round < test::rounds(1'000'000); ++round) {
    const uint64_t dice = random();
    const size_t length_max = round % 16 == 0 ? 1600 : 96;
    const size_t length = dice % length_max;
    const size_t start = (dice >> 16) % (noise.size() - length);
    const auto sum = static_cast<uint32_t>(dice >> 44);  // up to 2^20
    noise[(dice >> 32) % noise.size()] ^= static_cast<uint8_t>(dice >> 8);
    const core::ByteView bytes = core::ByteView(noise).subspan(start, length);
    ASSERT_EQ(checksum_add(bytes, sum), plain_sum(bytes, sum)) << length << " at " << start;
  }
}

// The machine picks one kernel; the others must be right too, and none may read past the end.
TEST(Checksum, IsTheSameFromEveryKernel) {
  SCOPED_TRACE("FWD-13");
  std::mt19937 random(16);
  std::string noise(2048, '\0');
  for (char& byte : noise) byte = static_cast<char>(random() | (random() % 2 == 0 ? 0 : 0xff));
  for (const ChecksumKernel& kernel : checksum_kernels()) {
    SCOPED_TRACE(kernel.name);
    for (size_t length = 0; length < 1600; ++length) {
      const test::GuardedBuffer guarded(std::string_view(noise).substr(random() % 64, length));
      const core::ByteView bytes = core::bytes_of(guarded.bytes());
      const uint16_t folded = fold_machine_sum(kernel.sum(bytes.data(), bytes.size()));
      ASSERT_EQ(__builtin_bswap16(folded) % 0xffff, plain_sum(bytes) % 0xffff) << length;
    }
    // As large as a datagram can be, and then some.
    const std::vector<uint8_t> ones(65536, 0xff);
    ASSERT_EQ(fold_machine_sum(kernel.sum(ones.data(), ones.size())), 0xffff);
  }
}

// Ones' complement has two noughts: 0 stays 0, and any other multiple of 0xffff becomes 0xffff.
TEST(Checksum, FoldsAsTheRemainderByAllOnes) {
  std::mt19937_64 random(18);
  const auto expect = [](uint64_t sum) {
    const uint64_t rest = sum % 0xffff;
    ASSERT_EQ(fold_machine_sum(sum), sum != 0 && rest == 0 ? 0xffff : rest) << sum;
  };
  for (const uint64_t sum : {uint64_t{0}, uint64_t{0xffff}, uint64_t{0x10000}, uint64_t{0xffffffff}, ~uint64_t{0}}) {
    for (const uint64_t other : {sum, sum << 16, sum + 1, sum - 1}) expect(other);
  }
  for (int round = 0; round < 1'000'000; ++round) expect(random() >> random() % 64);
}

TEST(Checksum, OfPartsIsThatOfTheWhole) {
  SCOPED_TRACE("FWD-13");
  std::string text(301, '\0');
  std::mt19937 random(14);
  for (char& c : text) c = static_cast<char>(random());
  const core::ByteView whole = core::bytes_of(text);
  for (size_t cut = 0; cut <= whole.size(); cut += 2) {
    ASSERT_EQ(checksum_add(whole.subspan(cut), checksum_add(whole.first(cut))), checksum_add(whole));
  }
}

TEST(Checksum, ReadsNothingBehindTheEnd) {
  const std::string text(130, '\xff');
  for (size_t length = 0; length <= text.size(); ++length) {
    const test::GuardedBuffer guarded(std::string_view(text).substr(0, length));
    EXPECT_EQ(checksum_add(core::bytes_of(guarded.bytes())), plain_sum(core::bytes_of(guarded.bytes())));
  }
}

// The pseudo header, byte by byte as the RFC draws it, before the datagram.
std::vector<uint8_t> drawn_out(const IpAddress& source, const IpAddress& destination, core::ByteView udp) {
  std::vector<uint8_t> bytes;
  const size_t from = source.is_v4() ? 12 : 0;
  bytes.insert(bytes.end(), source.bytes.begin() + from, source.bytes.end());
  bytes.insert(bytes.end(), destination.bytes.begin() + from, destination.bytes.end());
  const auto high = static_cast<uint8_t>(udp.size() >> 8);
  const auto low = static_cast<uint8_t>(udp.size());
  if (source.is_v4()) {
    bytes.insert(bytes.end(), {0, 17, high, low});
  } else {
    bytes.insert(bytes.end(), {0, 0, high, low, 0, 0, 0, 17});
  }
  bytes.insert(bytes.end(), udp.begin(), udp.end());
  return bytes;
}

TEST(ChecksumUdp, CoversThePseudoHeaderOfBothFamilies) {
  SCOPED_TRACE("FWD-13");
  std::mt19937 random(15);
  for (int round = 0; round < 2000; ++round) {
    IpAddress source, destination;
    for (uint8_t& byte : source.bytes) byte = static_cast<uint8_t>(random());
    for (uint8_t& byte : destination.bytes) byte = static_cast<uint8_t>(random());
    if (round % 2 == 0) {
      source = IpAddress::v4(source.bytes.data());
      destination = IpAddress::v4(destination.bytes.data());
    }
    std::vector<uint8_t> udp(8 + random() % 1400);
    for (uint8_t& byte : udp) byte = static_cast<uint8_t>(random());
    udp[6] = udp[7] = 0;
    const auto length = static_cast<uint16_t>(udp.size());
    const uint32_t pseudo = udp_pseudo_sum(source, destination, length);
    const core::be16 field = checksum_udp(udp, pseudo);
    udp[6] = static_cast<uint8_t>(field.value() >> 8);
    udp[7] = static_cast<uint8_t>(field.value());
    ASSERT_EQ(plain_sum(drawn_out(source, destination, udp)), 0xffffu);
  }
}

TEST(ChecksumUdp, IsNeverZeroOnTheWire) {
  SCOPED_TRACE("FWD-13");
  const IpAddress source = IpAddress::v4(192, 0, 2, 1);
  const IpAddress destination = IpAddress::v4(192, 0, 2, 2);
  std::vector<uint8_t> udp = {0x13, 0xc4, 0x13, 0xc4, 0, 10, 0, 0, 0, 0};
  const uint32_t pseudo = udp_pseudo_sum(source, destination, 10);
  // A payload word that completes the sum to all ones, of which the complement is 0.
  const auto filler = static_cast<uint16_t>(0xffff - checksum_add(udp, pseudo));
  udp[8] = static_cast<uint8_t>(filler >> 8);
  udp[9] = static_cast<uint8_t>(filler);
  EXPECT_EQ(checksum_udp(udp, pseudo).value(), 0xffff);
}

}  // namespace
}  // namespace viaduct::net
