// All rows of a header section, for who looks for headers that the parser does not keep.
#pragma once

#include <cstdint>
#include <string_view>

#include "sip/message.h"

namespace viaduct::sip {

struct RawRow {
  uint16_t begin = 0;  // first byte of the name
  uint16_t next = 0;   // first byte of the following row: continuation lines are included
  Slice name;          // without white space behind it
  Slice value;         // without surrounding white space (folds inside stay)
};

// Walks the rows in [begin, end) of `bytes`, in order, whether or not the message is well-formed; a row without colon
// is left out.
//
//   for (RawRowWalk walk(bytes, message.first_row, message.headers_end); walk.next();) use(walk.row());
class RawRowWalk {
 public:
  RawRowWalk(std::string_view bytes, uint16_t begin, uint16_t end) : bytes_(bytes), at_(begin), end_(end) {}
  bool next();  // false at the end
  const RawRow& row() const { return row_; }

 private:
  std::string_view bytes_;
  size_t at_, end_;
  RawRow row_;
};

}  // namespace viaduct::sip
