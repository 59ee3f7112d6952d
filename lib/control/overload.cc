#include "control/overload.h"

#include "fmt/format.h"

namespace viaduct::control {
namespace {

uint64_t ns_of(std::chrono::milliseconds time) { return static_cast<uint64_t>(std::chrono::nanoseconds(time).count()); }

}  // namespace

std::shared_ptr<const dataplane::Overload> compile_overload(const config::Overload& config, const proxy::View& proxy,
                                                            const dataplane::Overload* previous) {
  auto overload = std::make_shared<dataplane::Overload>();
  overload->flood = {
      .after_ns = ns_of(config.flood_after), .calm_ns = ns_of(config.flood_calm), .shed_percent_max = config.shed_max};
  if (config.answers != 0) {
    overload->answer_rate = policy::LimitRate::of(config.answers, config.answers_interval, config.answers_burst);
    const auto known = previous == nullptr ? nullptr : previous->answers;
    const bool fits = known != nullptr && known->capacity() == policy::LimitTable::capacity_for(config.answers_entries);
    overload->answers = fits ? known : std::make_shared<policy::LimitTable>(config.answers_entries);
  }
  bool listens = false;
  for (const proxy::Pool& pool : proxy.pools) listens |= pool.feedback;
  if (!listens) return overload;
  const auto known = previous == nullptr ? nullptr : previous->feedback;
  overload->feedback =
      known != nullptr && known->fits(proxy) ? known : std::make_shared<proxy::Feedback>(proxy, known.get());
  return overload;
}

void FloodNews::turn(std::span<const telemetry::WorkerCounters* const> workers, Events& events) {
  known_.resize(workers.size());
  for (size_t i = 0; i < workers.size(); ++i) {
    const bool flooded = workers[i]->flooded.value() != 0;
    const uint64_t floods = workers[i]->floods.value();
    Known& known = known_[i];
    const bool again = floods != known.floods;  // it may have begun and ended since
    if (!again && flooded == known.flooded) continue;
    known = {.flooded = flooded, .floods = floods};
    const std::string worker = fmt::format("worker {}", i);
    if (again) {
      constexpr std::string_view what = "its queue does not run empty: optional work is off";
      events.add(EventKind::overload, worker, std::string(what),
                 {fmt::format("{}: {}", worker, what), spdlog::level::warn});
    }
    if (!flooded) {
      constexpr std::string_view what = "keeps up again: optional work is on";
      events.add(EventKind::overload, worker, std::string(what), {fmt::format("{}: {}", worker, what)});
    }
  }
}

}  // namespace viaduct::control
