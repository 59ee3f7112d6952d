#include "net/checksum.h"

#include <bit>

#include "net/checksum_lanes.h"
#include "net/ipv4.h"

namespace viaduct::net {
namespace {

static_assert(std::endian::native == std::endian::little, "the swap after the sum is unconditional");

// Below this the wide registers do not pay.
[[maybe_unused]] constexpr size_t avx2_bytes_min = 64;

uint64_t native_sum(core::ByteView bytes) {
#if VIADUCT_CHECKSUM_AVX2
  if (bytes.size() >= avx2_bytes_min && __builtin_cpu_supports("avx2")) {
    return sum_words_avx2(bytes.data(), bytes.size());
  }
#endif
  return sum_words(bytes.data(), bytes.size());
}

uint32_t fold(uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint32_t>(sum);
}

}  // namespace

uint64_t sum_words(const uint8_t* at, size_t size) { return sum_in_lanes(at, size); }

uint32_t checksum_add(core::ByteView bytes, uint32_t sum) {
  return fold(uint64_t{sum} + __builtin_bswap16(static_cast<uint16_t>(fold(native_sum(bytes)))));
}

core::be16 checksum(core::ByteView header) { return core::be16(static_cast<uint16_t>(~checksum_add(header))); }

uint32_t udp_pseudo_sum(const IpAddress& source, const IpAddress& destination, uint16_t udp_length) {
  const size_t skipped = source.is_v4() ? 12 : 0;
  const uint32_t addresses = checksum_add(core::ByteView(destination.bytes).subspan(skipped),
                                          checksum_add(core::ByteView(source.bytes).subspan(skipped)));
  return addresses + protocol_udp + udp_length;
}

core::be16 checksum_udp(core::ByteView udp, uint32_t pseudo_sum) {
  const auto computed = static_cast<uint16_t>(~checksum_add(udp, pseudo_sum));
  return core::be16(computed == 0 ? uint16_t{0xffff} : computed);
}

core::be16 checksum_partial(uint32_t pseudo_sum) { return core::be16(static_cast<uint16_t>(fold(pseudo_sum))); }

}  // namespace viaduct::net
