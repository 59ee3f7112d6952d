// A configuration with mistakes of every kind: all are told in one go. And bans by hand.
#include "control/checked.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "control/policies.h"

namespace viaduct::control {
namespace {

constexpr std::string_view two_listeners = R"([[port]]
name = "edge"
device = "memif:/run/edge.sock"
addresses = ["192.0.2.1/24"]
[[listener]]
name = "public"
address = "192.0.2.10"
pool = "proxies"
[[listener]]
name = "trunk"
address = "192.0.2.11"
pool = "proxies"
[[pool]]
name = "proxies"
[[pool.backend]]
name = "p1"
address = "10.0.1.1"
)";
constexpr std::string_view bad_pattern =
    "[[rule]]\nname = \"r\"\nlistener = [\"public\", \"trunk\"]\nsource = \"nobody\"\nmatch = { from = '(bad' }\n"
    "action = \"drop\"\n";

TEST(PolicyProblems, are_found_whatever_else_is_wrong_and_told_once) {
  const config::Loaded broken = config::load_text(std::string(two_listeners) + std::string(bad_pattern), "f");
  ASSERT_EQ(broken.errors.size(), 1u) << "there is no list \"nobody\"";
  const auto problems = policy_problems(broken);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(config::to_string(problems[0]).find("f:22:18: pattern '(bad'"), 0u) << config::to_string(problems[0]);

  std::string fine(two_listeners);
  fine += "[[rule]]\nname = \"own\"\nlistener = \"trunk\"\naction = \"log\"\n";
  fine += std::string(bad_pattern).replace(bad_pattern.find("source = \"nobody\"\n"), 18, "");
  const config::Loaded loaded = config::load_text(fine, "f");
  ASSERT_TRUE(loaded.config) << config::to_string(loaded.errors[0]);
  EXPECT_EQ(policy_problems(loaded).size(), 1u) << "the rule is compiled for two listeners that differ";
  EXPECT_TRUE(policy_problems(config::load_text("a = ", "f")).empty());
}

class CheckedFiles : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(directory_); }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string write(const std::string& name, std::string_view text) const {
    const std::string path = (directory_ / name).string();
    std::ofstream(path) << text;
    return path;
  }
  const std::filesystem::path directory_ =
      std::filesystem::path(testing::TempDir()) / ("checked_test." + std::to_string(getpid()));
};

TEST_F(CheckedFiles, every_mistake_is_told_in_one_go) {
  const std::string secret = write("secret", "xyz");
  const std::string file = write("v.toml", "colour = 3\n[runtime]\nsecret_file = \"" + secret + "\"\n" +
                                               std::string(two_listeners) + std::string(bad_pattern));
  testing::internal::CaptureStderr();
  EXPECT_FALSE(read_configuration(file, SecretUse::optional));
  const std::string told = testing::internal::GetCapturedStderr();
  EXPECT_NE(told.find("unknown key \"colour\""), std::string::npos) << told;
  EXPECT_NE(told.find("list \"nobody\" is not there"), std::string::npos) << told;
  EXPECT_NE(told.find("pattern '(bad'"), std::string::npos) << told;
  EXPECT_NE(told.find(secret + ":1:1: the secret has a character"), std::string::npos) << told;
}

// It names the limit by its place.
TEST(Bans, what_a_worker_told_before_a_reload_bans_nobody_by_another_limit) {
  const auto with_limits = [](const std::string& limits) {
    const config::Loaded loaded = config::load_text(std::string(two_listeners) + limits, "v.toml");
    for (const auto& error : loaded.errors) ADD_FAILURE() << config::to_string(error);
    return loaded.config.value_or(config::Config{});
  };
  const std::string by_source =
      "[[limit]]\nname = \"by-source\"\nby = \"source\"\nrate = \"100/s\"\naction = \"ban 60s\"\n";
  const std::string by_net =
      "[[limit]]\nname = \"by-net\"\nby = \"prefix/8\"\nrate = \"100000/s\"\naction = \"ban 168h\"\n";
  Policies policies(1);
  Events events;
  ASSERT_TRUE(policies.adopt(with_limits(by_source)));
  const auto told = [&](const policy::Ruleset& by, uint16_t limit) {
    policy::Notice notice;
    notice.kind = policy::Notice::Kind::ban;
    notice.index = limit;
    notice.ruleset = by.number();
    notice.source = *net::parse_endpoint("198.51.100.7:5060");
    by.office().notices.tell(0, notice);
    policies.turn(events, core::SteadyClock().now());
    return events.kept().empty() ? "" : events.kept().back().subject + " " + events.kept().back().what;
  };
  const auto before = policies.current();
  ASSERT_TRUE(policies.adopt(with_limits(by_net + by_source)));
  EXPECT_EQ(told(*before, 0), "");
  EXPECT_EQ(told(*policies.current(), 1), "198.51.100.7/32 over limit by-source for 1m");
}

TEST(Bans, by_hand_last_no_longer_than_those_of_limits) {
  Policies policies(1);
  Events events;
  const auto order = [&](std::string_view line) { return policies.order(line, events, core::Instant{})->text; };
  for (const char* time : {"169h", "5124096h", "1000000000h", "0s", "x"}) {
    EXPECT_EQ(order("ban add 192.0.2.7 " + std::string(time)).find("error: '" + std::string(time) + "' is no time"), 0u)
        << order("ban add 192.0.2.7 " + std::string(time));
  }
  EXPECT_EQ(order("ban add 192.0.2.7 168h").find("192.0.2.7/32: banned for 168h"), 0u);
}

}  // namespace
}  // namespace viaduct::control
