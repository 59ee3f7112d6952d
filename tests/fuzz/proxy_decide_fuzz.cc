// Any datagram, from anybody, to any socket: what must hold of the decision, whatever the octets say.
//
//   at most one datagram leaves, and never to ourselves
//   from outside a request goes to a backend or is refused; an answer goes to its source, with a code of the table
//   a response goes nowhere but where a request of ours came from
//   what leaves is well-formed; edits in place do what they do on paper; the body does not move
//   the answer to what we forwarded comes back to who asked, from the socket he asked
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>

#include "proxy/decision.h"
#include "proxy/foresight.h"
#include "support/proxy_view.h"

namespace viaduct::test {
namespace {

#define REQUIRE(condition)                                              \
  do {                                                                  \
    if (!(condition)) {                                                 \
      std::cerr << __LINE__ << ": " #condition "\n" << context << '\n'; \
      std::abort();                                                     \
    }                                                                   \
  } while (false)

constexpr size_t headroom = 1 << 17;

struct Sent {
  proxy::Decision decision;
  std::string bytes;
};

std::string on_paper(const proxy::Edits& edits, std::string_view message, const std::string& context) {
  std::string result;
  size_t from = 0;
  for (size_t i = 0; i < edits.count(); ++i) {
    REQUIRE(from <= edits[i].begin && edits[i].begin <= edits[i].end && edits[i].end <= message.size());
    result += message.substr(from, edits[i].begin - from);
    result += edits.text_of(edits[i]);
    from = edits[i].end;
  }
  return result + std::string(message.substr(from));
}

bool is_in_table(uint16_t status) {
  for (const uint16_t code : {200, 400, 403, 414, 416, 420, 421, 482, 483, 500, 501, 503, 505, 513}) {
    if (status == code) return true;
  }
  return false;
}

void check_reply(const sip::Message& message, const proxy::Arrival& arrival, const Sent& sent,
                 const std::string& context) {
  REQUIRE(message.is_request());
  REQUIRE(message.method != sip::Method::ack && message.method != sip::Method::cancel);
  REQUIRE(is_in_table(sent.decision.status));
  REQUIRE(sent.decision.destination.address == arrival.source.address);
  REQUIRE(sent.decision.socket == arrival.socket);
  REQUIRE(sent.bytes.size() <= message.bytes.size() + 160);
  REQUIRE(sent.bytes.starts_with("SIP/2.0 "));
  REQUIRE(sent.bytes.ends_with("\r\n\r\n"));
  if (message.fault != sip::Fault::none) return;
  static const auto answer = std::make_unique<sip::Message>();
  REQUIRE(sip::parse(sent.bytes, *answer) == sip::Datagram::sip);
  // Lower Vias are echoed as they are, whatever they are.
  REQUIRE(answer->fault == sip::Fault::none || message.via_count > 1);
  REQUIRE(answer->via_count == message.via_count);
}

void check_forward(const proxy::View& view, const sip::Message& message, const proxy::Edits& edits, Sent& sent,
                   const std::string& context) {
  const std::string_view whole = message.bytes.substr(0, message.end);
  sent.bytes = on_paper(edits, whole, context);
  REQUIRE(sent.bytes.size() == whole.size() + static_cast<size_t>(edits.growth()));
  static std::string buffer(headroom + 70000, '#');
  std::memcpy(buffer.data() + headroom, whole.data(), whole.size());
  const char* start = proxy::apply(edits, buffer.data() + headroom);
  REQUIRE(std::string_view(start, static_cast<size_t>(buffer.data() + headroom + whole.size() - start)) == sent.bytes);
  const std::string_view body = whole.substr(message.body);
  REQUIRE(std::string_view(sent.bytes).ends_with(body));
  REQUIRE(sent.decision.socket < view.sockets.size());
  REQUIRE(!view.socket_of.contains(sent.decision.destination));
  static const auto again = std::make_unique<sip::Message>();
  REQUIRE(sip::parse(sent.bytes, *again) == sip::Datagram::sip);
  // A second Via of a response was its third before.
  REQUIRE(again->fault == sip::Fault::none || (!message.is_request() && message.via_count > 2) ||
          again->fault == sip::Fault::message_too_large);
}

// With the hashes computed in advance, as workers do: the same to the last bit.
void same_with_foresight(sip::Datagram kind, const sip::Message& message, const proxy::Arrival& arrival,
                         const proxy::View& view, const proxy::Decision& decision, const proxy::Edits& edits,
                         const std::string& context) {
  static const auto foreseer = std::make_unique<proxy::Foreseer>();
  static const auto again = std::make_unique<proxy::Edits>();
  if (kind != sip::Datagram::sip) return;
  const proxy::Foreseer::Question question{&message, &arrival};
  const proxy::Foresight foresight = foreseer->foresee({&question, 1}, view)[0];
  const proxy::Decision second = proxy::decide(kind, message, arrival, view, *again, foresight);
  REQUIRE(second.action == decision.action && second.reason == decision.reason);
  REQUIRE(second.destination == decision.destination && second.socket == decision.socket);
  REQUIRE(second.backend == decision.backend && second.hash == decision.hash);
  REQUIRE(again->count() == edits.count() && again->text() == edits.text());
  for (size_t i = 0; i < edits.count(); ++i) {
    REQUIRE((*again)[i].begin == edits[i].begin && (*again)[i].end == edits[i].end);
    REQUIRE(again->text_of((*again)[i]) == edits.text_of(edits[i]));
  }
}

Sent decide(const proxy::View& view, std::string_view datagram, const proxy::Arrival& arrival,
            const std::string& context) {
  static const auto message = std::make_unique<sip::Message>();
  static const auto edits = std::make_unique<proxy::Edits>();
  const sip::Datagram kind = sip::parse(datagram, *message);
  Sent sent;
  sent.decision = proxy::decide(kind, *message, arrival, view, *edits);
  same_with_foresight(kind, *message, arrival, view, sent.decision, *edits, context);
  if (sent.decision.action == proxy::Action::reply) {
    sent.bytes = edits->text();
    check_reply(*message, arrival, sent, context);
  }
  if (sent.decision.action != proxy::Action::forward) return sent;
  REQUIRE(message->fault == sip::Fault::none);
  check_forward(view, *message, *edits, sent, context);
  return sent;
}

// What a backend would answer to a request we forwarded: the same headers, so our Via on top and the stamped one below.
void answer_comes_back(const proxy::View& view, const Sent& sent, const proxy::Arrival& arrival,
                       const std::string& context) {
  const size_t first_row = sent.bytes.find("\r\n");
  const std::string response = "SIP/2.0 200 OK" + sent.bytes.substr(first_row);
  // It comes from where the request went, and if that is a stranger, to where such things come.
  const proxy::Arrival back{sent.decision.destination, sent.decision.socket};
  const Sent answer = decide(view, response, back, context + "\nANSWER\n" + response);
  if (answer.decision.action != proxy::Action::forward) {
    // What nobody reads in a request may be wrong in it; in a response it is read.
    REQUIRE(answer.decision.reason == telemetry::Reason::malformed_response ||
            answer.decision.reason == telemetry::Reason::source_invalid);
    return;
  }
  REQUIRE(answer.decision.destination.address == arrival.source.address);
  REQUIRE(answer.decision.socket == arrival.socket);
}

struct Bench {
  proxy::View two_homed = bed_view(true);
  proxy::View one_homed = bed_view(false);
  Bench() {
    for (proxy::View* view : {&two_homed, &one_homed}) {
      view->listeners[0].path = proxy::PathMode::force;
      view->listeners[0].domains.clear();
      view->policy.max_breadth = 60;
      view->names["bob.example"] = bob;
    }
    one_homed.listeners[0].force_rport = true;
    one_homed.listeners[0].domains = {"example.com"};
    one_homed.listeners[0].path = proxy::PathMode::auto_;
    one_homed.pools[0].key = proxy::PoolKey::aor;
    one_homed.backends[0].healthy = false;
    proxy::finish(two_homed);
    proxy::finish(one_homed);
  }
};

void check(const proxy::View& view, std::string_view datagram, const proxy::Arrival& arrival) {
  const std::string context =
      net::to_string(arrival.source) + " -> socket " + std::to_string(arrival.socket) + "\n" + std::string(datagram);
  const Sent sent = decide(view, datagram, arrival, context);
  if (sent.decision.action != proxy::Action::forward) return;
  const bool is_response = sent.bytes.starts_with("SIP/2.0 ");
  const bool from_inside = view.listeners[view.sockets[arrival.socket].listener].side == proxy::Side::inside ||
                           view.backend_of.contains(arrival.source);
  if (is_response) {
    // The one request whose Via the seeds and the dictionary hold came from alice.
    REQUIRE(sent.decision.destination.address == alice.address);
    return;
  }
  if (!from_inside) REQUIRE(view.backend_of.contains(sent.decision.destination));
  answer_comes_back(view, sent, arrival, context);
}

}  // namespace
}  // namespace viaduct::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace viaduct::test;
  static const Bench bench;
  // A copy of the exact size, so that AddressSanitizer sees a step beyond it.
  const std::string datagram(reinterpret_cast<const char*>(data), std::min<size_t>(size, 70000));
  check(bench.two_homed, datagram, {alice, outside});
  check(bench.two_homed, datagram, {alice6, outside6});
  check(bench.two_homed, datagram, {b0, inside});
  check(bench.two_homed, datagram, {mallory, inside});
  check(bench.one_homed, datagram, {nadia, outside});
  check(bench.one_homed, datagram, {b1, outside});
  return 0;
}
