// The cost of a choice: the keyed hash over a Call-ID and one look into the table. The yardstick is std::hash over the
// same bytes, which anybody can aim.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "steer/hash_lanes.h"
#include "steer/keyed_hash.h"
#include "steer/table.h"

namespace viaduct::steer {
namespace {

constexpr HashKey key{0x0706050403020100, 0x0f0e0d0c0b0a0908};

std::string call_id(size_t size) {
  std::string text = "a84b4c76e66710@pc33.atlanta.example.com;0123456789abcdef0123456789abcdef0123456789";
  while (text.size() < size) text += text;
  return text.substr(0, size);
}

std::vector<Member> members(size_t count) {
  std::vector<Member> result;
  for (size_t i = 1; i <= count; ++i) result.push_back({"p" + std::to_string(i), 100});
  return result;
}

void unkeyed_hash(benchmark::State& state) {
  const std::string text = call_id(static_cast<size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(std::hash<std::string_view>{}(text));
}
BENCHMARK(unkeyed_hash)->Name("hash/unkeyed")->Arg(40);

void hash64(benchmark::State& state) {
  const std::string text = call_id(static_cast<size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(siphash64(key, text));
}
BENCHMARK(hash64)->Name("hash/siphash64")->Arg(8)->Arg(16)->Arg(32)->Arg(40)->Arg(64)->Arg(128);

void hash128(benchmark::State& state) {
  const std::string text = call_id(static_cast<size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(siphash128(key, text));
}
BENCHMARK(hash128)->Name("hash/siphash128")->Arg(40)->Arg(128);

// Vectors full of inputs of 64 bytes; items are hashes.
void hash_side_by_side(benchmark::State& state, const LaneKernel& kernel) {
  std::vector<std::string> inputs(LaneBatch::width, call_id(64));
  LaneBatch batch;
  for (std::string& input : inputs) {
    input.resize(64 + (1 + LaneBatch::words_behind) * sizeof(uint64_t));
    batch.add(input.data(), pad_to_words(input.data(), 64));
  }
  batch.seal(key, false);
  for (auto _ : state) {
    kernel.hash(batch);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * LaneBatch::width));
}

const bool lanes_registered = [] {
  for (const LaneKernel& kernel : lane_kernels()) {
    const std::string name = "hash/lanes/" + std::string(kernel.name);
    benchmark::RegisterBenchmark(name.c_str(), hash_side_by_side, kernel);
  }
  return true;
}();

void pick_backend(benchmark::State& state) {
  const Table table = build_table(members(8));
  std::vector<std::string> calls;
  for (int i = 0; i < 1024; ++i) calls.push_back(std::to_string(i * 7919) + call_id(32));
  size_t next = 0;
  for (auto _ : state) benchmark::DoNotOptimize(table.pick(siphash64(key, calls[next++ & 1023])));
}
BENCHMARK(pick_backend)->Name("pick");

void build(benchmark::State& state) {
  const std::vector<Member> set = members(static_cast<size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(build_table(set).fingerprint());
}
BENCHMARK(build)->Name("table/build")->Arg(8)->Arg(100)->Arg(1024)->Unit(benchmark::kMillisecond);

void lay_over(benchmark::State& state) {
  const std::vector<Member> set = members(static_cast<size_t>(state.range(0)));
  const Table table = build_table(set);
  std::vector<bool> usable(set.size(), true);
  usable[0] = false;
  for (auto _ : state) benchmark::DoNotOptimize(overlay(table, set, usable).fingerprint());
}
BENCHMARK(lay_over)->Name("table/overlay")->Arg(8)->Arg(1024)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace viaduct::steer
