#include <gtest/gtest.h>

#include <random>

#include "dataplane/view.h"
#include "support/packet_builder.h"

namespace viaduct::dataplane {
namespace {

using test::ip;
using test::mac;

Route route(std::string_view prefix, uint16_t port) {
  return {.prefix = *net::parse_prefix(prefix), .port = port, .on_link = true, .gateway = {}};
}
Route route(std::string_view prefix, uint16_t port, std::string_view gateway) {
  return {.prefix = *net::parse_prefix(prefix), .port = port, .on_link = false, .gateway = ip(gateway)};
}

TEST(Adjacency, EmptyKnowsNoWay) {
  EXPECT_FALSE(Adjacency().find(ip("192.0.2.1")).found);
  EXPECT_FALSE(Adjacency({}, {}).find(ip("::1")).found);
}

TEST(Adjacency, TheLongestPrefixWins) {
  const Adjacency adjacency({route("0.0.0.0/0", 0, "192.0.2.1"), route("10.0.0.0/8", 1), route("10.1.0.0/16", 2),
                             route("10.1.2.3/32", 3), route("192.0.2.0/24", 4)},
                            {});
  const auto port_of = [&](std::string_view address) { return adjacency.find(ip(address)).hop.port; };
  EXPECT_EQ(port_of("10.1.2.3"), 3);
  EXPECT_EQ(port_of("10.1.2.4"), 2);
  EXPECT_EQ(port_of("10.2.0.1"), 1);
  EXPECT_EQ(port_of("192.0.2.255"), 4);
  EXPECT_EQ(port_of("192.0.3.0"), 0);
  EXPECT_EQ(adjacency.find(ip("203.0.113.5")).neighbor, ip("192.0.2.1"));
}

TEST(Adjacency, HostBitsOfAPrefixDoNotCount) {
  const Adjacency adjacency({route("10.77.0.1/24", 5), route("2001:db8::1/64", 6)}, {});
  EXPECT_EQ(adjacency.find(ip("10.77.0.200")).hop.port, 5);
  EXPECT_EQ(adjacency.find(ip("2001:db8::ffff")).hop.port, 6);
  EXPECT_FALSE(adjacency.find(ip("10.77.1.1")).found);
}

TEST(Adjacency, TheFamiliesAreApart) {
  const Adjacency only_v6({route("::/0", 0, "fe80::1")}, {});
  EXPECT_TRUE(only_v6.find(ip("2001:db8::1")).found);
  EXPECT_FALSE(only_v6.find(ip("192.0.2.1")).found);
  const Adjacency only_v4({route("0.0.0.0/0", 0, "192.0.2.1")}, {});
  EXPECT_FALSE(only_v4.find(ip("2001:db8::1")).found);
}

TEST(Adjacency, TheFirstOfTwoEqualRoutesCounts) {
  const Adjacency adjacency({route("10.0.0.0/8", 1), route("10.0.0.0/8", 2)}, {});
  EXPECT_EQ(adjacency.find(ip("10.0.0.1")).hop.port, 1);
}

TEST(Adjacency, OfEqualWaysTheFirstIsTakenWhoseGatewayIsKnown) {
  const std::vector<Route> routes{route("10.0.0.0/8", 1, "192.0.2.1"), route("10.0.0.0/8", 1, "192.0.2.2"),
                                  route("10.0.0.0/8", 2, "192.0.2.3"), route("0.0.0.0/0", 1, "192.0.2.1")};
  const Adjacency::Neighbor first{1, ip("192.0.2.1"), mac("02:00:00:00:00:01")};
  const Adjacency::Neighbor second{1, ip("192.0.2.2"), mac("02:00:00:00:00:02")};
  const Adjacency::Neighbor third{2, ip("192.0.2.3"), mac("02:00:00:00:00:03")};
  const auto gateway = [&](const std::vector<Adjacency::Neighbor>& neighbors) {
    const Adjacency adjacency(routes, neighbors);
    EXPECT_TRUE(adjacency.leads_by(1, ip("10.0.0.1")) && adjacency.leads_by(2, ip("10.0.0.1")));
    return adjacency.find(ip("10.0.0.1")).neighbor;
  };
  EXPECT_EQ(gateway({first, second, third}), ip("192.0.2.1"));
  EXPECT_EQ(gateway({second, third}), ip("192.0.2.2"));
  EXPECT_EQ(gateway({third}), ip("192.0.2.3"));
  EXPECT_EQ(gateway({}), ip("192.0.2.1")) << "who has to be asked for";
  EXPECT_EQ(Adjacency(routes, {second}).find(ip("203.0.113.1")).neighbor, ip("192.0.2.1"));
}

TEST(Adjacency, WhereTheKernelRefusesToSendNoWayLeads) {
  const Adjacency adjacency({route("10.0.0.0/8", 1), route("10.1.0.0/16", Route::nowhere)}, {});
  EXPECT_TRUE(adjacency.find(ip("10.0.0.1")).found);
  EXPECT_FALSE(adjacency.find(ip("10.1.0.1")).found);
  EXPECT_FALSE(adjacency.leads_by(1, ip("10.1.0.1")));
}

TEST(Adjacency, EqualWaysAllLeadThere) {
  const Adjacency adjacency(
      {route("0.0.0.0/0", 0, "192.0.2.1"), route("10.0.0.0/8", 1), route("10.0.0.0/8", 2), route("10.1.0.0/16", 3)},
      {});
  const auto ports_to = [&](std::string_view address) {
    std::vector<uint16_t> ports;
    for (uint16_t port = 0; port < 5; ++port) {
      if (adjacency.leads_by(port, ip(address))) ports.push_back(port);
    }
    return ports;
  };
  EXPECT_EQ(ports_to("10.2.0.1"), (std::vector<uint16_t>{1, 2}));
  EXPECT_EQ(ports_to("10.1.0.1"), (std::vector<uint16_t>{3})) << "the longest prefix alone";
  EXPECT_EQ(ports_to("203.0.113.1"), (std::vector<uint16_t>{0}));
  EXPECT_TRUE(ports_to("2001:db8::1").empty());
}

TEST(Adjacency, ANeighborIsKnownOnItsPortOnly) {
  const Adjacency adjacency(
      {route("10.0.0.0/24", 1), route("10.0.1.0/24", 2), route("10.0.2.0/24", 1, "10.0.0.1")},
      {{1, ip("10.0.0.1"), mac("02:00:00:00:00:11")}, {1, ip("10.0.1.1"), mac("02:00:00:00:00:12")}});
  const auto on_link = adjacency.find(ip("10.0.0.1"));
  EXPECT_TRUE(on_link.hop.resolved);
  EXPECT_EQ(on_link.hop.mac, mac("02:00:00:00:00:11"));
  const auto behind = adjacency.find(ip("10.0.2.77"));
  EXPECT_TRUE(behind.hop.resolved);
  EXPECT_EQ(behind.hop.mac, mac("02:00:00:00:00:11"));
  const auto unknown = adjacency.find(ip("10.0.1.1"));
  EXPECT_TRUE(unknown.found);
  EXPECT_FALSE(unknown.hop.resolved);
  EXPECT_EQ(unknown.neighbor, ip("10.0.1.1"));
}

// An IPv4 route whose next hop speaks IPv6 (RFC 8950).
TEST(Adjacency, AGatewayMayBeOfTheOtherFamily) {
  const Adjacency adjacency({route("0.0.0.0/0", 0, "fe80::1")}, {{0, ip("fe80::1"), mac("02:00:00:00:00:13")}});
  EXPECT_TRUE(adjacency.find(ip("198.51.100.7")).hop.resolved);
}

// The reference: look at every route.
TEST(Adjacency, AgreesWithALinearSearch) {
  std::mt19937 random(7);
  std::vector<Route> routes;
  for (uint16_t i = 0; i < 500; ++i) {
    Route one = route("10.0.0.0/8", i);
    if (random() % 2) {
      one.prefix.address = net::IpAddress::v4(10, random() % 4, random() % 4, static_cast<uint8_t>(random()));
      one.prefix.length = static_cast<uint8_t>(random() % 33);
    } else {
      one.prefix.address = ip("2001:db8::");
      for (size_t at : {4, 5, 15}) one.prefix.address.bytes[at] = static_cast<uint8_t>(random() % 4);
      one.prefix.length = static_cast<uint8_t>(random() % 129);
    }
    routes.push_back(one);
  }
  const Adjacency adjacency(routes, {});
  size_t found = 0;
  for (int round = 0; round < 5000; ++round) {
    net::IpAddress wanted =
        net::IpAddress::v4(random() % 20 ? 10 : 11, random() % 4, random() % 4, static_cast<uint8_t>(random()));
    if (random() % 2) {
      wanted = ip("2001:db8::");
      for (size_t at : {4, 5, 15}) wanted.bytes[at] = static_cast<uint8_t>(random() % 4);
    }
    const Route* best = nullptr;
    for (const Route& one : routes) {
      if (one.prefix.address.family() == wanted.family() && one.prefix.contains(wanted) &&
          (best == nullptr || one.prefix.length > best->prefix.length)) {
        best = &one;
      }
    }
    const auto answer = adjacency.find(wanted);
    ASSERT_EQ(answer.found, best != nullptr);
    if (best == nullptr) continue;
    ASSERT_EQ(answer.hop.port, best->port) << to_string(wanted);
    ++found;
  }
  EXPECT_GT(found, 1000u);
}

TEST(Adjacency, FindsEveryOfManyNeighbors) {
  std::vector<Adjacency::Neighbor> neighbors;
  for (unsigned i = 0; i < 5000; ++i) {
    neighbors.push_back({static_cast<uint16_t>(i % 2),
                         net::IpAddress::v4(10, 0, static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i)),
                         net::Mac{{2, 0, 0, 0, static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i)}}});
  }
  const Adjacency even({route("10.0.0.0/8", 0)}, neighbors), odd({route("10.0.0.0/8", 1)}, neighbors);
  for (const Adjacency::Neighbor& neighbor : neighbors) {
    const auto answer = (neighbor.port == 0 ? even : odd).find(neighbor.address);
    ASSERT_TRUE(answer.hop.resolved);
    ASSERT_EQ(answer.hop.mac, neighbor.mac);
    ASSERT_FALSE((neighbor.port == 0 ? odd : even).find(neighbor.address).hop.resolved);
  }
}

}  // namespace
}  // namespace viaduct::dataplane
