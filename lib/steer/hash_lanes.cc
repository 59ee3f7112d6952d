// Which kernel hashes.
#include "steer/hash_lanes.h"

#include <algorithm>
#include <bit>

#include "core/kernel_list.h"
#include "steer/hash_lanes_loop.h"

namespace viaduct::steer {
namespace {

struct OneLane {
  using Lanes = uint64_t;
  static constexpr size_t width = 1, at_once = 2;
  using Which = bool;
  static Lanes load(const uint64_t* numbers) { return *numbers; }
  static void store(Lanes lanes, uint64_t* numbers) { *numbers = lanes; }
  static Lanes each(uint64_t number) { return number; }
  template <int bits>
  static Lanes rotated(Lanes lanes) {
    return std::rotl(lanes, bits);
  }
  static void load_words(const char* const* inputs, size_t offset, Lanes (&words)[LaneBatch::words_at_once]) {
    __builtin_memcpy(words, inputs[0] + offset, sizeof words);
  }
  static Lanes smaller(Lanes a, Lanes b) { return std::min(a, b); }
  static Lanes larger(Lanes a, Lanes b) { return std::max(a, b); }
  static uint64_t least(Lanes lanes) { return lanes; }
  static uint64_t greatest(Lanes lanes) { return lanes; }
  static Which greater(Lanes a, Lanes b) { return a > b; }
  static Lanes choose(Which which, Lanes yes, Lanes no) { return which ? yes : no; }
};

using KernelList = core::KernelList<LaneKernel, 3>;

KernelList runnable() {
  KernelList list;
  list.add({"scalar", hash_lanes_scalar});
#if VIADUCT_HASH_LANES
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2")) list.add({"avx2", hash_lanes_avx2});
  if (__builtin_cpu_supports("avx512f")) list.add({"avx512", hash_lanes_avx512});
#endif
  return list;
}

const KernelList& list() {
  static const KernelList instance = runnable();
  return instance;
}

constinit core::KernelInUse<LaneKernel> lanes_in_use(+[]() -> const LaneKernel& { return list().chosen(); });

}  // namespace

void hash_lanes_scalar(LaneBatch& batch) { hash_in_lanes<OneLane>(batch); }

std::span<const LaneKernel> lane_kernels() { return list().all(); }

void siphash_lanes(LaneBatch& batch) { lanes_in_use.get().hash(batch); }

}  // namespace viaduct::steer
