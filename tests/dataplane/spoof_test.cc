// What a liar can make the balancer send, and to whom: one case a trick, through a whole worker. Every address is
// reachable here (a default route, a known gateway), so nothing stays at home for want of a road.
//
// The law of each case: whatever leaves goes to a backend or to the address that the datagram came from. A third party,
// whose address the liar has written somewhere, gets nothing.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/fixture.h"

namespace viaduct::dataplane::spoofed {
namespace {

using telemetry::Reason;
using test::Call;
using test::Datagram;

const Call spoof_call;
constexpr std::string_view caller = "198.51.100.7:5060", liar = "198.51.100.66:5060", victim = "203.0.113.200";
constexpr std::string_view first_backend = "10.0.1.1:5060";

std::string replaced(std::string text, std::string_view old_text, std::string_view new_text) {
  const size_t at = text.find(old_text);
  EXPECT_NE(at, std::string::npos) << old_text << " in " << text;
  return at == std::string::npos ? text : text.replace(at, old_text.size(), new_text);
}

// Another header row on top of the others.
std::string with_row(const std::string& message, const std::string& row) {
  const size_t at = message.find("\r\n") + 2;
  return message.substr(0, at) + row + "\r\n" + message.substr(at);
}

std::string without_vias(std::string message) {
  for (size_t at; (at = message.find("\r\nVia: ")) != std::string::npos;) {
    message.erase(at, message.find("\r\n", at + 2) - at);
  }
  return message;
}

class Spoof : public WorkersTest {
 protected:
  void SetUp() override { start({.record_route = true, .default_routes = true}); }

  std::vector<Datagram> read(const std::vector<MemoryIo::Frame>& frames) {
    std::vector<Datagram> all;
    for (const MemoryIo::Frame& frame : frames) all.push_back(test::read_back(frame.bytes));
    return all;
  }
  std::vector<Datagram> outside(std::string_view source, const std::string& text,
                                std::string_view to = "192.0.2.10:5060") {
    return read(through(test::from_outside(source, text, to)));
  }
  std::vector<Datagram> inside(std::string_view source, const std::string& text) {
    return read(through(test::from_inside(source, text), 1));
  }

  // The law. `honest` are addresses, besides backends, to which something may go.
  void expect_none_to_strangers(const std::vector<Datagram>& sent, const std::set<std::string>& honest) {
    for (const Datagram& datagram : sent) {
      const std::string to = to_string(datagram.destination.address);
      const bool backend = to == "10.0.1.1" || to == "10.0.1.2" || to == "10.0.1.3";
      EXPECT_TRUE(backend || honest.contains(to)) << "a packet to " << to << ":\n" << datagram.payload;
    }
  }
  // Sends as the liar; returns what left.
  std::vector<Datagram> lie(const std::string& text) {
    const std::vector<Datagram> sent = outside(liar, text);
    expect_none_to_strangers(sent, {"198.51.100.66"});
    return sent;
  }

  std::string invite(const std::string& rows = {}) const { return test::request_of(spoof_call, "INVITE", rows); }
  // A call's INVITE as a backend gets it, and its answer.
  std::string at_backend() {
    const std::vector<Datagram> sent = outside(caller, invite());
    EXPECT_EQ(sent.size(), 1u);
    backend_ = sent.empty() ? "" : to_string(sent[0].destination);
    return sent.empty() ? "" : sent[0].payload;
  }

  std::string backend_;
};

TEST_F(Spoof, AResponseThatNobodyAskedForGoesNowhere) {  // SEC-20
  const std::string answer = without_vias(test::answer_to(invite(), "200 OK"));
  const std::string below = "Via: SIP/2.0/UDP " + std::string(victim) + ":5060;branch=z9hG4bKvictim";
  for (const char* top : {"192.0.2.10:5060;branch=z9hG4bKx", "10.0.0.1:5060;branch=z9hG4bKx",
                          "192.0.2.10:5060;branch=z9hG4bKvd0123456789abcdef012345;vd=1.0.0123456789abcdef",
                          "192.0.2.10:5060;vd=1.0.0000000000000000", "203.0.113.200:5060;branch=z9hG4bKx"}) {
    SCOPED_TRACE(top);
    EXPECT_TRUE(lie(with_row(with_row(answer, below), std::string("Via: SIP/2.0/UDP ") + top)).empty());
  }
  EXPECT_EQ(count(Reason::via_mac_bad), 4u);
  EXPECT_EQ(count(Reason::via_not_ours), 1u);
}

TEST_F(Spoof, AReplayedResponseReachesItsCallerAtMost) {  // SEC-20, SEC-22
  const std::string answer = test::answer_to(at_backend(), "200 OK");
  for (int again = 0; again < 3; ++again) {
    const auto sent = inside(backend_, answer);
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(to_string(sent[0].destination), caller);
  }
  // By a stranger on the outside, who has recorded it: the seal is right, so it goes where it always goes.
  expect_none_to_strangers(outside(liar, answer), {"198.51.100.7"});
  // On the inside nobody but backends is heard.
  EXPECT_TRUE(inside("10.0.9.9:5060", answer).empty());
  EXPECT_EQ(count(Reason::response_source_refused), 1u);
}

TEST_F(Spoof, ATrueViaOfOursCarriesNobodyElsesAnswer) {  // SEC-21
  const std::string sealed = "Via: " + test::header_values(at_backend(), "Via").at(0);
  const std::string bare = without_vias(test::answer_to(invite(), "200 OK"));
  const auto forged = [&](const char* next) {
    return with_row(with_row(bare, std::string("Via: SIP/2.0/UDP ") + next), sealed);
  };
  for (const char* next :
       {"203.0.113.200:5060;branch=z9hG4bKx", "203.0.113.200;rport=5060;branch=z9hG4bKx",
        "198.51.100.7:5060;branch=z9hG4bKx;received=203.0.113.200", "198.51.100.7:5060;branch=z9hG4bKx;rport=53"}) {
    SCOPED_TRACE(next);
    EXPECT_TRUE(lie(forged(next)).empty());
    EXPECT_TRUE(inside(first_backend, forged(next)).empty()) << "nor for a backend that was taken over";
  }
  EXPECT_EQ(count(Reason::via_mac_bad), 8u);
  // Who writes a Via that leads to the caller all the same reaches the caller, whose answer it is.
  for (const char* next : {"203.0.113.200;received=198.51.100.7;branch=z9hG4bKx", "198.51.100.7;maddr=203.0.113.200"}) {
    SCOPED_TRACE(next);
    expect_none_to_strangers(outside(liar, forged(next)), {"198.51.100.7"});
  }
}

TEST_F(Spoof, TwoViasInOneRowAreTwoVias) {  // SEC-21
  const std::string sealed = "Via: " + test::header_values(at_backend(), "Via").at(0);
  const std::string bare = without_vias(test::answer_to(invite(), "200 OK"));
  EXPECT_TRUE(lie(with_row(bare, sealed + ", SIP/2.0/UDP 203.0.113.200:5060;branch=z9hG4bKx")).empty());
  EXPECT_TRUE(lie(with_row(bare, sealed + " ,\r\n SIP/2.0/UDP 203.0.113.200:5060;branch=z9hG4bKx")).empty());
  EXPECT_EQ(count(Reason::via_mac_bad), 2u);
}

// What a request's own Via says about where answers go: nothing but the port at the address that it came from counts.
class SpoofedVia : public Spoof, public ::testing::WithParamInterface<const char*> {};

TEST_P(SpoofedVia, AnswersGoToTheSource) {  // SEC-25
  const std::string via = std::string("Via: SIP/2.0/UDP ") + GetParam();
  for (const bool refused : {true, false}) {
    SCOPED_TRACE(refused ? "refused by us" : "answered by a backend");
    std::string request = with_row(without_vias(invite()), via);
    if (refused) request = replaced(request, "Max-Forwards: 70", "Max-Forwards: 0");
    const std::vector<Datagram> sent = lie(request);
    ASSERT_LE(sent.size(), 1u);
    if (refused || sent.empty() || to_string(sent[0].destination.address) == "198.51.100.66") continue;
    const auto answered = inside(to_string(sent[0].destination), test::answer_to(sent[0].payload, "200 OK"));
    ASSERT_EQ(answered.size(), 1u);
    expect_none_to_strangers(answered, {"198.51.100.66"});
  }
}

INSTANTIATE_TEST_SUITE_P(Tricks, SpoofedVia,
                         ::testing::Values("203.0.113.200:5060;branch=z9hG4bKa",                             // sent-by
                                           "198.51.100.66:5060;branch=z9hG4bKa;received=203.0.113.200",      // received
                                           "203.0.113.200;received=203.0.113.200;rport=53;branch=z9hG4bKa",  // both
                                           "203.0.113.200:53;rport=53;branch=z9hG4bKa",                      // rport
                                           "198.51.100.66:5060;branch=z9hG4bKa;maddr=203.0.113.200",         // maddr
                                           "198.51.100.66;maddr=224.0.1.75;ttl=255;branch=z9hG4bKa",  // multicast
                                           "[2001:db8:2::bad]:5060;branch=z9hG4bKa",                  // another family
                                           "victim.example;branch=z9hG4bKa"));                        // a name

// Where a request asks to be sent: from outside it goes to a backend or is refused.
TEST_F(Spoof, AForeignRouteIsNotFollowed) {  // SEC-23
  for (const char* route :
       {"<sip:203.0.113.200;lr>", "<sip:203.0.113.200:53;lr>", "<sip:192.0.2.10;lr>, <sip:203.0.113.200;lr>",
        "<sip:192.0.2.10>, <sip:203.0.113.200>", "<sip:[2001:db8:2::bad];lr>", "<sip:victim.example;lr>",
        "<sip:10.0.1.1;lr;maddr=203.0.113.200>", "<sip:192.0.2.10;lr;maddr=203.0.113.200>"}) {
    SCOPED_TRACE(route);
    lie(invite(std::string("Route: ") + route + "\r\n"));
    lie(replaced(invite(std::string("Route: ") + route + "\r\n"),
                 "\r\nTo: ", "\r\nTo: <sip:x@203.0.113.200>;tag=1\r\nX-Old-To: "));
  }
}

TEST_F(Spoof, AForeignRequestUriIsNotFollowed) {  // SEC-23
  const std::string request = invite();
  const size_t end = request.find(" SIP/2.0");
  for (const char* uri : {"sip:203.0.113.200", "sip:bob@203.0.113.200:53", "sip:bob@192.0.2.10;maddr=203.0.113.200",
                          "sip:bob@victim.example", "sip:bob@[2001:db8:2::bad]", "sip:203.0.113.200;lr"}) {
    SCOPED_TRACE(uri);
    lie("INVITE " + std::string(uri) + request.substr(end));
    lie("INVITE " + std::string(uri) + with_row(request.substr(end), "Route: <sip:203.0.113.200>"));
  }
}

TEST_F(Spoof, MethodsThatHaveNoAnswerAreNotFollowedEither) {  // SEC-23
  for (const char* method : {"ACK", "CANCEL", "BYE", "REGISTER", "OPTIONS", "NOTIFY", "PUBLISH"}) {
    SCOPED_TRACE(method);
    std::string request = test::request_of(spoof_call, method, "Route: <sip:203.0.113.200;lr>\r\n");
    lie(request);
    const size_t uri = request.find(' ') + 1;
    lie(request.replace(uri, request.find(' ', uri) - uri, "sip:203.0.113.200"));
  }
}

TEST_F(Spoof, TheOutsideCannotSpeakAsABackend) {  // SEC-04
  EXPECT_TRUE(
      outside(first_backend, test::request_of(spoof_call, "INVITE", "Route: <sip:203.0.113.200;lr>\r\n")).empty());
  EXPECT_TRUE(outside(first_backend, test::answer_to(at_backend(), "200 OK")).empty());
  EXPECT_EQ(count(Reason::source_invalid), 2u);
}

// The inside's own address, reached through the outside port by whoever is on its link.
TEST_F(Spoof, TheOutsideCannotSpeakAsABackendToTheInsideEither) {  // SEC-04
  const std::string request = replaced(invite(), "INVITE sip:", "INVITE sip:victim@203.0.113.200;x=");
  EXPECT_TRUE(outside(first_backend, request, "10.0.0.1:5060").empty());
  EXPECT_EQ(count(Reason::source_invalid), 1u);
  EXPECT_EQ(inside(first_backend, request).size(), 1u) << "by its own port a backend may";
}

TEST_F(Spoof, SourcesThatCannotBeGetNoAnswer) {  // TRQ-14
  const std::string refused = replaced(invite(), "Max-Forwards: 70", "Max-Forwards: 0");
  for (const char* source : {"255.255.255.255:5060", "224.0.1.75:5060", "127.0.0.1:5060", "0.0.0.0:5060",
                             "192.0.2.10:5060", "10.0.0.1:5060"}) {
    SCOPED_TRACE(source);
    EXPECT_TRUE(outside(source, refused).empty());
  }
  EXPECT_EQ(count(Reason::source_invalid), 6u);
}

// Who forges the source itself makes us answer the victim, as any server would: once a request, and not with more
// octets than came by much (SEC-24 has the bound); so it is no lever.
TEST_F(Spoof, AForgedSourceIsNoLever) {  // SEC-24
  const std::string refused = replaced(invite(), "Max-Forwards: 70", "Max-Forwards: 0");
  const auto sent = outside("203.0.113.200:5060", refused);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_LT(sent[0].payload.size(), refused.size() + 100);
}

}  // namespace
}  // namespace viaduct::dataplane::spoofed
