// Lets one worker turn so often over 512-byte INVITEs, or over the mixed traffic, or over that and backends' answers
// timed, or that and one call in a thousand captured, or over what servers send each other, or over junk, and nothing
// else, `berthed` if what leaves has places of its own: what scripts/count-instructions counts, and what scripts/build
// takes a profile of. The difference between two runs is what bursts cost; what surrounds them is the same in both.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "loop_io.h"

int main(int argc, char** argv) {
  using namespace viaduct;
  const long bursts = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 0;
  const bool berthed = argc > 2 && argv[argc - 1] == std::string_view("berthed");
  if (berthed) --argc;
  const std::string_view traffic = argc == 3 ? argv[2] : "";
  const bool captured = traffic == "captured", servers = traffic == "servers",
             timed = captured || servers || traffic == "timed";
  const bool mixed = timed || traffic == "mixed" || traffic == "untimed";
  const bool junk = traffic == "junk";
  if (bursts <= 0 || argc > 3 || (argc == 3 && !mixed && !junk)) {
    std::fprintf(stderr, "usage: forward_invites BURSTS [mixed|timed|untimed|captured|servers|junk] [berthed]\n");
    return 2;
  }
  dataplane::HandoffMesh mesh(1);
  bench::Bench bench(captured ? bench::the_captured_view()
                     : timed  ? bench::the_timed_view()
                              : bench::the_view(),
                     mesh,
                     traffic == "mixed" ? bench::mixed_traffic()
                     : servers          ? bench::server_traffic()
                     : mixed            ? bench::timed_traffic()
                     : junk             ? bench::junk_traffic()
                                        : bench::trunk_of_invites(),
                     0, timed ? &bench::the_watch() : nullptr, captured ? &bench::the_tap() : nullptr);
  if (berthed) bench.io.offer_berths();
  for (long i = 0; i < bursts; ++i) bench.worker->turn();
  const uint64_t forwarded = bench.counters->forwarded.value();
  if (forwarded != (junk ? 0 : static_cast<uint64_t>(bursts) * dataplane::burst_max)) {
    std::fprintf(stderr, "forward_invites: of %ld messages %lu were forwarded\n", bursts * long{dataplane::burst_max},
                 static_cast<unsigned long>(forwarded));
    return 1;
  }
}
