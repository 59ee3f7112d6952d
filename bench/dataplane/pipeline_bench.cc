// What the stages of the pipeline cost, one message at a time, on the mixed traffic: each row goes one stage further
// than the one above it, on a fresh copy of each message, so that differences are the stages.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/admission.h"
#include "dataplane/egress.h"
#include "dataplane/rewrite.h"
#include "dataplane/splice.h"
#include "loop_io.h"

namespace viaduct::bench {
namespace {

using dataplane::burst_max;
using dataplane::Packet;

void report(benchmark::State& state, size_t messages) {
  state.SetItemsProcessed(static_cast<int64_t>(messages));
  state.counters["per_message"] =
      benchmark::Counter(static_cast<double>(messages), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

enum class Stage { io, admit, parse, decide, rewrite };

template <Stage last>
void up_to(benchmark::State& state) {
  LoopIo io(mixed_traffic());
  const dataplane::View& view = the_view();
  auto message = std::make_unique<sip::Message>();
  auto edits = std::make_unique<proxy::Edits>();
  std::array<Packet, burst_max> burst;
  size_t messages = 0;
  for (auto _ : state) {
    messages += io.receive(burst);
    for (Packet& packet : burst) {
      if constexpr (last == Stage::io) continue;
      net::FrameView frame;
      const dataplane::Admission admission = dataplane::admit(packet, view, frame);
      benchmark::DoNotOptimize(admission.ours());
      if constexpr (last < Stage::parse) continue;
      const auto kind =
          sip::parse({reinterpret_cast<const char*>(packet.data) + frame.payload, frame.payload_bytes}, *message);
      benchmark::DoNotOptimize(kind);
      if constexpr (last < Stage::decide) continue;
      const proxy::Decision decision =
          proxy::decide(kind, *message, {.source = frame.source, .socket = admission.socket()}, *view.proxy, *edits);
      benchmark::DoNotOptimize(decision.destination);
      if constexpr (last < Stage::rewrite) continue;
      dataplane::Egress egress;
      dataplane::find_egress(view, decision, nullptr, egress);
      benchmark::DoNotOptimize(dataplane::rewrite_forwarded(packet, frame, *message, *edits, egress.envelope));
    }
    io.release(burst);
  }
  report(state, messages);
}
BENCHMARK(up_to<Stage::io>)->Name("stages/io");
BENCHMARK(up_to<Stage::admit>)->Name("stages/admit");
BENCHMARK(up_to<Stage::parse>)->Name("stages/parse");
BENCHMARK(up_to<Stage::decide>)->Name("stages/decide");
BENCHMARK(up_to<Stage::rewrite>)->Name("stages/rewrite");

// The edits of a forwarded INVITE, applied and summed by each kernel: two rows put in front, a stamp, Max-Forwards.
const bool pipeline_registered = [] {
  for (const dataplane::SpliceKernel& kernel : dataplane::splice_kernels()) {
    const std::string row = "rewrite/1266b/" + std::string(kernel.name);
    benchmark::RegisterBenchmark(row.c_str(), [&kernel](benchmark::State& state) {
      constexpr size_t room = 1024, size = 1266, buffers = 64;  // a burst of them: none is touched twice in a row
      std::vector<uint8_t> memory(buffers * (room + size), 'x');
      size_t next = 0;
      auto edits = std::make_unique<proxy::Edits>();
      const std::pair<uint16_t, size_t> places[] = {{40, 180}, {120, 40}, {170, 2}};
      for (const auto& [place, bytes] : places) {
        edits->begin_text();
        edits->put(std::string(bytes, 'e'));
        edits->replace(place, static_cast<uint16_t>(bytes == 2 ? place + 2 : place));
      }
      for (auto _ : state) {
        benchmark::DoNotOptimize(kernel.splice(*edits, &memory[next * (room + size) + room], 0, size));
        next = (next + 1) % buffers;
        benchmark::ClobberMemory();
      }
    });
  }
  return true;
}();

}  // namespace
}  // namespace viaduct::bench
