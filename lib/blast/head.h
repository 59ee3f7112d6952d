// A SIP message as the other end of a conversation needs it: rows to be echoed, and little else.
//
// A walk over the lines, written apart from lib/sip on purpose: whoever measures a parser does not measure with it.
// Rows are kept as they stand. What is not understood is passed over; nothing is judged.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace viaduct::blast {

// Rows of one header in their order; those beyond are lost, and the message is called `crowded`.
class Rows {
 public:
  static constexpr size_t rows_max = 12;

  bool add(std::string_view row) {
    if (size_ == rows_max) return false;
    rows_[size_++] = row;
    return true;
  }
  void clear() { size_ = 0; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::string_view operator[](size_t i) const { return rows_[i]; }
  const std::string_view* begin() const { return rows_.data(); }
  const std::string_view* end() const { return rows_.data() + size_; }

 private:
  std::array<std::string_view, rows_max> rows_;
  size_t size_ = 0;
};

// Values without name and white space around; they lie in the message.
struct Head {
  uint16_t status = 0;      // of a response; 0: a request
  std::string_view method;  // of a request
  std::string_view uri;
  Rows vias, record_routes, routes;
  std::string_view from, to, call_id, contact, expires;
  std::string_view cseq_number, cseq_method;
  std::optional<uint64_t> content_length;
  bool crowded = false;
  bool repeated = false;  // a row that there may be one of

  bool is_response() const { return status != 0; }
};

// False where there is no start line of SIP, where Via, From, To, Call-ID or CSeq is missing or of the latter four
// there are two, and where the head or the body is cut off (RFC 3261 section 18.3). Thread: any.
bool read_head(std::string_view message, Head& head);

// A parameter of a header value by its name in lower case, behind its URI's brackets where there are some; nothing if
// it is not there. Where it has no value of its own, that is empty and lies behind its name.
std::optional<std::string_view> param_of(std::string_view value, std::string_view name);

// The tag of a From or To value; empty: none.
std::string_view tag_of(std::string_view value);

// The first value of a row that may hold several separated by commas, which is taken off it; empty: there is none left.
std::string_view take_value(std::string_view& row);

// The URI of a Contact, Route, From or To value: within its brackets, or without its parameters.
std::string_view uri_of(std::string_view value);

}  // namespace viaduct::blast
