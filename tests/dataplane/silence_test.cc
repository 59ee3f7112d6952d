// What a proxy without memory never does: speak unasked. A worker that has nothing to read sends nothing, however long
// that lasts, whatever it has forwarded before and whatever has become of its backends; and what comes late is treated
// as if it came at once.
//
// A worker is given no clock (and the decision reads none: tests/conformance/purity_test.py), so time passes for it in
// turns of its loop.
#include <gtest/gtest.h>

#include "dataplane/fixture.h"

namespace viaduct::dataplane {
namespace {

using test::Call;

constexpr uint16_t outer = 0, inner = 1;

class SilenceTest : public WorkersTest {
 protected:
  // A long while in which nothing arrives.
  std::vector<MemoryIo::Frame> wait() {
    for (int i = 0; i < 100'000; ++i) bench().worker->turn();
    return io().take_sent();
  }
  std::vector<MemoryIo::Frame> from_caller(const std::string& text) {
    return through(test::from_outside(call_.caller, text), outer);
  }
  std::vector<MemoryIo::Frame> from_backend(const std::string& text, const test::Datagram& request) {
    return through(test::from_inside(to_string(request.destination), text, to_string(request.source)), inner);
  }
  // The request as its backend gets it.
  test::Datagram at_backend(const std::string& text) {
    const auto sent = from_caller(text);
    if (sent.size() != 1 || sent[0].port != inner) {
      ADD_FAILURE() << sent.size() << " frames for one backend";
      return {};
    }
    return test::read_back(sent[0].bytes);
  }
  // From the next turn on.
  void publish_without(const net::Endpoint& backend) {
    auto changed = std::make_shared<proxy::View>(*view_.proxy);
    for (proxy::Backend& each : changed->backends) each.healthy &= each.address != backend;
    proxy::finish(*changed);
    changed_ = view_;
    changed_.proxy = changed;
    current_.store(&changed_);
  }

  Call call_;
  View changed_;
};

std::string with_max_forwards_0(std::string text) {
  const std::string_view row = "Max-Forwards: 70";
  return text.replace(text.find(row), row.size(), "Max-Forwards: 0");
}

// FWD-11, LOC-04, MIS-02: the backend is silent, and nobody says 100, 408 or anything else in its place.
TEST_F(SilenceTest, NobodyIsToldThatABackendIsSilent) {
  start();
  for (const char* method : {"INVITE", "REGISTER", "OPTIONS", "SUBSCRIBE", "BYE", "CANCEL", "ACK", "MESSAGE"}) {
    SCOPED_TRACE(method);
    at_backend(test::request_of(call_, method));
    EXPECT_TRUE(wait().empty());
  }
}

// FWD-10, LBG-24: the client sends seven copies and the backend gets seven, each when it comes.
TEST_F(SilenceTest, SevenCopiesAreSevenCopies) {
  start();
  const std::string invite = test::invite_of(call_);
  const std::string first = at_backend(invite).payload;
  for (int copy = 1; copy < 7; ++copy) {
    EXPECT_TRUE(wait().empty()) << "nothing is sent again on our own account";
    EXPECT_EQ(at_backend(invite).payload, first);
  }
}

// LOC-05: no ACK comes, and the answer is not repeated; each request is answered once.
TEST_F(SilenceTest, AnAnswerOfOurOwnIsSentOnce) {
  start();
  const std::string invite = with_max_forwards_0(test::invite_of(call_));
  for (int copy = 0; copy < 3; ++copy) {
    const auto sent = from_caller(invite);
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_TRUE(test::read_back(sent[0].bytes).payload.starts_with("SIP/2.0 483 "));
    EXPECT_TRUE(wait().empty());
  }
}

// LBG-05: the caller has heard 180 and sends no more copies. The backend dies, and no 408, 500 or 503 is invented.
TEST_F(SilenceTest, ABackendThatDiesRingingInventsNothing) {
  start();
  const test::Datagram invite = at_backend(test::invite_of(call_));
  const auto ringing = from_backend(test::answer_to(invite.payload, "180 Ringing"), invite);
  ASSERT_EQ(ringing.size(), 1u);
  publish_without(invite.destination);
  EXPECT_TRUE(wait().empty());
  EXPECT_EQ(from_backend(test::answer_to(invite.payload, "200 OK"), invite).size(), 1u)
      << "LBG-06, RSP-09: it was not dead after all, and its answer goes on";
}

// RSP-09: a 200 that comes again when the call is long over is no worse than the first one.
TEST_F(SilenceTest, ALateAnswerIsForwardedLikeAnyOther) {
  start();
  const test::Datagram invite = at_backend(test::invite_of(call_));
  const std::string answer = test::answer_to(invite.payload, "200 OK");
  const auto first = from_backend(answer, invite);
  ASSERT_EQ(first.size(), 1u);
  Call ended = call_;
  ended.to_tag = "8321234356";
  ++ended.cseq;
  ended.branch = "bye1";
  const test::Datagram bye = at_backend(test::request_of(ended, "BYE"));
  ASSERT_EQ(from_backend(test::answer_to(bye.payload, "200 OK"), bye).size(), 1u);
  EXPECT_TRUE(wait().empty());
  const auto late = from_backend(answer, invite);
  ASSERT_EQ(late.size(), 1u);
  EXPECT_EQ(late[0].port, outer);
  EXPECT_EQ(test::read_back(late[0].bytes).payload, test::read_back(first[0].bytes).payload);
}

}  // namespace
}  // namespace viaduct::dataplane
