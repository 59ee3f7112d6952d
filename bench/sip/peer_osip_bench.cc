// The same INVITE through osip2 (libosip2-dev), if it is installed. It does another job, like the other peers here: it
// builds a tree of all headers on the heap, for user agents to work with. The row is what that costs, from the octets
// to the tree and until it is freed.
#include <benchmark/benchmark.h>
#include <osipparser2/osip_message.h>
#include <osipparser2/osip_parser.h>

#include "messages.h"

namespace viaduct::sip {
namespace {

void osip(benchmark::State& state) {
  parser_init();
  for (auto _ : state) {
    osip_message_t* message = nullptr;
    osip_message_init(&message);
    if (osip_message_parse(message, invite_1266.data(), invite_1266.size()) != 0) state.SkipWithError("not parsed");
    benchmark::DoNotOptimize(message);
    osip_message_free(message);
  }
}
BENCHMARK(osip)->Name("peer_parse/invite_1266b/osip2");

}  // namespace
}  // namespace viaduct::sip
