// Who wants copies of what passes, as the workers' View has it.
#pragma once

#include <cstdint>
#include <vector>

#include "capture/filter.h"
#include "capture/record.h"
#include "capture/seen.h"

namespace viaduct::capture {

struct Tapping {
  Filter filter;
  uint32_t sample = 1;      // one call in so many, by Call-ID; above 1, what has none is left out
  bool drops_only = false;  // what is dropped
  uint8_t slot = 0;         // its bit in RecordHead::wanted_by

  // `hash` is `sampling_hash` of the message. Thread: any; no allocation.
  bool wants(const Seen& seen, uint64_t hash) const {
    if (sample > 1 && (hash == 0 || hash % sample != 0)) return false;
    return (!drops_only || seen.verdict == Verdict::drop) && filter.matches(seen);
  }
};

struct Taps {
  std::vector<Tapping> all;  // at most `tappings_max`

  // Bits of those that want it.
  uint8_t who_wants(const Seen& seen, uint64_t hash) const {
    uint8_t bits = 0;
    for (const Tapping& tapping : all) {
      if (tapping.wants(seen, hash)) bits |= static_cast<uint8_t>(1u << tapping.slot);
    }
    return bits;
  }
};

}  // namespace viaduct::capture
