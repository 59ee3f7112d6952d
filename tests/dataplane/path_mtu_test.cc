// What ICMP errors change: the way a large message leaves, and whom control should probe.
#include "dataplane/path_mtu.h"

#include <gtest/gtest.h>

#include "dataplane/fixture.h"
#include "support/icmp.h"

namespace viaduct::dataplane {
namespace {

using namespace std::chrono_literals;
using test::Bytes;
using test::icmp_about;

const core::Instant start_time{24h};

TEST(PathMtu, IsLoweredWithinBoundsAndForgotten) {  // LBG-22
  PathMtus mtus({1, 2});
  const net::IpAddress v4 = test::ip("10.0.1.1"), v6 = test::ip("fd00::1:1");
  EXPECT_EQ(mtus.toward(v4, 1500), 1500);
  EXPECT_FALSE(mtus.lower(v4, 68, start_time));
  EXPECT_FALSE(mtus.lower(v4, 575, start_time));
  EXPECT_FALSE(mtus.lower(v4, 0, start_time));
  EXPECT_FALSE(mtus.lower(v6, 1279, start_time));
  EXPECT_FALSE(mtus.lower(v6, 1'000'000, start_time));
  EXPECT_EQ(mtus.known(), 0u);
  EXPECT_TRUE(mtus.lower(v4, 1280, start_time));
  EXPECT_TRUE(mtus.lower(v6, 1400, start_time + 60s));
  EXPECT_EQ(mtus.toward(v4, 1500), 1280);
  EXPECT_EQ(mtus.toward(v4, 1000), 1000) << "the port's own is less";
  EXPECT_EQ(mtus.toward(v6, 1500), 1400);
  EXPECT_EQ(mtus.toward(test::ip("10.0.1.2"), 1500), 1500);
  EXPECT_FALSE(mtus.lower(v4, 1400, start_time)) << "it never grows by hearsay";
  EXPECT_TRUE(mtus.lower(v4, 576, start_time));
  EXPECT_EQ(mtus.toward(v4, 1500), 576);
  mtus.expire(start_time + 599s);
  EXPECT_EQ(mtus.known(), 2u);
  mtus.expire(start_time + 600s);
  EXPECT_EQ(mtus.toward(v4, 1500), 1500);
  EXPECT_EQ(mtus.toward(v6, 1500), 1400);
  mtus.expire(start_time + 660s);
  EXPECT_EQ(mtus.known(), 0u);
}

TEST(PathMtu, TheTableDoesNotGrow) {  // LBG-22
  PathMtus mtus({1, 2});
  for (uint32_t i = 0; i < 100'000; ++i) {
    const auto byte = [&](int shift) { return static_cast<uint8_t>(i >> shift); };
    mtus.lower(net::IpAddress::v4(10, byte(16), byte(8), byte(0)), 1280, start_time + std::chrono::seconds(i / 1000));
  }
  EXPECT_LE(mtus.known(), PathMtus::slots);
  mtus.expire(start_time + 1h);
  EXPECT_EQ(mtus.known(), 0u);
}

class IcmpTest : public WorkersTest {
 protected:
  // A large INVITE, and the longest packet as which it left toward its backend; `out` is what left.
  size_t longest(std::string_view source = "198.51.100.7:5060") {
    test::Call call;
    out = through(test::from_outside(source, test::invite_of(call, 1350)));
    test::Receiver receiver;
    for (const MemoryIo::Frame& frame : out) receiver.take(frame.bytes);
    EXPECT_EQ(receiver.whole.size(), 1u);
    return receiver.longest_packet;
  }
  // Gives the worker an ICMP error about `sent`, which must not have it send anything.
  void hear(const Bytes& error) { EXPECT_TRUE(through(error, 1).empty()); }
  uint64_t heard() { return bench().counters.icmp_heard.value(); }
  uint64_t ignored() { return bench().counters.icmp_ignored.value(); }
  std::vector<net::Endpoint> hints() {
    std::vector<net::Endpoint> taken(64);
    taken.resize(bench().hints.take(taken));
    return taken;
  }

  std::vector<MemoryIo::Frame> out;
};

TEST_F(IcmpTest, TooBigMakesTheNextOneSmaller) {  // LBG-22
  for (const bool v6 : {false, true}) {
    SCOPED_TRACE(v6);
    start({.backends_v6 = v6, .record_route = true, .twin = true, .core_mtu = 1500, .backend_count = 1});
    injected_ = 0;
    const std::string router = v6 ? "fd00::99" : "10.0.0.99";
    const uint8_t type = v6 ? 2 : 3, code = v6 ? 0 : 4;
    EXPECT_GT(longest(), 1400u);
    const Bytes sent = out.at(0).bytes;
    hear(icmp_about(sent, router, type, code, 68));
    hear(icmp_about(sent, router, type, code, 1500));
    EXPECT_EQ(heard(), 0u);
    EXPECT_EQ(ignored(), 2u);
    EXPECT_GT(longest(), 1400u) << "PTB 68 is ignored, and so is one that our own link takes";
    hear(icmp_about(sent, router, type, code, 1280));
    EXPECT_EQ(heard(), 1u);
    EXPECT_EQ(bench().counters.path_mtu_lowered.value(), 1u);
    EXPECT_LE(longest(), 1280u);
    EXPECT_EQ(out.size(), 2u);
    EXPECT_EQ(io().take_punted().size(), 3u) << "the kernel hears of it too";
    EXPECT_TRUE(hints().empty());
    const telemetry::Ledger ledger = telemetry::ledger_of(bench().counters);
    EXPECT_TRUE(ledger.closes()) << telemetry::to_string(ledger);
    path_mtus_.expire(core::SteadyClock().now() + 601s);
    EXPECT_GT(longest(), 1400u);
  }
}

TEST_F(IcmpTest, ARoutesOwnMtuNeedsNoError) {
  for (const bool v6 : {false, true}) {
    SCOPED_TRACE(v6);
    start({.backends_v6 = v6, .core_mtu = 1500, .backends_mtu = 9000, .backend_count = 1});
    injected_ = 0;
    EXPECT_GT(longest(), 1400u);
    EXPECT_LE(longest(), 1500u) << "more than the port takes is not sent";
    start({.backends_v6 = v6, .twin = true, .core_mtu = 1500, .backends_mtu = 1400, .backend_count = 1});
    injected_ = 0;
    EXPECT_LE(longest(), 1400u);
    EXPECT_EQ(out.size(), 2u);
    hear(icmp_about(out.at(0).bytes, v6 ? "fd00::99" : "10.0.0.99", v6 ? 2 : 3, v6 ? 0 : 4, 1300));
    EXPECT_LE(longest(), 1300u) << "an error may say less";
  }
}

TEST_F(IcmpTest, ErrorsCountByThePortThatLeadsThereOnly) {  // LBG-22
  start({.twin = true, .core_mtu = 1500, .backend_count = 1});
  injected_ = 0;
  longest();
  const Bytes sent = out.at(0).bytes;
  EXPECT_TRUE(through(icmp_about(sent, "10.0.0.99", 3, 4, 1280), edge).empty());
  EXPECT_TRUE(through(icmp_about(sent, "10.0.1.1", 3, 3, 0), edge).empty());
  EXPECT_EQ(heard(), 0u);
  EXPECT_EQ(ignored(), 2u);
  EXPECT_TRUE(hints().empty());
}

// Cut to 576, the largest messages would need more parts than can be sent at once. Routers may cut what is larger.
TEST_F(IcmpTest, NoMessageIsTooLargeForANarrowWay) {  // LBG-22
  start({.twin = true, .core_mtu = 1500, .backend_count = 1});
  injected_ = 0;
  longest();
  hear(icmp_about(out.at(0).bytes, "10.0.0.99", 3, 4, 576));
  EXPECT_EQ(heard(), 1u);
  EXPECT_LE(longest(), 576u);
  for (const size_t size : {30'000u, 60'000u}) {
    test::Call call;
    const auto sent = through(test::from_outside("198.51.100.7:5060", test::invite_of(call, size)));
    EXPECT_GT(sent.size(), size / 1500);
    EXPECT_LE(sent.size(), 64u);
  }
  EXPECT_EQ(bench().counters.by_reason[static_cast<size_t>(telemetry::Reason::over_mtu)].value(), 0u);
}

TEST_F(IcmpTest, OnlyErrorsAboutDatagramsOfOursToBackendsCount) {  // LBG-22
  start({.twin = true, .core_mtu = 1500, .backend_count = 1});
  const auto about = [](std::string_view source, std::string_view destination) {
    return icmp_about(test::packet().between(source, destination).payload("x").frame(), "10.0.0.99", 3, 4, 1280);
  };
  hear(about("10.0.0.1:5061", "10.0.1.1:5060"));        // not our port
  hear(about("10.0.0.2:5060", "10.0.1.1:5060"));        // not our address
  hear(about("10.0.0.1:5060", "10.0.1.1:5061"));        // not the backend's port
  hear(about("192.0.2.10:5060", "198.51.100.7:5060"));  // a client, not a backend
  EXPECT_EQ(heard(), 0u);
  EXPECT_EQ(ignored(), 4u);
  EXPECT_EQ(path_mtus_.known(), 0u);
}

TEST_F(IcmpTest, UnreachableIsAHintAndNothingElse) {  // LBG-21
  start({.twin = true, .core_mtu = 1500, .backend_count = 1});
  longest();
  const Bytes sent = out.at(0).bytes;
  hear(icmp_about(sent, "10.0.1.1", 11, 0, 0));
  hear(icmp_about(sent, "10.0.1.1", 4, 0, 0));
  EXPECT_TRUE(hints().empty()) << "time exceeded and source quench";
  hear(icmp_about(sent, "10.0.1.1", 3, 3, 0));
  EXPECT_EQ(hints(), std::vector<net::Endpoint>{test::endpoint("10.0.1.1:5060")});
  for (int i = 0; i < 1000; ++i) hear(icmp_about(sent, "10.0.1.1", 3, 3, 0));
  EXPECT_EQ(hints().size(), 1u) << "a thousand forged ones are one hint";
  EXPECT_GE(ignored(), 800u) << "and most are not even looked at";
  EXPECT_GT(longest(), 0u) << "calls go on";
}

}  // namespace
}  // namespace viaduct::dataplane
