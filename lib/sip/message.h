// A SIP message as views into the caller's bytes.
//
// `parse` never owns, never copies, never allocates: a `Message` is a few hundred bytes of offsets into the datagram,
// valid while the datagram is. Offsets are 16 bits because a UDP datagram is (65,507 bytes at most over IPv4).
// Only what a proxy decision needs is interpreted: the start line, the top two Via values, Call-ID, CSeq, the
// tags of From and To, Max-Forwards, Content-Length, and the places of Route, Record-Route, Path, Proxy-Require and
// a few more. Everything else is located at most as a row, checked for framing only, and left alone (RFC 3261
// section 16.3(1): a proxy must not refuse what it does not need to understand).
//
// A faulty message is still filled in as far as it can be read, because a 400 has to echo Via, From, To, Call-ID and
// CSeq: `fault` says what was found first, the fields say what is there.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sip/deviation.h"
#include "sip/fault.h"

namespace viaduct::sip {

// Specification constants
inline constexpr size_t message_bytes_max = 65507;  // UDP payload over IPv4, RFC 768
inline constexpr uint16_t default_port = 5060;      // RFC 3261 section 19.1.2

// Implementation limits, above what RFC 4475's longest message needs (conformance rule SEC-11).
inline constexpr size_t header_rows_max = 512;  // lines of the header section, folded ones once
inline constexpr size_t row_bytes_max = 16384;  // one header row, folds included
inline constexpr size_t via_values_max = 128;
inline constexpr size_t route_values_max = 64;

// [begin, end) in the datagram.
struct Slice {
  uint16_t begin = 0;
  uint16_t end = 0;
  constexpr bool empty() const { return begin == end; }
  constexpr uint16_t size() const { return static_cast<uint16_t>(end - begin); }
  constexpr bool operator==(const Slice&) const = default;
};

enum class Kind : uint8_t { request, response };

enum class Method : uint8_t {
  other,
  invite,
  ack,
  bye,
  cancel,
  options,
  register_,
  subscribe,
  notify,
  refer,
  message,
  info,
  update,
  prack,
  publish,
};

// The headers whose rows are kept. `other` is every name else.
enum class Header : uint8_t {
  other,
  via,
  from,
  to,
  call_id,
  cseq,
  max_forwards,
  max_breadth,
  content_length,
  route,
  record_route,
  path,
  proxy_require,
  require,
  supported,
  contact,
  user_agent,
};
inline constexpr size_t header_count = static_cast<size_t>(Header::user_agent) + 1;

// One header row, continuation lines included.
struct Row {
  uint16_t begin = 0;  // first byte of the name
  Slice value;         // after the colon, without surrounding white space (folds inside stay)
  uint16_t next = 0;   // first byte of the following row: [begin, next) is the whole row with its CRLF
  Header header = Header::other;
};

enum class HostKind : uint8_t { none, name, ipv4, ipv6 };

struct Host {
  Slice text;  // without brackets
  HostKind kind = HostKind::none;
  uint16_t port = 0;  // 0: absent
};

enum class Scheme : uint8_t { none, sip, sips, tel, other };

// A SIP, SIPS or tel URI, or just its scheme (RFC 3261 section 19.1.1). `text` is without `<>`.
struct Uri {
  Slice text;
  Scheme scheme = Scheme::none;
  Slice user;  // userinfo before '@', password included; empty: none
  Host host;
  Slice params;         // from the first ';' after the host up to '?' or the end; empty: none
  Slice headers;        // from '?'; empty: none
  bool has_lr = false;  // ;lr, ;LR, ;lr=anything (RTE-07)
  Slice maddr;
  Slice transport;
  Slice vd;  // value of our own parameter
};

// One Via value (RFC 3261 section 20.42).
struct Via {
  Slice value;      // from "SIP" to the end of the last parameter
  Slice transport;  // "UDP"
  Slice sent_by;    // host[:port] as written
  Host host;
  Slice branch;  // value; empty if absent or empty
  Slice maddr;
  Slice received;        // value, brackets included if any
  Slice received_param;  // from its ';' to the end of its value, for removal
  Slice rport_param;     // likewise
  uint16_t rport = 0;    // 0: absent or without value
  Slice vd;              // value of our own parameter
  bool has_rport = false;
  bool has_received = false;
  bool well_formed = false;  // else filled as far as it could be read; a fault only where it must be read
  bool has_cookie = false;   // branch starts with z9hG4bK, any case, and has more after it (TXN-13, PAR-27)
  Slice removal;  // what to delete so that this value is gone and its neighbours stay: the row, or value with its comma
};

// What is found in octets that differ between messages of one shape is read anew in shape.cc.
struct Message {
  std::string_view bytes;  // the datagram as given to `parse`, leading CRLFs included

  // From here to the arrays: for each datagram anew all zero, which is what the initializers say (parse.cc).
  Fault fault = Fault::none;  // the first thing found wrong
  Deviations deviations;      // departures from the standard that are tolerated or refused

  Kind kind = Kind::request;
  Method method = Method::other;  // of the request line, or of CSeq in a response
  Slice start_line;               // without CRLF
  uint16_t first_row = 0;         // offset of the first header row
  Slice method_text;
  Slice version;  // as written: "SIP/2.0"
  Uri request_uri;
  uint16_t status = 0;  // 100..699

  uint16_t headers_end = 0;  // offset of the empty line that ends the headers (of its CR)
  uint16_t body = 0;         // first body byte
  uint16_t end = 0;          // where the message ends: body + Content-Length, or the datagram's end

  std::array<uint16_t, header_count> first_row_of{};  // index into rows + 1; 0: none (see row_of)
  uint16_t row_count = 0;                             // of `rows`
  uint16_t via_count = 0;                             // values over all rows

  Slice call_id;
  uint32_t cseq_number = 0;
  Slice cseq_method;
  Slice from_tag;
  Slice to_tag;
  bool has_from_tag = false;
  bool has_to_tag = false;
  bool has_max_forwards = false;  // present and within 0..255 (PAR-23)
  uint8_t max_forwards = 0;
  bool has_max_breadth = false;
  uint32_t max_breadth = 0;
  bool has_content_length = false;
  bool routes_apart = false;  // of a request: each Route row is one value, in brackets from its first octet to its last
  uint32_t content_length = 0;

  std::array<Via, 2> via;                 // the top two, if so many
  std::array<Row, header_rows_max> rows;  // of the headers named in `Header`, in their order

  std::string_view text(Slice slice) const { return {bytes.data() + slice.begin, slice.size()}; }
  const Row* row_of(Header header) const {
    const uint16_t index = first_row_of[static_cast<size_t>(header)];
    return index == 0 ? nullptr : &rows[index - 1];
  }
  bool has(Header header) const { return first_row_of[static_cast<size_t>(header)] != 0; }
  bool is_request() const { return kind == Kind::request; }
};

// What the datagram is before it is a message (PAR-18, PAR-19): decided by its first bytes.
enum class Datagram : uint8_t { sip, keepalive, stun, sigcomp, not_sip };

// Reads one datagram. Returns what it is; for `sip`, `message` is filled, and `message.fault` says whether it is
// well-formed where a proxy must read it. `not_sip` means no start line could be made out at all: nothing to answer.
// `datagram` may be of any size and content; work is linear in it. Thread: any; no shared state but the kernel choice.
Datagram parse(std::string_view datagram, Message& message);

// Reads a URI at `slice` of the message (without `<>`). False if it is a sip: or sips: URI with a wrong syntax.
// Other schemes: true, with only scheme and text filled.
bool parse_uri(std::string_view bytes, Slice slice, Uri& uri);

// Walks the values of a header over all its rows, in order: commas inside quotes and <> do not separate (PAR-06,
// PAR-07).
//
//   for (ValueWalk walk(message, Header::route); walk.next();) use(walk.value());
//
// No value of a list is empty; a whole row may be in Supported only.
class ValueWalk {
 public:
  ValueWalk(const Message& message, Header header);
  bool next();  // false at the end, or at a row that is not well-formed (then `bad()`)
  bool bad() const { return bad_; }
  Slice value() const { return value_; }  // without surrounding white space
  const Row& row() const;                 // where it stands

 private:
  bool next_row();

  const Message& message_;
  Header header_;
  uint16_t row_ = 0;       // index into message_.rows, plus 1
  uint16_t position_ = 0;  // where the next value starts
  Slice value_;
  bool last_in_row_ = false, bad_ = false, started_ = false;
};

// The URI of a name-addr or addr-spec value (Route, Record-Route, To, From, Contact, Path): the text inside `<>` and
// the header parameters after it. False if the brackets or quotes do not balance.
bool parse_name_addr(std::string_view bytes, Slice value, Slice& uri, Slice& params);

}  // namespace viaduct::sip
