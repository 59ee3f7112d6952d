// Which calls a sample holds.
//
// A hash of the Call-ID decides: the same on every node, so that a share of calls can be followed through all of them.
// Not keyed: who can choose to be captured gains nothing by it. It is computed for every message while somebody
// captures, and for nearly all of them it is all there is to do: eight octets at a time, multiplied and folded, the
// last eight perhaps for a second time; then the finalizer of SplitMix64.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace viaduct::capture {

// What lacks a Call-ID has 0.
inline uint64_t sampling_hash(std::string_view call_id) {
  static_assert(std::endian::native == std::endian::little, "other machines must give the same numbers");
  const size_t size = call_id.size();
  if (size == 0) return 0;
  constexpr uint64_t odd = 0x9e3779b97f4a7c15;
  constexpr size_t word_bytes = sizeof(uint64_t);
  uint64_t hash = size * odd;
  const auto take = [&hash](uint64_t word) {
    hash = (hash ^ word) * odd;
    hash ^= hash >> 32;
  };
  const auto word_at = [call_id](size_t at) {
    uint64_t word;
    std::memcpy(&word, call_id.data() + at, sizeof word);
    return word;
  };
  if (size < word_bytes) {
    uint64_t word = 0;
    for (const char octet : call_id) word = word << 8 | static_cast<uint8_t>(octet);
    take(word);
  } else {
    for (size_t at = 0; at + word_bytes < size; at += word_bytes) take(word_at(at));
    take(word_at(size - word_bytes));
  }
  hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9;
  hash = (hash ^ hash >> 27) * 0x94d049bb133111eb;
  return hash ^ hash >> 31;
}

}  // namespace viaduct::capture
