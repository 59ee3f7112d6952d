// Backends come and go: the operator's word, reloads, what survives a restart.
#include "control/cluster.h"

#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "control/orders.h"
#include "fmt/format.h"
#include "nlohmann/json.hpp"
#include "support/folder.h"

namespace viaduct::control {
namespace {

class ClusterTest : public ::testing::Test {
 protected:
  void SetUp() override { write(text()); }

  std::string path() const { return folder_ / "viaduct.toml"; }
  std::string state_path() const { return folder_ / "state.json"; }
  std::string text(std::string_view health = "") const {
    std::string text = "# precious\n[control]\nstate_file = \"" + state_path() + R"("
[[port]]
name = "edge"
device = "memif:/run/edge.sock"
[[listener]]
name = "public"
address = "192.0.2.10:5060"
pool = "proxies"
[[pool]]
name = "proxies"
backup = "spare"
)" + std::string(health);
    for (int i = 1; i <= 8; ++i) {
      text += "[[pool.backend]]\nname = \"p" + std::to_string(i) + "\"   # number " + std::to_string(i) +
              "\naddress = \"10.0.1." + std::to_string(i) + "\"\n";
    }
    return text + "[[pool]]\nname = \"spare\"\n[[pool.backend]]\nname = \"s1\"\naddress = \"10.0.2.1\"\n";
  }
  void write(const std::string& content) const { std::ofstream(path(), std::ios::trunc) << content; }
  static std::string read(const std::string& path) {
    std::ostringstream out;
    out << std::ifstream(path).rdbuf();
    return out.str();
  }
  std::unique_ptr<Cluster> cluster() const {
    config::Loaded loaded = config::load(path());
    for (const auto& error : loaded.errors) ADD_FAILURE() << config::to_string(error);
    auto cluster = std::make_unique<Cluster>(std::move(*loaded.config), config::Secrets{});
    cluster->restore();
    return cluster;
  }
  static std::string tell(Cluster& cluster, std::string_view line) { return carry_out(cluster, line, {}).answer; }
  static std::string owner(const proxy::View& view, size_t slot) {
    const uint16_t member = view.pools[0].overlay.slots()[slot];
    return member == steer::no_member ? "" : view.backends[view.pools[0].first_backend + member].name;
  }
  static size_t slots_of(const proxy::View& view, std::string_view name) {
    size_t count = 0;
    for (size_t slot = 0; slot < steer::table_slots; ++slot) count += owner(view, slot) == name;
    return count;
  }

  const test::Folder folder_;
};

TEST_F(ClusterTest, a_drained_backend_gives_its_share_to_all_and_gets_it_back) {  // LBG-08
  const auto cluster = this->cluster();
  const auto before = cluster->view();
  EXPECT_NE(tell(*cluster, "backend drain proxies/p3").find("proxies/p3: state up -> drain; 12.7 %"),
            std::string::npos);
  const auto during = cluster->view();
  size_t moved_of_others = 0;
  for (size_t slot = 0; slot < steer::table_slots; ++slot) {
    if (owner(*before, slot) != "p3") moved_of_others += owner(*before, slot) != owner(*during, slot);
  }
  EXPECT_EQ(moved_of_others, 0u);
  EXPECT_EQ(slots_of(*during, "p3"), 0u);
  const double share = static_cast<double>(slots_of(*before, "p3")) / 7;
  for (const auto* name : {"p1", "p2", "p4", "p5", "p6", "p7", "p8"}) {
    const auto gained = static_cast<double>(slots_of(*during, name)) - static_cast<double>(slots_of(*before, name));
    EXPECT_NEAR(gained, share, 0.3 * share) << name;
  }
  EXPECT_TRUE(during->backends[2].reachable()) << "its dialogs go on";
  tell(*cluster, "backend up proxies/p3");
  EXPECT_EQ(cluster->view()->pools[0].overlay.fingerprint(), before->pools[0].overlay.fingerprint());
}

TEST_F(ClusterTest, a_pool_that_takes_no_new_calls_is_an_event_whatever_the_cause) {
  const auto cluster = this->cluster();
  const auto told = [&] {
    std::string all;
    for (const Event& event : cluster->events().kept()) {
      if (event.kind == EventKind::pool) all += event.subject + ": " + event.what + ';';
    }
    return all;
  };
  tell(*cluster, "backend drain proxies/p1");
  for (int i = 2; i <= 8; ++i) {
    EXPECT_EQ(told(), "") << i;
    cluster->take({{"proxies/p" + std::to_string(i), false, "no answer"}});
  }
  std::string expected = "proxies: no backend takes new calls; they go to pool spare;";
  EXPECT_EQ(told(), expected);
  EXPECT_EQ(proxy::usable_backends(*cluster->view(), cluster->view()->pools[0]), 0u);
  cluster->take({{"spare/s1", false, "no answer"}});
  expected += "spare: no backend takes new calls; they are refused;";
  EXPECT_EQ(told(), expected);
  tell(*cluster, "backend up proxies/p1");
  expected += "proxies: takes new calls again;";
  EXPECT_EQ(told(), expected);
  tell(*cluster, "backend drain spare/s1");
  EXPECT_EQ(told(), expected) << "it was unusable before";
  const auto again = this->cluster();
  ASSERT_FALSE(again->events().kept().empty());
  EXPECT_EQ(again->events().kept().back().kind, EventKind::pool) << "after a restart as well";
}

TEST_F(ClusterTest, a_ninth_backend_takes_its_share_from_all_and_the_prediction_holds) {  // LBG-02
  const auto cluster = this->cluster();
  const auto before = cluster->view();
  std::string nine = text();
  nine.insert(nine.find("[[pool]]\nname = \"spare\""), "[[pool.backend]]\nname = \"p9\"\naddress = \"10.0.1.9\"\n");
  write(nine);
  const auto dry = carry_out(*cluster, "reload dry-run json", {});
  EXPECT_FALSE(dry.changed);
  EXPECT_EQ(cluster->view(), before) << "a dry run changes nothing";
  const auto report = nlohmann::json::parse(dry.answer);
  EXPECT_EQ(report["changes"][0]["what"], "added");
  EXPECT_EQ(report["changes"][0]["where"], "backend proxies/p9");
  const double predicted = report["moves"][0]["new_calls_that_move_percent"];
  EXPECT_NEAR(predicted, 100.0 / 9, 1.5);
  EXPECT_TRUE(carry_out(*cluster, "reload", {}).reloaded);
  size_t moved = 0, strayed = 0;
  for (size_t slot = 0; slot < steer::table_slots; ++slot) {
    const std::string was = owner(*before, slot), is = owner(*cluster->view(), slot);
    moved += was != is;
    strayed += was != is && is != "p9";
  }
  EXPECT_NEAR(100.0 * static_cast<double>(moved) / steer::table_slots, predicted, 0.5);
  EXPECT_EQ(strayed, 0u) << "all of them to the ninth";
}

TEST_F(ClusterTest, a_new_backend_gets_calls_when_its_probes_are_answered) {  // LBG-23
  const std::string health = "slow_start = \"10s\"\n[pool.health]\n";
  write(text(health));
  const auto cluster = this->cluster();
  ASSERT_TRUE(cluster->open_probes([](const net::IpAddress&) { return true; }, {}));
  const auto before = cluster->view();
  for (const proxy::Backend& backend : before->backends) EXPECT_TRUE(backend.healthy) << "as the program starts";
  std::string nine = text(health);
  nine.insert(nine.find("[[pool]]\nname = \"spare\""), "[[pool.backend]]\nname = \"p9\"\naddress = \"10.0.1.9\"\n");
  write(nine);
  const auto report = nlohmann::json::parse(tell(*cluster, "reload json"));
  EXPECT_NEAR(report["moves"][0]["new_calls_that_move_percent"].get<double>(), 100.0 / 9, 1.5) << "in the end";
  EXPECT_FALSE(cluster->view()->backends[8].healthy);
  EXPECT_EQ(slots_of(*cluster->view(), "p9"), 0u);
  EXPECT_NE(cluster->events().kept()[cluster->events().kept().size() - 2].what.find("until its probes are answered"),
            std::string::npos);
  tell(*cluster, "reload");
  EXPECT_FALSE(cluster->view()->backends[8].healthy) << "still not known";
  cluster->take({{"proxies/p9", true, "2 probes in a row answered"}});
  EXPECT_TRUE(cluster->view()->backends[8].healthy);
  EXPECT_GT(slots_of(*cluster->view(), "p9"), 0u);
  EXPECT_LT(slots_of(*cluster->view(), "p9"), steer::table_slots / 50) << "and slowly";
}

TEST_F(ClusterTest, a_new_backend_that_nobody_can_stand_in_for_or_probe_gets_calls_at_once) {
  const std::string health = "[pool.health]\n";
  write(text(health));
  std::string other = text(health);
  for (size_t at = 0; (at = other.find("name = \"p", at)) != std::string::npos; at += 8) {
    if (std::isdigit(other[at + 9]) != 0) other[at + 8] = 'q';  // p1 becomes q1, proxies stay
  }
  for (const bool reachable : {true, false}) {
    const auto cluster = this->cluster();
    ASSERT_TRUE(cluster->open_probes([=](const net::IpAddress&) { return reachable; }, {}));
    std::string nine = text(health);
    nine.insert(nine.find("[[pool]]\nname = \"spare\""), "[[pool.backend]]\nname = \"p9\"\naddress = \"10.0.1.9\"\n");
    write(reachable ? other : nine);
    ASSERT_TRUE(carry_out(*cluster, "reload", {}).reloaded);
    EXPECT_TRUE(cluster->view()->backends[0].takes_new());
    if (!reachable) {
      EXPECT_GT(slots_of(*cluster->view(), "p9"), 0u);
    }
    write(text(health));
  }
}

TEST_F(ClusterTest, a_dead_backend_that_probes_reach_no_more_counts_as_healthy) {
  write(text("[pool.health]\n"));
  const auto is_p3 = [](const net::IpAddress& address) { return address == *net::parse_ip("10.0.1.3"); };
  {
    const auto cluster = this->cluster();
    cluster->take({{"proxies/p3", false, "no answer"}});
  }
  const auto cluster = this->cluster();
  EXPECT_FALSE(cluster->view()->backends[2].healthy) << "as before the restart";
  ASSERT_TRUE(cluster->open_probes([&](const net::IpAddress& address) { return !is_p3(address); }, {}));
  EXPECT_TRUE(cluster->turn({})) << "another View";
  EXPECT_TRUE(cluster->view()->backends[2].healthy) << "nobody would ever say that it is back";
  EXPECT_GT(slots_of(*cluster->view(), "p3"), 0u);
  EXPECT_EQ(cluster->events().kept().back().what, "up: no probes can be sent to it");
  EXPECT_EQ(nlohmann::json::parse(read(state_path()))["backends"], nlohmann::json::object());
  EXPECT_FALSE(cluster->turn({})) << "told once";

  cluster->take({{"proxies/p4", false, "no answer"}});
  std::string moved = text("[pool.health]\n");
  moved.replace(moved.find("10.0.1.4"), 8, "10.0.1.3");
  moved.replace(moved.find("10.0.1.3"), 8, "10.0.1.4");
  write(moved);
  ASSERT_TRUE(carry_out(*cluster, "reload", {}).reloaded);
  EXPECT_TRUE(cluster->turn({}));
  EXPECT_TRUE(cluster->view()->backends[3].healthy) << "its new address is beyond them";
}

TEST_F(ClusterTest, who_comes_back_has_no_past_of_its_health) {
  const auto cluster = this->cluster();
  const auto since = [&](size_t row) { return cluster->rows()[row].since; };
  cluster->take({{"proxies/p8", false, "no answer"}});
  EXPECT_GT(since(7), since(0));
  std::string seven = text();
  const size_t last = seven.find("[[pool.backend]]\nname = \"p8\"");
  seven.erase(last, seven.find("[[pool]]\nname = \"spare\"") - last);
  for (const std::string& file : {seven, text()}) {
    write(file);
    ASSERT_TRUE(carry_out(*cluster, "reload", {}).reloaded);
  }
  EXPECT_EQ(cluster->rows()[7].backend, "p8");
  EXPECT_EQ(since(7), since(0)) << "as if it had never been there";
}

TEST_F(ClusterTest, health_that_a_reload_asks_for_is_probed) {
  const auto cluster = this->cluster();
  ASSERT_TRUE(cluster->open_probes([](const net::IpAddress&) { return true; }, {}));
  write(text("[pool.health]\n"));
  ASSERT_TRUE(carry_out(*cluster, "reload", {}).reloaded);
  EXPECT_TRUE(cluster->rows()[0].probed);
  EXPECT_TRUE(cluster->rows()[0].healthy);
}

TEST_F(ClusterTest, a_long_setting_is_told_where_it_differs) {
  const auto rule = [](std::string_view last) {
    std::string patterns;
    for (int i = 0; i < 1000; ++i) patterns += fmt::format("'scanner{}', ", i);
    return fmt::format("[[rule]]\nname = \"many\"\nmatch = {{ user-agent = [{}'{}'] }}\naction = \"drop\"\n", patterns,
                       last);
  };
  write(text() + rule("the-last-one"));
  const auto cluster = this->cluster();
  write(text() + rule("the-best-one"));
  const auto report = nlohmann::json::parse(tell(*cluster, "reload json"));
  ASSERT_EQ(report["changes"].size(), 1u);
  const auto detail = report["changes"][0]["detail"].get<std::string>();
  EXPECT_LT(detail.size(), 500u);
  for (const std::string_view part : {"scanner999", "the-last-one", "the-best-one", " characters)"}) {
    EXPECT_NE(detail.find(part), std::string::npos) << part << " is not in " << detail;
  }
  EXPECT_EQ(detail.find("scanner42"), std::string::npos);
}

TEST_F(ClusterTest, another_kind_of_table_is_a_difference_and_its_moves_are_told) {
  const auto cluster = this->cluster();
  write(text("table = \"maglev\"\n"));
  const auto report = nlohmann::json::parse(tell(*cluster, "reload json"));
  EXPECT_EQ(report["changes"][0]["detail"], "table: rendezvous -> maglev");
  EXPECT_GT(report["moves"][0]["new_calls_that_move_percent"].get<double>(), 50);
  EXPECT_EQ(cluster->view()->pools[0].table.kind(), steer::TableKind::maglev);
}

TEST_F(ClusterTest, a_broken_file_changes_nothing_and_every_mistake_is_named) {
  const auto cluster = this->cluster();
  const auto before = cluster->view();
  std::string broken = text();
  broken.replace(broken.find("address = \"10.0.1.3\""), 20, "address = \"10.0.1.333\"");
  broken.replace(broken.find("pool = \"proxies\""), 16, "pool = \"proxie\"");
  broken += "[[rule]]\nname = \"r\"\nmatch = { from = '(bad' }\naction = \"drop\"\n";
  write(broken);
  const Outcome outcome = carry_out(*cluster, "reload", {});
  EXPECT_FALSE(outcome.changed);
  EXPECT_TRUE(outcome.answer.starts_with("error: nothing was changed\n" + path() + ":10:8: pool \"proxie\""))
      << outcome.answer;
  EXPECT_NE(outcome.answer.find(":22:11: address is \"10.0.1.333\""), std::string::npos) << outcome.answer;
  EXPECT_NE(outcome.answer.find("pattern '(bad'"), std::string::npos) << outcome.answer;
  EXPECT_EQ(cluster->view(), before);
  EXPECT_NE(cluster->events().kept().back().what.find("refused"), std::string::npos);
  std::filesystem::remove(path());
  EXPECT_TRUE(tell(*cluster, "reload").starts_with("error: nothing was changed"));
  EXPECT_EQ(cluster->view(), before);
}

TEST_F(ClusterTest, what_needs_a_restart_is_refused) {
  const auto cluster = this->cluster();
  const auto before = cluster->view();
  for (const auto& [good, bad, named] :
       {std::tuple{"[control]", "[runtime]\nmemory_mb = 128\n[control]", "memory_mb: 512"},
        {"memif:/run/edge.sock", "memif:/run/other.sock", "port edge: device"},
        {"192.0.2.10:5060", "192.0.2.10:5070", "listener public: address"}}) {
    std::string changed = text();
    changed.replace(changed.find(good), std::string_view(good).size(), bad);
    write(changed);
    const std::string answer = tell(*cluster, "reload");
    EXPECT_NE(answer.find("needs a restart"), std::string::npos) << answer;
    EXPECT_NE(answer.find(named), std::string::npos) << answer;
    EXPECT_EQ(cluster->view(), before);
  }
}

TEST_F(ClusterTest, saved_words_are_in_the_file_and_unsaved_ones_end_with_a_reload) {
  const auto cluster = this->cluster();
  tell(*cluster, "backend drain proxies/p2");
  EXPECT_NE(tell(*cluster, "save").find("proxies/p2: state drain"), std::string::npos);
  std::string expected = text();
  expected.insert(expected.find("address = \"10.0.1.2\""), "state = \"drain\"\n");
  EXPECT_EQ(read(path()), expected);
  tell(*cluster, "backend weight proxies/p4 10");
  const auto report = nlohmann::json::parse(tell(*cluster, "reload json"));
  EXPECT_EQ(report["dropped"], nlohmann::json::array({"proxies/p4: weight 10"}));
  EXPECT_TRUE(report["changes"].empty());
  EXPECT_EQ(cluster->view()->backends[1].state, proxy::OperatorState::drain);
  EXPECT_EQ(cluster->view()->backends[3].weight, 100u);
  EXPECT_NE(tell(*cluster, "save").find("nothing was written"), std::string::npos);
}

TEST_F(ClusterTest, words_survive_a_restart_and_go_with_their_backend) {
  {
    const auto cluster = this->cluster();
    tell(*cluster, "backend drain proxies/p2");
    tell(*cluster, "backend weight proxies/p5 7");
  }
  const auto again = cluster();
  EXPECT_EQ(again->view()->backends[1].state, proxy::OperatorState::drain);
  EXPECT_EQ(again->view()->backends[4].weight, 7u);
  EXPECT_EQ(slots_of(*again->view(), "p2"), 0u);
  tell(*again, "backend up proxies/p2");
  tell(*again, "backend weight proxies/p5 100");
  EXPECT_EQ(nlohmann::json::parse(read(state_path()))["backends"], nlohmann::json::object());
}

TEST_F(ClusterTest, deaths_survive_a_restart_for_a_while_and_only_where_probed) {
  const auto saved = [&](int64_t seconds_ago) {
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
    std::ofstream(state_path(), std::ios::trunc)
        << R"({"version":1,"saved":)" << now.count() - seconds_ago
        << R"(,"backends":{"proxies/p1":{"healthy":false},"proxies/p99":{"state":"down"},"spare/s1":7}})";
  };
  saved(5);
  EXPECT_TRUE(cluster()->view()->backends[0].healthy) << "nobody would ever say that it is back";
  saved(5);
  write(text("[pool.health]\n"));
  EXPECT_FALSE(cluster()->view()->backends[0].healthy);
  saved(3600);
  EXPECT_TRUE(cluster()->view()->backends[0].healthy) << "an hour old";
  for (const auto* nonsense : {"", "{", "[]", R"({"version":2})", R"({"version":1,"backends":3})"}) {
    std::ofstream(state_path(), std::ios::trunc) << nonsense;
    EXPECT_TRUE(cluster()->view()->backends[0].takes_new()) << nonsense;
  }
}

TEST_F(ClusterTest, deaths_stay_fresh_in_the_state_file_while_they_last) {
  using namespace std::chrono_literals;
  write(text("[pool.health]\n"));
  auto cluster = this->cluster();
  const core::Instant now{};
  cluster->take({{"proxies/p3", false, "no answer"}});
  cluster->turn(now);
  const auto is_written_by = [&](auto&& step) {
    std::filesystem::remove(state_path());
    step();
    return std::filesystem::exists(state_path());
  };
  EXPECT_FALSE(is_written_by([&] { cluster->turn(now + 59s); })) << "the disk has other things to do";
  EXPECT_TRUE(is_written_by([&] { cluster->turn(now + 60s); }));
  EXPECT_TRUE(is_written_by([&] { cluster.reset(); })) << "at the end, so that a restart after hours knows it";
  cluster = this->cluster();
  EXPECT_FALSE(cluster->view()->backends[2].healthy);
  cluster->take({{"proxies/p3", true, "2 probes in a row answered"}});
  EXPECT_FALSE(is_written_by([&] { cluster->turn(now + 120s); })) << "nothing in it ages";
}

TEST_F(ClusterTest, deaths_that_the_future_or_nonsense_has_saved_are_not_believed) {
  write(text("[pool.health]\n"));
  const config::Loaded loaded = config::load(path());
  ASSERT_TRUE(loaded.config);
  const int64_t now = 1'700'000'000;
  const auto is_believed = [&](std::string_view saved) {
    std::ofstream(state_path(), std::ios::trunc)
        << R"({"version":1,"saved":)" << saved << R"(,"backends":{"proxies/p3":{"healthy":false}}})";
    const auto running = StateFile(state_path()).read(*loaded.config, now);
    return running && running->contains("proxies/p3");
  };
  EXPECT_TRUE(is_believed("1700000000"));
  EXPECT_TRUE(is_believed("1699999400"));
  for (const auto* saved : {"1699999399", "1700000001", "-9223372036854775808", "9223372036854775807",
                            "18446744073709551615", "1e9", "\"now\"", "null"}) {
    EXPECT_FALSE(is_believed(saved)) << saved;
  }
}

TEST_F(ClusterTest, a_pool_with_nobody_left_is_led_to_its_backup) {
  const auto cluster = this->cluster();
  EXPECT_EQ(cluster->view()->listeners[0].pool, 0);
  for (int i = 1; i <= 8; ++i) {
    EXPECT_EQ(cluster->view()->listeners[0].pool, 0);
    tell(*cluster, "backend drain proxies/p" + std::to_string(i));
  }
  EXPECT_EQ(cluster->view()->listeners[0].pool, 1);
  tell(*cluster, "backend down spare/s1");
  EXPECT_EQ(cluster->view()->listeners[0].pool, 0) << "nobody anywhere: its own pool says 503";
  tell(*cluster, "backend up proxies/p5");
  EXPECT_EQ(cluster->view()->listeners[0].pool, 0);
}

TEST_F(ClusterTest, the_last_weight_of_a_pool_stays_though_others_are_departing) {
  const auto cluster = this->cluster();
  std::string one = text();
  const size_t second = one.find("[[pool.backend]]\nname = \"p2\"");
  one.erase(second, one.find("[[pool]]\nname = \"spare\"") - second);
  write(one);
  ASSERT_TRUE(carry_out(*cluster, "reload", {}).reloaded);
  ASSERT_TRUE(cluster->view()->backends[1].departing);
  EXPECT_NE(tell(*cluster, "backend weight proxies/p1 0").find("no other backend of pool 'proxies'"),
            std::string::npos);
  EXPECT_EQ(cluster->view()->backends[0].weight, 100u);
}

TEST_F(ClusterTest, wrong_orders_are_answered_with_the_right_ones) {
  const auto cluster = this->cluster();
  const auto before = cluster->view();
  for (const auto& [line, wanted] :
       {std::pair{"backend", "is expected"},
        {"backend sleep proxies/p1", "'backend drain|up|down POOL/NAME'"},
        {"backend drain proxies/p9", "there is no backend 'proxies/p9'; there are proxies/p1"},
        {"backend weight proxies/p1", "is expected"},
        {"backend weight proxies/p1 1001", "from 0 to 1000"},
        {"backend weight proxies/p1 -1", "from 0 to 1000"},
        {"backend weight spare/s1 0", "no other backend of pool 'spare'"},
        {"reload now", "'reload [dry-run] [json]'"},
        {"save all", "alone"}}) {
    const Outcome outcome = carry_out(*cluster, line, {});
    EXPECT_TRUE(outcome.is_order);
    EXPECT_FALSE(outcome.changed);
    EXPECT_TRUE(outcome.answer.starts_with("error: ")) << outcome.answer;
    EXPECT_NE(outcome.answer.find(wanted), std::string::npos) << outcome.answer;
  }
  EXPECT_FALSE(carry_out(*cluster, "show stat", {}).is_order);
  EXPECT_FALSE(carry_out(*cluster, "", {}).is_order);
  EXPECT_EQ(cluster->view(), before);
}

}  // namespace
}  // namespace viaduct::control
