// One balancer and the people who call, as the rule book has them (see proxy_view.h).
//
// `Bed::send` puts a message in and says what comes out; it also holds what must hold for every message: the decision
// is repeatable, the edits do in place what they do on paper, the body stays where it is, and what leaves is
// well-formed.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/decision.h"
#include "proxy/foresight.h"
#include "support/proxy_view.h"
#include "support/sip_text.h"

namespace viaduct::test {

inline const std::string sdp = sip_text(R"(
v=0
o=alice 2890844526 2890844526 IN IP4 198.51.100.7
s=-
c=IN IP4 198.51.100.7
t=0 0
m=audio 49172 RTP/AVP 0
)");

// The INVITE from which most rules start.
inline const SipText m0 = SipText(sip_text(R"(
INVITE sip:bob@example.com SIP/2.0
Via: SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bK776asdhds
Max-Forwards: 70
To: Bob <sip:bob@example.com>
From: Alice <sip:alice@example.com>;tag=1928301774
Call-ID: a84b4c76e66710@198.51.100.7
CSeq: 314159 INVITE
Contact: <sip:alice@198.51.100.7:5060>
Content-Type: application/sdp
)") + "\r\n")
                              .with("Content-Length", std::to_string(sdp.size()))
                              .with_body(sdp);

// What else Alice sends about it.
inline SipText cancel_of(const SipText& invite) {
  return invite.with_method("CANCEL")
      .without("Contact")
      .without("Content-Type")
      .with("Content-Length", "0")
      .with_body("");
}
inline SipText ack_of(const SipText& invite, std::string_view to_tag) {
  return cancel_of(invite).with_method("ACK").with("To", invite.value("To") + ";tag=" + std::string(to_tag));
}

// What a user agent server or stateful proxy next to us answers (RFC 3261 section 8.2.6.2).
inline SipText reply_to(const SipText& request, std::string_view status, std::string_view to_tag = "",
                        bool with_record_route = false) {
  std::string reply = "SIP/2.0 " + std::string(status) + "\r\n";
  for (const std::string& via : request.values("Via")) reply += "Via: " + via + "\r\n";
  if (with_record_route) {
    for (const std::string& value : request.values("Record-Route")) reply += "Record-Route: " + value + "\r\n";
  }
  std::string to = request.value("To");
  if (to.find(";tag=") == std::string::npos && !to_tag.empty()) to += ";tag=" + std::string(to_tag);
  reply += "From: " + request.value("From") + "\r\nTo: " + to + "\r\nCall-ID: " + request.value("Call-ID") +
           "\r\nCSeq: " + request.value("CSeq") + "\r\nContent-Length: 0\r\n\r\n";
  return SipText(reply);
}

// What became of a message.
struct Outcome {
  proxy::Decision decision;
  std::string bytes;  // as it leaves; empty if nothing does
  SipText message{"\r\n"};

  bool forwarded() const { return decision.action == proxy::Action::forward; }
  bool replied() const { return decision.action == proxy::Action::reply; }
  bool sent() const { return forwarded() || replied(); }
  std::string via(size_t index = 0) const {
    const auto values = message.values("Via");
    return index < values.size() ? values[index] : "";
  }
  std::string branch() const { return param(via(), "branch"); }
  std::string_view reason() const { return telemetry::text_of(decision.reason).name; }
  // "forward", "reply 483", "absorb ack_to_own_reply", "drop via_mac_bad"
  std::string verdict() const {
    switch (decision.action) {
      case proxy::Action::forward: return "forward";
      case proxy::Action::reply: return "reply " + std::to_string(decision.status);
      case proxy::Action::absorb: return "absorb " + std::string(reason());
      case proxy::Action::drop: return "drop " + std::string(reason());
    }
    return "";
  }
};

// The edits on paper: what `apply` does in place.
inline std::string applied_on_paper(const proxy::Edits& edits, std::string_view message) {
  std::string result;
  size_t from = 0;
  for (size_t i = 0; i < edits.count(); ++i) {
    EXPECT_LE(from, edits[i].begin) << "edits ascend";
    result += message.substr(from, edits[i].begin - from);
    result += edits.text_of(edits[i]);
    from = edits[i].end;
  }
  return result + std::string(message.substr(from));
}

// Decides and carries out, with everything checked that holds for any message whatever.
inline Outcome decide_and_apply(const proxy::View& view, std::string_view datagram, const proxy::Arrival& arrival) {
  static const auto message = std::make_unique<sip::Message>();
  static const auto edits = std::make_unique<proxy::Edits>();
  static const auto again = std::make_unique<proxy::Edits>();
  const sip::Datagram kind = sip::parse(datagram, *message);
  Outcome outcome;
  outcome.decision = proxy::decide(kind, *message, arrival, view, *edits);
  const proxy::Decision& decision = outcome.decision;
  if (decision.action == proxy::Action::reply) {
    outcome.bytes = edits->text();
    EXPECT_TRUE(message->is_request()) << "a response is never answered";
    EXPECT_NE(message->method, sip::Method::ack) << "an ACK is never answered";
    EXPECT_NE(message->method, sip::Method::cancel);
    EXPECT_LE(outcome.bytes.size(), datagram.size() + 160) << "LOC-14";
    EXPECT_EQ(decision.destination.address, arrival.source.address) << "an answer goes where the request came from";
    EXPECT_EQ(decision.socket, arrival.socket);
  }
  if (decision.action == proxy::Action::forward) {
    const std::string_view body = datagram.substr(0, message->end);
    outcome.bytes = applied_on_paper(*edits, body);
    EXPECT_EQ(static_cast<int>(outcome.bytes.size()), static_cast<int>(body.size()) + edits->growth());
    const size_t headroom = 8192;
    std::string buffer(headroom, '#');
    buffer += body;
    const char* start = proxy::apply(*edits, buffer.data() + headroom);
    EXPECT_EQ(std::string_view(start, static_cast<size_t>(buffer.data() + buffer.size() - start)), outcome.bytes);
    const size_t body_size = static_cast<size_t>(message->end - message->body);
    EXPECT_EQ(outcome.bytes.substr(outcome.bytes.size() - body_size), body.substr(body.size() - body_size)) << "FWD-01";
    static const auto sent = std::make_unique<sip::Message>();
    EXPECT_EQ(sip::parse(outcome.bytes, *sent), sip::Datagram::sip);
    // What was the third Via of a response is somebody else's, and read by nobody before it is the second.
    if (message->is_request() || message->via_count < 3) {
      EXPECT_EQ(sip::text_of(sent->fault).name, "") << outcome.bytes;
    }
    EXPECT_LT(decision.socket, view.sockets.size());
  }
  // Once more, with the hashes computed in advance, as workers do: the same to the last bit.
  static const auto foreseer = std::make_unique<proxy::Foreseer>();
  const proxy::Foreseer::Question question{message.get(), &arrival};
  const proxy::Foresight foresight =
      kind == sip::Datagram::sip ? foreseer->foresee({&question, 1}, view)[0] : proxy::Foresight();
  const proxy::Decision second = proxy::decide(kind, *message, arrival, view, *again, foresight);
  EXPECT_EQ(second.action, decision.action) << "FWD-08";
  EXPECT_EQ(second.destination, decision.destination);
  EXPECT_EQ(second.socket, decision.socket);
  EXPECT_EQ(second.backend, decision.backend);
  EXPECT_EQ(second.hash, decision.hash);
  EXPECT_EQ(second.transaction, decision.transaction);
  EXPECT_EQ(again->count(), edits->count());
  EXPECT_EQ(applied_on_paper(*again, datagram), applied_on_paper(*edits, datagram));
  EXPECT_EQ(again->text(), edits->text());
  if (outcome.sent()) outcome.message = SipText(outcome.bytes);
  return outcome;
}

class Bed {
 public:
  // Where backends are in the network of the clients, `inside` does not exist.
  enum class Homes { two, one };

  explicit Bed(Homes homes = Homes::two) { view = base(homes); }

  Outcome send(const std::string& message, const net::Endpoint& source, uint16_t socket = outside) const {
    return decide_and_apply(view, message, {source, socket});
  }
  Outcome from_alice(const std::string& message) const { return send(message, alice, outside); }
  Outcome from_backend(const std::string& message, const net::Endpoint& backend = b0) const {
    return send(message, backend, inside);
  }
  void finish() { proxy::finish(view); }
  proxy::Listener& listener() { return view.listeners[0]; }

  proxy::View view;

  static proxy::View build(Homes homes) { return bed_view(homes == Homes::two); }

 private:
  // Tables take milliseconds: built once.
  static const proxy::View& base(Homes homes) {
    static const proxy::View two = build(Homes::two), one = build(Homes::one);
    return homes == Homes::two ? two : one;
  }
};

}  // namespace viaduct::test
