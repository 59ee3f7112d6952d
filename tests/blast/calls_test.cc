// Whole calls: callers, wire, reflector, in memory.
#include <map>
#include <set>

#include "blast/fixture.h"

namespace viaduct::blast {
namespace {

using test::Bed;
using test::plan_of;
using Methods = std::vector<std::string>;

void expect_all_well(const Bed& bed, uint64_t calls) {
  const UacCounters& counters = bed.uac->counters();
  EXPECT_EQ(counters.calls.value(), calls);
  EXPECT_EQ(counters.completed.value(), calls);
  EXPECT_EQ(counters.refused.value() + counters.duplicated.value() + counters.misrouted.value(), 0u);
  EXPECT_TRUE(bed.uac->settled());
  bed.uac->close();
  EXPECT_TRUE(counters.closes());
  EXPECT_TRUE(bed.uas.counters().closes());
  EXPECT_EQ(bed.uas.counters().misrouted.value(), 0u);
}

TEST(Calls, OptionsIsOneRequestAndOneAnswer) {
  Bed bed(plan_of("options"));
  bed.run(1);
  EXPECT_EQ(bed.methods(), Methods{"OPTIONS"});
  expect_all_well(bed, 1);
  EXPECT_EQ(bed.uac->latency().count(), 1u);
}

TEST(Calls, AnInviteIsAcknowledgedAndHungUp) {
  Bed bed(plan_of("invite"));
  bed.run(1);
  EXPECT_EQ(bed.methods(), (Methods{"INVITE", "ACK", "BYE"}));
  expect_all_well(bed, 1);
  EXPECT_EQ(bed.uac->counters().provisional.value(), 2u);
  EXPECT_EQ(bed.uac->counters().by_code[180].value(), 1u);
  EXPECT_EQ(bed.uas.counters().acks.value(), 1u);
}

TEST(Calls, ACancelledCallIsTerminatedAndThatAcknowledged) {
  Bed bed(plan_of("cancel"));
  bed.run(1);
  EXPECT_EQ(bed.methods(), (Methods{"INVITE", "CANCEL", "ACK"}));
  expect_all_well(bed, 1);
  EXPECT_EQ(bed.uac->counters().by_code[487].value(), 1u);
}

TEST(Calls, AMixOfThousandsOverManySourcesEndsWell) {
  for (const char* const family : {"198.51.100.7:5060", "[2001:db8::7]:5060"}) {
    const bool v6 = family[0] == '[';
    Bed bed(plan_of("mixed", v6 ? "[2001:db8:1::1]:5060" : "192.0.2.10:5060"), {}, test::sources_of(family, 300, 7));
    bed.near.keep = bed.far.keep = false;
    bed.run(3200, 200);
    expect_all_well(bed, 3200);
    EXPECT_EQ(bed.sent(Leg::cancel), 200u);
    EXPECT_EQ(bed.sent(Leg::bye), 1600u);
  }
}

TEST(Calls, WhatIsNotAnsweredIsLostAndTheLedgerCloses) {
  Bed bed(plan_of("options"));
  size_t frames = 0;
  bed.far.set_fate([&](core::ByteView) { return ++frames % 10 == 0 ? 0 : 1; });
  bed.run(100);
  EXPECT_FALSE(bed.uac->settled());
  bed.uac->close();
  EXPECT_EQ(bed.lost(Leg::first), 10u);
  EXPECT_EQ(bed.answered(Leg::first), 90u);
  EXPECT_TRUE(bed.uac->counters().closes());
}

TEST(Calls, ASecondAnswerIsDuplicatedAndAnInvitesAcknowledgedAgain) {
  Bed bed(plan_of("invite"));
  bed.far.set_fate([](core::ByteView) { return 2; });
  bed.run(1);
  // RFC 3261 section 13.2.2.4: an ACK for every 200; but one BYE.
  EXPECT_EQ(bed.methods(), (Methods{"INVITE", "ACK", "BYE", "ACK"}));
  EXPECT_EQ(bed.uac->counters().duplicated.value(), 2u);
  bed.uac->close();
  EXPECT_TRUE(bed.uac->counters().closes());
}

TEST(Calls, ARefusedCallIsAcknowledgedAndCounted) {
  UasPlan busy;
  busy.answers = {{486, 1.0}};
  Bed bed(plan_of("invite"), busy);
  bed.run(5);
  EXPECT_EQ(bed.uac->counters().refused.value(), 5u);
  EXPECT_EQ(bed.uas.counters().acks.value(), 5u);

  UacPlan patient = plan_of("invite");
  patient.accepted.set(486);
  Bed accepting(patient, busy);
  accepting.run(5);
  EXPECT_EQ(accepting.uac->counters().refused.value(), 0u);
  EXPECT_EQ(accepting.uac->counters().completed.value(), 5u);
}

TEST(Calls, SharesOfAnswersAreKeptAndAreTheCallsOwn) {
  UasPlan plan;
  plan.answers = {{503, 0.25}};
  Bed bed(plan_of("options"), plan);
  bed.run(2000, 60);
  const double share = static_cast<double>(bed.uac->counters().by_code[503].value()) / 2000;
  EXPECT_NEAR(share, 0.25, 0.04);
}

TEST(Calls, TwoGeneratorsCancelAtOneReflectorWithoutBeingTakenForEachOther) {
  UacPlan plan = plan_of("cancel");
  Bed bed(plan);
  plan.run ^= 1;
  plan.target = viaduct::test::endpoint("192.0.2.11:5060");
  Bed other(plan);
  // The other's calls, with the same numbers, reach the same reflector between an INVITE and its CANCEL.
  bed.near.set_fate([&](core::ByteView frame) -> size_t {
    if (core::text_of(frame).find("CANCEL sip:") != std::string_view::npos) {
      other.near.set_fate([&](core::ByteView invite) {
        bed.far.inject(invite);
        return 0;
      });
      other.run(1, 2);
      bed.uas_station.turn([&] { return bed.now_ns; });
    }
    return 1;
  });
  bed.run(1);
  EXPECT_EQ(bed.uas.counters().cancels.value(), 1u);
  EXPECT_EQ(bed.uas.counters().misrouted.value(), 0u);
}

TEST(Calls, EverySourceAndEveryUserHasCallsOfAllKindsInAMix) {
  UacPlan plan = plan_of("mixed");
  plan.users = 32;
  Bed bed(plan, {}, test::sources_of("198.51.100.7:5060", 16));
  bed.far.set_fate([](core::ByteView) { return 0; });
  bed.run(1600, 100);
  std::map<std::string, std::set<std::string>> of_user, of_source;
  std::map<std::string, size_t> methods;
  for (const auto& frame : bed.near.sent) {
    const std::string text = test::payload_of(frame);
    const std::string method = text.substr(0, text.find(' '));
    const size_t from = text.find("From: <sip:") + 11, via = text.find("UDP ") + 4;
    of_user[text.substr(from, 8)].insert(method);
    of_source[text.substr(via, text.find(';', via) - via)].insert(method);
    ++methods[method];
  }
  EXPECT_EQ(methods, (std::map<std::string, size_t>{{"INVITE", 900}, {"REGISTER", 400}, {"OPTIONS", 300}}));
  EXPECT_EQ(of_user.size(), 32u);
  EXPECT_EQ(of_source.size(), 16u);
  for (const auto& [user, kinds] : of_user) EXPECT_EQ(kinds.size(), 3u) << user;
  for (const auto& [source, kinds] : of_source) EXPECT_EQ(kinds.size(), 3u) << source;
}

// As a balancer sends what exceeds its MTU.
TEST(Calls, AnswersAndRequestsInPartsArePutTogether) {
  for (const bool v6 : {false, true}) {
    UacPlan plan = plan_of("invite", v6 ? "[2001:db8:1::1]:5060" : "192.0.2.10:5060");
    plan.size = 4000;
    Bed bed(plan, {}, test::sources_of(v6 ? "[2001:db8::7]:5060" : "198.51.100.7:5060"));
    bed.near.set_fate(test::in_parts(bed.far)), bed.far.set_fate(test::in_parts(bed.near));
    bed.run(5, 40);
    expect_all_well(bed, 5);
    EXPECT_GE(bed.uas_station.counters().fragments.value(), 35u);
    EXPECT_EQ(bed.uas_station.counters().put_together.value(), 5u) << "the INVITEs";
    EXPECT_EQ(bed.uas_station.counters().not_ours.value(), 0u);
  }
}

TEST(Calls, ASinkCountsADatagramInPartsOnce) {
  UacPlan plan = plan_of("options");
  plan.flood = true, plan.size = 3000;
  for (const bool v6 : {false, true}) {
    plan.target = viaduct::test::endpoint(v6 ? "[2001:db8:1::1]:5060" : "192.0.2.10:5060");
    Bed bed(plan, {}, test::sources_of(v6 ? "[2001:db8::7]:5060" : "198.51.100.7:5060"));
    MemoryWire end;
    Station<MemoryWire> sink(end);
    sink.set(nullptr, nullptr, nullptr, true);
    bed.near.set_fate(test::in_parts(end));
    bed.run(4);
    for (int turn = 0; turn < 4; ++turn) sink.turn([&] { return bed.now_ns; });
    EXPECT_EQ(sink.counters().sunk.value(), 4u);
    EXPECT_EQ(sink.counters().not_ours.value(), 0u);
    EXPECT_GE(sink.counters().fragments.value(), 20u);
    sink.discard();
  }
}

// What a balancer does that sends a dialog's requests to another backend than its INVITE.
TEST(Calls, AByeAtAnotherAddressThanItsInviteIsMisrouted) {
  Bed bed(plan_of("invite"));
  bed.near.set_fate([&](core::ByteView frame) -> size_t {
    std::vector<uint8_t> bytes(frame.begin(), frame.end());
    const viaduct::test::Datagram datagram = viaduct::test::read_back(bytes);
    if (!datagram.payload.starts_with("BYE")) return 1;
    bed.far.inject(viaduct::test::packet()
                       .ethernet(viaduct::test::mac("02:00:00:00:00:0a"), viaduct::test::mac("02:00:00:00:00:0b"))
                       .ip("198.51.100.7", "192.0.2.11")
                       .udp(5060, 5060)
                       .payload(datagram.payload)
                       .frame());
    return 0;
  });
  bed.run(4);
  EXPECT_EQ(bed.uas.counters().misrouted.value(), 4u);
}

TEST(Calls, LostRequestsAreRepeatedAfterT1AndNoMoreOftenThanOrdered) {
  UacPlan plan = plan_of("options");
  plan.retransmission = {.times = 2, .t1_ns = 10 * test::millisecond, .slots = 16};
  Bed bed(plan);
  size_t dropped = 0;
  bed.near.set_fate([&](core::ByteView) { return ++dropped == 1 ? 0 : 1; });
  bed.run(1, 40);
  EXPECT_EQ(bed.near.sent.size(), 2u);
  EXPECT_EQ(bed.near.sent[0], bed.near.sent[1]);
  EXPECT_EQ(bed.uac->counters().retransmitted.value(), 1u);
  EXPECT_EQ(bed.answered(Leg::first), 1u);

  Bed deaf(plan);
  deaf.near.set_fate([](core::ByteView) { return 0; });
  deaf.run(1, 200);
  EXPECT_EQ(deaf.near.sent.size(), 3u);
  deaf.uac->close();
  EXPECT_EQ(deaf.lost(Leg::first), 1u);
}

TEST(Calls, AByeOnHoldLeavesLater) {
  UacPlan plan = plan_of("invite");
  plan.hold_ns = 10 * test::millisecond;
  Bed bed(plan);
  bed.run(1, 5);
  EXPECT_EQ(bed.methods(), (Methods{"INVITE", "ACK"}));
  EXPECT_FALSE(bed.uac->settled());
  bed.run(0, 20);
  EXPECT_EQ(bed.methods(), (Methods{"INVITE", "ACK", "BYE"}));
  expect_all_well(bed, 1);
}

TEST(Calls, AByeThatNeverLeftIsNeitherSentNorLost) {
  UacPlan plan = plan_of("invite");
  plan.hold_ns = 1000 * test::millisecond;
  Bed bed(plan);
  bed.run(3, 20);
  EXPECT_EQ(bed.sent(Leg::bye), 0u);
  bed.uac_station.discard();
  bed.uac->close();
  EXPECT_EQ(bed.sent(Leg::bye), 0u);
  EXPECT_EQ(bed.lost(Leg::bye), 0u);
  EXPECT_EQ(bed.uac->counters().withheld.value(), 3u);
  EXPECT_TRUE(bed.uac->counters().closes());
}

TEST(Calls, AByeForWhichThereIsNoRoomOnHoldLeavesAtOnceIsCountedAndMeasured) {
  UacPlan plan = plan_of("invite");
  plan.hold_ns = 50 * test::millisecond;
  plan.held_max = 2;
  Bed bed(plan);
  bed.run(3, 20);
  EXPECT_EQ(bed.sent(Leg::bye), 1u);
  EXPECT_EQ(bed.uac->counters().hurried.value(), 1u);
  EXPECT_GE(bed.uac->latency().percentile(0), test::millisecond / 2) << "stamped with the time at which it left";
  bed.run(0, 60);
  EXPECT_EQ(bed.sent(Leg::bye), 3u);
  expect_all_well(bed, 3);
}

TEST(Calls, AByeOfACallThatLeftTheWindowOnHoldIsLost) {
  UacPlan plan = plan_of("invite");
  plan.hold_ns = 50 * test::millisecond;
  plan.window = 4;
  Bed bed(plan);
  bed.run(1, 10);
  bed.run(4, 100);
  bed.uac->close();
  EXPECT_EQ(bed.sent(Leg::bye), 5u);
  EXPECT_EQ(bed.lost(Leg::bye), 1u);
  EXPECT_EQ(bed.uac->counters().late.value(), 1u);
  EXPECT_TRUE(bed.uac->counters().closes());
}

TEST(Calls, AByeOnHoldIsRepeatedOnceItHasLeft) {
  UacPlan plan = plan_of("invite");
  plan.hold_ns = 10 * test::millisecond;
  plan.retransmission = {.times = 2, .t1_ns = 10 * test::millisecond, .slots = 16};
  Bed bed(plan);
  size_t byes = 0;
  bed.near.set_fate([&](core::ByteView frame) -> size_t {
    return core::text_of(frame).find("BYE sip:") != std::string_view::npos && ++byes == 1 ? 0 : 1;
  });
  bed.run(1, 60);
  EXPECT_EQ(byes, 2u);
  EXPECT_EQ(bed.uac->counters().retransmitted.value(), 1u);
  expect_all_well(bed, 1);
}

TEST(Calls, AnInviteIsRepeatedUntilItsFirstProvisionalAnswer) {
  UacPlan plan = plan_of("invite");
  plan.retransmission = {.times = 3, .t1_ns = 10 * test::millisecond, .slots = 16};
  UasPlan ringing;
  ringing.ring_only = true;
  Bed bed(plan, ringing);
  bed.run(1, 200);
  EXPECT_EQ(bed.methods(), Methods{"INVITE"});
  Bed deaf(plan, ringing);
  deaf.near.set_fate([](core::ByteView) { return 0; });
  deaf.run(1, 200);
  EXPECT_EQ(deaf.methods().size(), 4u);
}

// RFC 3261 sections 17.1.1.2 and 17.1.2.2: with T1 as it is by itself, within the 32 s of a transaction.
TEST(Calls, OtherRequestsAreRepeatedAtMostFourSecondsApart) {
  const auto times_of = [](const char* scenario) {
    UacPlan plan = plan_of(scenario);
    plan.retransmission = {.times = Retransmitter::times_max, .slots = 16};
    Bed bed(plan);
    std::vector<uint64_t> seconds;
    const uint64_t begin = bed.now_ns;
    bed.near.set_fate([&](core::ByteView) -> size_t {
      seconds.push_back((bed.now_ns - begin + 250 * test::millisecond) / (500 * test::millisecond));
      return 0;
    });
    bed.run(1, 33'000);
    return seconds;  // in halves
  };
  EXPECT_EQ(times_of("options"), (std::vector<uint64_t>{0, 1, 3, 7, 15, 23, 31, 39, 47, 55, 63}));
  EXPECT_EQ(times_of("invite"), (std::vector<uint64_t>{0, 1, 3, 7, 15, 31, 63}));
}

TEST(Calls, NothingIsRepeatedBeyondSixtyFourT1) {
  for (const auto& [scenario, most] : {std::pair{"invite", 7u}, std::pair{"options", 7u}}) {
    UacPlan plan = plan_of(scenario);
    plan.retransmission = {.times = Retransmitter::times_max, .t1_ns = 10 * test::millisecond, .slots = 16};
    Bed bed(plan);
    bed.near.set_fate([](core::ByteView) { return 0; });
    bed.run(1, 12'000);
    EXPECT_EQ(bed.methods().size(), most) << scenario;
  }
}

TEST(Calls, ACancelsTimeIsNotMeasuredForItsBranchTellsThatOfTheInvite) {
  Bed bed(plan_of("cancel"));
  bed.run(1);
  EXPECT_EQ(bed.answered(Leg::cancel), 1u);
  EXPECT_EQ(bed.uac->latency().count(), 1u) << "the INVITE's alone";
}

TEST(Calls, ARequestGetsAllItsDelayedAnswersOrNone) {
  UasPlan plan;
  plan.delay_ns = 10 * test::millisecond;
  plan.held_max = 4;
  Bed bed(plan_of("invite"), plan);
  bed.run(2, 40);
  EXPECT_EQ(bed.uas.counters().unanswered.value(), 1u);
  EXPECT_EQ(bed.uac->counters().by_code[100].value(), 1u);
  EXPECT_EQ(bed.answered(Leg::first), 1u);
  EXPECT_TRUE(bed.uas.counters().closes());
}

TEST(Calls, AnswersAreDelayedAsOrderedAndMeasuredSo) {
  UasPlan plan;
  plan.delay_ns = 10 * test::millisecond;
  plan.held_max = 64;
  Bed bed(plan_of("options"), plan);
  bed.run(10, 30);
  EXPECT_EQ(bed.answered(Leg::first), 10u);
  EXPECT_NEAR(static_cast<double>(bed.uac->latency().percentile(0.5)), 11e6, 1.1e6);
}

TEST(Calls, RequestsDroppedOnPurposeAreCounted) {
  UasPlan plan;
  plan.loss = 0.5;
  Bed bed(plan_of("options"), plan);
  bed.run(1000, 60);
  const uint64_t dropped = bed.uas.counters().dropped.value();
  EXPECT_NEAR(static_cast<double>(dropped), 500, 80);
  bed.uac->close();
  EXPECT_EQ(bed.lost(Leg::first), dropped);
  EXPECT_TRUE(bed.uas.counters().closes());
}

TEST(Calls, ADeviceThatTakesNoMoreSlowsTheGeneratorAndLosesNothing) {
  Bed bed(plan_of("options"));
  bed.near.transmit_room = 100;
  bed.run(400, 20);
  EXPECT_EQ(bed.near.sent.size(), 100u);
  bed.near.transmit_room = SIZE_MAX;
  bed.run(0, 20);
  EXPECT_EQ(bed.near.sent.size(), bed.uac->counters().calls.value());
  EXPECT_EQ(bed.answered(Leg::first), bed.sent(Leg::first));
}

TEST(Calls, AFloodCountsWhatItSendsAndASinkWhatArrives) {
  UacPlan plan = plan_of("options");
  plan.flood = true;
  Bed bed(plan);
  bed.uas_station.set(nullptr, nullptr, nullptr, true);
  Schedule schedule;
  schedule.as_fast_as_possible = true;
  schedule.calls = 1000;
  Pacer pacer(schedule);
  bed.uac_station.set(bed.uac.get(), &pacer, nullptr, false);
  for (int turn = 0; turn < 40; ++turn) {
    bed.uac_station.turn([] { return uint64_t{1}; });
    bed.uas_station.turn([] { return uint64_t{1}; });
  }
  EXPECT_EQ(bed.uac_station.counters().sent.value(), 1000u);
  EXPECT_EQ(bed.uas_station.counters().sunk.value(), 1000u);
}

}  // namespace
}  // namespace viaduct::blast
