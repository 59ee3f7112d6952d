// viaduct: the balancer. Options and wiring, nothing else.
#include <cstdio>
#include <string>
#include <utility>

#include "../manual.h"
#include "CLI/CLI.hpp"
#include "control/checked.h"
#include "control/daemon.h"
#include "dpdk/runtime.h"
#include "spdlog/sinks/stdout_color_sinks.h"
#include "spdlog/spdlog.h"

namespace {

using namespace viaduct;

constexpr int exit_fine = 0;
constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

constexpr const char* about =
    "Viaduct: a SIP load balancer on DPDK.\n"
    "\n"
    "Runs in the foreground until SIGTERM or SIGINT. Logs go to stderr, state to `viaductctl`.";

constexpr const char* examples =
    "Examples:\n"
    "  viaduct --config /etc/viaduct/viaduct.toml --check   is this file fine? all mistakes at once, nothing is "
    "started\n"
    "  viaduct --config /etc/viaduct/viaduct.toml           run\n"
    "\n"
    "Exit codes: 0 fine, 1 the work failed (a bad configuration, a port that does not open), 2 wrong usage.\n"
    "VIADUCT_SIMD=scalar|sse42|avx2|avx512 chooses the scanning kernel; without it the widest that the CPU has.";

void complain(const std::string& sentence) { std::fprintf(stderr, "%s\n", sentence.c_str()); }

int run(const std::string& path) {
  auto checked = control::read_configuration(path, control::SecretUse::needed);
  if (!checked) return exit_failed;
  control::Daemon::block_signals();
  auto runtime = dpdk::Runtime::open(checked->config);
  if (!runtime) {
    complain("viaduct: " + runtime.error());
    return exit_failed;
  }
  auto daemon =
      control::Daemon::start(std::move(checked->config), checked->secrets, std::move(*runtime), VIADUCT_VERSION);
  if (!daemon) {
    complain("viaduct: " + daemon.error());
    return exit_failed;
  }
  (*daemon)->run();
  return exit_fine;
}

}  // namespace

int main(int argc, char** argv) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("viaduct"));
  spdlog::set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
  CLI::App app(about, "viaduct");
  app.footer(examples);
  app.set_version_flag("--version", std::string("viaduct ") + VIADUCT_VERSION);
  std::string path;
  bool check_only = false;
  app.add_option("-c,--config", path, "The configuration file (TOML)")->type_name("FILE")->required();
  app.add_flag("--check", check_only, "Check the file, say what is wrong with it, start nothing");
  manual::add_manual_flag(app, VIADUCT_VERSION, 8, "viaductctl(1), viablast(1)");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? exit_fine : exit_usage;
  }
  return check_only ? control::check_configuration(path) : run(path);
}
