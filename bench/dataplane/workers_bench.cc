// The whole worker over memory, one and two of them, each in a thread of its own on a core of its own, as they would
// run. The rows `memchr_walk` let as many threads only look for line ends in the same messages: what two cores of this
// machine give over one.
//
// In the rows `_in_buffers` the clock runs while a worker works and stands while frames are put into its buffers, which
// no worker has to do: a card does. They stay as many as the level 2 cache holds. In the rows `_in_berths` what leaves
// is written to 2 MB of places a port besides, as over memif. In all other rows the worker copies each frame first.
// Those `_one_by_one` receive one message at a time, as a worker does that has time.
//
// `cpu_ns` is the processor time of all workers for one message, which a busy machine disturbs less than
// `items_per_second`, messages by the clock; `handed` is the share of messages that changed workers, `first` the share
// that worker 0 forwarded, `kept` what it judged because the other's hand-off ring was full.
#include <benchmark/benchmark.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "loop_io.h"
#include "telemetry/cycles.h"

namespace viaduct::bench {
namespace {

enum class Spread {
  by_port,    // the NIC spreads calls as we would: nobody hands anything over
  by_worker,  // the NIC spreads messages at random: half of them are the other worker's
  trunk,      // one UDP flow, hence one queue: worker 0 receives everything
  timed,      // as by_port, and answers are timed
};

uint64_t thread_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// Keeps the calling thread on the core of this number among those that the program may use.
void stay_on_core(size_t number) {
  static const cpu_set_t allowed = [] {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    sched_getaffinity(0, sizeof cores, &cores);
    return cores;
  }();
  number %= static_cast<size_t>(std::max(CPU_COUNT(&allowed), 1));
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (!CPU_ISSET(core, &allowed) || number-- != 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    pthread_setaffinity_np(pthread_self(), sizeof one, &one);
    return;
  }
}

// What the threads of one row share.
struct Table {
  Table(size_t workers, Spread spread, const std::vector<Arriving>& traffic)
      : view(spread == Spread::timed ? the_timed_view() : the_view()), mesh(workers) {
    const bool together = spread == Spread::by_port || spread == Spread::timed;
    view.affinity = together ? dataplane::Affinity::queue : dataplane::Affinity::transaction;
    for (size_t i = 0; i < workers; ++i) {
      benches[i] = std::make_unique<Bench>(view, mesh, traffic, i, spread == Spread::timed ? &the_watch() : nullptr);
    }
    if (workers == 2) {
      benches[0]->io.meet(benches[1]->io);
      benches[1]->io.meet(benches[0]->io);
      if (spread == Spread::trunk) benches[1]->io.receive_nothing();
    }
  }
  dataplane::View view;
  dataplane::HandoffMesh mesh;
  std::array<std::unique_ptr<Bench>, 2> benches;
  std::atomic<uint64_t> cpu_ns{0};
};

uint64_t total(const Table& table, telemetry::Counter telemetry::WorkerCounters::*counter) {
  uint64_t sum = 0;
  for (const auto& bench : table.benches) sum += bench ? ((*bench->counters).*counter).value() : 0;
  return sum;
}

void report(benchmark::State& state, const Table& table) {
  using telemetry::WorkerCounters;
  const auto received = static_cast<double>(total(table, &WorkerCounters::received));
  const auto forwarded = static_cast<double>(total(table, &WorkerCounters::forwarded));
  state.SetItemsProcessed(static_cast<int64_t>(forwarded));
  if (table.cpu_ns != 0) state.counters["cpu_ns"] = static_cast<double>(table.cpu_ns.load()) / forwarded;
  state.counters["handed"] = static_cast<double>(total(table, &WorkerCounters::handed_out)) / received;
  state.counters["first"] = static_cast<double>(table.benches[0]->counters->forwarded.value()) / forwarded;
  state.counters["kept"] = static_cast<double>(total(table, &WorkerCounters::handoff_kept)) / received;
  // Cycles of worker 0 for one message, by stage.
  const WorkerCounters& first = *table.benches[0]->counters;
  for (size_t i = 0; i < telemetry::stage_count; ++i) {
    state.counters["c_" + std::string(telemetry::stage_names[i])] =
        static_cast<double>(first.stage_cycles[i].value()) / static_cast<double>(first.stage_messages.value());
  }
  if (forwarded != received) state.SkipWithError("not everything was forwarded");
}

constexpr std::chrono::milliseconds run_time{300};

void workers(benchmark::State& state, size_t count, Spread spread, const std::vector<Arriving>& (*traffic)()) {
  Table table(count, spread, traffic());
  for (auto _ : state) {
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    const auto begin = std::chrono::steady_clock::now();
    for (size_t i = 0; i < count; ++i) {
      threads.emplace_back([&table, &stop, i] {
        stay_on_core(i);
        table.benches[i]->worker->run(stop);
        table.cpu_ns += thread_ns();
      });
    }
    std::this_thread::sleep_for(run_time);
    stop = true;
    for (std::thread& thread : threads) thread.join();
    state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  report(state, table);
}

void from_buffers(benchmark::State& state, const std::vector<Arriving>& (*traffic)(), size_t burst, bool berths) {
  constexpr size_t frames = 4 * dataplane::burst_max;
  Table table(1, Spread::by_port, traffic());
  Bench& bench = *table.benches[0];
  bench.io.receive_at_most(burst);
  if (berths) bench.io.offer_berths();
  for (auto _ : state) {
    bench.io.fill(frames);
    const auto begin = std::chrono::steady_clock::now();
    for (size_t done = 0; done < frames; done += burst) bench.worker->turn();
    state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  report(state, table);
}

size_t lines_of(const Arriving& frame) {
  const uint8_t* at = frame.bytes.data();
  const uint8_t* const end = at + frame.bytes.size();
  size_t lines = 0;
  while (const void* feed = std::memchr(at, '\n', static_cast<size_t>(end - at))) {
    at = static_cast<const uint8_t*>(feed) + 1;
    ++lines;
  }
  return lines;
}

void walkers(benchmark::State& state, size_t count) {
  const std::vector<Arriving>& traffic = mixed_traffic();
  std::atomic<uint64_t> messages{0};
  for (auto _ : state) {
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    const auto begin = std::chrono::steady_clock::now();
    for (size_t i = 0; i < count; ++i) {
      threads.emplace_back([&, i] {
        stay_on_core(i);
        uint64_t walked = 0;
        for (size_t at = i; !stop.load(std::memory_order_relaxed); at = (at + count) % message_count, ++walked) {
          benchmark::DoNotOptimize(lines_of(traffic[at]));
        }
        messages += walked;
      });
    }
    std::this_thread::sleep_for(run_time);
    stop = true;
    for (std::thread& thread : threads) thread.join();
    state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  state.SetItemsProcessed(static_cast<int64_t>(messages.load()));
}

void register_row(const char* name, size_t count, Spread spread, const std::vector<Arriving>& (*traffic)()) {
  const std::string full = std::string("pipeline/") + name + "/workers:" + std::to_string(count);
  benchmark::RegisterBenchmark(full.c_str(), workers, count, spread, traffic)->UseManualTime()->Iterations(1);
}

const bool workers_registered = [] {
  for (const size_t count : {1, 2}) {
    const std::string name = "pipeline/memchr_walk/workers:" + std::to_string(count);
    benchmark::RegisterBenchmark(name.c_str(), walkers, count)->UseManualTime()->Iterations(1);
  }
  const auto in_buffers = [](const char* name, const auto& traffic, size_t burst, bool berths = false) {
    const std::string full = std::string("pipeline/") + name + "/workers:1";
    benchmark::RegisterBenchmark(full.c_str(), from_buffers, traffic, burst, berths)->UseManualTime();
  };
  in_buffers("mixed_in_buffers", mixed_traffic, dataplane::burst_max);
  in_buffers("mixed_in_buffers_one_by_one", mixed_traffic, 1);
  in_buffers("mixed_in_berths", mixed_traffic, dataplane::burst_max, true);
  in_buffers("trunk_invite_512b_in_buffers", trunk_of_invites, dataplane::burst_max);
  in_buffers("trunk_invite_512b_in_berths", trunk_of_invites, dataplane::burst_max, true);
  register_row("mixed", 1, Spread::by_port, mixed_traffic);
  register_row("mixed", 2, Spread::by_port, mixed_traffic);
  register_row("mixed_untimed", 1, Spread::by_port, timed_traffic);
  register_row("mixed_timed", 1, Spread::timed, timed_traffic);
  register_row("mixed_handed", 2, Spread::by_worker, mixed_traffic);
  register_row("trunk_invite_512b", 1, Spread::trunk, trunk_of_invites);
  register_row("trunk_invite_512b", 2, Spread::trunk, trunk_of_invites);
  return true;
}();

}  // namespace
}  // namespace viaduct::bench
