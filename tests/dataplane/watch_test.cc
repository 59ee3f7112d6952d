// What workers see of backends' answers, on a clock that the test turns.
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <string>
#include <vector>

#include "dataplane/fixture.h"
#include "proxy/send_time.h"
#include "support/sip_text.h"

namespace viaduct::dataplane {
namespace {

using namespace std::chrono_literals;
using telemetry::LatencyRow;
using telemetry::LatencyScale;

class WatchTest : public WorkersTest {
 protected:
  void start_watched(bool timed = true) {
    start();
    auto proxy = std::make_shared<proxy::View>(*view_.proxy);
    proxy->policy.time_responses = timed;
    view_.proxy = proxy;
    bench().worker = worker_for(watch_, bench());
  }
  std::unique_ptr<MemoryWorker> worker_for(Watch& watch, Bench& place) {
    return std::make_unique<MemoryWorker>(WorkerPlace{.worker = 0,
                                                      .mesh = *mesh_,
                                                      .view = current_,
                                                      .counters = place.counters,
                                                      .wanted = &place.wanted,
                                                      .watch = &watch,
                                                      .now = &now_},
                                          place.io);
  }
  // Both: what left. The request to a backend, and what the backend says to it.
  test::Datagram ask(std::string_view text) {
    const auto sent = through(test::from_outside("198.51.100.7:5060", text), 0);
    if (sent.size() != 1) {
      ADD_FAILURE() << sent.size() << " frames left for " << text;
      return {};
    }
    return test::read_back(sent[0].bytes);
  }
  size_t answer(const test::Datagram& request, std::string_view status) {
    return say(request, test::answer_to(request.payload, status));
  }
  size_t say(const test::Datagram& request, std::string_view text) {
    return through(test::from_inside(to_string(request.destination), text, to_string(request.source)), 1).size();
  }
  const proxy::Backend& backend_at(const net::Endpoint& address) {
    return view_.proxy->backends[view_.proxy->backend_of.at(address)];
  }
  const LatencyRow& row_of(const test::Datagram& request, sip::Method method = sip::Method::invite) {
    static const LatencyRow none{};
    for (const LatencyRow& row : watch_.latencies.rows()) {
      if (row.backend == backend_at(request.destination).cookie_id && row.method == static_cast<uint32_t>(method)) {
        return row;
      }
    }
    ADD_FAILURE() << "no row";
    return none;
  }
  static std::vector<double> milliseconds_in(const LatencyRow::Histogram& histogram) {
    std::vector<double> values;
    for (size_t i = 0; i < histogram.size(); ++i) {
      values.insert(values.end(), histogram[i], LatencyScale::milliseconds(LatencyScale::begin_of(i)));
    }
    return values;
  }
  static std::string call(size_t number) {
    test::Call its;
    its.call_id = "call" + std::to_string(number);
    its.branch = "b" + std::to_string(number);
    return test::invite_of(its);
  }
  static std::string without_time(std::string text) {
    return std::regex_replace(text, std::regex("(;vd=1\\.[0-9]+\\.[0-9a-f]{16})\\.[a-z2-7]{8}"), "$1");
  }

  core::Instant now_{std::chrono::hours(1)};
  Watch watch_{"this machine"};
};

TEST_F(WatchTest, ABackendThatAnswers30MsLateShowsItAndTheOthersTheirs) {
  start_watched();
  const std::map<std::string, std::chrono::milliseconds> takes = {{"p1", 4ms}, {"p2", 34ms}, {"p3", 7ms}};
  std::map<std::string, test::Datagram> one_of;
  for (size_t i = 0; i < 300; ++i) {
    const test::Datagram request = ask(call(i));
    const std::string& backend = backend_at(request.destination).name;
    one_of[backend] = request;
    now_ += 1ms;
    EXPECT_EQ(answer(request, "100 Trying"), 1u);
    now_ += takes.at(backend) - 1ms;
    EXPECT_EQ(answer(request, "200 OK"), 1u);
  }
  ASSERT_EQ(one_of.size(), 3u);
  uint64_t requests = 0;
  for (const auto& [backend, request] : one_of) {
    SCOPED_TRACE(backend);
    const LatencyRow& row = row_of(request);
    EXPECT_EQ(row.finals, row.requests);
    EXPECT_EQ(row.by_status[0], row.requests) << "100";
    EXPECT_EQ(row.by_status[100], row.requests) << "200";
    EXPECT_EQ(row.unmeasured, 0u);
    requests += row.requests;
    const std::vector<double> first = milliseconds_in(row.first), final = milliseconds_in(row.final);
    ASSERT_EQ(first.size(), row.requests);
    ASSERT_EQ(final.size(), row.requests);
    EXPECT_NEAR(first[first.size() / 2], 1, 0.1);
    EXPECT_NEAR(final[final.size() / 2], static_cast<double>(takes.at(backend).count()),
                static_cast<double>(takes.at(backend).count()) / 16);
  }
  EXPECT_EQ(requests, 300u);
}

// TXN-02: while the worker remembers the first one; when it does not, all but the eight characters beside the branch.
TEST_F(WatchTest, CopiesOfARequestAreTheSame) {
  start_watched();
  const std::string first = ask(call(1)).payload;
  EXPECT_NE(without_time(first), first) << "no time in " << first;
  now_ += 500ms;
  EXPECT_EQ(ask(call(1)).payload, first);
  EXPECT_EQ(row_of(ask(call(1))).requests, 1u);
  EXPECT_EQ(row_of(ask(call(1))).requests_again, 3u);
  bench().worker = worker_for(watch_, bench());
  const std::string later = ask(call(1)).payload;
  EXPECT_NE(later, first);
  EXPECT_EQ(without_time(later), without_time(first));
}

// W.6, W.7: the top Via of CANCEL and of the ACK for a non-2xx is the INVITE's, byte for byte.
TEST_F(WatchTest, CancelAndAckHaveTheirInvitesVia) {
  start_watched();
  test::Call its;
  const std::string via = test::header_values(ask(test::invite_of(its)).payload, "Via")[0];
  now_ += 3s;
  EXPECT_EQ(test::header_values(ask(test::request_of(its, "CANCEL")).payload, "Via")[0], via);
  its.to_tag = "busy";
  EXPECT_EQ(test::header_values(ask(test::request_of(its, "ACK")).payload, "Via")[0], via);
}

TEST_F(WatchTest, AnAckForA2xxCarriesNoTimeAndIsNotWaitedFor) {
  start_watched();
  test::Call its;
  its.to_tag = "x";
  const test::Datagram ack = ask(test::request_of(its, "ACK"));
  EXPECT_EQ(without_time(ack.payload), ack.payload);
  EXPECT_TRUE(watch_.latencies.rows().empty());
}

TEST_F(WatchTest, RepeatedAnswersCountOnceAndFromTheFirstCopy) {
  start_watched();
  const test::Datagram first = ask(call(1));
  now_ += 500ms;
  ask(call(1));
  now_ += 20ms;
  answer(first, "180 Ringing");
  answer(first, "200 OK");
  now_ += 500ms;
  answer(first, "180 Ringing");
  answer(first, "200 OK");
  const LatencyRow& row = row_of(first);
  EXPECT_EQ(row.finals, 1u);
  EXPECT_EQ(row.answers_again, 1u);
  ASSERT_EQ(milliseconds_in(row.first).size(), 1u);
  EXPECT_NEAR(milliseconds_in(row.first)[0], 520, 33);
  ASSERT_EQ(milliseconds_in(row.final).size(), 1u);
  EXPECT_NEAR(milliseconds_in(row.final)[0], 520, 33);
}

// The answer to CANCEL has the INVITE's branch, and is another transaction's.
TEST_F(WatchTest, ACancelAndItsInviteAreAnsweredEach) {
  start_watched();
  test::Call its;
  const test::Datagram invite = ask(test::invite_of(its)), cancel = ask(test::request_of(its, "CANCEL"));
  EXPECT_EQ(answer(cancel, "200 OK"), 1u);
  EXPECT_EQ(answer(invite, "487 Request Terminated"), 1u);
  EXPECT_EQ(row_of(cancel, sip::Method::cancel).finals, 1u);
  EXPECT_TRUE(milliseconds_in(row_of(cancel, sip::Method::cancel).final).empty()) << "it has the INVITE's time";
  EXPECT_EQ(row_of(invite).finals, 1u);
  EXPECT_EQ(row_of(invite).by_status[387], 1u);
}

TEST_F(WatchTest, AnotherNodesTimeIsNoTimeHere) {
  start_watched();
  const test::Datagram request = ask(call(1));
  Watch elsewhere("another machine");
  ASSERT_NE(elsewhere.node & proxy::SendTime::node_mask, watch_.node & proxy::SendTime::node_mask);
  bench().worker = worker_for(elsewhere, bench());
  now_ += 3ms;
  EXPECT_EQ(answer(request, "200 OK"), 1u) << "RSP-02: whichever node gets it";
  ASSERT_EQ(elsewhere.latencies.rows().size(), 1u);
  const LatencyRow& row = elsewhere.latencies.rows()[0];
  EXPECT_EQ(row.finals, 1u);
  EXPECT_EQ(row.unmeasured, 1u);
  EXPECT_TRUE(milliseconds_in(row.final).empty());
}

TEST_F(WatchTest, ATimeThatIsMangledOrTooOldCostsAFigureAndNotTheAnswer) {
  start_watched();
  const test::Datagram request = ask(call(1));
  const std::regex time("(;vd=1\\.[0-9]+\\.[0-9a-f]{16}\\.)[a-z2-7]{8}");
  EXPECT_EQ(say(request, std::regex_replace(test::answer_to(request.payload, "180 Ringing"), time, "$1!!!!!!!!")), 1u);
  EXPECT_EQ(say(request, without_time(test::answer_to(request.payload, "181 Is Being Forwarded"))), 1u);
  now_ += 6min;
  EXPECT_EQ(answer(request, "200 OK"), 1u);
  const LatencyRow& row = row_of(request);
  EXPECT_EQ(row.unmeasured, 3u);
  EXPECT_TRUE(milliseconds_in(row.final).empty());
  EXPECT_TRUE(milliseconds_in(row.first).empty());
  // RSP-11: the MAC before it is not loosened by it.
  const std::string forged = test::replace_all(test::answer_to(request.payload, "200 OK"), ";vd=1.0.", ";vd=1.2.");
  EXPECT_EQ(say(request, forged), 0u);
}

TEST_F(WatchTest, SwitchedOffNothingIsWrittenNorCounted) {
  start_watched(false);
  const test::Datagram request = ask(call(1));
  EXPECT_EQ(without_time(request.payload), request.payload);
  EXPECT_EQ(answer(request, "200 OK"), 1u);
  EXPECT_TRUE(watch_.latencies.rows().empty());
}

// SEC-11: sources are an attacker's to invent.
TEST(FindingsTable, KeepsWhoSendsMuchAndCountsTheRestTogether) {
  telemetry::FindingsTable table;
  telemetry::FindingKinds kinds;
  kinds.add(3);
  const auto source = [](uint64_t number) {
    telemetry::FindingSource of;
    for (size_t i = 0; i < 8; ++i) of.bytes[i] = static_cast<uint8_t>(number >> 8 * i);
    return of;
  };
  uint64_t state = 1;
  const auto hash = [&state](uint64_t number) {
    state = number * 0x9e3779b97f4a7c15;
    return state >> 32;
  };
  telemetry::FindingSource named = source(7);
  named.named = true;
  table.note(named, hash(7), kinds, 5);
  constexpr uint64_t heavy = 42, strangers = 200'000;
  for (uint64_t i = 0; i < strangers; ++i) {
    table.note(source(1000 + i), hash(1000 + i), kinds, 10);
    if (i % 100 == 0) table.note(source(heavy), hash(heavy), kinds, 10);
  }
  uint64_t kept = 0, of_heavy = 0, of_named = 0;
  for (size_t i = 0; i < telemetry::FindingsTable::rows_max; ++i) {
    const auto row = table.row(i);
    if (!row) continue;
    kept += row->count[3];
    if (row->source == source(heavy)) of_heavy = row->count[3];
    if (row->source == named) of_named = row->count[3];
  }
  EXPECT_GE(of_heavy, strangers / 100 * 9 / 10);
  EXPECT_EQ(of_named, 1u) << "who is named stays";
  EXPECT_EQ(table.total(3), strangers + strangers / 100 + 1);
  EXPECT_EQ(kept + table.others(3), table.total(3));
}

}  // namespace
}  // namespace viaduct::dataplane
