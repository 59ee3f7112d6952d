// Reads the rows of a message in their order: locates those a proxy needs and interprets them.
#pragma once

#include "sip/cursor.h"
#include "sip/message.h"

namespace viaduct::sip {

class HeaderReader {
 public:
  explicit HeaderReader(Message& message) : message_(message) {}

  // Row i of `count` begins at begin[i]; the last one ends at begin[count]. The start line has been read.
  void rows(const uint16_t* begin, size_t count);
  // After the last row: what is missing, and what can be said of the whole only.
  void finish();

 private:
  std::string_view text(Slice slice) const { return message_.text(slice); }

  void track(Header header, uint16_t begin, uint16_t colon, uint16_t next);
  void read(const Row& row);
  void read_via_row(const Row& row);
  void read_one_via(Cursor& in, Via& via);
  void read_from(Slice value);
  void read_to(Slice value);
  void read_call_id(Slice value);
  void read_cseq(Slice value);
  void read_max_forwards(Slice value);
  void read_max_breadth(Slice value);
  void read_content_length(Slice value);
  void repeated(const Row& row);
  void check_routes();
  void check_proxy_require();
  void check_request();

  Message& message_;
};

}  // namespace viaduct::sip
