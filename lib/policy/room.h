// What a worker needs to judge a group of messages, allocated with the rules.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "policy/ruleset.h"

namespace viaduct::policy {

struct Ruleset::Room {
  // A header section may be 64 KiB; two of them, and the usual group many times over.
  static constexpr size_t buffer_bytes = 2 * 65536 + 64;
  static constexpr size_t segments_max = 4096;

  std::vector<std::unique_ptr<Matcher::Scratch>> scratches;  // by profile; null: no patterns
  std::unique_ptr<char[]> buffer = std::make_unique<char[]>(buffer_bytes);
  size_t used = 0;
  std::vector<Segment> segments = std::vector<Segment>(segments_max);
  size_t segment_count = 0;

  // By message and rule of its profile: the clauses that hold, and as bits the rules all of whose clauses do. Undone
  // after each group by way of `touched`, so that a group without a match costs nothing.
  std::vector<uint8_t> clauses;
  std::vector<uint64_t> found;
  std::vector<uint32_t> touched;  // places in `clauses`
  size_t touched_count = 0;
  std::array<bool, group_max> has_found{};
};

}  // namespace viaduct::policy
