// viaduct: the balancer. Options and wiring, nothing else.
#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "../manual.h"
#include "CLI/CLI.hpp"
#include "control/checked.h"
#include "control/daemon.h"
#include "control/log.h"
#include "control/privileges.h"
#include "core/log.h"
#include "dpdk/runtime.h"

namespace {

using namespace viaduct;

constexpr int exit_fine = 0;
constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

constexpr const char* about =
    "Viaduct: a SIP load balancer on DPDK.\n"
    "\n"
    "Runs in the foreground until SIGTERM or SIGINT. Logs go to stderr, unless told otherwise; state to `viaductctl`.";

constexpr const char* examples =
    "Examples:\n"
    "  viaduct --config /etc/viaduct/viaduct.toml --check   is this file fine? all mistakes at once, nothing is "
    "started\n"
    "  viaduct --config /etc/viaduct/viaduct.toml           run\n"
    "\n"
    "Exit codes: 0 fine, 1 the work failed (a bad configuration, a port that does not open or is lost), 2 wrong "
    "usage.\n"
    "VIADUCT_SIMD=scalar|sse42|avx2|avx512 chooses the scanning kernel; without it the widest that the CPU has.";

void complain(const std::string& sentence) { std::fprintf(stderr, "%s\n", sentence.c_str()); }

// All that the ports will need once they are open.
control::PrivilegeOptions privileges_for(const config::Config& config, const dpdk::Runtime& runtime) {
  const auto has = [&](config::DeviceKind kind) {
    return std::any_of(config.ports.begin(), config.ports.end(),
                       [kind](const config::Port& port) { return port.device.kind == kind; });
  };
  const auto ports = runtime.ports();
  control::PrivilegeOptions options;
  options.net_admin = std::any_of(ports.begin(), ports.end(),
                                  [](const dpdk::PortInfo& port) { return !port.kernel_interface.empty(); });
  options.sandbox = {
      .mode = config.runtime.sandbox, .pci = has(config::DeviceKind::pci), .af_xdp = has(config::DeviceKind::af_xdp)};
  return options;
}

int run(const std::string& path) {
  auto checked = control::read_configuration(
      path, control::SecretUse::needed, [](const std::string& warning) { viaduct::core::log_warning("{}", warning); });
  if (!checked) return exit_failed;
  control::Daemon::block_signals();
  std::optional<control::Account> account;
  if (const std::string& user = checked->config.runtime.user; !user.empty()) {
    auto found = control::find_account(user);
    if (!found) {
      complain("viaduct: user in [runtime]: " + found.error());
      return exit_failed;
    }
    account = std::move(*found);
  }
  auto runtime = dpdk::Runtime::open(checked->config);
  if (!runtime) {
    complain("viaduct: " + runtime.error());
    return exit_failed;
  }
  control::PrivilegeOptions privileges = privileges_for(checked->config, **runtime);
  privileges.account = std::move(account);
  const auto before_packets = [&privileges]() -> core::Status {
    const auto dropped = control::drop_privileges(privileges);
    if (!dropped) return core::Error{dropped.error()};
    viaduct::core::log_info("{}", *dropped);
    return core::Done{};
  };
  auto daemon = control::Daemon::start(std::move(checked->config), checked->secrets, std::move(*runtime),
                                       VIADUCT_VERSION, before_packets);
  if (!daemon) {
    complain("viaduct: " + daemon.error());
    return exit_failed;
  }
  if (const auto ended = (*daemon)->run(); !ended) {
    viaduct::core::log_error("{}: ended, to be started again", ended.error());
    return exit_failed;
  }
  return exit_fine;
}

}  // namespace

int main(int argc, char** argv) {
  control::LogOptions logging;
  (void)control::open_log(logging);  // stderr, until it is known what is wanted
  CLI::App app(about, "viaduct");
  app.footer(examples);
  app.set_version_flag("--version", std::string("viaduct ") + VIADUCT_VERSION);
  std::string path;
  bool check_only = false;
  app.add_option("-c,--config", path, "The configuration file (TOML)")->type_name("FILE")->required();
  app.add_flag("--check", check_only, "Check the file, say what is wrong with it, start nothing");
  const std::map<std::string, control::LogFormat> formats{
      {"text", control::LogFormat::text}, {"keys", control::LogFormat::keys}, {"json", control::LogFormat::json}};
  app.add_option("--log-format", logging.format, "How a line of the log looks: text, keys (key=value) or json")
      ->transform(CLI::CheckedTransformer(formats, CLI::ignore_case).description(""))
      ->type_name("FORMAT");
  app.add_option("--log-file", logging.file, "Where the log goes instead of stderr")->type_name("FILE");
  app.add_option("--log-level", logging.level, "What is logged: debug, info, warning or error, and what is worse")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}).description(""))
      ->type_name("LEVEL")
      ->capture_default_str();
  manual::add_manual_flag(app, VIADUCT_VERSION, 8, "viaduct.toml(5), viaductctl(1), viablast(1)");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? exit_fine : exit_usage;
  }
  if (const core::Status opened = control::open_log(logging); !opened) {
    complain("viaduct: " + opened.error());
    return exit_failed;
  }
  return check_only ? control::check_configuration(path) : run(path);
}
