// Which answers are believed: those that a host would take, to a request of ours, and whole.
#include "blast/fixture.h"

namespace viaduct::blast {
namespace {

using test::Bed;
using test::plan_of;

TEST(Answers, AnAnswerThatNobodyAskedForIsMisrouted) {
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
TEST(Answers, AnAnswerHasTheCallIdTagAndNumberOfItsRequest) {
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

TEST(Answers, WhatAHostWouldNotTakeIsNoAnswer) {
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
TEST(Answers, AnAnswerWithAnothersViaIsNoAnswer) {
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
TEST(Answers, WhatIsForOthersOfTheHostIsForeign) {
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

TEST(Answers, AnswersToAFloodAreNoMisroutedOnes) {
  UacPlan plan = plan_of("options");
  plan.flood = true;
  Bed bed(plan);
  bed.run(3);
  EXPECT_EQ(bed.far.sent.size(), 3u);
  EXPECT_EQ(bed.uac->counters().misrouted.value(), 0u);
}

}  // namespace
}  // namespace viaduct::blast
