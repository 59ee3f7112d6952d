// Forwards so many bursts of 512-byte INVITEs, and nothing else: what scripts/count-instructions counts. The difference
// between two runs is what bursts cost; what surrounds them is the same in both.
#include <cstdio>
#include <cstdlib>

#include "loop_io.h"

int main(int argc, char** argv) {
  using namespace viaduct;
  const long bursts = argc == 2 ? std::strtol(argv[1], nullptr, 10) : 0;
  if (bursts <= 0) {
    std::fprintf(stderr, "usage: forward_invites BURSTS\n");
    return 2;
  }
  dataplane::HandoffMesh mesh(1);
  bench::Bench bench(bench::the_view(), mesh, bench::trunk_of_invites());
  for (long i = 0; i < bursts; ++i) bench.worker->turn();
  const uint64_t forwarded = bench.counters->forwarded.value();
  if (forwarded != static_cast<uint64_t>(bursts) * dataplane::burst_max) {
    std::fprintf(stderr, "forward_invites: of %ld messages %lu were forwarded\n", bursts * long{dataplane::burst_max},
                 static_cast<unsigned long>(forwarded));
    return 1;
  }
}
