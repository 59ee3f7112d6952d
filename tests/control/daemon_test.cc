// The control thread with a runtime of paper: no DPDK, and no kernel twin but where a case has a link.
#include "control/daemon.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <thread>

#include "control/client.h"
#include "nlohmann/json.hpp"
#include "support/effort.h"
#include "support/folder.h"
#include "support/network_test.h"
#include "support/until.h"

namespace viaduct::control {
namespace {

class PaperRuntime : public dpdk::Runtime {
 public:
  struct Log {
    std::atomic<int> started{0}, stopped{0}, published{0};
    std::atomic<uint64_t> first_epoch{0};
    std::atomic<bool> name_wanted{false}, names_without_end{false};
    std::string interface;                                       // of the kernel, behind the port
    std::function<void(const dataplane::View&)> published_view;  // called with each
  };
  explicit PaperRuntime(Log& log) : log_(log) {
    dpdk::PortInfo port;
    port.name = "edge";
    port.device = "memif:/run/edge.sock";
    port.driver = "paper";
    port.kernel_interface = log_.interface;
    port.capabilities.push_back({"RSS", "yes", "no"});
    ports_.push_back(port);
    counters_->received.add(3);
    counters_->forwarded.add(3);
    counters_->backend_requests[0].add(2);
  }
  std::span<const dpdk::PortInfo> ports() const override { return ports_; }
  dpdk::PortStatistics port_statistics(size_t) const override { return {}; }
  core::Status start(std::shared_ptr<const dataplane::View> view) override {
    ++log_.started;
    log_.first_epoch = view->epoch;
    return core::Done{};
  }
  void publish(std::shared_ptr<const dataplane::View> view) override {
    ++log_.published;
    if (log_.published_view) log_.published_view(*view);
  }
  void reclaim() override {}
  void stop() override { ++log_.stopped; }
  size_t worker_count() const override { return 1; }
  unsigned worker_lcore(size_t) const override { return 1; }
  const telemetry::WorkerCounters& counters(size_t) const override { return *counters_; }
  size_t handoff_waiting() const override { return 0; }
  size_t take_wanted(std::span<dpdk::WantedNeighbor>) override { return 0; }
  size_t take_wanted_names(std::span<dpdk::WantedName> out) override {
    if (out.empty() || (!log_.name_wanted.exchange(false) && !log_.names_without_end)) return 0;
    dataplane::WantedNames ring;
    ring.want("nowhere.example");
    return ring.take(out);
  }

 private:
  Log& log_;
  std::vector<dpdk::PortInfo> ports_;
  std::unique_ptr<telemetry::WorkerCounters> counters_ = std::make_unique<telemetry::WorkerCounters>();
};

template <class Base>
class DaemonTestOn : public Base {
 protected:
  void SetUp() override {
    Base::SetUp();
    Daemon::block_signals();
  }
  static std::string text(const std::string& socket) {
    return R"(
[runtime]
workers = [1]
control_core = 0
hugepages = false
[control]
socket = ")" +
           socket + R"("
[[port]]
name = "edge"
device = "memif:/run/edge.sock?role=client"
addresses = ["192.0.2.10/24"]
gateway = "192.0.2.1"
neighbors = [{ address = "192.0.2.101", mac = "02:00:00:00:01:01" }]
[[listener]]
name = "public"
address = "192.0.2.10:5060"
pool = "proxies"
[[pool]]
name = "proxies"
[[pool.backend]]
name = "b0"
address = "192.0.2.101:5060"
)";
  }
  std::unique_ptr<Daemon> started() { return started(config::load_text(text(socket_), "paper.toml")); }
  std::unique_ptr<Daemon> started(config::Loaded loaded) {
    for (const auto& error : loaded.errors) ADD_FAILURE() << config::to_string(error);
    if (!loaded.config) return nullptr;
    auto daemon = Daemon::start(std::move(*loaded.config), {}, std::make_unique<PaperRuntime>(log_), "0.1.0-test");
    if (!daemon) {
      ADD_FAILURE() << daemon.error();
      return nullptr;
    }
    return std::move(*daemon);
  }

  const test::Folder folder_;
  const std::string socket_ = folder_ / "viaduct.sock";
  PaperRuntime::Log log_;
};

using DaemonTest = DaemonTestOn<::testing::Test>;
using DaemonOnALinkTest = DaemonTestOn<test::NetworkTest>;

TEST_F(DaemonTest, starts_answers_and_stops) {
  auto daemon = started();
  ASSERT_TRUE(daemon);
  EXPECT_EQ(log_.started, 1);
  EXPECT_EQ(log_.first_epoch, 1u);
  std::thread loop([&] { EXPECT_TRUE(daemon->run()); });
  const auto stat = ask(socket_, "show stat json");
  const auto neighbors = ask(socket_, "show neighbors json");
  const auto ports = ask(socket_, "show ports json");
  daemon->stop();
  loop.join();
  EXPECT_EQ(log_.stopped, 1);
  ASSERT_TRUE(stat) << stat.error();
  EXPECT_EQ(nlohmann::json::parse(*stat)["ledger"]["forwarded"], 3);
  ASSERT_TRUE(neighbors);
  EXPECT_EQ(nlohmann::json::parse(*neighbors)["neighbors"][0]["mac"], "02:00:00:00:01:01");
  EXPECT_EQ(nlohmann::json::parse(*neighbors)["routes"].size(), 2u);
  ASSERT_TRUE(ports);
  EXPECT_EQ(nlohmann::json::parse(*ports)["ports"]["edge"]["capabilities"][0]["got"], "no");
  EXPECT_TRUE(daemon->ledger_closes());
  daemon.reset();
  EXPECT_FALSE(std::filesystem::exists(socket_));
}

TEST_F(DaemonTest, events_are_told_from_a_number_on) {
  auto daemon = started();
  ASSERT_TRUE(daemon);
  std::thread loop([&] { EXPECT_TRUE(daemon->run()); });
  const auto done = ask(socket_, "reset");
  const auto all = ask(socket_, "events since 0");
  const auto none = ask(socket_, "events since 18446744073709551615");
  std::vector<core::Result<std::string>> wrong;
  for (const char* number : {"99999999999999999999999", "-1", "1x", ""}) {
    wrong.push_back(ask(socket_, std::string("events since ") + number));
  }
  daemon->stop();
  loop.join();
  ASSERT_TRUE(done && all && none);
  EXPECT_NE(all->find("begins anew"), std::string::npos) << *all;
  EXPECT_EQ(*none, "no events\n");
  for (const auto& answer : wrong) {
    const std::string& text = answer ? *answer : answer.error();
    EXPECT_NE(text.find("'events [follow] [json] [since NUMBER] [kind KIND]' is expected"), std::string::npos) << text;
  }
}

TEST_F(DaemonTest, what_backends_have_had_since_a_reset_begins_anew) {
  auto daemon = started();
  ASSERT_TRUE(daemon);
  std::thread loop([&] { EXPECT_TRUE(daemon->run()); });
  const auto before = ask(socket_, "show backends json");
  const auto done = ask(socket_, "reset");
  const auto after = ask(socket_, "show backends json");
  daemon->stop();
  loop.join();
  ASSERT_TRUE(before && done && after);
  EXPECT_EQ(nlohmann::json::parse(*before)["backends"][0]["requests_since_reset"], 2);
  EXPECT_EQ(nlohmann::json::parse(*after)["backends"][0]["requests_since_reset"], 0);
  EXPECT_EQ(nlohmann::json::parse(*after)["backends"][0]["requests"], 2);
}

TEST_F(DaemonTest, a_name_that_a_worker_wants_is_looked_up) {  // TGT-10
  log_.name_wanted = true;
  auto daemon = started();
  ASSERT_TRUE(daemon);
  std::thread loop([&] { EXPECT_TRUE(daemon->run()); });
  std::string shown;
  test::until([&] {
    const auto names = ask(socket_, "show names json");
    if (names) shown = *names;
    return shown.find("nowhere.example") != std::string::npos;
  });
  daemon->stop();
  loop.join();
  ASSERT_NE(shown.find("nowhere.example"), std::string::npos) << shown;
  EXPECT_EQ(nlohmann::json::parse(shown)["names"][0]["address"], "");
}

TEST_F(DaemonTest, names_without_end_leave_time_for_everything_else) {
  log_.names_without_end = true;
  auto daemon = started();
  ASSERT_TRUE(daemon);
  std::thread loop([&] { EXPECT_TRUE(daemon->run()); });
  EXPECT_TRUE(test::until(
      [&] {
        const auto info = ask(socket_, "show info json", 500);
        return info && nlohmann::json::parse(*info)["names"]["kept"] == 1;
      },
      std::chrono::seconds(3)));
  log_.names_without_end = false;
  daemon->stop();
  loop.join();
}

TEST_F(DaemonTest, sigterm_ends_it) {
  auto daemon = started();
  ASSERT_TRUE(daemon);
  std::thread loop([&] { EXPECT_TRUE(daemon->run()); });
  kill(getpid(), SIGTERM);
  loop.join();
  EXPECT_EQ(log_.stopped, 1);
}

TEST_F(DaemonTest, sighup_reads_the_file_and_one_that_is_not_there_changes_nothing) {
  auto daemon = started();
  ASSERT_TRUE(daemon);
  std::thread loop([&] { EXPECT_TRUE(daemon->run()); });
  kill(getpid(), SIGHUP);
  std::string events;
  EXPECT_TRUE(test::until([&] {
    if (const auto shown = ask(socket_, "show events")) events = *shown;
    return events.find("refused: ") != std::string::npos;
  })) << events;
  const auto info = ask(socket_, "show info json");
  EXPECT_EQ(log_.stopped, 0);
  daemon->stop();
  loop.join();
  ASSERT_TRUE(info) << info.error();
  EXPECT_EQ(nlohmann::json::parse(*info)["view_epoch"], 1);
  EXPECT_EQ(log_.published, 0);
}

// A rule names its pool by its place in the file it came with.
TEST_F(DaemonOnALinkTest, a_reload_takes_effect_in_one_piece_while_new_hops_are_awaited) {
  if (IsSkipped()) return;
  peer_->connect("edge0", "far0");
  test::run("ip addr add 10.78.0.1/24 dev edge0");
  (*peer_)("ip addr add 10.78.0.3/24 dev far0");
  const auto pool = [](const std::string& name, const std::string& address) {
    return "[[pool]]\nname = \"" + name + "\"\n[[pool.backend]]\nname = \"b0\"\naddress = \"" + address + "\"\n";
  };
  const std::string head = "[runtime]\nworkers = [1]\ncontrol_core = 0\nhugepages = false\n[control]\nsocket = \"" +
                           socket_ + "\"\n[[port]]\nname = \"edge\"\ndevice = \"af_packet:edge0\"\n" +
                           "[[listener]]\nname = \"public\"\naddress = \"10.78.0.1:5060\"\npool = \"old\"\n";
  const std::string old = pool("old", "10.78.0.2") + pool("other", "10.78.0.4");
  const std::string rule = "[[rule]]\nname = \"r\"\nmethod = [\"OPTIONS\"]\naction = \"pool old\"\n";
  const std::string path = folder_ / "viaduct.toml";
  std::ofstream(path) << head << old << rule;
  std::vector<std::string> leads_to;
  using Clock = std::chrono::steady_clock;
  std::optional<Clock::time_point> laid;
  log_.interface = "edge0";
  log_.published_view = [&](const dataplane::View& view) {
    const std::vector<proxy::Pool>& pools = view.proxy->pools;
    const uint16_t chosen = view.policy->rules().front().pool;
    leads_to.push_back(chosen < pools.size() ? pools[chosen].name : "nowhere");
    if (pools.size() == 4 && !laid) laid = Clock::now();
  };
  auto daemon = started(config::load(path));
  ASSERT_TRUE(daemon);
  std::thread loop([&] { EXPECT_TRUE(daemon->run()); });
  // One who answers, which is news from the kernel, and one who does not, and is waited for.
  std::ofstream(path) << head << pool("fresh", "10.78.0.3") << pool("silent", "10.78.0.99") << old << rule;
  const auto begin = Clock::now();
  const auto told = ask(socket_, "reload");
  daemon->stop();
  loop.join();
  ASSERT_TRUE(told) << told.error();
  ASSERT_TRUE(laid) << *told;
  EXPECT_GE(*laid - begin, std::chrono::milliseconds(150)) << "who is silent was not waited for";
  for (const std::string& name : leads_to) EXPECT_EQ(name, "old");
}

TEST_F(DaemonTest, waiting_for_a_reload_to_let_go_costs_no_time) {
  const std::string path = folder_ / "viaduct.toml";
  std::ofstream(path) << text(socket_);
  auto daemon = started(config::load(path));
  ASSERT_TRUE(daemon);
  timespec used{};
  std::thread loop([&] {
    EXPECT_TRUE(daemon->run());
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  });
  std::ofstream slow(path);
  slow << text(socket_);
  for (int i = 0; i < test::rounds(240); ++i) {
    slow << "[[rule]]\nname = \"r" << i << "\"\nmatch = { request-uri = '(?i)a" << i
         << ".{1,200}x[a-z]{3,50}(foo|bar)+' }\naction = \"drop\"\n";
  }
  slow.close();
  const auto begin = std::chrono::steady_clock::now();
  std::thread asker([&] { (void)ask(socket_, "reload"); });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  daemon->stop();
  loop.join();
  asker.join();
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  EXPECT_LT(static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec), 0.05 + time.count() / 4);
}

TEST_F(DaemonTest, a_second_one_on_the_same_socket_does_not_start) {
  auto daemon = started();
  ASSERT_TRUE(daemon);
  config::Loaded loaded = config::load_text(text(socket_), "paper.toml");
  ASSERT_TRUE(loaded.config);
  PaperRuntime::Log log;
  const auto second = Daemon::start(std::move(*loaded.config), {}, std::make_unique<PaperRuntime>(log), "0.1.0-test");
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().find("another process listens"), std::string::npos);
  EXPECT_EQ(log.started, 0) << "no worker runs beside another balancer's";
}

}  // namespace
}  // namespace viaduct::control
