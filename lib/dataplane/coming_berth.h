// The lines of a place that will soon be written to (berths.h), asked for while something else is done.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/cache_line.h"

namespace viaduct::dataplane {

// Thread: one.
class ComingBerth {
 public:
  ComingBerth() = default;
  ComingBerth(const ComingBerth&) = delete;
  ComingBerth& operator=(const ComingBerth&) = delete;

  // Between two of them some 20 ns should pass.
  static constexpr size_t steps = 5;

  // `place`, or nullptr, will be written some messages from now, by a frame about as long as one of `bytes`.
  void is_at(const uint8_t* place, size_t bytes) {
    begin_ = place != nullptr ? place : nowhere_.data();
    is_long_ = place != nullptr && bytes > usual_bytes;
  }
  void is_unknown() { is_at(nullptr, 0); }

  // Asks for a fifth of the first 640 octets. Where frames are longer, two of the steps ask for as many more: it is
  // those of usual length that come in great numbers.
  template <size_t step>
  [[gnu::always_inline]] void warm() const {
    static_assert(step < steps);
    const uint8_t* const lines = begin_ + step * lines_a_step * core::cache_line_bytes;
    core::own_soon(lines);
    core::own_soon(lines + core::cache_line_bytes);
    if constexpr (step % 2 == 1) {
      if (is_long_) warm_more<step / 2>();
    }
  }

 private:
  static constexpr size_t lines_a_step = 2, more_lines = 5;
  static constexpr size_t usual_bytes = steps * lines_a_step * core::cache_line_bytes;

  template <size_t part>
  [[gnu::always_inline]] void warm_more() const {
    const uint8_t* const lines = begin_ + usual_bytes + part * more_lines * core::cache_line_bytes;
    for (size_t i = 0; i < more_lines; ++i) core::own_soon(lines + i * core::cache_line_bytes);
  }
  // Lines that are this core's anyway: to ask for them costs less than to ask each time whether there is a place.
  alignas(core::cache_line_bytes) std::array<uint8_t, usual_bytes> nowhere_{};
  const uint8_t* begin_ = nowhere_.data();
  bool is_long_ = false;
};

}  // namespace viaduct::dataplane
