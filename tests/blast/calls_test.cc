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

TEST(Calls, AnAnswerThatNobodyAskedForIsMisrouted) {
  UacPlan plan = plan_of("options");
  plan.earlier_runs = 1;
  plan.begin_ns = 1'000'000'000'000;
  Bed bed(plan);
  bed.run(1);
  ASSERT_EQ(bed.far.sent.size(), 1u);
  std::string answer = test::payload_of(bed.far.sent[0]);
  const auto deliver = [&](const std::string& text, const char* to) {
    bed.answer(text, to);
    bed.uac_station.turn([&] { return bed.now_ns; });
    return bed.uac->counters().misrouted.value();
  };
  EXPECT_EQ(deliver(answer, "198.51.100.8"), 1u) << "came to another address";
  std::string foreign = answer;
  foreign.replace(foreign.find("z9hG4bKvb"), 9, "z9hG4bKxx");
  EXPECT_EQ(deliver(foreign, "198.51.100.7"), 2u) << "another's branch";
  std::string unborn = answer;
  unborn[unborn.find("z9hG4bKvb") + 9 + 8 + 15] = '9';  // call 9
  EXPECT_EQ(deliver(unborn, "198.51.100.7"), 3u) << "a call that was never made";
  const auto of_run = [&](const std::string& run, const std::string& time = {}) {
    std::string text = answer;
    const size_t token = text.find("z9hG4bKvb") + 9;
    text.replace(token, 8, run);
    if (!time.empty()) text.replace(token + 24, 16, time);
    return text;
  };
  EXPECT_EQ(deliver(of_run("1234abcc"), "198.51.100.7"), 3u);
  EXPECT_EQ(bed.uac->counters().late.value(), 1u) << "of an earlier run";
  EXPECT_EQ(deliver(of_run("deadbeef", "0000000000000001"), "198.51.100.7"), 3u);
  EXPECT_EQ(bed.uac->counters().late.value(), 2u) << "to somebody who was here before";
  EXPECT_EQ(deliver(of_run("deadbeef"), "198.51.100.7"), 4u) << "to another generator of today";
  EXPECT_EQ(deliver(of_run("1234abcb"), "198.51.100.7"), 5u);
  EXPECT_EQ(deliver(answer, "198.51.100.7"), 5u);
  EXPECT_EQ(bed.uac->counters().duplicated.value(), 1u);
  bed.uac->close();
  EXPECT_TRUE(bed.uac->counters().closes());
}

// What a proxy or a server has mixed up is no answer, whatever its branch says (RFC 3261 section 8.2.6.2).
TEST(Calls, AnAnswerHasTheCallIdTagAndNumberOfItsRequest) {
  struct Mix {
    std::string_view is, becomes;
  };
  for (const Mix& mix :
       {Mix{"Call-ID: vb1234abcdi0000000000000000", "Call-ID: vb1234abcdi0000000000000007"},
        Mix{"Call-ID: vb1234abcdi", "Call-ID: vb1234abcdo"}, Mix{"Call-ID: vb1234abcd", "Call-ID: vb1234abce"},
        Mix{";tag=0000000000000000", ";tag=0000000000000001"}, Mix{"CSeq: 1000000", "CSeq: 1000001"}}) {
    SCOPED_TRACE(mix.becomes);
    Bed bed(plan_of("invite"));
    bed.far.set_fate([&](core::ByteView frame) -> size_t {
      std::string text = test::payload_of({frame.begin(), frame.end()});
      const size_t at = text.find(mix.is);
      EXPECT_NE(at, std::string::npos) << text;
      text.replace(at, mix.is.size(), mix.becomes);
      bed.answer(text);
      return 0;
    });
    bed.run(1);
    EXPECT_EQ(bed.answered(Leg::first), 0u);
    EXPECT_EQ(bed.uac->counters().acks.value() + bed.sent(Leg::bye), 0u);
    EXPECT_GE(bed.uac->counters().misrouted.value(), 1u);
    bed.uac->close();
    EXPECT_TRUE(bed.uac->counters().closes());
  }
}

TEST(Calls, WhatAHostWouldNotTakeIsNoAnswer) {
  enum class Damage { udp, ip, none, half_made, no_checksum };
  const auto answered = [](Damage damage, bool half_made_too, const char* target, const char* source) {
    Bed bed(plan_of("options", target), {}, test::sources_of(source));
    Station<MemoryWire> station(bed.near, half_made_too);
    const size_t ip = 14, udp = ip + (bed.uac->frame_bytes_max() != 0 && std::string_view(source)[0] == '[' ? 40 : 20);
    bed.far.set_fate([&, udp](core::ByteView frame) -> size_t {
      std::vector<uint8_t> changed(frame.begin(), frame.end());
      net::FrameView view;
      EXPECT_EQ(net::parse_frame(frame, view), net::FrameError::none);
      if (damage == Damage::udp) changed.back() ^= 1;
      if (damage == Damage::ip) changed[ip + 10] ^= 1;
      if (damage == Damage::half_made) {
        const uint32_t pseudo = net::udp_pseudo_sum(view.source.address, view.destination.address,
                                                    static_cast<uint16_t>(8 + view.payload_bytes));
        const uint32_t sum = net::checksum_add({}, pseudo);
        changed[udp + 6] = static_cast<uint8_t>(sum >> 8), changed[udp + 7] = static_cast<uint8_t>(sum);
      }
      if (damage == Damage::no_checksum) changed[udp + 6] = changed[udp + 7] = 0;
      bed.near.inject(changed);
      return 0;
    });
    Schedule schedule;
    schedule.as_fast_as_possible = true;
    schedule.calls = 1;
    Pacer pacer(schedule);
    pacer.begin(bed.now_ns);
    station.set(bed.uac.get(), &pacer, nullptr, false);
    bed.uas_station.set(nullptr, nullptr, &bed.uas, false);
    for (int turn = 0; turn < 5; ++turn) {
      station.turn([&] { return bed.now_ns; });
      bed.uas_station.turn([&] { return bed.now_ns; });
    }
    station.turn([&] { return bed.now_ns; });
    station.discard();
    EXPECT_EQ(bed.answered(Leg::first) + station.counters().bad_checksum.value(), 1u);
    return bed.answered(Leg::first) == 1;
  };
  const char *const v4[] = {"192.0.2.10:5060", "198.51.100.7:5060"}, *const v6[] = {"[2001:db8::10]:5060",
                                                                                    "[2001:db8::7]:5060"};
  for (const auto& ends : {v4, v6}) {
    EXPECT_TRUE(answered(Damage::none, false, ends[0], ends[1]));
    EXPECT_FALSE(answered(Damage::udp, true, ends[0], ends[1]));
    EXPECT_FALSE(answered(Damage::half_made, false, ends[0], ends[1]));
    EXPECT_TRUE(answered(Damage::half_made, true, ends[0], ends[1])) << "as a kernel sends it over veth";
  }
  EXPECT_FALSE(answered(Damage::ip, true, v4[0], v4[1]));
  EXPECT_TRUE(answered(Damage::no_checksum, false, v4[0], v4[1]));
  EXPECT_FALSE(answered(Damage::no_checksum, true, v6[0], v6[1])) << "RFC 8200 section 8.1";
}

// The bug that whoever tests a proxy looks for (RFC 3261 section 8.1.3.3).
TEST(Calls, AnAnswerWithAnothersViaIsNoAnswer) {
  Bed bed(plan_of("options"));
  bed.far.set_fate([](core::ByteView) { return 0; });
  bed.run(1);
  ASSERT_EQ(bed.far.sent.size(), 1u);
  const std::string answer = test::payload_of(bed.far.sent[0]);
  const size_t via = answer.find("Via: ") + 5;
  const std::string other = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKother";
  const std::string own = answer.substr(via, answer.find("\r\n") - via);
  const auto deliver = [&](std::string text) {
    bed.answer(text);
    bed.uac_station.turn([&] { return bed.now_ns; });
    return bed.uac->counters().via_left.value();
  };
  const auto with = [&](const std::string& before, const std::string& behind) {
    std::string text = answer;
    text.insert(text.find("\r\n", via), behind);
    return text.insert(via, before);
  };
  EXPECT_EQ(deliver(with(other + ", ", "")), 1u);
  EXPECT_EQ(deliver(with(other + "\r\nVia: ", "")), 2u);
  EXPECT_EQ(deliver(with("", ", " + other)), 3u);
  EXPECT_EQ(deliver(with("", "\r\nVia: " + other)), 4u);
  EXPECT_EQ(bed.answered(Leg::first), 0u);
  EXPECT_EQ(deliver(answer), 4u);
  EXPECT_EQ(bed.answered(Leg::first), 1u);
  EXPECT_EQ(bed.uac->counters().misrouted.value(), 0u);
  EXPECT_TRUE(bed.uac->counters().closes());
}

// On a port that the callers share with the host's other programs.
TEST(Calls, WhatIsForOthersOfTheHostIsForeign) {
  UacPlan plan = plan_of("options");
  plan.shares_host = true;
  Bed bed(plan);
  bed.far.set_fate([](core::ByteView) { return 0; });
  bed.run(1);
  const std::string answer = test::payload_of(bed.far.sent.at(0));
  std::string others = answer;
  others.replace(others.find("z9hG4bKvb"), 9, "z9hG4bKxx");
  const auto deliver = [&](const std::string& text, const char* to) {
    bed.answer(text, to);
    bed.uac_station.turn([&] { return bed.now_ns; });
  };
  const UacCounters& counters = bed.uac->counters();
  deliver(others, "198.51.100.8"), deliver("no SIP at all", "198.51.100.8");
  deliver("OPTIONS sip:x SIP/2.0\r\nVia: a\r\nFrom: a\r\nTo: a\r\nCall-ID: a\r\nCSeq: 1 OPTIONS\r\n\r\n",
          "198.51.100.8");
  EXPECT_EQ(counters.foreign.value(), 3u);
  EXPECT_EQ(counters.misrouted.value() + counters.unreadable.value() + counters.unexpected.value(), 0u);
  EXPECT_EQ(counters.by_code[200].value(), 0u);
  deliver(answer, "198.51.100.8");
  EXPECT_EQ(counters.misrouted.value(), 1u) << "ours, and came astray";
  deliver(others, "198.51.100.7");
  EXPECT_EQ(counters.misrouted.value(), 2u) << "at an address of ours";
  bed.uac->close();
  EXPECT_TRUE(counters.closes());
}

TEST(Calls, AnswersToAFloodAreNoMisroutedOnes) {
  UacPlan plan = plan_of("options");
  plan.flood = true;
  Bed bed(plan);
  bed.run(3);
  EXPECT_EQ(bed.far.sent.size(), 3u);
  EXPECT_EQ(bed.uac->counters().misrouted.value(), 0u);
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
