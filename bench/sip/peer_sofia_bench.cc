// The same INVITE through sofia-sip (libsofia-sip-ua-dev), if it is installed; see peer_osip_bench.cc.
#include <benchmark/benchmark.h>
#include <sofia-sip/msg.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>

#include "messages.h"

namespace viaduct::sip {
namespace {

void sofia(benchmark::State& state) {
  for (auto _ : state) {
    msg_t* message = msg_make(sip_default_mclass(), 0, invite_1266.data(), invite_1266.size());
    if (sip_object(message) == nullptr || sip_object(message)->sip_cseq == nullptr) state.SkipWithError("not parsed");
    benchmark::DoNotOptimize(message);
    msg_destroy(message);
  }
}
BENCHMARK(sofia)->Name("peer_parse/invite_1266b/sofia-sip");

}  // namespace
}  // namespace viaduct::sip
