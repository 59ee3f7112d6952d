// One program for all rooms' benchmarks: rows are named room or stage first, as in `parse/invite_1266b/avx2`.
#include <benchmark/benchmark.h>

BENCHMARK_MAIN();
