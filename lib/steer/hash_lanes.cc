// Which kernel hashes: the widest that the CPU has.
#include "steer/hash_lanes.h"

#include <array>
#include <bit>

#include "steer/hash_lanes_loop.h"

namespace viaduct::steer {
namespace {

struct OneLane {
  using Lanes = uint64_t;
  static constexpr size_t width = 1;
  static Lanes of(const std::array<uint64_t, 1>& numbers) { return numbers[0]; }
  static std::array<uint64_t, 1> numbers(Lanes lanes) { return {lanes}; }
  static Lanes each(uint64_t number) { return number; }
  template <int bits>
  static Lanes rotated(Lanes lanes) {
    return std::rotl(lanes, bits);
  }
  static Lanes load(const std::array<const char*, 1>& words, size_t offset) { return word_at(words[0] + offset); }
  static Lanes choose(unsigned which, Lanes yes, Lanes no) { return which != 0 ? yes : no; }
};

struct KernelList {
  std::array<LaneKernel, 3> kernels;
  size_t count = 0;

  KernelList() {
    add({"scalar", 1, hash_lanes_scalar});
#if VIADUCT_HASH_LANES
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2")) add({"avx2", 4, hash_lanes_avx2});
    if (__builtin_cpu_supports("avx512f")) add({"avx512", 8, hash_lanes_avx512});
#endif
  }
  void add(const LaneKernel& kernel) { kernels[count++] = kernel; }
};

const KernelList& list() {
  static const KernelList instance;
  return instance;
}

}  // namespace

void hash_lanes_scalar(HashLane* lanes, size_t count) {
  for (size_t i = 0; i < count; ++i) hash_in_lanes<OneLane>(lanes + i, 1);
}

std::span<const LaneKernel> lane_kernels() { return {list().kernels.data(), list().count}; }

void siphash_lanes(std::span<HashLane> lanes) {
  const LaneKernel& kernel = list().kernels[list().count - 1];
  while (!lanes.empty()) {
    const size_t count = lanes.size() < kernel.width ? lanes.size() : kernel.width;
    kernel.hash(lanes.data(), count);
    lanes = lanes.subspan(count);
  }
}

}  // namespace viaduct::steer
