// Who wants copies of what passes, as the workers' View has it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "capture/filter.h"
#include "capture/record.h"
#include "capture/seen.h"

namespace viaduct::capture {

inline constexpr uint32_t sample_max = 1'000'000;

struct Tapping {
  Filter filter;
  uint32_t sample = 1;      // one call in so many, by Call-ID; above 1, what has none is left out
  bool drops_only = false;  // what is dropped
  uint8_t slot = 0;         // its bit in RecordHead::wanted_by

  // `hash` is `sampling_hash` of the message. The calls of a smaller share are among those of a larger one.
  bool samples(uint64_t hash) const { return sample <= 1 || hash - 1 < UINT64_MAX / sample; }
  bool wants(const Seen& seen) const { return (!drops_only || seen.verdict == Verdict::drop) && filter.matches(seen); }
};

// Thread: any; no allocation.
class Taps {
 public:
  Taps() = default;
  // At most `tappings_max`.
  explicit Taps(std::vector<Tapping> all) : all_(std::move(all)) {
    for (const Tapping& tapping : all_) share_ = std::max(share_, UINT64_MAX / std::max(tapping.sample, 1u));
  }

  const std::vector<Tapping>& all() const { return all_; }
  // Whether anybody's sample holds the message: for nearly all of them, all there is to ask.
  bool sampled(uint64_t hash) const { return hash - 1 < share_ || share_ == UINT64_MAX; }
  // Bits of those that want it.
  uint8_t who_wants(const Seen& seen, uint64_t hash) const {
    uint8_t bits = 0;
    for (const Tapping& tapping : all_) {
      if (tapping.samples(hash) && tapping.wants(seen)) bits |= static_cast<uint8_t>(1u << tapping.slot);
    }
    return bits;
  }

 private:
  std::vector<Tapping> all_;
  uint64_t share_ = 0;  // the largest
};

}  // namespace viaduct::capture
