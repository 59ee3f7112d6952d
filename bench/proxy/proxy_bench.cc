// What a decision costs, beside the parsing before it and the moving of bytes after it.
#include <benchmark/benchmark.h>

#include <cstring>
#include <memory>
#include <string>

#include "proxy/decision.h"
#include "support/message_corpus.h"

namespace viaduct {
namespace {

net::Endpoint at(std::string_view text) { return *net::parse_endpoint(text); }

const net::Endpoint caller = at("198.51.100.7:5060");
constexpr uint16_t outside = 0, inside = 1;

const proxy::View& bed() {
  static const proxy::View view = [] {
    proxy::View made;
    made.keys = proxy::derive_keys({1, 2, 3});
    made.aliases = {"lb.example.com"};
    made.sockets = {{.address = at("192.0.2.10:5060"), .listener = 0}, {.address = at("10.0.0.1:5060"), .listener = 1}};
    made.listeners.resize(2);
    made.listeners[0].pool = 0;
    made.listeners[0].record_route = true;
    made.listeners[1].side = proxy::Side::inside;
    made.pools.resize(1);
    made.pools[0].backend_count = 8;
    for (int i = 0; i < 8; ++i) {
      proxy::Backend& backend = made.backends.emplace_back();
      backend.name = "p" + std::to_string(i);
      backend.address = at("10.0.1." + std::to_string(i + 1) + ":5060");
      backend.pool = 0;
    }
    proxy::finish(made);
    return made;
  }();
  return view;
}

// A message in flight: decided once, so that the next one can be made from what left.
struct Case {
  std::string text;
  proxy::Arrival arrival;
  std::unique_ptr<sip::Message> message = std::make_unique<sip::Message>();
  std::unique_ptr<proxy::Edits> edits = std::make_unique<proxy::Edits>();
  sip::Datagram kind;
  proxy::Decision decision;

  Case(std::string datagram, proxy::Arrival from) : text(std::move(datagram)), arrival(from) {
    kind = sip::parse(text, *message);
    decision = proxy::decide(kind, *message, arrival, bed(), *edits);
  }
  std::string sent() const {
    std::string buffer(4096, ' ');
    buffer += text;
    const char* start = proxy::apply(*edits, buffer.data() + 4096);
    return {start, static_cast<size_t>(buffer.data() + buffer.size() - start)};
  }
};

std::string record_route_of(const std::string& message) {
  std::string route;
  for (size_t at = 0; (at = message.find("Record-Route: ", at)) != std::string::npos;) {
    at += 14;
    const std::string value = message.substr(at, message.find("\r\n", at) - at);
    route = route.empty() ? value : value + ", " + route;
  }
  return route;
}

const Case& invite() {
  static const Case made(test::invite_of({}), {caller, outside});
  return made;
}
const Case& trying() {
  static const Case made(test::answer_to(invite().sent(), "180 Ringing"), {invite().decision.destination, inside});
  return made;
}
const Case& bye() {
  static const Case made(
      [] {
        test::Call call;
        call.route = record_route_of(invite().sent());
        call.to_tag = "8321";
        return test::request_of(call, "BYE");
      }(),
      {caller, outside});
  return made;
}
const Case& refused() {
  static const Case made(
      [] {
        std::string text = test::invite_of({});
        return text.replace(text.find("Max-Forwards: 70"), 16, "Max-Forwards: 0");
      }(),
      {caller, outside});
  return made;
}

void decide_alone(benchmark::State& state, const Case& (*of)()) {
  const Case& it = of();
  for (auto _ : state) {
    benchmark::DoNotOptimize(proxy::decide(it.kind, *it.message, it.arrival, bed(), *it.edits));
    benchmark::ClobberMemory();
  }
}

// Copying the message back is part of what is measured; `copy_alone` is that part.
void apply_alone(benchmark::State& state, const Case& (*of)()) {
  const Case& it = of();
  std::string buffer(4096 + it.text.size(), ' ');
  proxy::decide(it.kind, *it.message, it.arrival, bed(), *it.edits);
  for (auto _ : state) {
    std::memcpy(buffer.data() + 4096, it.text.data(), it.text.size());
    benchmark::DoNotOptimize(proxy::apply(*it.edits, buffer.data() + 4096));
    benchmark::ClobberMemory();
  }
}

void copy(benchmark::State& state) {
  const Case& it = invite();
  std::string buffer(4096 + it.text.size(), ' ');
  for (auto _ : state) {
    std::memcpy(buffer.data() + 4096, it.text.data(), it.text.size());
    benchmark::ClobberMemory();
  }
}

BENCHMARK_CAPTURE(decide_alone, invite, invite)->Name("decide/invite");
BENCHMARK_CAPTURE(decide_alone, response, trying)->Name("decide/response");
BENCHMARK_CAPTURE(decide_alone, bye, bye)->Name("decide/bye");
BENCHMARK_CAPTURE(decide_alone, refused, refused)->Name("decide/refused");
BENCHMARK_CAPTURE(apply_alone, invite, invite)->Name("rewrite/invite");
BENCHMARK_CAPTURE(apply_alone, response, trying)->Name("rewrite/response");
BENCHMARK_CAPTURE(apply_alone, bye, bye)->Name("rewrite/bye");
BENCHMARK(copy)->Name("rewrite/copy_alone");

}  // namespace
}  // namespace viaduct
