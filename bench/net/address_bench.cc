// Reading and writing addresses, as the proxy does for every message. The yardstick is the C library's pair.
#include <arpa/inet.h>
#include <benchmark/benchmark.h>

#include <string>

#include "net/address.h"

namespace viaduct::net {
namespace {

constexpr std::string_view texts[] = {"203.0.113.10", "2001:db8:85a3::8a2e:370:7334"};

void parse(benchmark::State& state) {
  const std::string_view text = texts[state.range(0)];
  for (auto _ : state) benchmark::DoNotOptimize(parse_ip(text));
}
BENCHMARK(parse)->Name("address/parse")->Arg(0)->Arg(1);

void libc_parse(benchmark::State& state) {
  const std::string text(texts[state.range(0)]);
  const int family = state.range(0) == 0 ? AF_INET : AF_INET6;
  for (auto _ : state) {
    in6_addr address;
    benchmark::DoNotOptimize(inet_pton(family, text.c_str(), &address));
  }
}
BENCHMARK(libc_parse)->Name("address/libc_parse")->Arg(0)->Arg(1);

void format(benchmark::State& state) {
  const IpAddress address = *parse_ip(texts[state.range(0)]);
  char out[ip_text_bytes_max];
  for (auto _ : state) {
    benchmark::DoNotOptimize(format_ip(address, out));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(format)->Name("address/format")->Arg(0)->Arg(1);

void libc_format(benchmark::State& state) {
  const IpAddress address = *parse_ip(texts[state.range(0)]);
  const bool v4 = state.range(0) == 0;
  char out[ip_text_bytes_max];
  for (auto _ : state) {
    benchmark::DoNotOptimize(inet_ntop(v4 ? AF_INET : AF_INET6, address.bytes.data() + (v4 ? 12 : 0), out, sizeof out));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(libc_format)->Name("address/libc_format")->Arg(0)->Arg(1);

}  // namespace
}  // namespace viaduct::net
