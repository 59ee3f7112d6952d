// What workers tell the control thread: a source to shut out, a rule that wants to be logged.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/spsc_ring.h"
#include "net/address.h"

namespace viaduct::policy {

struct Notice {
  enum class Kind : uint8_t { ban, log };
  static constexpr size_t text_max = 80;

  Kind kind = Kind::log;
  uint16_t index = 0;    // ban: the limit's; log: the rule's
  uint32_t ruleset = 0;  // Ruleset::number: whose limit or rule
  uint8_t text_size = 0;
  net::Endpoint source;
  std::array<char, text_max> text;  // log: the start line, cut off

  std::string_view start_line() const { return {text.data(), text_size}; }
};

// A ring a worker. Bounded: a notice that finds its ring full is lost; the next message repeats it.
class Notices {
 public:
  explicit Notices(size_t workers) {
    for (size_t i = 0; i < workers; ++i) rings_.push_back(std::make_unique<core::SpscRing<Notice>>(capacity));
  }
  size_t workers() const { return rings_.size(); }

  // Thread: the worker. No allocation.
  void tell(size_t worker, const Notice& notice) { rings_[worker]->push({&notice, 1}); }

  // Fills the front of `out` and says how many. Thread: control.
  size_t take(std::span<Notice> out) {
    size_t count = 0;
    for (const auto& ring : rings_) count += ring->pop(out.subspan(count));
    return count;
  }

 private:
  static constexpr size_t capacity = 256;
  std::vector<std::unique_ptr<core::SpscRing<Notice>>> rings_;
};

}  // namespace viaduct::policy
