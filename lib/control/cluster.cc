#include "control/cluster.h"

#include <algorithm>
#include <utility>

#include "control/compile.h"
#include "control/counterparts.h"
#include "core/log.h"
#include "fmt/format.h"

namespace viaduct::control {
namespace {

// How often deaths are written again: after a crash the file is no older.
constexpr std::chrono::seconds memory_time{60};
static_assert(memory_time.count() < StateFile::health_seconds_max);

int64_t now_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

Cluster::Cluster(config::Config config, const config::Secrets& secrets, Now now)
    : now_(std::move(now)),
      written_(std::move(config)),
      config_(expand(written_, {}, nullptr).config),
      secrets_(secrets),
      compiled_(compile_proxy(config_, secrets)),
      started_(std::chrono::system_clock::now()),
      state_file_(config_.control.state_file) {
  lay();
}

// One that never took a turn has nothing to say: another process may have the file.
Cluster::~Cluster() {
  if (next_memory_ != core::Instant{}) remember_deaths();
}

// What is in force goes to the past, and what is true now takes its place.
void Cluster::lay() {
  const core::Instant now = now_();
  std::erase_if(running_, [](const auto& entry) { return entry.second.plain(); });
  if (laid_ != nullptr) past_.note(*laid_, now);
  lay_again(now);
}

void Cluster::lay_again(core::Instant now) {
  past_.expire(now);
  const auto base = past_.with_departing(compiled_);
  auto view = lay_over(config_, *base, running_, laid_.get());
  if (warm_up_.note(config_, laid_.get(), *view, now)) {
    warm_up_.advance(running_, now);
    view = lay_over(config_, *base, running_, view.get());
  }
  past_.add_tables(*view);
  laid_ = view;
}

// Told behind what is the cause of it; not before what the state file remembers is in force.
void Cluster::note_pools() {
  if (!restored_) return;
  std::set<std::string, std::less<>> unusable;
  for (const proxy::Pool& pool : laid_->pools) {
    if (proxy::usable_backends(*laid_, pool) != 0) continue;
    unusable.insert(pool.name);
    if (unusable_.contains(pool.name)) continue;
    const bool is_backed = pool.serving != proxy::none && laid_->pools[pool.serving].name != pool.name;
    const std::string what = fmt::format("no backend takes new calls; they {}",
                                         is_backed ? "go to pool " + laid_->pools[pool.serving].name : "are refused");
    events_.add(EventKind::pool, pool.name, what, {fmt::format("pool {}: {}", pool.name, what), spdlog::level::err});
  }
  for (const std::string& name : unusable_) {
    if (unusable.contains(name)) continue;
    const bool is_there = std::any_of(laid_->pools.begin(), laid_->pools.end(),
                                      [&](const proxy::Pool& pool) { return pool.name == name; });
    const std::string what = is_there ? "takes new calls again" : "is no longer in the file";
    events_.add(EventKind::pool, name, what, {fmt::format("pool {} {}", name, what)});
  }
  unusable_ = std::move(unusable);
}

void Cluster::restore() {
  restored_ = true;
  auto read = state_file_.read(written_, now_seconds());
  if (!read) {
    core::log_warning("{}", read.error());
    return note_pools();
  }
  for (const auto& [key, backend] : *read) {
    std::string what = words_of(backend);
    if (!backend.healthy) what += what.empty() ? "down by probes" : ", down by probes";
    what += ", as before the restart";
    events_.add(EventKind::start, key, what, {fmt::format("backend {}: {}", key, what), spdlog::level::warn});
  }
  running_ = std::move(*read);
  lay();
  note_pools();
  remember();
}

void Cluster::remember() {
  if (!restored_) return;  // the file says more than we know
  const core::Status done = state_file_.write(running_, now_seconds());
  if (done) {
    forgetful_ = false;
    return;
  }
  if (forgetful_) return;
  // Nobody who has asked for nothing need be warned before there is something to forget.
  forgetful_ = config_.control.state_file_named || !running_.empty();
  core::log(forgetful_ ? spdlog::level::warn : spdlog::level::info, "{}; drains and deaths are forgotten at a restart",
            done.error());
}

// The age of what the file says of health is that of the file.
void Cluster::remember_deaths() {
  const bool any =
      std::any_of(running_.begin(), running_.end(), [](const auto& entry) { return !entry.second.healthy; });
  if (any) remember();
}

core::Status Cluster::open_probes(Reachable reachable, core::Instant now) {
  reachable_ = std::move(reachable);
  if (!prober_) {  // also where nobody is probed yet: a reload may ask for it
    auto prober = Prober::open();
    if (!prober) return core::Error{prober.error()};
    prober_ = std::move(*prober);
  }
  configure_probes(now);
  return core::Done{};
}

void Cluster::configure_probes(core::Instant now) {
  std::vector<Prober::Target> targets;
  unreached_.clear();
  for (const config::Pool& pool : config_.pools) {
    if (!pool.health.enabled) continue;
    std::string beyond;
    for (const config::Backend& backend : pool.backends) {
      const std::string key = backend_key(pool.name, backend.name);
      const auto known = running_.find(key);
      const bool healthy = known == running_.end() || known->second.healthy;
      if (!probes_reach()(backend.address.address)) {
        beyond += (beyond.empty() ? "" : ", ") + backend.name;
        if (!healthy) unreached_.push_back({key, true, "no probes can be sent to it"});
        continue;
      }
      targets.push_back({.key = key, .address = backend.address, .health = pool.health, .healthy = healthy});
    }
    if (beyond.empty()) continue;
    core::log_warning(
        "pool {}: no probes can be sent to {}: they are reached through a port without a kernel interface, and probes "
        "go through the kernel; they count as healthy",
        pool.name, beyond);
  }
  if (prober_) prober_->configure(targets, now);
}

bool Cluster::turn(core::Instant now) {
  if (now >= next_memory_) {
    next_memory_ = now + memory_time;
    remember_deaths();
  }
  bool stepped = past_.expire(now);
  // The steps of a slow start are not kept as a past: whoever was chosen before the first of them, or is since, is in
  // the table from before it or in the one in force.
  for (const std::string& pool : warm_up_.advance(running_, now)) {
    past_.prolong(pool, now);
    stepped = true;
  }
  if (stepped) lay_again(now);
  if (!prober_) return stepped;
  std::vector<Prober::Change> changes = prober_->turn(now);
  for (Prober::Change& change : std::exchange(unreached_, {})) changes.push_back(std::move(change));
  return take(changes) || stepped;
}

bool Cluster::take(const std::vector<Prober::Change>& changes) {
  for (const Prober::Change& change : changes) {
    running_[change.key].healthy = change.healthy;
    changed_at_[change.key] = std::chrono::system_clock::now();
    const std::string what = fmt::format("{}: {}", change.healthy ? "up" : "down", change.why);
    events_.add(EventKind::health, change.key, what,
                {fmt::format("backend {} is {}", change.key, what),
                 change.healthy ? spdlog::level::info : spdlog::level::warn});
  }
  if (changes.empty()) return false;
  lay();
  note_pools();
  remember();
  return true;
}

core::Result<const config::Backend*> Cluster::configured(std::string_view key) const {
  std::string known;
  for (const config::Pool& pool : config_.pools) {
    for (const config::Backend& backend : pool.backends) {
      const std::string name = backend_key(pool.name, backend.name);
      if (name == key) return &backend;
      known += (known.empty() ? "" : ", ") + name;
    }
  }
  return core::Error{fmt::format("there is no backend '{}'; there are {}", key.substr(0, 128), known)};
}

core::Result<std::string> Cluster::set_state(std::string_view key, proxy::OperatorState state) {
  const auto backend = configured(key);
  if (!backend) return core::Error{backend.error()};
  const auto before = laid_;
  const proxy::OperatorState written = counterpart((*backend)->state);
  RunningBackend& running = running_[std::string(key)];
  const proxy::OperatorState was = running.state.value_or(written);
  running.state = state == written ? std::nullopt : std::optional(state);
  lay();
  return word_given(key, fmt::format("state {} -> {}", text_of(counterpart(was)), text_of(counterpart(state))),
                    *before);
}

core::Result<std::string> Cluster::set_weight(std::string_view key, uint32_t weight) {
  const auto backend = configured(key);
  if (!backend) return core::Error{backend.error()};
  if (weight > config::weight_max)
    return core::Error{fmt::format("weight {}: a number from 0 to {} is", weight, config::weight_max)};
  const std::string_view pool = key.substr(0, key.find('/'));
  const bool others = std::any_of(laid_->backends.begin(), laid_->backends.end(), [&](const proxy::Backend& other) {
    return laid_->pools[other.pool].name == pool && other.name != (*backend)->name && other.weight > 0 &&
           !other.departing;
  });
  if (weight == 0 && !others) {
    return core::Error{fmt::format("no other backend of pool '{}' has a weight above 0; one at least must", pool)};
  }
  const auto before = laid_;
  RunningBackend& running = running_[std::string(key)];
  const uint32_t was = running.weight.value_or((*backend)->weight);
  running.weight = weight == (*backend)->weight ? std::nullopt : std::optional(weight);
  lay();
  return word_given(key, fmt::format("weight {} -> {}", was, weight), *before);
}

std::string Cluster::word_given(std::string_view key, std::string what, const proxy::View& before) {
  const std::string_view pool = key.substr(0, key.find('/'));
  for (const Movement& move : movements(before, *laid_)) {
    if (move.pool == pool) what += fmt::format("; {:.1f} % of the pool's new calls move", 100 * move.share);
  }
  for (const proxy::Pool& now : laid_->pools) {
    const bool empty = now.name == pool && proxy::usable_backends(*laid_, now) == 0;
    if (empty) what += fmt::format("; pool {} takes no new calls any more", pool);
  }
  events_.add(EventKind::operator_, std::string(key), what,
              {fmt::format("backend {}: {}, by the operator", key, what)});
  note_pools();
  remember();
  return fmt::format("{}: {}", key, what);
}

core::Result<Reload> Cluster::reload(bool dry_run, core::Instant now) {
  auto reload = prepare_reload({config_, secrets_, running_, *laid_, answers_, probes_reach()});
  if (!reload) {
    if (!dry_run) {
      std::string reasons = reload.error();
      for (size_t at; (at = reasons.find('\n')) != std::string::npos;) reasons.replace(at, 1, "; ");
      events_.add(EventKind::reload, config_.file, "refused: " + reasons,
                  {"reload: " + reload.error(), spdlog::level::err});
    }
    return reload;
  }
  if (dry_run) return reload;
  for (const std::string& warning : reload->warnings) core::log_warning("{}", warning);
  for (const Difference& change : reload->changes) {
    core::log_info("reload: {} {}{}{}", text_of(change.kind), change.section, change.detail.empty() ? "" : ": ",
                   change.detail);
  }
  for (const std::string& dropped : reload->dropped) {
    events_.add(
        EventKind::reload, dropped.substr(0, dropped.find(':')), "dropped: " + dropped.substr(dropped.find(':') + 2),
        {fmt::format("reload: {} was an operator's word and is not in the file; it is in force no more", dropped),
         spdlog::level::warn});
  }
  written_ = reload->written;
  config_ = reload->config;
  secrets_ = reload->secrets;
  compiled_ = reload->compiled;
  running_ = reload->running;
  forget_gone();
  await(reload->awaited);
  lay();
  configure_probes(now);
  remember();
  const std::string what =
      fmt::format("{} {}", reload->changes.size(), reload->changes.size() == 1 ? "difference" : "differences");
  events_.add(EventKind::reload, config_.file, what, {fmt::format("reload: {}: {}", config_.file, what)});
  note_pools();
  return reload;
}

// Who has gone may come back, and then the operator's word counts again, and nothing that a probe said.
void Cluster::forget_gone() {
  std::set<std::string, std::less<>> present;
  for (const config::Pool& pool : config_.pools) {
    for (const config::Backend& backend : pool.backends) present.insert(backend_key(pool.name, backend.name));
  }
  for (auto& [key, running] : running_) {
    if (!present.contains(key)) running.healthy = true;
  }
  std::erase_if(changed_at_, [&](const auto& entry) { return !present.contains(entry.first); });
}

void Cluster::await(const std::vector<std::string>& keys) {
  for (const std::string& key : keys) {
    running_[key].healthy = false;
    const std::string what = "down until its probes are answered: it is new, and others can serve meanwhile";
    events_.add(EventKind::health, key, what, {fmt::format("backend {} is {}", key, what)});
    changed_at_[key] = std::chrono::system_clock::now();
  }
}

bool Cluster::take_answers(Answers answers, core::Instant now) {
  answers_ = std::move(answers);
  Expanded expanded = expand(written_, answers_, &config_);
  for (const std::string& note : expanded.notes) {
    if (notes_.contains(note)) continue;
    events_.add(EventKind::names, note.substr(0, note.find(':')), note.substr(note.find(':') + 2),
                {note, spdlog::level::warn});
  }
  notes_ = {expanded.notes.begin(), expanded.notes.end()};
  const std::vector<Difference> changes = differences(config_, expanded.config);
  if (changes.empty()) return false;
  for (const Difference& change : changes) {
    const std::string detail = change.detail.empty() ? "" : ": " + change.detail;
    events_.add(EventKind::names, change.section, fmt::format("{}{}", text_of(change.kind), detail),
                {fmt::format("names: {} {}{}", text_of(change.kind), change.section, detail)});
  }
  const auto before = laid_;
  config_ = std::move(expanded.config);
  compiled_ = compile_proxy(config_, secrets_, laid_.get());
  forget_gone();
  await(awaited_backends(config_, *laid_, probes_reach()));
  lay();
  configure_probes(now);
  remember();
  for (const Movement& move : movements(*before, *laid_)) {
    if (move.share > 0) core::log_info("names: {:.1f} % of the new calls of pool {} move", 100 * move.share, move.pool);
  }
  note_pools();
  return true;
}

void Cluster::observe(const std::vector<Traffic>& traffic, core::Instant now) {
  if (!prober_) return;
  for (size_t i = 0; i < laid_->backends.size() && i < traffic.size(); ++i) {
    const proxy::Backend& backend = laid_->backends[i];
    const std::string key = backend_key(laid_->pools[backend.pool].name, backend.name);
    prober_->observe(key, traffic[i].requests, traffic[i].responses, now);
  }
}

std::vector<Cluster::Row> Cluster::rows() const {
  std::map<std::string, Prober::Row> probes;
  if (prober_) {
    for (Prober::Row& row : prober_->rows()) probes.emplace(row.key, std::move(row));
  }
  std::vector<Row> rows;
  for (const config::Pool& pool : config_.pools) {
    for (const config::Backend& backend : pool.backends) {
      const std::string key = backend_key(pool.name, backend.name);
      Row row;
      row.pool = pool.name;
      row.backend = backend.name;
      row.address = backend.address;
      row.configured_state = backend.state;
      row.configured_weight = backend.weight;
      const auto running = running_.find(key);
      if (running != running_.end()) {
        row.healthy = running->second.healthy;
        row.overridden = running->second.state || running->second.weight;
      }
      const auto changed = changed_at_.find(key);
      row.since = changed == changed_at_.end() ? started_ : changed->second;
      if (const auto probe = probes.find(key); probe != probes.end()) {
        row.probed = true;
        row.probe = probe->second;
      }
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

}  // namespace viaduct::control
