// What the last pass over a message costs. The yardstick is RFC 1071's own loop over 16-bit words; the sizes are an
// IPv4 header, short and long SIP requests, and a full Ethernet frame.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "net/checksum.h"

namespace viaduct::net {
namespace {

std::vector<uint8_t> datagram(size_t size) {
  std::vector<uint8_t> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 131);
  return bytes;
}

void rfc1071_loop(benchmark::State& state) {
  const std::vector<uint8_t> bytes = datagram(static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < bytes.size(); i += 2) {
      uint32_t word = static_cast<uint32_t>(bytes[i] << 8 | bytes[i + 1]);
      benchmark::DoNotOptimize(word);  // or the compiler finds the lanes by itself
      sum += word;
    }
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    benchmark::DoNotOptimize(sum);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(rfc1071_loop)->Name("checksum/rfc1071_loop")->Arg(20)->Arg(300)->Arg(1300)->Arg(1500);

void checksum_of_datagram(benchmark::State& state) {
  const std::vector<uint8_t> bytes = datagram(static_cast<size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(checksum_udp(bytes, 0x1234));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(checksum_of_datagram)
    ->Name("checksum/dispatched")
    ->Arg(20)
    ->Arg(300)
    ->Arg(500)
    ->Arg(800)
    ->Arg(1300)
    ->Arg(1500);

// A message of the size that the other rows have, by each kernel.
const bool checksum_registered = [] {
  for (const ChecksumKernel& kernel : checksum_kernels()) {
    const std::string row = "checksum/1266b/" + std::string(kernel.name);
    benchmark::RegisterBenchmark(row.c_str(), [&kernel](benchmark::State& state) {
      const std::vector<uint8_t> bytes = datagram(1266);
      for (auto _ : state) benchmark::DoNotOptimize(fold_machine_sum(kernel.sum(bytes.data(), bytes.size())));
      state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes.size()));
    });
  }
  return true;
}();

}  // namespace
}  // namespace viaduct::net
