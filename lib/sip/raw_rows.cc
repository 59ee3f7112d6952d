#include "sip/raw_rows.h"

#include <cstring>

#include "sip/charset.h"

namespace viaduct::sip {

bool RawRowWalk::next() {
  const char* const text = bytes_.data();
  while (at_ < end_) {
    const size_t begin = at_;
    do {  // a line that begins with white space continues the one before it
      const void* const feed = std::memchr(text + at_, '\n', end_ - at_);
      at_ = feed == nullptr ? end_ : static_cast<size_t>(static_cast<const char*>(feed) - text) + 1;
    } while (at_ < end_ && (text[at_] == ' ' || text[at_] == '\t'));
    const void* const colon = std::memchr(text + begin, ':', at_ - begin);
    if (colon == nullptr) continue;
    size_t name_end = static_cast<size_t>(static_cast<const char*>(colon) - text);
    size_t value = name_end + 1, value_end = at_;
    while (name_end > begin && is(text[name_end - 1], lws_char)) --name_end;
    while (value < value_end && is(text[value], lws_char)) ++value;
    while (value_end > value && is(text[value_end - 1], lws_char)) --value_end;
    const auto place = [](size_t offset) { return static_cast<uint16_t>(offset); };
    row_ = {.begin = place(begin),
            .next = place(at_),
            .name = {place(begin), place(name_end)},
            .value = {place(value), place(value_end)}};
    return true;
  }
  return false;
}

}  // namespace viaduct::sip
