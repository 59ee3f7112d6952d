// How long it takes to read a message. The yardstick is memchr_walk over the same bytes: what the C library's own
// vector code needs to find the line ends, and nothing more.
//
// Of one message over and over the CPU learns every branch by heart; so the same again over some thousand different
// ones, where a row's time is that of one message, too.
#include <benchmark/benchmark.h>

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "messages.h"
#include "sip/message.h"
#include "sip/scan.h"
#include "sip/shape_cache.h"
#include "support/mixed_corpus.h"

namespace viaduct::sip {
namespace {

using Texts = std::vector<std::string>;

const Texts& invite() {
  static const Texts texts{std::string(invite_1266)};
  return texts;
}

const Texts& mixed() {
  static const Texts texts = [] {
    Texts all;
    for (bench::MixedMessage& message : bench::mixed_messages()) all.push_back(std::move(message.text));
    return all;
  }();
  return texts;
}

char hex_digit(std::mt19937& random) { return "0123456789abcdef"[random() % 16]; }

// The one INVITE as some thousand calls have it, each with a branch, a tag and a Call-ID of its own.
const Texts& calls() {
  static const Texts texts = [] {
    Texts all(4096, std::string(invite_1266));
    std::mt19937 random(3261);
    for (std::string& text : all) {
      for (const std::string_view own : {"7c1f5a0b9e3d4c2a", "a48s7d3f", "3c26700c1adf", "4k2m9x8ztqrw"}) {
        const size_t begin = text.find(own);
        for (size_t i = 0; i < own.size(); ++i) text[begin + i] = hex_digit(random);
      }
    }
    return all;
  }();
  return texts;
}

// The worst that can be sent to a cache of shapes: all look like the one in four that is always the same, and none of
// the others is of its shape.
const Texts& lookalikes() {
  static const Texts texts = [] {
    Texts all(4096, std::string(invite_1266));
    std::mt19937 random(3261);
    for (std::string& text : all) {
      std::string option = "abcdef";
      if (random() % 4 != 0) {
        for (char& letter : option) letter = hex_digit(random);
      }
      text.insert(text.find("CSeq:"), "Require: x" + option + "\r\n");
    }
    return all;
  }();
  return texts;
}

// The texts in turn, for ever.
class Round {
 public:
  explicit Round(const Texts& texts) : texts_(texts) {}
  std::string_view next() {
    const std::string& text = texts_[at_];
    if (++at_ == texts_.size()) at_ = 0;
    return text;
  }

 private:
  const Texts& texts_;
  size_t at_ = 0;
};

void memchr_walk(benchmark::State& state, const Texts& (*texts)()) {
  Round round(texts());
  for (auto _ : state) {
    const std::string_view message = round.next();
    const char* p = message.data();
    const char* end = p + message.size();
    size_t lines = 0;
    while (const void* feed = memchr(p, '\n', static_cast<size_t>(end - p))) {
      p = static_cast<const char*>(feed) + 1;
      ++lines;
    }
    benchmark::DoNotOptimize(lines);
  }
}
BENCHMARK_CAPTURE(memchr_walk, invite_1266b, invite);
BENCHMARK_CAPTURE(memchr_walk, mixed, mixed);

void scan_with(benchmark::State& state, const Texts& (*texts)(), const ScanKernel& kernel) {
  Round round(texts());
  auto scan = std::make_unique<Scan>();
  for (auto _ : state) {
    benchmark::DoNotOptimize(kernel.scan_plain(round.next(), *scan));
    benchmark::ClobberMemory();
  }
}

// By the kernel `parse` takes itself, if none is named.
void parse_by(benchmark::State& state, const Texts& (*texts)(), const ScanKernel* kernel) {
  Round round(texts());
  auto message = std::make_unique<Message>();
  size_t faults = 0;
  for (auto _ : state) {
    const std::string_view text = round.next();
    benchmark::DoNotOptimize(kernel == nullptr ? parse(text, *message) : parse_with(*kernel, text, *message));
    benchmark::ClobberMemory();
    faults += message->fault != Fault::none;
  }
  if (faults != 0) state.SkipWithError("a message has a fault");
}

// Messages of one shape that is known.
void recall_with(benchmark::State& state, const ShapeKernel& kernel) {
  Round round(calls());
  auto message = std::make_unique<Message>();
  auto shape = std::make_unique<Shape>();
  parse(round.next(), *message);
  bool known = shape->keep(*message);
  for (auto _ : state) {
    const std::string_view text = round.next();
    benchmark::DoNotOptimize(kernel.outline(text));
    known &= shape->recall(kernel, text, *message);
    benchmark::ClobberMemory();
  }
  if (!known) state.SkipWithError("a message is not of the shape");
}

// As a worker does it.
void parse_cached(benchmark::State& state, const Texts& (*texts)()) {
  Round round(texts());
  auto message = std::make_unique<Message>();
  const auto cache = std::make_unique<ShapeCache>();
  double known = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(cache->parse(round.next(), *message));
    benchmark::ClobberMemory();
    known += cache->knew() ? 1 : 0;
  }
  state.counters["known"] = known / static_cast<double>(state.iterations());
}
BENCHMARK_CAPTURE(parse_cached, calls_1266b, calls);
BENCHMARK_CAPTURE(parse_cached, mixed, mixed);
BENCHMARK_CAPTURE(parse_cached, lookalikes, lookalikes);
BENCHMARK_CAPTURE(memchr_walk, calls_1266b, calls);

bool register_all() {
  for (const ShapeKernel& kernel : shape_kernels()) {
    benchmark::RegisterBenchmark(("recall/calls_1266b/" + std::string(kernel.name)).c_str(), recall_with, kernel);
  }
  const std::pair<std::string, const Texts& (*)()> inputs[] = {
      {"/invite_1266b", invite}, {"/calls_1266b", calls}, {"/mixed", mixed}, {"/lookalikes", lookalikes}};
  for (const auto& [name, texts] : inputs) {
    benchmark::RegisterBenchmark(("parse" + name).c_str(), parse_by, texts, nullptr);
    for (const ScanKernel& kernel : scan_kernels()) {
      const std::string row = name + "/" + std::string(kernel.name);
      benchmark::RegisterBenchmark(("scan" + row).c_str(), scan_with, texts, kernel);
      benchmark::RegisterBenchmark(("parse" + row).c_str(), parse_by, texts, &kernel);
    }
  }
  return true;
}
const bool parse_registered = register_all();

}  // namespace
}  // namespace viaduct::sip
