// Too much: of answers, of new work, of everything. On the whole way through a worker, with a clock that the test
// moves.
#include <gtest/gtest.h>

#include <memory>

#include "dataplane/fixture.h"
#include "dataplane/flood_watch.h"

namespace viaduct::dataplane {
namespace {

using telemetry::Reason;
using test::Call;

using std::chrono::milliseconds;

class OverloadTest : public WorkersTest {
 protected:
  OverloadTest() { now_ = &time_; }

  void start_with(const Overload& overload, bool feedback = false, size_t workers = 1) {
    start({.record_route = true}, workers);
    if (feedback) {
      auto proxy = std::make_shared<proxy::View>(*view_.proxy);
      proxy->pools[0].feedback = true;
      proxy::finish(*proxy);
      view_.proxy = proxy;
    }
    auto settings = std::make_shared<Overload>(overload);
    if (feedback) settings->feedback = std::make_shared<proxy::Feedback>(*view_.proxy);
    view_.overload = settings;
  }
  static Overload answers(uint32_t count) {
    Overload overload;
    overload.answers = std::make_shared<policy::LimitTable>(1024);
    overload.answer_rate = policy::LimitRate::of(count, std::chrono::seconds(1), count);
    return overload;
  }
  static Call call_of(int number) {
    Call call;
    call.call_id = "call" + std::to_string(number), call.branch = call.call_id;
    return call;
  }
  std::vector<MemoryIo::Frame> ask(const Call& call, std::string_view method = "INVITE") {
    return through(test::from_outside(call.caller, test::request_of(call, method)));
  }
  static std::string start_line(const MemoryIo::Frame& frame) {
    const std::string text = test::read_back(frame.bytes).payload;
    return text.substr(0, text.find("\r\n"));
  }
  // By the backend that got it.
  std::vector<MemoryIo::Frame> answer(const test::Datagram& request, const std::string& text) {
    return through(test::from_inside(to_string(request.destination), text, to_string(request.source)), 1);
  }

  core::Instant time_{std::chrono::hours(1)};
};

std::string broken(std::string text) {
  const std::string_view row = "Max-Forwards: 70";
  return text.replace(text.find(row), row.size(), "Max-Forwards: 0");
}

// LOC-14: 10,000 bad requests a second, 100 answers.
TEST_F(OverloadTest, ASourceGetsAsManyAnswersAsItsBudgetHas) {
  start_with(answers(100));
  Call call;
  call.caller = "198.51.100.66:5060";
  size_t answered = 0;
  for (int i = 0; i < 10'000; ++i) {
    answered += through(test::from_outside(call.caller, broken(test::request_of(call, "INVITE")))).size();
    time_ += std::chrono::microseconds(100);
  }
  EXPECT_GE(answered, 100U);
  EXPECT_LE(answered, 200U) << "100 that were saved up, and 100 in this second";
  EXPECT_EQ(count(Reason::answer_over_budget), 10'000 - answered);
  EXPECT_EQ(count(Reason::too_many_hops), answered);
  // Others have theirs, and what is forwarded costs nothing.
  call.caller = "198.51.100.67:5060";
  EXPECT_EQ(through(test::from_outside(call.caller, broken(test::request_of(call, "INVITE")))).size(), 1U);
  call.caller = "198.51.100.66:5060";
  EXPECT_EQ(ask(call).size(), 1U);
}

// LOC-14: a network of forged IPv6 addresses is one source; memory is what it was.
TEST_F(OverloadTest, ForgedSourcesDoNotMakeMoreBudgets) {
  start_with(answers(10));
  size_t answered = 0;
  Call call;
  for (int i = 1; i <= 500; ++i) {
    call.caller = "[2001:db8:2::" + std::to_string(i) + "]:5060";
    const auto frame = test::from_outside(call.caller, broken(test::request_of(call, "INVITE")), "[2001:db8::10]:5060");
    answered += through(frame).size();
  }
  EXPECT_EQ(answered, 10U);
  const size_t bytes = view_.overload->answers->bytes();
  for (int i = 0; i < 5000; ++i) {
    call.caller = "198.51.100." + std::to_string(1 + i % 250) + ":" + std::to_string(1024 + i);
    through(test::from_outside(call.caller, broken(test::request_of(call, "INVITE"))));
  }
  EXPECT_EQ(view_.overload->answers->bytes(), bytes);
}

// LOC-14: who serves is told why he is not served, however often.
TEST_F(OverloadTest, BackendsHaveNoBudget) {
  start_with(answers(1));
  Call call;
  call.caller = "10.0.1.1:5060";
  for (int i = 0; i < 20; ++i) {
    const auto sent = through(test::from_inside(call.caller, broken(test::request_of(call, "INVITE"))), 1);
    EXPECT_EQ(sent.size(), 1U);
  }
}

// LOC-15, LOC-16: refused with 503 while there is a budget, then in silence; both counted.
TEST_F(OverloadTest, WhatIsShedIsAnsweredWithinTheBudget) {
  start_with(answers(10));
  auto proxy = std::make_shared<proxy::View>(*view_.proxy);
  proxy->policy.shed_percent = 50;
  view_.proxy = proxy;
  size_t refused = 0, forwarded = 0, silent = 0;
  for (int i = 0; i < 100; ++i) {
    const auto sent = ask(call_of(i));
    if (sent.empty()) {
      ++silent;
    } else if (start_line(sent[0]) == "SIP/2.0 503 Service Unavailable") {
      ++refused;
      EXPECT_EQ(test::read_back(sent[0].bytes).payload.find("Retry-After"), std::string::npos);
    } else {
      ++forwarded;
    }
  }
  EXPECT_EQ(refused, 10U);
  EXPECT_GT(silent, 20U);
  EXPECT_GT(forwarded, 30U);
  EXPECT_EQ(count(Reason::shed), refused);
  EXPECT_EQ(count(Reason::shed_silent), silent);
}

// OVL-02, OVL-03, OVL-05: what a backend says is obeyed by all workers, for as long as it says.
TEST_F(OverloadTest, ABackendIsSparedForAsLongAsItAsks) {
  start_with(answers(10'000), true, 2);
  std::string backend;
  test::Datagram request;
  Call established;
  for (int i = 0; i < 100 && backend.empty(); ++i) {
    const auto sent = ask(established = call_of(i));
    ASSERT_EQ(sent.size(), 1U);
    request = test::read_back(sent[0].bytes);
    backend = to_string(request.destination);
  }
  ASSERT_NE(request.payload.find(";oc;oc-algo=\"loss\"\r\n"), std::string::npos) << request.payload;
  std::string text = test::answer_to(request.payload, "200 OK");
  const std::string offer = ";oc;oc-algo=\"loss\"";
  text.replace(text.find(offer), offer.size(), ";oc=100;oc-algo=\"loss\";oc-validity=700;oc-seq=5.0");
  const auto back = answer(request, text);
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(test::read_back(back[0].bytes).payload.find(";oc"), std::string::npos);

  const auto round = [&](int from) {
    std::pair<size_t, size_t> refused_and_there;
    for (int i = from; i < from + 60; ++i) {
      const auto sent = ask(call_of(i));
      EXPECT_EQ(sent.size(), 1U);
      if (start_line(sent[0]).starts_with("SIP/2.0 503")) ++refused_and_there.first;
      if (to_string(test::read_back(sent[0].bytes).destination) == backend) ++refused_and_there.second;
    }
    return refused_and_there;
  };
  const auto [refused, there] = round(1000);
  EXPECT_GT(refused, 8U);
  EXPECT_EQ(there, 0U);
  EXPECT_EQ(count(Reason::shed_for_backend, 0) + count(Reason::shed_for_backend, 1), refused);
  established.to_tag = "8321234356";
  const auto bye = ask(established, "BYE");
  ASSERT_EQ(bye.size(), 1U);
  EXPECT_TRUE(start_line(bye[0]).starts_with("BYE ")) << start_line(bye[0]);
  time_ += milliseconds(699);
  EXPECT_EQ(round(1000).second, 0U);
  time_ += milliseconds(1);
  EXPECT_EQ(round(1000).first, 0U) << "the same calls";
}

// OVL-04, SEC-20: nobody else can turn a backend's calls away.
TEST_F(OverloadTest, StrangersSayNothingAboutBackends) {
  start_with(answers(1000), true);
  const Call call;
  const auto sent = ask(call);
  ASSERT_EQ(sent.size(), 1U);
  const test::Datagram request = test::read_back(sent[0].bytes);
  std::string text = test::answer_to(request.payload, "200 OK");
  const std::string offer = ";oc;oc-algo=\"loss\"";
  text.replace(text.find(offer), offer.size(), ";oc=100;oc-algo=\"loss\";oc-seq=5.0");
  EXPECT_TRUE(through(test::from_outside("198.51.100.66:5060", text)).size() <= 1);
  std::string forged = text;
  forged.replace(forged.find(";vd=1."), 6, ";vd=2.");
  EXPECT_TRUE(answer(request, forged).empty());
  EXPECT_TRUE(view_.overload->feedback->idle(static_cast<uint64_t>(time_.time_since_epoch() / milliseconds(1))));
}

// SEC-31: nine parts of junk and one of calls, and no call is lost by it; junk is known by its first octets, and only
// what claims to be SIP is read further.
TEST_F(OverloadTest, JunkTakesNothingFromGoodMessages) {
  start_with(answers(10));
  const std::string junk[] = {
      std::string(64, 'x'),   std::string(64, '\0'),    "\r\n\r\n", "\x01\x01\x00\x08!\x12\xa4\x42",
      std::string(1400, ' '), "SIP/2.0 200 OK\r\n\r\n", "INVITE",   "GET / HTTP/1.1\r\n\r\n",
      "\xf8 compressed"};
  size_t good = 0;
  for (int i = 0; i < 200; ++i) {
    for (const std::string& text : junk) inject(test::from_outside("198.51.100.66:5060", text));
    inject(test::from_outside("198.51.100.7:5060", test::request_of(call_of(i), "INVITE")));
    turn();
    for (const auto& frame : io().take_sent()) good += start_line(frame).starts_with("INVITE") ? 1 : 0;
  }
  EXPECT_EQ(good, 200U);
  EXPECT_EQ(io().sent_count(), 200U) << "junk is not answered";
  const uint64_t known_at_once =
      count(Reason::not_sip) + count(Reason::keepalive) + count(Reason::stun) + count(Reason::sigcomp);
  EXPECT_GE(known_at_once, 1400U);
}

// A burst that fills the poll, so often.
class FloodTest : public OverloadTest {
 protected:
  void flood(int bursts, milliseconds step, size_t size = burst_max) {
    for (int i = 0; i < bursts; ++i) {
      for (size_t n = 0; n < size; ++n) inject(test::from_outside("198.51.100.66:5060", "not SIP at all"));
      bench().worker->turn();
      time_ += step;
    }
  }
  uint64_t flooded() { return bench().counters.flooded.value(); }
};

TEST_F(FloodTest, AQueueThatNeverRunsEmptyIsAFlood) {
  start_with({});
  flood(49, milliseconds(1));
  EXPECT_EQ(flooded(), 0U);
  bench().worker->turn();  // once it is empty
  flood(49, milliseconds(1));
  EXPECT_EQ(flooded(), 0U) << "a queue at work";
  flood(3, milliseconds(1));
  EXPECT_EQ(flooded(), 1U);
  EXPECT_EQ(bench().counters.floods.value(), 1U);
  EXPECT_FALSE(telemetry::optional_work(bench().counters));
  for (int i = 0; i < 990; ++i) time_ += milliseconds(1), bench().worker->turn();
  EXPECT_EQ(flooded(), 1U) << "it may come again";
  for (int i = 0; i < 20; ++i) time_ += milliseconds(1), bench().worker->turn();
  EXPECT_EQ(flooded(), 0U);
  EXPECT_TRUE(telemetry::optional_work(bench().counters));
  flood(60, milliseconds(1), 8);
  EXPECT_EQ(flooded(), 0U) << "small bursts, however many";
}

// LOC-15: the worker's own state. New work is refused step by step, and comes back step by step.
TEST_F(FloodTest, AFloodedWorkerRefusesMoreAndMoreNewWorkWhereItMay) {
  Overload overload = answers(100'000);
  overload.flood.shed_percent_max = 80;
  start_with(overload);
  flood(1000, milliseconds(1));
  EXPECT_EQ(bench().counters.shed_percent.value(), 80U);
  int refused = 0;
  for (int i = 0; i < 100; ++i) {
    const auto sent = ask(call_of(i));
    refused += start_line(sent.at(0)).starts_with("SIP/2.0 503") ? 1 : 0;
  }
  EXPECT_GT(refused, 60);
  EXPECT_LT(refused, 97);
  for (int i = 0; i < 3000; ++i) time_ += milliseconds(1), bench().worker->turn();
  EXPECT_EQ(bench().counters.shed_percent.value(), 0U);
  EXPECT_EQ(start_line(ask(call_of(0)).at(0)).substr(0, 6), "INVITE");
}

TEST(FloodWatches, LookAtTheClockOnlyWhereItMatters) {
  FloodWatch watch;
  int looks = 0;
  uint64_t now = 1'000'000'000;
  const auto clock = [&] { return ++looks, now += 1'000'000; };
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(watch.turn(false, {}, clock));
  EXPECT_EQ(looks, 0);
  for (int i = 0; i < 60; ++i) watch.turn(true, {}, clock);
  EXPECT_TRUE(watch.flooded());
  EXPECT_EQ(watch.percent(), 0U) << "nothing is shed unless the operator says so";
}

}  // namespace
}  // namespace viaduct::dataplane
