// viaduct: the balancer. Options and wiring, nothing else.
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "CLI/CLI.hpp"
#include "config/config.h"
#include "config/secret.h"
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
    "  viaduct --config /etc/viaduct/viaduct.toml --check   is this file fine? all mistakes at once, nothing is started\n"
    "  viaduct --config /etc/viaduct/viaduct.toml           run\n"
    "\n"
    "Exit codes: 0 fine, 1 the work failed (a bad configuration, a port that does not open), 2 wrong usage.\n"
    "VIADUCT_SIMD=scalar|sse42|avx2|avx512 chooses the scanning kernel; without it the widest that the CPU has.";

void complain(const std::string& sentence) { std::fprintf(stderr, "%s\n", sentence.c_str()); }

// Reads configuration and secrets; every problem goes to stderr. With `check_only`, a secret that only this user may
// not read is a warning: the balancer will run as another.
bool read(const std::string& path, bool check_only, config::Config& config, config::Secrets& secrets) {
  config::Loaded loaded = config::load(path);
  for (const config::Diagnostic& warning : loaded.warnings) complain("warning: " + config::to_string(warning));
  for (const config::Diagnostic& error : loaded.errors) complain(config::to_string(error));
  if (!loaded.config) return false;
  config = std::move(*loaded.config);
  auto read_secrets = config::read_secrets(config);
  if (auto* problems = std::get_if<std::vector<config::SecretProblem>>(&read_secrets)) {
    bool fatal = false;
    for (const config::SecretProblem& problem : *problems) {
      const bool harmless = check_only && problem.unreadable;
      complain((harmless ? "warning: " : "") + config::to_string(problem.diagnostic));
      fatal = fatal || !harmless;
    }
    return !fatal;
  }
  secrets = std::get<config::Secrets>(std::move(read_secrets));
  return true;
}

int check(const std::string& path) {
  config::Config config;
  config::Secrets secrets;
  if (!read(path, true, config, secrets)) return exit_failed;
  size_t backends = 0;
  for (const config::Pool& pool : config.pools) backends += pool.backends.size();
  std::printf("%s: configuration is fine: %zu ports, %zu listeners, %zu pools, %zu backends\n", path.c_str(), config.ports.size(),
              config.listeners.size(), config.pools.size(), backends);
  return exit_fine;
}

int run(const std::string& path) {
  config::Config config;
  config::Secrets secrets;
  if (!read(path, false, config, secrets)) return exit_failed;
  control::Daemon::block_signals();
  auto runtime = dpdk::Runtime::open(config);
  if (!runtime) {
    complain("viaduct: " + runtime.error());
    return exit_failed;
  }
  auto daemon = control::Daemon::start(std::move(config), secrets, std::move(*runtime), VIADUCT_VERSION);
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
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? exit_fine : exit_usage;
  }
  return check_only ? check(path) : run(path);
}
