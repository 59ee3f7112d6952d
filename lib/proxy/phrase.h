// A text that stands in many messages, made once: padded, so that it is copied in whole vectors, without a look at its
// length but for how many.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace viaduct::proxy {

// Of at most `most` octets, a multiple of 32.
template <size_t most>
class PhraseOf {
 public:
  static constexpr size_t bytes_max = most, step = 32;

  constexpr PhraseOf() = default;
  explicit constexpr PhraseOf(std::string_view text) { append(text); }
  std::string_view view() const { return {bytes_.data(), size_}; }

  // Its callers know that it fits.
  constexpr void append(std::string_view text) {
    if (text.size() > most - size_) std::abort();
    for (const char c : text) bytes_[size_++] = c;
  }

  // Writes the text and up to `step` octets behind it, and returns where it ends.
  char* write(char* out) const {
    std::memcpy(out, bytes_.data(), step);
    for (size_t at = step; at < size_; at += step) std::memcpy(out + at, bytes_.data() + at, step);
    return out + size_;
  }

 private:
  uint32_t size_ = 0;
  alignas(32) std::array<char, most> bytes_{};
};

// The same with a text whose length is known where it is written.
inline char* write_text(std::string_view text, char* out) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

using Phrase = PhraseOf<128>;
using ShortPhrase = PhraseOf<32>;

}  // namespace viaduct::proxy
