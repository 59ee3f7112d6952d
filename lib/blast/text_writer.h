// Text laid down piece by piece into a buffer that is large enough, or else remembered as too small.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace viaduct::blast {

inline constexpr std::string_view eol = "\r\n";

class TextWriter {
 public:
  TextWriter(char* begin, size_t room) : begin_(begin), at_(begin), end_(begin + room) {}

  void add(std::string_view text) {
    if (text.size() > static_cast<size_t>(end_ - at_)) {
      whole_ = false;
      return;
    }
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  template <class... Texts>
  void add(std::string_view first, Texts... rest) {
    add(first);
    (add(std::string_view(rest)), ...);
  }
  void add_number(uint64_t number) {
    char digits[20];
    char* digit = digits + sizeof digits;
    do {
      *--digit = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    add({digit, static_cast<size_t>(digits + sizeof digits - digit)});
  }

  bool whole() const { return whole_; }  // everything found room
  size_t size() const { return static_cast<size_t>(at_ - begin_); }
  std::string_view text() const { return {begin_, size()}; }

 private:
  char* begin_;
  char* at_;
  char* end_;
  bool whole_ = true;
};

}  // namespace viaduct::blast
