// How long it takes to read a message. The yardstick is memchr_walk over the same bytes: what the C library's own
// vector code needs to find the line ends, and nothing more.
#include <benchmark/benchmark.h>

#include <cstring>
#include <memory>
#include <string>

#include "messages.h"
#include "sip/message.h"
#include "sip/scan.h"

namespace viaduct::sip {
namespace {

void memchr_walk(benchmark::State& state, std::string_view message) {
  for (auto _ : state) {
    const char* p = message.data();
    const char* end = p + message.size();
    size_t lines = 0;
    while (const void* feed = memchr(p, '\n', static_cast<size_t>(end - p))) {
      p = static_cast<const char*>(feed) + 1;
      ++lines;
    }
    benchmark::DoNotOptimize(lines);
  }
}
BENCHMARK_CAPTURE(memchr_walk, invite_1266b, invite_1266);

void scan_message(benchmark::State& state, const ScanKernel& kernel, std::string_view text) {
  auto scan = std::make_unique<Scan>();
  for (auto _ : state) {
    kernel.scan(text, 0, *scan);
    benchmark::ClobberMemory();
  }
}

void parse_message(benchmark::State& state, const ScanKernel& kernel, std::string_view text) {
  auto message = std::make_unique<Message>();
  for (auto _ : state) {
    benchmark::DoNotOptimize(parse_with(kernel, text, *message));
    benchmark::ClobberMemory();
  }
  if (message->fault != Fault::none) state.SkipWithError("the message has a fault");
}

// A row for every kernel this CPU has.
bool register_all() {
  for (const ScanKernel& kernel : scan_kernels()) {
    const std::string name = "/invite_1266b/" + std::string(kernel.name);
    benchmark::RegisterBenchmark(("scan" + name).c_str(), scan_message, kernel, invite_1266);
    benchmark::RegisterBenchmark(("parse" + name).c_str(), parse_message, kernel, invite_1266);
  }
  return true;
}
const bool registered = register_all();

}  // namespace
}  // namespace viaduct::sip
