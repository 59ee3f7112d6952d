#include "control/reload.h"

#include <algorithm>
#include <set>
#include <variant>

#include "control/compile.h"
#include "control/counterparts.h"
#include "control/policies.h"
#include "fmt/format.h"

namespace viaduct::control {
namespace {

core::Error refused(const std::vector<std::string>& reasons) {
  std::string sentence = "nothing was changed";
  for (const std::string& reason : reasons) sentence += "\n" + reason;
  return core::Error{sentence};
}

// A secret that was drawn at random stays as long as none is named, else every reload would move all calls.
config::Secrets read_secrets(const config::Config& config, const Present& present, std::vector<std::string>& reasons) {
  if (!config.runtime.secret_file && !present.config.runtime.secret_file && config.runtime.old_secret_files.empty()) {
    return present.secrets;
  }
  auto read = config::read_secrets(config);
  if (const auto* secrets = std::get_if<config::Secrets>(&read)) return *secrets;
  for (const auto& problem : std::get<std::vector<config::SecretProblem>>(read)) {
    reasons.push_back(config::to_string(problem.diagnostic));
  }
  return {};
}

void compare_secrets(const config::Secrets& before, const config::Secrets& after, std::vector<Difference>& changes) {
  if (before.current != after.current) {
    changes.push_back({Difference::Kind::changed, "secret", "another one signs from now on"});
  }
  if (before.old != after.old) {
    changes.push_back({Difference::Kind::changed, "old secrets",
                       fmt::format("{} -> {} are verified with", before.old.size(), after.old.size())});
  }
}

// What is known of backends that are still there: health where it is probed, how warm they are, the operator's word
// nowhere.
Running carried_over(const config::Config& config, const Running& running) {
  Running carried;
  for (const config::Pool& pool : config.pools) {
    for (const config::Backend& backend : pool.backends) {
      const std::string key = backend_key(pool.name, backend.name);
      const auto known = running.find(key);
      if (known == running.end()) continue;
      if (pool.health.enabled && !known->second.healthy) carried[key].healthy = false;
      if (pool.slow_start.count() > 0) carried[key].part = known->second.part;
    }
  }
  return carried;
}

// What operators said that the file does not say, and would not be so any more.
std::vector<std::string> dropped_words(const config::Config& config, const Running& running) {
  std::vector<std::string> dropped;
  for (const config::Pool& pool : config.pools) {
    for (const config::Backend& backend : pool.backends) {
      const std::string key = backend_key(pool.name, backend.name);
      const auto found = running.find(key);
      if (found == running.end()) continue;
      RunningBackend lost = found->second;
      if (lost.state && *lost.state == counterpart(backend.state)) lost.state.reset();
      if (lost.weight == backend.weight) lost.weight.reset();
      if (lost.state || lost.weight) dropped.push_back(key + ": " + words_of(lost));
    }
  }
  return dropped;
}

// New names have no answer yet: they are asked for when the file is in force.
config::Config look_up(const config::Config& written, const Present& present, std::vector<std::string>& warnings) {
  for (const BackendName& name : names_in(written)) {
    if (present.answers.contains(name)) continue;
    warnings.push_back(
        fmt::format("{} has not been answered by a name server yet; its backends come when it is", text_of(name)));
  }
  Expanded expanded = expand(written, present.answers, &present.config);
  for (std::string& note : expanded.notes) warnings.push_back(std::move(note));
  return std::move(expanded.config);
}

}  // namespace

std::string words_of(const RunningBackend& backend) {
  std::string words;
  if (backend.state) words = fmt::format("state {}", text_of(counterpart(*backend.state)));
  if (backend.weight) words += fmt::format("{}weight {}", words.empty() ? "" : ", ", *backend.weight);
  return words;
}

std::vector<std::string> awaited_backends(const config::Config& config, const proxy::View& laid,
                                          const std::function<bool(const net::IpAddress&)>& probed) {
  std::set<std::string> serving, known;
  for (const proxy::Backend& backend : laid.backends) {
    if (backend.departing) continue;
    const std::string key = backend_key(laid.pools[backend.pool].name, backend.name);
    known.insert(key);
    if (backend.takes_new() && backend.weight > 0) serving.insert(key);
  }
  std::vector<std::string> awaited;
  for (const config::Pool& pool : config.pools) {
    if (!pool.health.enabled) continue;
    const bool others = std::any_of(pool.backends.begin(), pool.backends.end(), [&](const config::Backend& backend) {
      return backend.state == config::BackendState::up && backend.weight > 0 &&
             serving.contains(backend_key(pool.name, backend.name));
    });
    for (const config::Backend& backend : pool.backends) {
      const std::string key = backend_key(pool.name, backend.name);
      if (others && !known.contains(key) && probed(backend.address.address)) awaited.push_back(key);
    }
  }
  return awaited;
}

core::Result<Reload> prepare_reload(const Present& present) {
  config::Loaded loaded = config::load(present.config.file);
  std::vector<std::string> reasons;
  for (const config::Diagnostic& error : loaded.errors) reasons.push_back(config::to_string(error));
  if (loaded.config) {
    for (const Difference& fixed : fixed_differences(present.config, *loaded.config)) {
      const std::string what =
          fixed.kind == Difference::Kind::changed ? fixed.detail : std::string(text_of(fixed.kind));
      reasons.push_back(fmt::format("{}: {}: {}; this needs a restart", present.config.file, fixed.section, what));
    }
  }
  for (const config::Diagnostic& problem : policy_problems(loaded)) reasons.push_back(config::to_string(problem));
  const config::Secrets secrets = read_secrets(loaded.config ? *loaded.config : loaded.partial, present, reasons);
  if (!reasons.empty()) return refused(reasons);

  Reload reload;
  for (const config::Diagnostic& warning : loaded.warnings) reload.warnings.push_back(config::to_string(warning));
  reload.written = std::move(*loaded.config);
  reload.config = look_up(reload.written, present, reload.warnings);
  reload.secrets = secrets;
  reload.compiled = compile_proxy(reload.config, reload.secrets, &present.laid);
  reload.running = carried_over(reload.config, present.running);
  Running settled = reload.running;
  for (auto& [key, backend] : settled) backend.part = steer::whole;
  reload.awaited = awaited_backends(reload.config, present.laid, present.probed);
  for (const std::string& key : reload.awaited) reload.running[key].healthy = false;
  const auto laid = lay_over(reload.config, *reload.compiled, settled, &present.laid);
  reload.changes = differences(present.config, reload.config);
  compare_secrets(present.secrets, reload.secrets, reload.changes);
  for (Movement& move : movements(present.laid, *laid)) {
    if (move.share > 0) reload.moves.push_back(std::move(move));
  }
  reload.dropped = dropped_words(reload.config, present.running);
  return reload;
}

}  // namespace viaduct::control
