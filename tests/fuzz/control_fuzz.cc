// Any octets from a client of the control socket, and the commands behind it.
//
//   a client that has sent everything gets its answers and is disconnected; the next one is served
//   what goes back to a terminal is lines of text, whatever was sent
//   orders are carried out or refused with a sentence, and there is always a View
//
// Octet 1 parts what is sent at once from what is sent later.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <memory>
#include <string>

#include "capture/filter.h"
#include "control/commands.h"
#include "control/explain_desk.h"
#include "control/orders.h"
#include "control/server.h"
#include "control/words.h"
#include "fuzz/require.h"
#include "spdlog/spdlog.h"
#include "support/folder.h"

namespace viaduct::test {
namespace {

constexpr std::string_view config_text = R"(
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
[[pool.backend]]
name = "p1"
address = "10.0.1.1"
[[pool.backend]]
name = "p2"
address = "10.0.1.2"
[[pool]]
name = "spare"
[[pool.backend]]
name = "s1"
address = "10.0.2.1"
[[rule]]
name = "scanners"
method = "OPTIONS"
action = "drop"
[[limit]]
name = "crowd"
by = "source"
rate = "20/s"
entries = 1024
)";

class House {
 public:
  House() {
    spdlog::set_level(spdlog::level::off);
    auto opened = control::Server::open(socket_path(), 0600, [this](std::string_view line) { return obey(line); });
    REQUIRE(opened);
    server_ = *std::move(opened);
    build();
  }

  void serve(std::string_view input) {
    orders_ = 0;
    const size_t turns_max = 100 + input.size();  // each line takes one
    const int client = connected();
    while (!input.empty()) {
      const size_t end = std::min(input.find('\1'), input.size());
      // What the server does not take any more it need not.
      if (end != 0) (void)send(client, input.data(), end, MSG_NOSIGNAL | MSG_DONTWAIT);
      input.remove_prefix(std::min(end + 1, input.size()));
      server_->turn();
      hear(client);
    }
    shutdown(client, SHUT_WR);
    bool gone = false;
    for (size_t turns = 0; turns < turns_max && !gone; ++turns) {
      server_->turn();
      gone = hear(client);
    }
    close(client);
    server_->turn();
    REQUIRE(gone);
    REQUIRE(cluster_->view() != nullptr && policies_ != nullptr);
    if (changed_) build();
  }

 private:
  std::string socket_path() const { return folder_ / "s"; }
  std::string config_path() const { return folder_ / "viaduct.toml"; }

  void build() {
    changed_ = false;
    const std::string control = "[control]\nstate_file = \"\"\n";
    std::ofstream(config_path(), std::ios::trunc) << control << config_text;
    config::Loaded loaded = config::load(config_path());
    REQUIRE(loaded.config);
    policies_ = std::make_unique<control::Policies>(1);
    REQUIRE(policies_->adopt(*loaded.config));
    cluster_ = std::make_unique<control::Cluster>(std::move(*loaded.config), config::Secrets{});
    view_.proxy = cluster_->view();
  }

  int connected() {
    const int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = socket_path();
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    REQUIRE(connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    server_->turn();
    return client;
  }

  // True: the server has hung up.
  static bool hear(int client) {
    static char buffer[1 << 16];
    for (;;) {
      const ssize_t count = recv(client, buffer, sizeof buffer, MSG_DONTWAIT);
      if (count == 0) return true;
      if (count < 0) return errno == ECONNRESET;
      for (const char c : std::string_view(buffer, static_cast<size_t>(count))) {
        REQUIRE(c == '\n' || (static_cast<unsigned char>(c) >= ' ' && c != 0x7f));
      }
    }
  }

  // What `capture` would look for.
  static std::string filtered(std::string_view text) {
    const auto parsed = capture::Filter::parse(text);
    if (!parsed) {
      REQUIRE(parsed.error().starts_with("filter, character ") || parsed.error().starts_with("the filter has "));
      return "error: " + control::printable(parsed.error());
    }
    return parsed->matches({}) ? "yes" : "no";
  }

  // As the daemon does, with few orders, for each builds tables.
  std::string obey(std::string_view line) {
    const core::Instant now = core::SteadyClock().now();
    if (const auto ordered = policies_->order(line, cluster_->events(), now)) {
      changed_ |= ordered->changed;
      return ordered->text;
    }
    constexpr int orders_max = 3;
    if (orders_ < orders_max) {
      control::Outcome outcome = control::carry_out(*cluster_, line, now);
      if (outcome.is_order) {
        ++orders_;
        changed_ |= outcome.changed || line.starts_with("save");
        REQUIRE(!outcome.answer.empty());
        return std::move(outcome.answer);
      }
    }
    view_.proxy = cluster_->view();
    constexpr std::string_view explain = "explain ", filter = "filter ";
    if (line.starts_with(explain)) return explain_desk_.answer(line.substr(explain.size()), view_, cluster_->config());
    if (line.starts_with(filter)) return filtered(line.substr(filter.size()));
    control::Status status;
    status.view = &view_;
    status.version = "0";
    status.workers = {{1, counters_.get()}};
    status.backends = cluster_->rows();
    status.traffic.resize(view_.proxy->backends.size());
    status.events = &cluster_->events();
    status.policies = policies_.get();
    return control::answer(status, line);
  }

  const test::Folder folder_;
  std::unique_ptr<control::Server> server_;
  std::unique_ptr<control::Cluster> cluster_;
  std::unique_ptr<control::Policies> policies_;
  control::ExplainDesk explain_desk_;
  std::unique_ptr<telemetry::WorkerCounters> counters_ = std::make_unique<telemetry::WorkerCounters>();
  dataplane::View view_;
  int orders_ = 0;
  bool changed_ = false;
};

}  // namespace
}  // namespace viaduct::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static viaduct::test::House house;
  house.serve({reinterpret_cast<const char*>(data), size});
  return 0;
}
