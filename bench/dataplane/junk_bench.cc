// What a message costs that is dropped, beside one that is forwarded: cheap checks come first, so junk must cost little
// (conformance rule SEC-31). The ratio of a row to `junk/good` is what counts.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "loop_io.h"
#include "policy/ruleset.h"
#include "support/lab_config.h"

namespace viaduct::bench {
namespace {

dataplane::View denying() {
  dataplane::View view = the_view();
  const std::string text = std::string(test::lab_config) + "[access]\ndeny = \"198.51.100.0/24\"\n";
  auto compiled = policy::Ruleset::compile(*config::load_text(text, "f").config,
                                           std::make_shared<policy::Ruleset::Office>(1), nullptr);
  view.policy = std::get<std::shared_ptr<const policy::Ruleset>>(std::move(compiled));
  return view;
}

dataplane::View limiting() {
  dataplane::View view = the_view();
  auto overload = std::make_shared<dataplane::Overload>();
  overload->answers = std::make_shared<policy::LimitTable>(16384);
  overload->answer_rate = policy::LimitRate::of(1, std::chrono::hours(1), 1);
  view.overload = overload;
  return view;
}

void run(benchmark::State& state, const dataplane::View& view, const std::vector<Arriving>& traffic) {
  dataplane::HandoffMesh mesh(1);
  Bench bench(view, mesh, traffic);
  for (size_t i = 0; i < 2 * message_count / dataplane::burst_max; ++i) bench.worker->turn();  // budgets are spent
  for (auto _ : state) bench.worker->turn();
  using benchmark::Counter;
  const auto messages = static_cast<double>(state.iterations()) * dataplane::burst_max;
  state.SetItemsProcessed(static_cast<int64_t>(messages));
  state.counters["per_message"] = Counter(messages, Counter::kIsRate | Counter::kInvert);
}

void add_row(const char* name, const std::function<dataplane::View()>& view,
             const std::function<std::vector<Arriving>()>& traffic) {
  benchmark::RegisterBenchmark(name, [=](benchmark::State& state) { run(state, view(), traffic()); });
}

const bool junk_registered = [] {
  const auto plain = [] { return the_view(); };
  add_row("junk/good", plain, [] { return trunk_of_invites(); });
  add_row("junk/not_sip_64b", plain, [] { return junk_of(not_sip); });
  add_row("junk/other_port", plain, [] { return junk_of(invite, "192.0.2.10:9999"); });
  add_row("junk/denied", denying, [] { return junk_of(invite); });
  add_row("junk/foreign_response", plain, [] { return junk_of(foreign_response); });
  add_row("junk/answered", plain, [] { return junk_of(without_hops); });
  add_row("junk/over_budget", limiting, [] { return junk_of(without_hops); });
  return true;
}();

}  // namespace
}  // namespace viaduct::bench
