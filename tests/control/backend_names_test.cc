// Backends' names against a name server of our own: TTLs, NXDOMAIN, SERVFAIL, silence.
#include "control/backend_names.h"

#include <gtest/gtest.h>
#include <poll.h>

#include "support/name_server.h"

namespace viaduct::control {
namespace {

using namespace std::chrono_literals;

class BackendNamesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    BackendNames::Options options;
    options.dns = {.servers = server_.text(), .timeout = 100ms};
    auto opened = BackendNames::open(options);
    ASSERT_TRUE(opened) << opened.error();
    names_ = std::move(*opened);
  }
  // Turns at `now` until nothing is under way; true if an answer changed.
  bool settle(std::chrono::seconds after) {
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    bool changed = false, busy = true;
    while (busy && std::chrono::steady_clock::now() < deadline) {
      changed = names_->turn(start_ + after) || changed;
      busy = false;
      for (const auto& entry : names_->entries()) busy = busy || entry.asking;
      pollfd ready{names_->fd(), POLLIN, 0};
      if (busy) poll(&ready, 1, 10);
    }
    EXPECT_FALSE(busy) << "a lookup never ended";
    return changed;
  }
  // `sip1.example.net 10 50 10.0.1.1:5060 ...`, a line a target.
  std::string known(const BackendName& name) const {
    const Answers answers = names_->answers();
    const auto found = answers.find(name);
    if (found == answers.end()) return "-";
    std::string text;
    for (const Target& target : found->second) {
      text += (text.empty() ? "" : "; ") + target.host + ' ' + std::to_string(target.priority) + ' ' +
              std::to_string(target.weight);
      for (const net::IpAddress& address : target.addresses)
        text += ' ' + net::to_string(net::Endpoint{address, target.port});
    }
    return text;
  }
  std::string news() {
    std::string text;
    for (const BackendNames::News& item : names_->take_news()) text += item.name + ' ' + item.what + '\n';
    return text;
  }

  test::NameServer server_;
  std::unique_ptr<BackendNames> names_;
  const BackendNames::Time start_ = std::chrono::steady_clock::now();
};

const BackendName srv{"_sip._udp.example.net", 0};

TEST_F(BackendNamesTest, a_host_with_a_port_is_all_its_addresses) {  // RFC 3263 section 4.2
  server_.a("core.example.net", {"10.0.1.2", "10.0.1.1"});
  server_.srv("_sip._udp.core.example.net", 1, 1, 5090, "other.example.net");
  names_->set({{"core.example.net", 5070}});
  EXPECT_FALSE(names_->settled());
  EXPECT_TRUE(settle(0s));
  EXPECT_TRUE(names_->settled());
  EXPECT_EQ(known({"core.example.net", 5070}), " 0 0 10.0.1.1:5070 10.0.1.2:5070") << "in one order everywhere";
}

TEST_F(BackendNamesTest, a_host_without_a_port_is_its_srv_records_else_its_addresses) {
  server_.srv("_sip._udp.a.example.net", 10, 5, 5090, "Sip1.Example.net");
  server_.a("sip1.example.net", {"10.0.1.1"});
  server_.a("b.example.net", {"10.0.1.9"});
  names_->set({{"a.example.net", 0}, {"b.example.net", 0}});
  settle(0s);
  EXPECT_EQ(known({"a.example.net", 0}), "sip1.example.net 10 5 10.0.1.1:5090");
  EXPECT_EQ(known({"b.example.net", 0}), " 0 0 10.0.1.9:5060");
}

TEST_F(BackendNamesTest, a_service_that_is_decidedly_not_available_has_no_backends) {  // RFC 2782
  server_.srv("_sip._udp.a.example.net", 0, 0, 0, "");
  server_.a("a.example.net", {"10.0.1.1"});
  names_->set({{"a.example.net", 0}});
  EXPECT_FALSE(settle(0s));
  EXPECT_EQ(known({"a.example.net", 0}), "-");
  EXPECT_NE(news().find("the service is decidedly not available there"), std::string::npos);
}

TEST_F(BackendNamesTest, srv_records_with_all_their_targets) {  // RFC 2782
  server_.srv("_sip._udp.example.net", 20, 0, 5060, "sip3.example.net");
  server_.srv("_sip._udp.example.net", 10, 60, 5060, "sip2.example.net");
  server_.srv("_sip._udp.example.net", 10, 40, 5062, "sip1.example.net");
  server_.srv("_sip._udp.example.net", 30, 40, 5062, "sip1.example.net");
  server_.a("sip1.example.net", {"10.0.1.1"});
  server_.a("sip2.example.net", {"10.0.1.2", "10.0.1.22"});
  server_.a("sip3.example.net", {"10.0.1.3"});
  names_->set({srv});
  settle(0s);
  EXPECT_EQ(known(srv),
            "sip1.example.net 10 40 10.0.1.1:5062; sip2.example.net 10 60 10.0.1.2:5060 10.0.1.22:5060; "
            "sip3.example.net 20 0 10.0.1.3:5060");
}

TEST_F(BackendNamesTest, an_answer_is_good_for_its_smallest_ttl_within_bounds) {
  server_.srv("_sip._udp.example.net", 10, 1, 5060, "sip1.example.net", 20);
  server_.a("sip1.example.net", {"10.0.1.1"}, 300);
  server_.a("low.example.net", {"10.0.1.2"}, 0);
  server_.a("high.example.net", {"10.0.1.3"}, 86400);
  names_->set({srv, {"low.example.net", 5060}, {"high.example.net", 5060}});
  EXPECT_TRUE(settle(0s));
  std::map<std::string, int64_t> due;
  for (const auto& entry : names_->entries(start_)) due[entry.name] = entry.due.count();
  EXPECT_EQ(due["_sip._udp.example.net"], 20);
  EXPECT_EQ(due["low.example.net:5060"], 5);
  EXPECT_EQ(due["high.example.net:5060"], 3600);

  server_.a("low.example.net", {"10.0.1.2", "10.0.1.4"}, 30);
  EXPECT_FALSE(settle(4s)) << "not yet";
  EXPECT_TRUE(settle(5s));
  EXPECT_EQ(known({"low.example.net", 5060}), " 0 0 10.0.1.2:5060 10.0.1.4:5060");
  server_.forget("_sip._udp.example.net");
  server_.srv("_sip._udp.example.net", 10, 1, 5060, "sip1.example.net", 60);
  server_.srv("_sip._udp.example.net", 20, 1, 5060, "sip1.example.net", 60);
  EXPECT_FALSE(settle(20s)) << "the same target twice is the one of the lower priority: nothing changed";
  EXPECT_EQ(news(), "");
}

TEST_F(BackendNamesTest, a_failed_lookup_keeps_the_last_answer_and_is_told_once) {
  const BackendName name{"core.example.net", 5060};
  server_.a("core.example.net", {"10.0.1.1"}, 10);
  names_->set({name});
  settle(0s);
  server_.fails(2);
  EXPECT_FALSE(settle(10s));
  EXPECT_EQ(known(name), " 0 0 10.0.1.1:5060");
  const std::string told = news();
  EXPECT_NE(told.find("core.example.net:5060 cannot be looked up: "), std::string::npos) << told;
  EXPECT_NE(told.find("its last answer stays in force"), std::string::npos) << told;
  settle(15s);
  EXPECT_EQ(news(), "") << "told already";
  EXPECT_EQ(names_->entries()[0].failures, 2u);
  server_.fails(3);
  EXPECT_FALSE(settle(20s));
  EXPECT_NE(news().find("cannot be looked up"), std::string::npos) << "another reason";
  server_.silent(true);
  EXPECT_FALSE(settle(25s));
  EXPECT_EQ(known(name), " 0 0 10.0.1.1:5060");
  EXPECT_NE(news().find("cannot be looked up"), std::string::npos);
  server_.silent(false);
  server_.fails(0);
  server_.a("core.example.net", {"10.0.1.2"}, 10);
  EXPECT_TRUE(settle(30s));
  EXPECT_EQ(known(name), " 0 0 10.0.1.2:5060");
  EXPECT_EQ(news(), "core.example.net:5060 is answered again after 4 failed lookups\n");
}

TEST_F(BackendNamesTest, a_name_that_never_was_answered_has_nothing) {
  names_->set({{"none.example.net", 5060}, srv});
  EXPECT_FALSE(settle(0s));
  EXPECT_TRUE(names_->settled()) << "failed is an end, too";
  EXPECT_EQ(known(srv), "-") << "SRV was asked for: no addresses in place of it";
  const std::string told = news();
  EXPECT_NE(told.find("none.example.net:5060 cannot be looked up"), std::string::npos) << told;
  EXPECT_NE(told.find("it has no backends until it can be"), std::string::npos) << told;
}

TEST_F(BackendNamesTest, a_target_that_cannot_be_looked_up_keeps_its_addresses) {
  server_.srv("_sip._udp.example.net", 10, 1, 5060, "sip1.example.net", 10);
  server_.srv("_sip._udp.example.net", 10, 1, 5060, "sip2.example.net", 10);
  server_.a("sip1.example.net", {"10.0.1.1"});
  server_.a("sip2.example.net", {"10.0.1.2"});
  names_->set({srv});
  settle(0s);
  const std::string before = known(srv);
  server_.forget("sip2.example.net");
  EXPECT_FALSE(settle(10s));
  EXPECT_EQ(known(srv), before);
  EXPECT_NE(news().find("one of its targets cannot be looked up: sip2.example.net: "), std::string::npos);
  server_.srv("_sip._udp.example.net", 10, 1, 5060, "sip3.example.net", 10);
  EXPECT_FALSE(settle(15s)) << "who never had an address is left out";
  EXPECT_EQ(known(srv), before);
}

TEST_F(BackendNamesTest, names_come_and_go_with_the_configuration) {
  server_.a("a.example.net", {"10.0.1.1"});
  server_.a("b.example.net", {"10.0.1.2"});
  names_->set({{"a.example.net", 5060}});
  settle(0s);
  names_->set({{"a.example.net", 5060}, {"b.example.net", 5060}});
  names_->turn(start_);  // asks for b
  names_->set({{"a.example.net", 5060}});
  EXPECT_FALSE(settle(1s)) << "an answer nobody waits for";
  EXPECT_EQ(names_->answers().size(), 1u);
}

}  // namespace
}  // namespace viaduct::control
