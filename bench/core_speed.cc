// How long a core takes for a fixed piece of work, in picoseconds an instruction: the median of some spells.
//
//   core_speed CORE
//
// The work is what a message's way mostly is: instructions that do not wait for each other, nothing of memory. In a
// virtual machine the core is one thread of a real one, and whoever is given the other takes up to half of it, and
// nobody tells. scripts/bench-line-rate asks before and after each measurement.
#include <sched.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>

#include "core/number.h"

namespace {

constexpr size_t spells = 31;
constexpr int rounds_a_spell = 1'000'000;
constexpr double instructions_a_round = 20;

double work_for_a_spell() {
  using Clock = std::chrono::steady_clock;
  uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8;
  const Clock::time_point begin = Clock::now();
  for (int i = 0; i < rounds_a_spell; ++i) {
    asm volatile(
        "add $1, %0\n add $1, %1\n add $1, %2\n add $1, %3\n add $1, %4\n add $1, %5\n add $1, %6\n add $1, %7\n"
        "xor $3, %0\n xor $3, %1\n xor $3, %2\n xor $3, %3\n xor $3, %4\n xor $3, %5\n xor $3, %6\n xor $3, %7\n"
        "nop\n nop\n"
        : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f), "+r"(g), "+r"(h));
  }
  const double nanoseconds = std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
  return nanoseconds * 1000 / rounds_a_spell / instructions_a_round;
}

}  // namespace

int main(int argc, char** argv) {
  const auto core = argc == 2 ? viaduct::core::whole_number<unsigned>(argv[1]) : std::nullopt;
  if (!core || *core >= CPU_SETSIZE) {
    std::fprintf(stderr, "usage: core_speed CORE\nthe number of a core, as in /proc/cpuinfo\n");
    return 2;
  }
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(*core, &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) {
    std::fprintf(stderr, "core_speed: this process may not use core %u\n", *core);
    return 1;
  }
  std::array<double, spells> took;
  for (double& picoseconds : took) picoseconds = work_for_a_spell();
  std::nth_element(took.begin(), took.begin() + spells / 2, took.end());
  std::printf("%.1f\n", took[spells / 2]);
}
