// How long a cache line takes from one core to another and back, in nanoseconds: the lower quartile of 40 spells, since
// whatever else happens only makes it longer.
//
//   core_distance A B
//
// Both ends of a memif share memory, so what lies between two cores lies between two programs. In a virtual machine it
// is not what the cores' numbers say: whoever runs the machine puts a core on another die and back as he likes, and a
// line that took 90 ns takes 400. scripts/bench-line-rate asks before and after each measurement.
#include <sched.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <thread>

#include "core/cache_line.h"
#include "core/number.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t spells = 40;
constexpr auto spell = std::chrono::milliseconds(2);
constexpr int rounds_a_look = 100;  // the clock is not looked at in between

struct Line {
  alignas(2 * viaduct::core::cache_line_bytes) std::atomic<int> whose{0};
};

// This thread, and those that it starts.
bool pin(unsigned core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  return sched_setaffinity(0, sizeof set, &set) == 0;
}

void answer(Line& line) {
  for (int whose = 0; whose >= 0; whose = line.whose.load(std::memory_order_acquire)) {
    if (whose == 1) line.whose.store(0, std::memory_order_release);
  }
}

double ask_for_a_spell(Line& line) {
  long rounds = 0;
  const Clock::time_point begin = Clock::now();
  Clock::time_point now = begin;
  for (; now - begin < spell; now = Clock::now()) {
    for (int i = 0; i < rounds_a_look; ++i) {
      line.whose.store(1, std::memory_order_release);
      while (line.whose.load(std::memory_order_acquire) != 0) {
      }
    }
    rounds += rounds_a_look;
  }
  return std::chrono::duration<double, std::nano>(now - begin).count() / static_cast<double>(rounds);
}

}  // namespace

int main(int argc, char** argv) {
  std::array<std::optional<unsigned>, 2> cores;
  for (size_t i = 0; argc == 3 && i < cores.size(); ++i) cores[i] = viaduct::core::whole_number<unsigned>(argv[i + 1]);
  if (!cores[0] || !cores[1] || *cores[0] == *cores[1] || std::max(*cores[0], *cores[1]) >= CPU_SETSIZE) {
    std::fprintf(stderr, "usage: core_distance CORE CORE\nthe numbers of two cores, as in /proc/cpuinfo\n");
    return 2;
  }
  if (!pin(*cores[0]) || !pin(*cores[1])) {
    std::fprintf(stderr, "core_distance: this process may not use both core %u and core %u\n", *cores[0], *cores[1]);
    return 1;
  }
  Line line;
  std::thread other([&line] { answer(line); });
  pin(*cores[0]);
  std::array<double, spells> took;
  for (double& nanoseconds : took) nanoseconds = ask_for_a_spell(line);
  line.whose.store(-1, std::memory_order_release);
  other.join();
  std::nth_element(took.begin(), took.begin() + spells / 4, took.end());
  std::printf("%.0f\n", took[spells / 4]);
}
