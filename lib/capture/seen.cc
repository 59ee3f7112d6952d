#include "capture/seen.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace viaduct::capture {

// Eight octets at a time, multiplied and folded, then the finalizer of SplitMix64.
uint64_t sampling_hash(std::string_view call_id) {
  static_assert(std::endian::native == std::endian::little, "other machines must give the same numbers");
  if (call_id.empty()) return 0;
  constexpr uint64_t odd = 0x9e3779b97f4a7c15;
  uint64_t hash = call_id.size() * odd;
  for (; !call_id.empty(); call_id.remove_prefix(std::min<size_t>(call_id.size(), 8))) {
    uint64_t word = 0;
    std::memcpy(&word, call_id.data(), std::min<size_t>(call_id.size(), 8));
    hash = (hash ^ word) * odd;
    hash ^= hash >> 32;
  }
  hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9;
  hash = (hash ^ hash >> 27) * 0x94d049bb133111eb;
  return hash ^ hash >> 31;
}

}  // namespace viaduct::capture
