// What rules cost the whole worker, on the mixed traffic in memory: no rules at all, then 10,000 prefixes with 0 to
// 1,000 pattern rules, none of which matches. `per_message` is processor time.
#include <benchmark/benchmark.h>

#include <atomic>
#include <memory>
#include <random>
#include <string>

#include "config/config.h"
#include "loop_io.h"
#include "policy/ruleset.h"
#include "support/lab_config.h"

namespace viaduct::bench {
namespace {

// Fixed text and seed, so that every run compiles the same.
std::string rules_text(int64_t patterns) {
  std::string text(test::lab_config);
  std::mt19937 random(1);
  text += "[[list]]\nname = \"blocked\"\nprefixes = [";
  for (int i = 0; i < 10'000; ++i) {
    const auto octet = [&] { return std::to_string(random() % 256); };
    text += "\"" + std::to_string(11 + random() % 80) + "." + octet() + "." + octet() + ".0/24\", ";
  }
  text += "]\n[access]\ndeny = \"blocked\"\n";
  constexpr std::string_view fields[] = {"user-agent", "from", "request-uri", "contact"};
  for (int64_t i = 0; i < patterns; ++i) {
    std::string word = "(?i)";
    for (int c = 0; c < 9; ++c) word += static_cast<char>('a' + random() % 26);
    if (i % 5 == 4) word += "[0-9]+";
    const auto field = std::string(fields[i % 2 == 0 ? 0 : static_cast<size_t>(i / 2 % 4)]);
    text += "[[rule]]\nname = \"r" + std::to_string(i) + "\"\nmatch = { " + field + " = '" + word + "' }\n";
    text += "action = \"drop\"\n";
  }
  return text;
}

std::shared_ptr<const policy::Ruleset> rules_of(int64_t patterns) {
  const config::Loaded loaded = config::load_text(rules_text(patterns), "bench");
  if (!loaded.config) return nullptr;
  auto compiled = policy::Ruleset::compile(*loaded.config, std::make_shared<policy::Ruleset::Office>(1), nullptr);
  auto* const rules = std::get_if<std::shared_ptr<const policy::Ruleset>>(&compiled);
  return rules == nullptr ? nullptr : *rules;
}

void pipeline(benchmark::State& state) {
  dataplane::View view = the_view();
  if (state.range(0) >= 0) {
    view.policy = rules_of(state.range(0));
    if (!view.policy) return state.SkipWithError("the rules do not compile");
  }
  LoopIo io(mixed_traffic());
  auto counters = std::make_unique<telemetry::WorkerCounters>();
  dataplane::HandoffMesh mesh(1);
  const std::atomic<const dataplane::View*> current{&view};
  auto worker = std::make_unique<dataplane::Worker<LoopIo>>(
      dataplane::WorkerPlace{.worker = 0, .mesh = mesh, .view = current, .counters = *counters}, io);
  for (auto _ : state) worker->turn();
  const auto received = static_cast<double>(counters->received.value());
  state.SetItemsProcessed(static_cast<int64_t>(received));
  const auto inverse = benchmark::Counter::kIsRate | benchmark::Counter::kInvert;
  state.counters["per_message"] = benchmark::Counter(received, inverse);
  state.counters["forwarded"] = static_cast<double>(counters->forwarded.value()) / received;
}
BENCHMARK(pipeline)->Name("policy/none")->Arg(-1);
BENCHMARK(pipeline)->Name("policy/patterns")->Arg(0)->Arg(1)->Arg(10)->Arg(100)->Arg(1000);

}  // namespace
}  // namespace viaduct::bench

BENCHMARK_MAIN();
