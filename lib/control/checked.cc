#include "control/checked.h"

#include <cstdio>
#include <variant>
#include <vector>

#include "control/policies.h"

namespace viaduct::control {
namespace {

void complain(const std::string& sentence) { std::fprintf(stderr, "%s\n", sentence.c_str()); }

std::string counted(size_t count, const std::string& noun) {
  return std::to_string(count) + ' ' + noun + (count == 1 ? "" : "s");
}

}  // namespace

void warn_on_stderr(const std::string& warning) { complain("warning: " + warning); }

std::optional<Checked> read_configuration(const std::string& path, SecretUse use, TellWarning warn) {
  config::Loaded loaded = config::load(path);
  for (const config::Diagnostic& warning : loaded.warnings) warn(config::to_string(warning));
  for (const config::Diagnostic& error : loaded.errors) complain(config::to_string(error));
  const std::vector<config::Diagnostic> problems = policy_problems(loaded);
  for (const config::Diagnostic& problem : problems) complain(config::to_string(problem));
  bool fatal = !loaded.config || !problems.empty();
  Checked checked;
  checked.config = std::move(loaded.config ? *loaded.config : loaded.partial);
  auto read = config::read_secrets(checked.config);
  if (const auto* secrets = std::get_if<config::Secrets>(&read)) {
    if (fatal) return std::nullopt;
    checked.secrets = *secrets;
    return checked;
  }
  for (const config::SecretProblem& problem : std::get<std::vector<config::SecretProblem>>(read)) {
    const bool harmless = use == SecretUse::optional && problem.unreadable;
    (harmless ? warn : complain)(config::to_string(problem.diagnostic));
    fatal = fatal || !harmless;
  }
  if (fatal) return std::nullopt;
  checked.secret_missing = true;
  return checked;
}

int check_configuration(const std::string& path) {
  const auto checked = read_configuration(path, SecretUse::optional);
  if (!checked) return 1;
  size_t backends = 0;
  for (const config::Pool& pool : checked->config.pools) backends += pool.backends.size();
  const config::Config& config = checked->config;
  std::printf("%s: configuration is fine: %s, %s, %s, %s\n", path.c_str(), counted(config.ports.size(), "port").c_str(),
              counted(config.listeners.size(), "listener").c_str(), counted(config.pools.size(), "pool").c_str(),
              counted(backends, "backend").c_str());
  return 0;
}

}  // namespace viaduct::control
