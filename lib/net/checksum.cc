#include "net/checksum.h"

#include <bit>

#include "core/kernel_list.h"
#include "net/checksum_lanes.h"
#include "net/ipv4.h"

namespace viaduct::net {
namespace {

static_assert(std::endian::native == std::endian::little, "the swap after the sum is unconditional");

using KernelList = core::KernelList<ChecksumKernel, 3>;

KernelList runnable() {
  KernelList list;
  list.add({"scalar", sum_words});
#if VIADUCT_CHECKSUM_KERNELS
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2")) list.add({"avx2", sum_words_avx2});
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("bmi2")) {
    list.add({"avx512", sum_words_avx512});
  }
#endif
  return list;
}

const KernelList& list() {
  static const KernelList instance = runnable();
  return instance;
}

constinit core::KernelInUse<ChecksumKernel> sum_in_use(+[]() -> const ChecksumKernel& { return list().chosen(); });

uint32_t fold(uint64_t sum) { return fold_machine_sum(sum); }

// The sum of so many 32-bit words, as the machine sees them.
template <size_t count>
uint64_t sum_of_words(const uint8_t* at) {
  uint64_t sum = 0;
  for (size_t i = 0; i < count; ++i) sum += load_word<uint32_t>(at + 4 * i);
  return sum;
}

}  // namespace

uint64_t sum_words(const uint8_t* at, size_t size) { return sum_in_lanes(at, size); }

std::span<const ChecksumKernel> checksum_kernels() { return list().all(); }

uint64_t machine_sum(core::ByteView bytes) { return sum_in_use.get().sum(bytes.data(), bytes.size()); }

uint32_t checksum_add(core::ByteView bytes, uint32_t sum) {
  return fold(uint64_t{sum} + __builtin_bswap16(static_cast<uint16_t>(fold(machine_sum(bytes)))));
}

// Twenty bytes are not worth the loop for long spans.
core::be16 checksum(core::ByteView header) {
  if (header.size() == sizeof(Ipv4Header)) {
    const auto sum = static_cast<uint16_t>(~fold(sum_of_words<sizeof(Ipv4Header) / 4>(header.data())));
    return core::be16(__builtin_bswap16(sum));
  }
  return core::be16(static_cast<uint16_t>(~checksum_add(header)));
}

uint32_t udp_pseudo_sum(const IpAddress& source, const IpAddress& destination, uint16_t udp_length) {
  const uint64_t sum = source.is_v4()
                           ? sum_of_words<1>(source.v4_bytes()) + sum_of_words<1>(destination.v4_bytes())
                           : sum_of_words<4>(source.bytes.data()) + sum_of_words<4>(destination.bytes.data());
  return uint32_t{__builtin_bswap16(static_cast<uint16_t>(fold(sum)))} + protocol_udp + udp_length;
}

core::be16 checksum_udp(core::ByteView udp, uint32_t pseudo_sum) {
  const auto computed = static_cast<uint16_t>(~checksum_add(udp, pseudo_sum));
  return core::be16(computed == 0 ? uint16_t{0xffff} : computed);
}

}  // namespace viaduct::net
