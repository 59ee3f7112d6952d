#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <set>

#include "policy/bans.h"
#include "policy/prefix_sets.h"

namespace viaduct::policy {
namespace {

using Lists = std::set<PrefixSets::List>;

net::Prefix prefix(std::string_view text) { return *net::parse_prefix(text); }
net::IpAddress ip(std::string_view text) { return *net::parse_ip(text); }

Lists found(const PrefixSets& sets, const net::IpAddress& address) {
  const auto& lists = sets.lists_of(sets.find(address));
  return {lists.begin(), lists.end()};
}

TEST(PrefixSets, NothingIsInNoList) {
  const PrefixSets none;
  EXPECT_EQ(none.find(ip("192.0.2.1")), 0);
  EXPECT_EQ(none.find(ip("2001:db8::1")), 0);
  EXPECT_TRUE(none.empty());
}

TEST(PrefixSets, NestedPrefixesOfSeveralListsAreAllFound) {
  const PrefixSets sets({{prefix("10.0.0.0/8"), 1},
                         {prefix("10.1.0.0/16"), 2},
                         {prefix("10.1.2.3/32"), 3},
                         {prefix("2001:db8::/32"), 4},
                         {prefix("2001:db8::1/128"), 5},
                         {prefix("0.0.0.0/0"), 6}});
  EXPECT_EQ(found(sets, ip("9.255.255.255")), Lists({6}));
  EXPECT_EQ(found(sets, ip("10.0.0.0")), Lists({1, 6}));
  EXPECT_EQ(found(sets, ip("10.1.2.2")), Lists({1, 2, 6}));
  EXPECT_EQ(found(sets, ip("10.1.2.3")), Lists({1, 2, 3, 6}));
  EXPECT_EQ(found(sets, ip("10.255.255.255")), Lists({1, 6}));
  EXPECT_EQ(found(sets, ip("255.255.255.255")), Lists({6}));
  EXPECT_EQ(found(sets, ip("2001:db8::1")), Lists({4, 5}));
  EXPECT_EQ(found(sets, ip("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff")), Lists({4}));
  EXPECT_EQ(found(sets, ip("2001:db9::")), Lists()) << "an IPv4 default route holds no IPv6 address";
}

TEST(PrefixSets, EndsOfTheAddressSpaceAreAddressesToo) {
  const PrefixSets sets({{prefix("255.255.255.255/32"), 1},
                         {prefix("0.0.0.0/32"), 2},
                         {prefix("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"), 3},
                         {prefix("::/0"), 4}});
  EXPECT_EQ(found(sets, ip("255.255.255.255")), Lists({1}));
  EXPECT_EQ(found(sets, ip("255.255.255.254")), Lists());
  EXPECT_EQ(found(sets, ip("0.0.0.0")), Lists({2}));
  EXPECT_EQ(found(sets, ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")), Lists({3, 4}));
}

// An address in few networks, so that prefixes nest.
net::IpAddress random_address(std::mt19937& random, bool v4) {
  net::IpAddress address = v4 ? ip("10.0.0.0") : ip("2001:db8::");
  for (size_t i = v4 ? 13 : 4; i < 16; ++i) {
    if (random() % 3 != 0) address.bytes[i] = static_cast<uint8_t>(random() % 4 * 85);
  }
  return address;
}

TEST(PrefixSets, AgreesWithAskingEachPrefix) {
  std::mt19937 random(6);
  for (int round = 0; round < 40; ++round) {
    std::vector<PrefixSets::Entry> entries;
    for (unsigned i = 0; i < 5 + random() % 60; ++i) {
      const bool v4 = random() % 2 == 0;
      const auto length = static_cast<uint8_t>(random() % (v4 ? 33 : 129));
      entries.push_back({{random_address(random, v4), length}, static_cast<PrefixSets::List>(random() % 5)});
    }
    const PrefixSets sets(entries);
    for (int i = 0; i < 300; ++i) {
      const net::IpAddress address = random_address(random, random() % 2 == 0);
      Lists expected;
      for (const auto& entry : entries) {
        if (entry.prefix.contains(address)) expected.insert(entry.list);
      }
      ASSERT_EQ(found(sets, address), expected) << "round " << round << ' ' << net::to_string(address);
    }
  }
}

TEST(PrefixSets, HundredThousandPrefixesAreMegabytesAndNotMore) {
  std::mt19937 random(7);
  std::vector<PrefixSets::Entry> entries;
  for (int i = 0; i < 100'000; ++i) {
    net::IpAddress address = i % 4 == 0 ? ip("2001:db8::") : ip("1.2.3.4");
    for (size_t b = i % 4 == 0 ? 4 : 12; b < 16; ++b) address.bytes[b] = static_cast<uint8_t>(random());
    entries.push_back({{address, static_cast<uint8_t>(i % 4 == 0 ? 48 + random() % 17 : 20 + random() % 13)}, 1});
  }
  const PrefixSets sets(entries);
  for (size_t i = 0; i < entries.size(); i += 97) EXPECT_EQ(found(sets, entries[i].prefix.address), Lists({1}));
  EXPECT_LT(sets.bytes(), size_t{4} << 20);
  EXPECT_TRUE(sets.complete());
}

TEST(Bans, EndByThemselvesOrByAnOrder) {
  Bans bans;
  EXPECT_FALSE(bans.contains(ip("192.0.2.1"), 0));
  ASSERT_TRUE(bans.add(prefix("192.0.2.1/32"), 100, "limit"));
  ASSERT_TRUE(bans.add(prefix("198.51.100.0/24"), 200, "operator"));
  ASSERT_TRUE(bans.add(prefix("2001:db8::/32"), 200, "operator"));
  EXPECT_TRUE(bans.contains(ip("192.0.2.1"), 99));
  EXPECT_FALSE(bans.contains(ip("192.0.2.1"), 100));
  EXPECT_FALSE(bans.contains(ip("192.0.2.2"), 99));
  EXPECT_TRUE(bans.contains(ip("198.51.100.77"), 150));
  EXPECT_TRUE(bans.contains(ip("2001:db8:1::1"), 150));
  EXPECT_FALSE(bans.contains(ip("2001:db9::1"), 150));
  EXPECT_EQ(bans.expire(150), 1u);
  EXPECT_EQ(bans.size(), 2u);
  EXPECT_TRUE(bans.remove(prefix("198.51.100.0/24")));
  EXPECT_FALSE(bans.remove(prefix("198.51.100.0/24")));
  EXPECT_FALSE(bans.contains(ip("198.51.100.77"), 150));
  EXPECT_TRUE(bans.contains(ip("2001:db8:1::1"), 150));
}

TEST(Bans, TheLaterEndCounts) {
  Bans bans;
  bans.add(prefix("192.0.2.1/32"), 100, "first");
  bans.add(prefix("192.0.2.1/32"), 50, "second");
  EXPECT_TRUE(bans.contains(ip("192.0.2.1"), 99));
  EXPECT_EQ(bans.rows().size(), 1u);
}

TEST(Bans, AreBounded) {
  Bans bans;
  for (uint32_t i = 0; i < Bans::bans_max; ++i) {
    const auto address =
        net::IpAddress::v4(10, static_cast<uint8_t>(i >> 16), static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i));
    ASSERT_TRUE(bans.add({address, 32}, 1000, "flood"));
  }
  EXPECT_FALSE(bans.add(prefix("192.0.2.1/32"), 1000, "one too many"));
  EXPECT_TRUE(bans.contains(ip("10.0.255.255"), 1));
  EXPECT_EQ(bans.expire(1000), Bans::bans_max);
  EXPECT_TRUE(bans.add(prefix("192.0.2.1/32"), 2000, "room again"));
}

}  // namespace
}  // namespace viaduct::policy
