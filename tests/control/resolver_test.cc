// Lookups against a name server of our own on loopback, with real packets.
#include "control/resolver.h"

#include <gtest/gtest.h>
#include <poll.h>

#include "support/name_server.h"

namespace viaduct::control {
namespace {

using namespace std::chrono_literals;

class ResolverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Resolver::Options options;
    options.servers = server_.text();
    options.timeout = 200ms;
    options.names_max = 4;
    auto opened = Resolver::open(options);
    ASSERT_TRUE(opened) << opened.error();
    resolver_ = std::move(*opened);
  }
  // Turns until nothing is under way.
  void settle(Resolver::Time now = std::chrono::steady_clock::now()) {
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    bool busy = true;
    while (busy && std::chrono::steady_clock::now() < deadline) {
      changed_ = resolver_->turn(now) || changed_;
      busy = false;
      for (const auto& entry : resolver_->entries()) busy = busy || entry.asking;
      pollfd ready{resolver_->fd(), POLLIN, 0};
      if (busy) poll(&ready, 1, 20);
    }
    ASSERT_FALSE(busy) << "a lookup never ended";
  }
  std::string known(const std::string& name) {
    const auto answers = resolver_->answers();
    const auto at = answers.find(name);
    return at == answers.end() ? "" : net::to_string(at->second);
  }

  test::NameServer server_;
  std::unique_ptr<Resolver> resolver_;
  bool changed_ = false;
};

TEST_F(ResolverTest, a_name_without_srv_is_its_address_at_port_5060) {
  server_.a("proxy.example.com", {"192.0.2.7"});
  EXPECT_TRUE(resolver_->want("proxy.example.com"));
  settle();
  EXPECT_TRUE(changed_);
  EXPECT_EQ(known("proxy.example.com"), "192.0.2.7:5060");
}

TEST_F(ResolverTest, srv_gives_target_and_port_lowest_priority_then_highest_weight) {
  server_.srv("_sip._udp.example.com", 20, 9, 5070, "late.example.com");
  server_.srv("_sip._udp.example.com", 10, 1, 5080, "light.example.com");
  server_.srv("_sip._udp.example.com", 10, 5, 5090, "heavy.example.com");
  server_.a("heavy.example.com", {"192.0.2.9"});
  resolver_->want("example.com");
  settle();
  EXPECT_EQ(known("example.com"), "192.0.2.9:5090");
}

TEST_F(ResolverTest, a_service_that_is_decidedly_not_available_is_not_looked_for_elsewhere) {  // RFC 2782
  server_.srv("_sip._udp.example.com", 0, 0, 5060, "");
  server_.a("example.com", {"192.0.2.7"});
  resolver_->want("example.com");
  settle();
  EXPECT_EQ(known("example.com"), "");
  EXPECT_EQ(resolver_->entries().at(0).problem, "the service is decidedly not available there");
}

TEST_F(ResolverTest, a_port_in_the_uri_means_no_srv) {  // RFC 3263 section 4.2
  server_.srv("_sip._udp.example.com", 10, 5, 5090, "heavy.example.com");
  server_.a("example.com", {"192.0.2.1"});
  resolver_->want("example.com:5062");
  settle();
  EXPECT_EQ(known("example.com:5062"), "192.0.2.1:5062");
}

TEST_F(ResolverTest, the_choice_does_not_depend_on_the_servers_order_and_stays_pinned) {  // TGT-10
  server_.a("many.example.com", {"192.0.2.30", "192.0.2.10", "192.0.2.20"});
  resolver_->want("many.example.com");
  const auto start = std::chrono::steady_clock::now();
  settle(start);
  EXPECT_EQ(known("many.example.com"), "192.0.2.10:5060");
  server_.a("many.example.com", {"192.0.2.5", "192.0.2.10"});
  changed_ = false;
  settle(start + 301s);
  EXPECT_EQ(known("many.example.com"), "192.0.2.10:5060") << "still among the answers: pinned";
  EXPECT_FALSE(changed_);
  server_.a("many.example.com", {"192.0.2.5"});
  settle(start + 602s);
  EXPECT_EQ(known("many.example.com"), "192.0.2.5:5060");
  EXPECT_TRUE(changed_);
}

TEST_F(ResolverTest, a_failed_lookup_keeps_the_last_answer_and_says_why) {
  server_.a("proxy.example.com", {"192.0.2.7"}, 60);
  resolver_->want("proxy.example.com");
  const auto start = std::chrono::steady_clock::now();
  settle(start);
  server_.silent(true);
  settle(start + 61s);
  EXPECT_EQ(known("proxy.example.com"), "192.0.2.7:5060");
  EXPECT_EQ(resolver_->entries().at(0).failures, 1u);
  EXPECT_FALSE(resolver_->entries().at(0).problem.empty());
  server_.silent(false);
  settle(start + 72s);
  EXPECT_EQ(resolver_->entries().at(0).failures, 0u);
}

TEST_F(ResolverTest, an_unknown_name_has_no_answer) {
  resolver_->want("nowhere.example.com");
  settle();
  EXPECT_EQ(known("nowhere.example.com"), "");
  EXPECT_EQ(resolver_->entries().at(0).failures, 1u);
  EXPECT_FALSE(changed_);
}

TEST_F(ResolverTest, a_short_ttl_does_not_make_a_storm) {
  server_.a("busy.example.com", {"192.0.2.7"}, 0);
  resolver_->want("busy.example.com");
  const auto start = std::chrono::steady_clock::now();
  settle(start);
  const int asked = server_.asked();
  settle(start + 29s);
  EXPECT_EQ(server_.asked(), asked);
}

TEST_F(ResolverTest, names_are_bounded) {
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(resolver_->want("n" + std::to_string(i) + ".example.com"));
  EXPECT_FALSE(resolver_->want("one-too-many.example.com"));
  EXPECT_TRUE(resolver_->want("n0.example.com")) << "known names are not refused";
  EXPECT_EQ(resolver_->room().names, 4u);
  EXPECT_EQ(resolver_->room().names_max, 4u);
  EXPECT_EQ(resolver_->room().refused, 1u);
  settle();
}

TEST_F(ResolverTest, a_name_without_an_answer_is_forgotten_when_nobody_wants_it) {
  const auto start = std::chrono::steady_clock::now();
  for (const char* name : {"r1.example.com", "r2.example.com"}) resolver_->want(name, start);
  settle(start);
  resolver_->want("r2.example.com", start + 1800s);
  settle(start + 3599s);
  EXPECT_EQ(resolver_->room().names, 2u);
  settle(start + 3600s);
  ASSERT_EQ(resolver_->room().names, 1u);
  EXPECT_EQ(resolver_->entries()[0].name, "r2.example.com") << "wanted half an hour ago";
  const int asked = server_.asked();
  settle(start + 5400s);
  EXPECT_EQ(resolver_->room().names, 0u);
  settle(start + 9000s);
  EXPECT_EQ(server_.asked(), asked) << "nobody is asked for it any more";
}

TEST_F(ResolverTest, an_answer_that_nobody_wants_stays_until_its_room_is_needed) {
  const auto start = std::chrono::steady_clock::now();
  for (const char* name : {"a1.example.com", "a2.example.com", "a3.example.com"}) {
    server_.a(name, {"192.0.2.7"});
    resolver_->want(name, start);
  }
  settle(start);
  changed_ = false;
  settle(start + 7200s);
  EXPECT_EQ(resolver_->room().names, 3u) << "requests may go there, and need not want what they find";
  EXPECT_FALSE(changed_);
  server_.a("a4.example.com", {"192.0.2.8"});
  resolver_->want("a4.example.com", start + 7200s);
  settle(start + 7200s);
  EXPECT_TRUE(changed_);
  EXPECT_EQ(resolver_->answers().size(), 1u);
  EXPECT_EQ(known("a4.example.com"), "192.0.2.8:5060");
  EXPECT_TRUE(resolver_->want("a1.example.com", start + 7200s));
  settle(start + 7200s);
  EXPECT_EQ(known("a1.example.com"), "192.0.2.7:5060") << "whoever still goes there";
}

TEST_F(ResolverTest, ends_with_lookups_under_way) {
  server_.silent(true);
  resolver_->want("slow.example.com");
  resolver_->turn();
  resolver_.reset();
}

TEST(Resolver, refuses_servers_that_are_none) {
  Resolver::Options options;
  options.servers = "not an address";
  const auto opened = Resolver::open(options);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().find("not an address"), std::string::npos);
}

}  // namespace
}  // namespace viaduct::control
