// Rules on the whole way through a worker: what is on the wire, and where the ledger books it.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <vector>

#include "dataplane/memory_io.h"
#include "dataplane/worker.h"
#include "policy/bed.h"
#include "support/lab.h"
#include "support/lab_config.h"
#include "support/message_corpus.h"
#include "support/reasons.h"

namespace viaduct::policy {
namespace {

// A worker with these rules, or with none.
class Way {
 public:
  explicit Way(std::string_view rules) : view_(test::lab_view({.record_route = true})) {
    if (!rules.empty()) {
      config::Loaded loaded = config::load_text(std::string(test::lab_config) + std::string(rules), "f");
      for (const auto& error : loaded.errors) ADD_FAILURE() << config::to_string(error);
      view_.policy = compiled(*loaded.config);
    }
    worker_ = std::make_unique<dataplane::Worker<dataplane::MemoryIo>>(
        dataplane::WorkerPlace{.worker = 0, .mesh = mesh_, .view = current_, .counters = *counters_}, io_);
  }

  std::vector<dataplane::MemoryIo::Frame> send(std::string_view from, const std::string& text) {
    io_.inject({.port = 0, .bytes = test::from_outside(std::string(from), text)});
    worker_->turn();
    return io_.take_sent();
  }
  // By the backend that got `request`, to where it came from.
  std::vector<dataplane::MemoryIo::Frame> answer(const test::Datagram& request, const std::string& text) {
    const std::string from = to_string(request.destination), to = to_string(request.source);
    io_.inject({.port = 1, .bytes = test::from_inside(from, text, to)});
    worker_->turn();
    return io_.take_sent();
  }
  uint64_t count(telemetry::Reason reason) const { return counters_->by_reason[static_cast<size_t>(reason)].value(); }
  std::string reasons() const { return test::reasons_of(*counters_); }
  bool closes() const { return telemetry::ledger_of(*counters_).closes(); }
  const Ruleset& rules() const { return *view_.policy; }

 private:
  dataplane::View view_;
  dataplane::MemoryIo io_;
  dataplane::HandoffMesh mesh_{1};
  std::unique_ptr<telemetry::WorkerCounters> counters_ = std::make_unique<telemetry::WorkerCounters>();
  std::atomic<const dataplane::View*> current_{&view_};
  std::unique_ptr<dataplane::Worker<dataplane::MemoryIo>> worker_;
};

constexpr std::string_view scanners = R"(
[[rule]]
name = "scanners"
match = { user-agent = "scanner" }
action = "drop"
mode = "MODE"
[[limit]]
name = "slow"
by = "source"
rate = "3/h"
mode = "MODE"
)";

std::vector<std::pair<std::string, std::string>> traffic() {
  std::vector<std::pair<std::string, std::string>> messages;
  test::MessageCorpus corpus;
  for (const test::CorpusMessage& message : corpus.requests(40)) {
    messages.emplace_back(message.call.caller, message.text);
  }
  for (int i = 0; i < 6; ++i) messages.emplace_back("198.51.100.77:5060", invite().str());
  messages.emplace_back("198.51.100.78:5060", invite().with("User-Agent", "friendly-scanner").str());
  return messages;
}

// Observe mode changes nothing on the wire, and counts what enforce drops.
TEST(Way, ObservedTrafficIsOnTheWireAsWithoutRules) {
  Way plain(""), observing(test::replace_all(std::string(scanners), "MODE", "observe")),
      enforcing(test::replace_all(std::string(scanners), "MODE", "enforce"));
  for (const auto& [from, text] : traffic()) {
    const auto expected = plain.send(from, text), observed = observing.send(from, text);
    enforcing.send(from, text);
    ASSERT_EQ(expected.size(), observed.size());
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(expected[i].bytes, observed[i].bytes);
  }
  using telemetry::Reason;
  EXPECT_EQ(observing.count(Reason::rule_dropped) + observing.count(Reason::limited), 0u);
  EXPECT_EQ(enforcing.count(Reason::rule_dropped), 1u);
  EXPECT_EQ(observing.rules().rules()[0].tally->matched(), 1u);
  EXPECT_GE(enforcing.count(Reason::limited), 3u);
  EXPECT_GE(observing.rules().limits()[0].tally->exceeded(), enforcing.count(Reason::limited));
  for (const Way* way : {&plain, &observing, &enforcing}) EXPECT_TRUE(way->closes());
}

TEST(Way, ARuleAnswersAndItsAckIsAbsorbed) {
  Way way("[[rule]]\nname = \"no\"\nmethod = \"INVITE\"\naction = \"reply 403 Not Here\"\n");
  const auto sent = way.send("198.51.100.77:5060", invite());
  ASSERT_EQ(sent.size(), 1u) << way.reasons();
  const test::Datagram answer = test::read_back(sent[0].bytes);
  EXPECT_TRUE(answer.payload.starts_with("SIP/2.0 403 Not Here\r\n")) << answer.payload;
  EXPECT_EQ(to_string(answer.destination), "198.51.100.77:5060");
  EXPECT_EQ(way.count(telemetry::Reason::rule_replied), 1u);
  const auto ack = invite().with_method("ACK").with("To", test::SipText(answer.payload).value("To"));
  EXPECT_TRUE(way.send("198.51.100.77:5060", ack).empty());
  EXPECT_EQ(way.count(telemetry::Reason::ack_to_own_reply), 1u);
  EXPECT_TRUE(way.closes());
}

constexpr std::string_view other_via = "SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKother";

// LOC-16: Retry-After would keep the client's other calls away, too.
TEST(Way, AnExceededLimitIsAnsweredWithoutRetryAfter) {
  Way way("[[limit]]\nname = \"l\"\nby = \"global\"\nrate = \"1/h\"\naction = \"503\"\n");
  EXPECT_EQ(way.send("198.51.100.77:5060", invite()).size(), 1u);
  EXPECT_TRUE(way.send("198.51.100.77:5060", invite()).empty()) << "a copy of what is ringing";
  EXPECT_EQ(way.count(telemetry::Reason::limited), 1u);
  const auto sent = way.send("198.51.100.77:5060", invite().with("Call-ID", "another").with("Via", other_via));
  ASSERT_EQ(sent.size(), 1u) << way.reasons();
  const std::string answer(test::read_back(sent[0].bytes).payload);
  EXPECT_TRUE(answer.starts_with("SIP/2.0 503 ")) << answer;
  EXPECT_EQ(answer.find("\r\nRetry-After: "), std::string::npos) << answer;
  EXPECT_EQ(way.count(telemetry::Reason::limit_replied), 1u);
}

// LBG-25: new calls are shed, and every answer and request of a call that is there goes on.
TEST(Way, EstablishedCallsPassWhileNewOnesAreShed) {
  Way way("[[limit]]\nname = \"l\"\nby = \"global\"\nof = \"new-calls\"\nrate = \"1/h\"\naction = \"503\"\n");
  test::Call call;
  const auto sent = way.send(call.caller, test::invite_of(call));
  ASSERT_EQ(sent.size(), 1u) << way.reasons();
  const test::Datagram at_backend = test::read_back(sent[0].bytes);
  for (int i = 0; i < 20; ++i) {
    test::Call other;
    other.call_id = "other" + std::to_string(i), other.branch = other.call_id;
    const auto refused = way.send(other.caller, test::invite_of(other));
    ASSERT_EQ(refused.size(), 1u) << way.reasons();
    EXPECT_TRUE(test::read_back(refused[0].bytes).payload.starts_with("SIP/2.0 503 "));
    const std::string answer = test::answer_to(at_backend.payload, i < 10 ? "180 Ringing" : "200 OK");
    const auto answered = way.answer(at_backend, answer);
    ASSERT_EQ(answered.size(), 1u) << way.reasons();
    EXPECT_EQ(to_string(test::read_back(answered[0].bytes).destination), call.caller);
  }
  call.to_tag = "8321234356";
  for (const std::string& value : test::header_values(at_backend.payload, "Record-Route")) {
    call.route = call.route.empty() ? value : value + ", " + call.route;  // the other way round, as a caller's
  }
  ASSERT_FALSE(call.route.empty());
  for (const std::string_view method : {"INVITE", "UPDATE", "BYE"}) {
    call.branch = "in-dialog-" + std::string(method), ++call.cseq;
    const auto on = way.send(call.caller, test::request_of(call, method));
    ASSERT_EQ(on.size(), 1u) << method << ": " << way.reasons();
    EXPECT_TRUE(test::read_back(on[0].bytes).payload.starts_with(method)) << test::read_back(on[0].bytes).payload;
  }
  EXPECT_EQ(way.count(telemetry::Reason::limit_replied), 20u);
  EXPECT_TRUE(way.closes());
}

// A source at 100 times its limit loses only its own messages.
TEST(Way, AFloodLosesItsOwnMessagesOnly) {
  Way way("[[limit]]\nname = \"l\"\nby = \"source\"\nrate = \"10/h\"\n");
  size_t flood = 0, others = 0;
  for (int i = 0; i < 1000; ++i) {
    flood += way.send("198.51.100.77:5060", invite()).size();
    if (i % 100 == 0) others += way.send("198.51.100.78:5060", invite()).size();
  }
  EXPECT_EQ(flood, 10u);
  EXPECT_EQ(others, 10u);
  EXPECT_EQ(way.count(telemetry::Reason::limited), 990u);
  EXPECT_TRUE(way.closes());
}

TEST(Way, WhoIsBannedIsNotEvenRead) {
  Way way("[access]\ndeny = \"198.51.100.80\"\n");
  EXPECT_TRUE(way.send("198.51.100.80:5060", invite()).empty());
  EXPECT_EQ(way.count(telemetry::Reason::denied), 1u);
  EXPECT_EQ(way.send("198.51.100.77:5060", invite()).size(), 1u);
  way.rules().office().bans.add(*net::parse_prefix("198.51.100.64/26"), UINT64_MAX, "operator");
  EXPECT_TRUE(way.send("198.51.100.77:5060", "\r\n\r\n").empty());
  EXPECT_TRUE(way.send("198.51.100.77:5060", invite()).empty());
  EXPECT_EQ(way.count(telemetry::Reason::banned), 2u);
  EXPECT_TRUE(way.closes());
}

}  // namespace
}  // namespace viaduct::policy
