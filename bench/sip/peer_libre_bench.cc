// The same INVITE through libre (libre-dev), if it is installed; see peer_osip_bench.cc.
#include <benchmark/benchmark.h>

extern "C" {
#include <re/re.h>
}

#include "messages.h"

namespace viaduct::sip {
namespace {

void libre(benchmark::State& state) {
  mbuf* buffer = mbuf_alloc(invite_1266.size());
  mbuf_write_mem(buffer, reinterpret_cast<const uint8_t*>(invite_1266.data()), invite_1266.size());
  for (auto _ : state) {
    mbuf_set_pos(buffer, 0);
    sip_msg* message = nullptr;
    if (sip_msg_decode(&message, buffer) != 0) state.SkipWithError("not parsed");
    benchmark::DoNotOptimize(message);
    mem_deref(message);
  }
  mem_deref(buffer);
}
BENCHMARK(libre)->Name("peer_parse/invite_1266b/libre");

}  // namespace
}  // namespace viaduct::sip
