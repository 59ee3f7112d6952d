#include "control/kernel_twin.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <set>

#include "control/guard_socket.h"
#include "support/network_test.h"

namespace viaduct::control {
namespace {

using test::run;

net::IpAddress ip(std::string_view text) { return *net::parse_ip(text); }

// Each case has a veth pair of its own.
class KernelTwinTest : public test::NetworkTest {
 protected:
  void SetUp() override {
    NetworkTest::SetUp();
    if (IsSkipped()) return;
    peer_->connect("edge0", "far0");
    // Duplicate address detection would make addresses usable only after seconds.
    run("sysctl -qw net.ipv6.conf.edge0.accept_dad=0");
    (*peer_)("sysctl -qw net.ipv6.conf.far0.accept_dad=0");
  }
  void TearDown() override {
    twin_.reset();
    if (peer_) run("ip link del edge0");
    peer_.reset();
  }

  void open(std::vector<KernelTwin::Interface> interfaces = {{"edge0", 0}}) {
    core::Result<std::unique_ptr<KernelTwin>> twin = KernelTwin::open(std::move(interfaces));
    ASSERT_TRUE(twin) << twin.error();
    twin_ = std::move(*twin);
  }

  // Reads changes as they come until `condition` holds.
  bool until(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      pollfd readable{twin_->fd(), POLLIN, 0};
      poll(&readable, 1, 100);
      const core::Result<bool> changed = twin_->read_changes();
      if (!changed) ADD_FAILURE() << changed.error();
      saw_change_ = saw_change_ || (changed && *changed);
    }
    return true;
  }

  const dataplane::Route* route(std::string_view prefix) {
    routes_ = twin_->routes();
    const auto wanted = *net::parse_prefix(prefix);
    const auto found = std::find_if(routes_.begin(), routes_.end(), [&](const auto& r) { return r.prefix == wanted; });
    return found == routes_.end() ? nullptr : &*found;
  }
  bool has_address(std::string_view prefix, uint16_t port = 0) {
    const auto all = twin_->addresses(port);
    return std::find(all.begin(), all.end(), *net::parse_prefix(prefix)) != all.end();
  }
  // The losses that are told of, once there are `count` or more.
  std::vector<KernelTwin::Loss> until_losses(size_t count) {
    std::vector<KernelTwin::Loss> losses;
    EXPECT_TRUE(until([&] {
      for (const auto& loss : twin_->take_losses()) losses.push_back(loss);
      return losses.size() >= count;
    }));
    return losses;
  }
  // The first loss that is told of `address`.
  KernelTwin::Loss until_lost(std::string_view address) {
    std::optional<KernelTwin::Loss> found;
    EXPECT_TRUE(until([&] {
      for (const auto& loss : twin_->take_losses()) {
        if (!found && loss.neighbor.second == ip(address)) found = loss;
      }
      return found.has_value();
    }));
    return found.value_or(KernelTwin::Loss{});
  }

  std::optional<net::Mac> neighbor(std::string_view address) {
    for (const auto& neighbor : twin_->neighbors()) {
      if (neighbor.address == ip(address)) return neighbor.mac;
    }
    return std::nullopt;
  }
  net::Mac peer_mac() {
    const std::string text = (*peer_)("ip -o link show far0");
    return *net::parse_mac(std::string_view(text).substr(text.find("link/ether ") + 11, 17));
  }

  std::unique_ptr<KernelTwin> twin_;
  std::vector<dataplane::Route> routes_;
  bool saw_change_ = false;
};

TEST_F(KernelTwinTest, ReadsWhatIsThereAtTheStart) {
  run("ip addr add 10.77.0.1/24 dev edge0");
  run("ip addr add 2001:db8:77::1/64 dev edge0");
  run("ip route add 10.78.0.0/16 via 10.77.0.254");
  run("ip -6 route add default via 2001:db8:77::fe");
  run("ip neigh add 10.77.0.2 lladdr 02:00:00:00:00:02 dev edge0 nud permanent");
  open({{"edge0", 3}});

  EXPECT_TRUE(has_address("10.77.0.1/24", 3));
  EXPECT_TRUE(has_address("2001:db8:77::1/64", 3));
  EXPECT_TRUE(twin_->addresses(0).empty());

  const auto* connected = route("10.77.0.0/24");
  ASSERT_NE(connected, nullptr);
  EXPECT_TRUE(connected->on_link);
  EXPECT_EQ(connected->port, 3);
  const auto* behind = route("10.78.0.0/16");
  ASSERT_NE(behind, nullptr);
  EXPECT_FALSE(behind->on_link);
  EXPECT_EQ(behind->gateway, ip("10.77.0.254"));
  const auto* connected6 = route("2001:db8:77::/64");
  ASSERT_NE(connected6, nullptr);
  EXPECT_TRUE(connected6->on_link);
  const auto* default6 = route("::/0");
  ASSERT_NE(default6, nullptr);
  EXPECT_EQ(default6->gateway, ip("2001:db8:77::fe"));
  EXPECT_EQ(neighbor("10.77.0.2"), net::parse_mac("02:00:00:00:00:02"));
}

TEST_F(KernelTwinTest, LeavesOtherInterfacesAndTablesOut) {
  peer_->connect("other0", "far1");
  run("ip addr add 10.90.0.1/24 dev other0");
  run("ip addr add 10.77.0.1/24 dev edge0");
  run("ip route add 10.91.0.0/16 via 10.90.0.254");
  run("ip route add 10.92.0.0/16 via 10.77.0.254 table 100");
  run("ip neigh add 10.90.0.2 lladdr 02:00:00:00:00:02 dev other0");
  open();
  EXPECT_EQ(route("10.90.0.0/24"), nullptr);
  EXPECT_EQ(route("10.91.0.0/16"), nullptr);
  EXPECT_EQ(route("10.92.0.0/16"), nullptr);
  EXPECT_NE(route("10.77.0.0/24"), nullptr);
  EXPECT_FALSE(neighbor("10.90.0.2"));
  run("ip link del other0");
}

TEST_F(KernelTwinTest, FollowsRoutesThatComeChangeAndGo) {
  run("ip addr add 10.77.0.1/24 dev edge0");
  open();
  run("ip route add 10.78.0.0/16 via 10.77.0.253");
  EXPECT_TRUE(until([&] { return route("10.78.0.0/16") != nullptr; }));
  EXPECT_TRUE(saw_change_);
  run("ip route replace 10.78.0.0/16 via 10.77.0.254");
  EXPECT_TRUE(until([&] { return route("10.78.0.0/16")->gateway == ip("10.77.0.254"); }));
  run("ip route del 10.78.0.0/16");
  EXPECT_TRUE(until([&] { return route("10.78.0.0/16") == nullptr; }));
}

TEST_F(KernelTwinTest, FollowsTheMtuOfARoute) {
  run("ip addr add 10.77.0.1/24 dev edge0");
  run("ip -6 addr add fd77::1/64 dev edge0");
  run("ip -6 route add fd78::/64 via fd77::fe mtu 1280");
  open();
  ASSERT_NE(route("fd78::/64"), nullptr);
  EXPECT_EQ(route("fd78::/64")->mtu, 1280);
  EXPECT_EQ(route("fd77::/64")->mtu, dataplane::Route::any_mtu);
  run("ip route add 10.78.0.0/16 via 10.77.0.253");
  EXPECT_TRUE(until([&] { return route("10.78.0.0/16") != nullptr; }));
  EXPECT_EQ(route("10.78.0.0/16")->mtu, dataplane::Route::any_mtu);
  run("ip route replace 10.78.0.0/16 mtu lock 1400 nexthop via 10.77.0.253 nexthop via 10.77.0.254");
  EXPECT_TRUE(until([&] { return route("10.78.0.0/16")->mtu == 1400; }));
  run("ip route replace 10.78.0.0/16 via 10.77.0.253 mtu 30");
  EXPECT_TRUE(until([&] { return route("10.78.0.0/16")->mtu == 68; })) << "no link takes less";
  run("ip route replace 10.78.0.0/16 via 10.77.0.253");
  EXPECT_TRUE(until([&] { return route("10.78.0.0/16")->mtu == dataplane::Route::any_mtu; }));
  run("ip -6 route del fd78::/64");
  EXPECT_TRUE(until([&] { return route("fd78::/64") == nullptr; }));
}

TEST_F(KernelTwinTest, TakesTheBestMetricAndTheNextWhenItGoes) {
  run("ip addr add 10.77.0.1/24 dev edge0");
  run("ip route add default via 10.77.0.253 metric 200");
  run("ip route add default via 10.77.0.254 metric 100");
  open();
  ASSERT_NE(route("0.0.0.0/0"), nullptr);
  EXPECT_EQ(route("0.0.0.0/0")->gateway, ip("10.77.0.254"));
  run("ip route del default metric 100");
  EXPECT_TRUE(until([&] { return route("0.0.0.0/0")->gateway == ip("10.77.0.253"); }));
}

TEST_F(KernelTwinTest, FollowsAppendedRoutesUnderOneKey) {
  run("ip addr add 10.77.0.1/24 dev edge0");
  run("ip route add 10.78.0.0/16 via 10.77.0.252");
  open();
  run("ip route append 10.78.0.0/16 via 10.77.0.253");
  run("ip route del 10.78.0.0/16 via 10.77.0.252");
  EXPECT_TRUE(until([&] { return route("10.78.0.0/16") && route("10.78.0.0/16")->gateway == ip("10.77.0.253"); }));
  run("ip route del 10.78.0.0/16 via 10.77.0.253");
  EXPECT_TRUE(until([&] { return route("10.78.0.0/16") == nullptr; }));
}

TEST_F(KernelTwinTest, OfSeveralNextHopsTheFirstOfOurs) {
  peer_->connect("other0", "far1");
  run("ip addr add 10.90.0.1/24 dev other0");
  run("ip addr add 10.77.0.1/24 dev edge0");
  run("ip addr add 2001:db8:77::1/64 dev edge0");
  open();
  run("ip route add 10.78.0.0/16 nexthop via 10.90.0.254 nexthop via 10.77.0.253 nexthop via 10.77.0.254");
  EXPECT_TRUE(until([&] { return route("10.78.0.0/16") != nullptr; }));
  EXPECT_EQ(route("10.78.0.0/16")->gateway, ip("10.77.0.253"));
  EXPECT_EQ(std::count_if(routes_.begin(), routes_.end(),
                          [](const auto& r) { return r.prefix == *net::parse_prefix("10.78.0.0/16"); }),
            2)
      << "both of ours, in the kernel's order";
  run("ip -6 route add 2001:db8:78::/48 nexthop via 2001:db8:77::fd nexthop via 2001:db8:77::fe");
  EXPECT_TRUE(until([&] { return route("2001:db8:78::/48") != nullptr; }));
  // The kernel names only the hop that goes.
  run("ip -6 route del 2001:db8:78::/48 via 2001:db8:77::fd");
  EXPECT_TRUE(
      until([&] { return route("2001:db8:78::/48") && route("2001:db8:78::/48")->gateway == ip("2001:db8:77::fe"); }));
  run("ip link del other0");
}

TEST_F(KernelTwinTest, AnMtuIsFollowed) {
  open();
  EXPECT_EQ(twin_->mtu(0), 1500u);
  EXPECT_EQ(twin_->mtu(7), 0u);
  run("ip link set edge0 mtu 1400");
  EXPECT_TRUE(until([&] { return twin_->mtu(0) == 1400; }));
  EXPECT_TRUE(saw_change_);
}

TEST_F(KernelTwinTest, ABlackholeReplacesARouteAndRefuses) {
  run("ip addr add 10.77.0.1/24 dev edge0");
  run("ip route add 10.78.0.0/16 via 10.77.0.254");
  open();
  run("ip route replace blackhole 10.78.0.0/16");
  EXPECT_TRUE(until([&] { return route("10.78.0.0/16")->port == dataplane::Route::nowhere; }));
  run("ip route del blackhole 10.78.0.0/16");
  EXPECT_TRUE(until([&] { return route("10.78.0.0/16") == nullptr; }));
}

TEST_F(KernelTwinTest, RefusalsAreRoutesWhoeverHasTheNextBetterOne) {
  run("ip addr add 10.77.0.1/24 dev edge0");
  open();
  for (const char* kind : {"blackhole", "unreachable", "prohibit", "throw"}) {
    run(std::string("ip route add ") + kind + " 10.77.0.128/25");
    EXPECT_TRUE(until([&] {
      const dataplane::Route* found = route("10.77.0.128/25");
      return found != nullptr && found->port == dataplane::Route::nowhere;
    })) << kind;
    run(std::string("ip route del ") + kind + " 10.77.0.128/25");
    EXPECT_TRUE(until([&] { return route("10.77.0.128/25") == nullptr; })) << kind;
  }
}

TEST_F(KernelTwinTest, WhatGoesWithANexthopObjectGoesHere) {
  run("ip addr add 10.77.0.1/24 dev edge0");
  open();
  run("ip nexthop add id 1 via 10.77.0.253 dev edge0");
  run("ip nexthop add id 2 via 10.77.0.254 dev edge0");
  run("ip nexthop add id 10 group 1/2");
  run("ip route add 10.78.0.0/16 nhid 10");
  const auto gateways = [&] {
    std::set<std::string> result;
    for (const dataplane::Route& each : twin_->routes()) {
      if (!each.on_link && each.prefix.length == 16) result.insert(net::to_string(each.gateway));
    }
    return result;
  };
  EXPECT_TRUE(until([&] { return gateways() == std::set<std::string>{"10.77.0.253", "10.77.0.254"}; }));
  run("ip nexthop del id 1");
  EXPECT_TRUE(until([&] { return gateways() == std::set<std::string>{"10.77.0.254"}; }));
  run("ip nexthop del id 10");
  EXPECT_TRUE(until([&] { return gateways().empty(); }));
  run("ip nexthop del id 2");
}

TEST_F(KernelTwinTest, RoutesOfALinkWithoutCarrierAreTheKernels) {
  run("ip addr add 10.77.0.1/24 dev edge0");
  run("ip route add 10.78.0.0/16 via 10.77.0.254");
  run("sysctl -qw net.ipv4.conf.edge0.ignore_routes_with_linkdown=1");
  open();
  ASSERT_NE(route("10.78.0.0/16"), nullptr);
  (*peer_)("ip link set far0 down");
  EXPECT_TRUE(until([&] { return route("10.78.0.0/16") == nullptr; }));
  (*peer_)("ip link set far0 up");
  EXPECT_TRUE(until([&] { return route("10.78.0.0/16") != nullptr; }));
}

TEST_F(KernelTwinTest, TheLinkAddressOfAnInterfaceIsFollowed) {
  open();
  const auto before = twin_->mac(0);
  ASSERT_TRUE(before);
  run("ip link set edge0 address 02:00:00:00:00:77");
  EXPECT_TRUE(until([&] { return twin_->mac(0) == net::parse_mac("02:00:00:00:00:77"); }));
  EXPECT_EQ(twin_->mac(1), std::nullopt);
}

// Sockets of the port are dead after that, and the number alone does not tell.
TEST_F(KernelTwinTest, AnInterfaceThatComesBackUnderItsOldNumberIsAnother) {
  open();
  const uint64_t before = twin_->incarnation(0);
  const std::string shown = run("ip -o link show edge0"), number = shown.substr(0, shown.find(':'));
  run("ip link del edge0");
  EXPECT_TRUE(until([&] { return twin_->incarnation(0) == 0; }));
  run("ip link add edge0 index " + number + " type veth peer name other0");
  EXPECT_TRUE(until([&] { return twin_->incarnation(0) != 0; }));
  EXPECT_NE(twin_->incarnation(0), before);
}

TEST_F(KernelTwinTest, RoutesThatTheKernelDropsSilentlyAreDropped) {
  run("ip addr add 10.77.0.1/24 dev edge0");
  run("ip route add 10.78.0.0/16 via 10.77.0.254");
  open();
  ASSERT_NE(route("10.78.0.0/16"), nullptr);
  run("ip link set edge0 down");
  EXPECT_TRUE(until([&] { return route("10.78.0.0/16") == nullptr && route("10.77.0.0/24") == nullptr; }));
  run("ip link set edge0 up");
  EXPECT_TRUE(until([&] { return route("10.77.0.0/24") != nullptr; }));
  run("ip addr del 10.77.0.1/24 dev edge0");
  EXPECT_TRUE(until([&] { return !has_address("10.77.0.1/24") && route("10.77.0.0/24") == nullptr; }));
}

TEST_F(KernelTwinTest, AnInterfaceThatIsMadeAnewIsFoundAgain) {
  run("ip addr add 10.77.0.1/24 dev edge0");
  open();
  run("ip link del edge0");
  EXPECT_TRUE(until([&] { return twin_->addresses(0).empty() && twin_->routes().empty(); }));
  peer_->connect("edge0", "far0");
  run("ip addr add 10.77.0.9/24 dev edge0");
  EXPECT_TRUE(until([&] { return has_address("10.77.0.9/24") && route("10.77.0.0/24") != nullptr; }));
}

TEST_F(KernelTwinTest, NeighboursFollowTheirLinkAddress) {
  run("ip addr add 10.77.0.1/24 dev edge0");
  open();
  run("ip neigh add 10.77.0.2 lladdr 02:00:00:00:00:02 dev edge0 nud reachable");
  EXPECT_TRUE(until([&] { return neighbor("10.77.0.2") == net::parse_mac("02:00:00:00:00:02"); }));
  run("ip neigh replace 10.77.0.2 lladdr 02:00:00:00:00:22 dev edge0 nud stale");
  EXPECT_TRUE(until([&] { return neighbor("10.77.0.2") == net::parse_mac("02:00:00:00:00:22"); }));
}

TEST_F(KernelTwinTest, AWantedNeighbourIsResolvedByTheKernelOverArp) {
  run("ip addr add 10.77.0.1/24 dev edge0");
  (*peer_)("ip addr add 10.77.0.2/24 dev far0");
  open();
  EXPECT_FALSE(neighbor("10.77.0.2"));
  twin_->want(0, ip("10.77.0.2"));
  EXPECT_TRUE(until([&] { return neighbor("10.77.0.2").has_value(); }));
  EXPECT_EQ(neighbor("10.77.0.2"), peer_mac());
}

TEST_F(KernelTwinTest, AWantedNeighbourIsResolvedByTheKernelOverNeighbourDiscovery) {
  run("ip addr add 2001:db8:77::1/64 dev edge0");
  (*peer_)("ip addr add 2001:db8:77::2/64 dev far0");
  open();
  twin_->want(0, ip("2001:db8:77::2"));
  EXPECT_TRUE(until([&] { return neighbor("2001:db8:77::2").has_value(); }));
  EXPECT_EQ(neighbor("2001:db8:77::2"), peer_mac());
}

TEST_F(KernelTwinTest, AWantedNeighbourThatBecomesStaleIsProbedAndItsMoveFoundOut) {
  run("ip addr add 10.77.0.1/24 dev edge0");
  (*peer_)("ip addr add 10.77.0.2/24 dev far0");
  run("sysctl -qw net.ipv4.neigh.edge0.delay_first_probe_time=1 net.ipv4.neigh.edge0.retrans_time_ms=20");
  open();
  twin_->want(0, ip("10.77.0.2"));
  ASSERT_TRUE(until([&] { return neighbor("10.77.0.2") == peer_mac(); }));
  // As if the peer had moved to another card without a word: nobody answers at the old one, and only a probe can find
  // out.
  run("ip neigh replace 10.77.0.2 lladdr 02:00:00:00:00:98 dev edge0 nud stale");
  ASSERT_TRUE(until([&] { return neighbor("10.77.0.2") == net::parse_mac("02:00:00:00:00:98"); }));
  const auto failed = until_lost("10.77.0.2");
  EXPECT_FALSE(failed.deleted);
  EXPECT_TRUE(failed.kept && failed.fresh);
  EXPECT_TRUE(twin_->give_up(failed.neighbor));
  EXPECT_FALSE(neighbor("10.77.0.2"));
  twin_->want(0, ip("10.77.0.2"));
  EXPECT_TRUE(until([&] { return neighbor("10.77.0.2") == peer_mac(); }));
}

// The order in which the kernel tells of it is what keeps calls going.
TEST_F(KernelTwinTest, WhoIsDeletedIsKnownUntilItIsGivenUp) {
  run("ip addr add 10.77.0.1/24 dev edge0");
  run("ip neigh add 10.77.0.2 lladdr 02:00:00:00:00:02 dev edge0 nud reachable");
  open();
  run("ip neigh flush dev edge0");
  const auto losses = until_losses(2);
  const KernelTwin::Neighbor who{0, ip("10.77.0.2")};
  EXPECT_EQ(losses, (std::vector<KernelTwin::Loss>{{who, false, true, true}, {who, true, true, false}}));
  EXPECT_EQ(neighbor("10.77.0.2"), net::parse_mac("02:00:00:00:00:02"));
  EXPECT_TRUE(twin_->give_up(who));
  EXPECT_FALSE(neighbor("10.77.0.2"));
  EXPECT_FALSE(twin_->give_up(who));
}

TEST_F(KernelTwinTest, WhoIsFoundAgainIsNotGivenUp) {
  run("ip addr add 10.77.0.1/24 dev edge0");
  (*peer_)("ip addr add 10.77.0.2/24 dev far0");
  run("ip neigh add 10.77.0.2 lladdr 02:00:00:00:00:98 dev edge0 nud reachable");
  open();
  run("ip neigh del 10.77.0.2 dev edge0");
  until_lost("10.77.0.2");
  twin_->ask(0, ip("10.77.0.2"));
  EXPECT_TRUE(until([&] { return neighbor("10.77.0.2") == peer_mac(); }));
  EXPECT_FALSE(twin_->give_up({0, ip("10.77.0.2")}));
  EXPECT_EQ(neighbor("10.77.0.2"), peer_mac());
}

TEST_F(KernelTwinTest, WhoIsLostIsKeptThoughEverythingIsReadAnew) {
  run("ip addr add 10.77.0.1/24 dev edge0");
  run("ip addr add 10.99.0.1/24 dev edge0");
  run("ip neigh add 10.77.0.2 lladdr 02:00:00:00:00:02 dev edge0 nud reachable");
  open();
  run("ip neigh flush dev edge0");
  run("ip addr del 10.99.0.1/24 dev edge0");  // wants a full read
  EXPECT_TRUE(until([&] { return !has_address("10.99.0.1/24"); }));
  EXPECT_EQ(neighbor("10.77.0.2"), net::parse_mac("02:00:00:00:00:02"));
  EXPECT_TRUE(twin_->give_up({0, ip("10.77.0.2")}));
}

TEST_F(KernelTwinTest, WhomTheKernelTidiesAwayIsKeptIfItIsWanted) {
  run("ip addr add 10.77.0.1/24 dev edge0");
  (*peer_)("ip addr add 10.77.0.2/24 dev far0");
  run("ip neigh add 10.77.0.3 lladdr 02:00:00:00:00:03 dev edge0 nud reachable");
  open();
  twin_->want(0, ip("10.77.0.2"));
  ASSERT_TRUE(until([&] { return neighbor("10.77.0.2").has_value(); }));
  (*peer_)("ip link set far0 down");  // no carrier: the kernel forgets who was behind it
  auto losses = until_losses(2);
  std::sort(losses.begin(), losses.end(), [](const auto& a, const auto& b) { return a.neighbor < b.neighbor; });
  const std::vector<KernelTwin::Loss> expected{{{0, ip("10.77.0.2")}, true, true, true},
                                               {{0, ip("10.77.0.3")}, true, false, true}};
  EXPECT_EQ(losses, expected);
  EXPECT_EQ(neighbor("10.77.0.2"), peer_mac());
  EXPECT_FALSE(neighbor("10.77.0.3"));
}

TEST_F(KernelTwinTest, AStaleNeighbourThatNobodyWantsIsLeftAlone) {
  run("ip addr add 10.77.0.1/24 dev edge0");
  open();
  run("ip neigh add 10.77.0.2 lladdr 02:00:00:00:00:02 dev edge0 nud stale");
  ASSERT_TRUE(until([&] { return neighbor("10.77.0.2").has_value(); }));
  EXPECT_NE(run("ip neigh show 10.77.0.2 dev edge0").find("STALE"), std::string::npos);
}

TEST_F(KernelTwinTest, NobodyAnswersAndTheNeighbourStaysUnknown) {
  run("ip addr add 10.77.0.1/24 dev edge0");
  run("sysctl -qw net.ipv4.neigh.edge0.retrans_time_ms=20");
  open();
  twin_->want(0, ip("10.77.0.3"));
  std::string table;
  EXPECT_TRUE(until([&] {
    table = run("ip neigh show 10.77.0.3 dev edge0");
    return table.find("FAILED") != std::string::npos;
  })) << table;
  EXPECT_FALSE(neighbor("10.77.0.3"));
}

TEST_F(KernelTwinTest, NeighboursThatTheKernelForgetsAreToldEvenBeforeTheyWereFound) {
  run("ip addr add 10.77.0.1/24 dev edge0");
  run("ip neigh add 10.77.0.2 lladdr 02:00:00:00:00:02 dev edge0 nud reachable");
  open({{"edge0", 3}});
  twin_->want(3, ip("10.77.0.3"));  // whom nobody answers for
  EXPECT_TRUE(twin_->take_losses().empty());
  run("ip neigh flush dev edge0");
  std::set<KernelTwin::Neighbor> forgotten;
  const std::set<KernelTwin::Neighbor> both{{3, ip("10.77.0.2")}, {3, ip("10.77.0.3")}};
  EXPECT_TRUE(until([&] {
    for (const auto& loss : twin_->take_losses()) {
      if (loss.deleted) forgotten.insert(loss.neighbor);
    }
    return forgotten == both;
  }));
  EXPECT_TRUE(twin_->take_losses().empty());
}

TEST_F(KernelTwinTest, ALostChangeCostsAFullReadAndNothingElse) {
  run("ip addr add 10.77.0.1/24 dev edge0");
  open();
  int small = 0;  // the kernel's minimum: a few messages
  ASSERT_EQ(setsockopt(twin_->fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
  run("for i in $(seq 1 200); do echo route add 10.100.$i.0/24 via 10.77.0.254; done | ip -batch -");
  EXPECT_TRUE(until([&] { return route("10.100.200.0/24") != nullptr; }));
  for (int i = 1; i <= 200; ++i) EXPECT_NE(route("10.100." + std::to_string(i) + ".0/24"), nullptr) << i;
}

// Guard sockets

int udp_client() { return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0); }

TEST_F(KernelTwinTest, AGuardedPortAnswersNoIcmpAndAnUnguardedOneDoes) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(5060);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto refused = [&] {
    const int fd = udp_client();
    EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(send(fd, "x", 1, 0), 1);
    int error = 0;
    socklen_t size = sizeof(error);
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);  // over loopback the ICMP error is here when send returns
    close(fd);
    return error == ECONNREFUSED;
  };
  EXPECT_TRUE(refused());
  const auto guard = GuardSocket::open({ip("127.0.0.1"), 5060});
  ASSERT_TRUE(guard) << guard.error();
  EXPECT_FALSE(refused());
}

TEST_F(KernelTwinTest, AGuardedPortCannotBeTakenAndATakenOneCannotBeGuarded) {
  const auto guard = GuardSocket::open({ip("127.0.0.1"), 5070});
  ASSERT_TRUE(guard) << guard.error();
  const auto second = GuardSocket::open({ip("127.0.0.1"), 5070});
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().find("127.0.0.1:5070/udp is taken by another program"), std::string::npos) << second.error();

  const int fd = udp_client();
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_port = htons(5070);
  EXPECT_NE(bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof(any)), 0);
  close(fd);
}

TEST_F(KernelTwinTest, AnAddressThatIsNotUpYetCanBeGuarded) {
  EXPECT_TRUE(GuardSocket::open({ip("203.0.113.10"), 5060}));
  EXPECT_TRUE(GuardSocket::open({ip("2001:db8::10"), 5060}));
}

TEST_F(KernelTwinTest, BothFamiliesOfOnePortAreGuardedSideBySide) {
  const auto guard6 = GuardSocket::open({ip("::1"), 5080});
  const auto guard4 = GuardSocket::open({ip("127.0.0.1"), 5080});
  EXPECT_TRUE(guard6) << guard6.error();
  EXPECT_TRUE(guard4) << guard4.error();
}

}  // namespace
}  // namespace viaduct::control
