// RFC 1071, section 2, makes this fast. The sum does not depend on the order of the additions (A), so wide words and
// several of them at once will do; nor on the byte order (B), so words are added as the machine loads them and the
// result is swapped at the end; and carries may wait (C), here in the upper halves of 64-bit lanes:
//
//   32 bytes:  a b c d e f g h      as eight 32-bit words
//   low  +=    a . c . e . g .      into four 64-bit lanes
//   high +=    b . d . f . h .
//
// A lane takes 2^32 such additions before it could overflow; a packet has at most 2^11.
#include "net/checksum.h"

#include <bit>
#include <cstring>

namespace viaduct::net {
namespace {

static_assert(std::endian::native == std::endian::little, "the swap at the end is unconditional");

using Lanes = uint64_t __attribute__((vector_size(32)));
constexpr Lanes low_halves = {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff};

template <class Word>
Word load(const uint8_t* at) {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

uint32_t fold(uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint32_t>(sum);
}

// The words as the machine sees them, carries not yet folded.
uint64_t native_sum(const uint8_t* at, size_t size) {
  Lanes low{}, high{};
  for (; size >= 32; at += 32, size -= 32) {
    Lanes words;
    std::memcpy(&words, at, sizeof words);
    low += words & low_halves;
    high += words >> 32;
  }
  low += high;
  uint64_t sum = low[0] + low[1] + low[2] + low[3];
  for (; size >= 4; at += 4, size -= 4) sum += load<uint32_t>(at);
  if (size >= 2) {
    sum += load<uint16_t>(at);
    at += 2;
    size -= 2;
  }
  return size == 0 ? sum : sum + *at;  // the odd byte is the first of its word, the lower half here
}

}  // namespace

uint32_t checksum_add(core::ByteView bytes, uint32_t sum) {
  const auto swapped = __builtin_bswap16(static_cast<uint16_t>(fold(native_sum(bytes.data(), bytes.size()))));
  return fold(uint64_t{sum} + swapped);
}

core::be16 checksum(core::ByteView header) { return core::be16(static_cast<uint16_t>(~checksum_add(header))); }

uint32_t udp_pseudo_sum(const IpAddress& source, const IpAddress& destination, uint16_t udp_length) {
  constexpr uint32_t protocol = 17;
  const size_t skipped = source.is_v4() ? 12 : 0;
  const uint32_t addresses = checksum_add(core::ByteView(destination.bytes).subspan(skipped),
                                          checksum_add(core::ByteView(source.bytes).subspan(skipped)));
  return addresses + protocol + udp_length;
}

core::be16 checksum_udp(core::ByteView udp, uint32_t pseudo_sum) {
  const auto computed = static_cast<uint16_t>(~checksum_add(udp, pseudo_sum));
  return core::be16(computed == 0 ? uint16_t{0xffff} : computed);
}

core::be16 checksum_partial(uint32_t pseudo_sum) { return core::be16(static_cast<uint16_t>(fold(pseudo_sum))); }

}  // namespace viaduct::net
