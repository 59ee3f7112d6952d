// Any octets: what must hold of a parse, whatever they are.
//
//   every kernel gives the same message as the book does, to the last offset
//   every slice lies within the datagram, begins before it ends, and the parts of a message are in their order
//   what has its shape, and is another message, gives what a parse of that one gives
//   values walk in ascending order and end; addresses and URIs read from them lie within them
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "fuzz/require.h"
#include "sip/alike.h"
#include "sip/message.h"
#include "sip/scan.h"
#include "sip/shape.h"

namespace viaduct::sip {
namespace {

void check_slice(const Message& message, Slice slice) {
  REQUIRE(slice.begin <= slice.end);
  REQUIRE(slice.end <= message.bytes.size());
}

void check_within(Slice outer, Slice inner) {
  if (inner.empty()) return;
  REQUIRE(outer.begin <= inner.begin && inner.end <= outer.end);
}

void check_uri(const Message& message, const Uri& uri) {
  check_slice(message, uri.text);
  for (const Slice part : {uri.user, uri.host.text, uri.params, uri.headers, uri.maddr, uri.transport, uri.vd}) {
    check_within(uri.text, part);
  }
}

void check_via(const Message& message, const Via& via) {
  check_slice(message, via.value);
  check_slice(message, via.removal);
  check_within(via.removal, via.value);
  for (const Slice part : {via.transport, via.sent_by, via.host.text, via.branch, via.maddr, via.received,
                           via.received_param, via.rport_param, via.vd}) {
    check_within(via.value, part);
  }
}

void check_values(const Message& message, Header header) {
  size_t values = 0;
  uint16_t last = 0;
  for (ValueWalk walk(message, header); walk.next(); ++values) {
    check_slice(message, walk.value());
    check_within({walk.row().begin, walk.row().next}, walk.value());
    REQUIRE(walk.value().begin >= last);
    last = walk.value().end;
    REQUIRE(values <= message.bytes.size());
    Slice uri_text, params;
    if (!parse_name_addr(message.bytes, walk.value(), uri_text, params)) continue;
    check_within(walk.value(), uri_text);
    check_within(walk.value(), params);
    Uri uri;
    if (parse_uri(message.bytes, uri_text, uri)) check_uri(message, uri);
  }
}

void check(const Message& message) {
  check_slice(message, message.start_line);
  REQUIRE(message.row_count <= message.rows.size());
  REQUIRE(message.end <= message.bytes.size());
  uint16_t last = message.first_row;
  for (uint16_t i = 0; i < message.row_count; ++i) {
    const Row& row = message.rows[i];
    REQUIRE(last <= row.begin && row.begin < row.next && row.next <= message.bytes.size());
    check_within({row.begin, row.next}, row.value);
    last = row.next;
  }
  for (const Slice slice :
       {message.call_id, message.cseq_method, message.from_tag, message.to_tag, message.method_text, message.version}) {
    check_slice(message, slice);
  }
  if (message.fault != Fault::none) return;
  // A request's lower Vias are nobody's business here, so they may be malformed; of a response two are read.
  check_via(message, message.via[0]);
  if (!message.is_request() && message.via_count > 1) check_via(message, message.via[1]);
  REQUIRE(message.start_line.end <= message.first_row);
  REQUIRE(message.first_row <= message.headers_end && message.headers_end <= message.body &&
          message.body <= message.end);
  REQUIRE(message.via_count > 0 && !message.call_id.empty());
  if (message.is_request()) check_uri(message, message.request_uri);
  if (!message.is_request()) REQUIRE(message.status >= 100 && message.status <= 699);
  for (const Header header :
       {Header::via, Header::route, Header::record_route, Header::path, Header::proxy_require, Header::supported}) {
    check_values(message, header);
  }
}

// Messages that differ from this one in a few octets, wherever the octets of it say.
void check_shape(const Message& message, Message& parsed, Message& recalled) {
  static const auto shape = std::make_unique<Shape>();
  constexpr std::string_view octets = "0123456789aZ.-%:;<>=?[]\\\"', @\r\n";
  if (!shape->keep(message)) return;
  std::string other(message.bytes);
  uint64_t random = 0xcbf29ce484222325;
  for (const char c : other) random = (random ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  for (int round = 0; round < 64; ++round) {
    random = random * 6364136223846793005 + 1442695040888963407;
    char& octet = other[(random >> 33) % other.size()];
    const char before = octet;
    octet = octets[(random >> 20) % octets.size()];
    for (const ShapeKernel& kernel : shape_kernels()) {
      if (!shape->recall(kernel, other, recalled)) continue;
      REQUIRE(parse_with(by_the_book, other, parsed) == Datagram::sip);
      REQUIRE(difference(parsed, recalled).empty());
    }
    if (round % 4 != 0) octet = before;
  }
}

}  // namespace
}  // namespace viaduct::sip

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace viaduct::sip;
  static const auto first = std::make_unique<Message>();
  static const auto other = std::make_unique<Message>();
  // A copy of the exact size, so that AddressSanitizer sees a step beyond it.
  const std::vector<char> exact(data, data + std::min<size_t>(size, 70000));
  const std::string_view datagram(exact.data(), exact.size());
  const Datagram kind = parse_with(by_the_book, datagram, *first);
  if (kind == Datagram::sip) check(*first);
  for (const ScanKernel& kernel : scan_kernels()) {
    REQUIRE(parse_with(kernel, datagram, *other) == kind);
    if (kind == Datagram::sip) REQUIRE(difference(*first, *other).empty());
  }
  static const auto recalled = std::make_unique<Message>();
  if (kind == Datagram::sip) check_shape(*first, *other, *recalled);
  return 0;
}
