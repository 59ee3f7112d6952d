#include "dataplane/call_key.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace viaduct::dataplane {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }

// What stands in a row.
struct Row {
  bool is_end = false;     // it is the empty line
  std::string_view value;  // of the Call-ID
};

// Eight characters, of which those that are letters in `call-id:` lose their case.
uint64_t fold(const char* name) {
  constexpr uint64_t letters = 0x0020200020202020;
  uint64_t word;
  std::memcpy(&word, name, sizeof word);
  return word | letters;
}

// Where the colon behind the name is, if `row` is a Call-ID, long or short; else 0.
size_t colon_after_name(std::string_view row) {
  if (row.size() <= 8) return 0;
  const char first = static_cast<char>(row[0] | 0x20);
  if (first == 'c') {
    if (fold(row.data()) == fold("call-id:")) return 7;
    return fold(row.data()) == fold("call-id ") && row[8] == ':' ? 8 : 0;
  }
  if (first != 'i') return 0;
  return row[1] == ':' ? 1 : row[1] == ' ' && row[2] == ':' ? 2 : 0;
}

Row read_row(std::string_view rest) {
  Row row;
  if (rest.starts_with("\r\n") || rest.starts_with('\n')) {
    row.is_end = true;
    return row;
  }
  const size_t colon = colon_after_name(rest);
  if (colon == 0) return row;
  size_t begin = colon + 1;
  while (begin < rest.size() && is_blank(rest[begin])) ++begin;
  const void* feed = std::memchr(rest.data() + begin, '\n', rest.size() - begin);
  if (feed == nullptr) return row;
  auto end = static_cast<size_t>(static_cast<const char*>(feed) - rest.data());
  if (end + 1 < rest.size() && is_blank(rest[end + 1])) return row;  // goes on in the next line
  while (end > begin && (is_blank(rest[end - 1]) || rest[end - 1] == '\r')) --end;
  row.value = rest.substr(begin, end - begin);
  return row;
}

}  // namespace

std::string_view find_call_id(std::string_view datagram) {
  size_t at = 0;
#if defined(__SSE2__)
  const __m128i feeds = _mm_set1_epi8('\n');
  for (; at + 16 <= datagram.size(); at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(datagram.data() + at));
    auto found = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, feeds)));
    for (; found != 0; found &= found - 1) {
      const Row row = read_row(datagram.substr(at + static_cast<size_t>(__builtin_ctz(found)) + 1));
      if (row.is_end || !row.value.empty()) return row.value;
    }
  }
#endif
  for (; at < datagram.size(); ++at) {
    if (datagram[at] != '\n') continue;
    const Row row = read_row(datagram.substr(at + 1));
    if (row.is_end || !row.value.empty()) return row.value;
  }
  return {};
}

}  // namespace viaduct::dataplane
