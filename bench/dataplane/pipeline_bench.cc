// Messages per second through one worker, with nothing but memory at both ends.
//
// 4,096 different messages in a realistic mix (tests/support/message_corpus.h): requests of as many calls from outside,
// and the backends' answers to them. As from a NIC, each is written into a buffer before the worker sees it;
// `ports_alone` is what that costs without the worker, and the stages below are its parts on the same messages.
#include <benchmark/benchmark.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/admission.h"
#include "dataplane/egress.h"
#include "dataplane/memory_io.h"
#include "dataplane/rewrite.h"
#include "dataplane/worker.h"
#include "support/lab.h"
#include "support/message_corpus.h"

namespace viaduct::dataplane {
namespace {

constexpr size_t message_count = 4096;
constexpr size_t headroom = 576;
constexpr size_t buffer_bytes = 4096;

using Arriving = MemoryIo::Frame;

test::LabOptions lab_options() { return {.record_route = true, .edge_mtu = 9000}; }

// Requests of distinct calls, and for most of them the answer that a backend would send.
std::vector<Arriving> traffic(const View& view) {
  MemoryIo io;
  auto counters = std::make_unique<telemetry::WorkerCounters>();
  HandoffMesh mesh(1);
  const std::atomic<const View*> current{&view};
  auto worker = std::make_unique<Worker<MemoryIo>>(
      WorkerPlace{.worker = 0, .mesh = mesh, .view = current, .counters = *counters}, io);
  test::MessageCorpus corpus;
  std::vector<Arriving> frames;
  while (frames.size() < message_count) {
    const test::CorpusMessage message = corpus.requests(1)[0];
    frames.push_back({.port = 0, .bytes = test::from_outside(message.call.caller, message.text)});
    io.inject(frames.back());
    worker->turn();
    const auto sent = io.take_sent();
    if (sent.empty() || message.method == "ACK") continue;
    const test::Datagram request = test::read_back(sent[0].bytes);
    const std::string body = message.method == "INVITE" ? test::session_description("10.0.1.1", 300) : "";
    const std::string text =
        test::answer_to(request.payload, message.method == "INVITE" ? "180 Ringing" : "200 OK", "1f2e3d", body);
    frames.push_back(
        {.port = 1, .bytes = test::from_inside(to_string(request.destination), text, to_string(request.source))});
  }
  frames.resize(message_count);
  return frames;
}

const View& the_view() {
  static const View view = test::lab_view(lab_options());
  return view;
}
const std::vector<Arriving>& the_traffic() {
  static const std::vector<Arriving> frames = traffic(the_view());
  return frames;
}

// Receives the traffic over and over into a ring of buffers; what is sent is done with.
class LoopIo {
 public:
  LoopIo() : buffers_(4 * burst_max * buffer_bytes) {}

  size_t receive(std::span<Packet> packets) {
    for (Packet& packet : packets) {
      const Arriving& frame = the_traffic()[next_frame_++ % message_count];
      packet.data = buffers_.data() + (next_buffer_++ % (4 * burst_max)) * buffer_bytes + headroom;
      packet.length = static_cast<uint32_t>(frame.bytes.size());
      packet.headroom = headroom;
      packet.tailroom = static_cast<uint16_t>(buffer_bytes - headroom - frame.bytes.size());
      packet.port = frame.port;
      std::memcpy(packet.data, frame.bytes.data(), frame.bytes.size());
    }
    return packets.size();
  }
  size_t transmit(std::span<Packet> packets) {
    for (const Packet& packet : packets) benchmark::DoNotOptimize(packet.data[0]);
    return packets.size();
  }
  void punt(std::span<Packet>) {}
  void release(std::span<Packet>) {}

 private:
  std::vector<uint8_t> buffers_;
  size_t next_frame_ = 0, next_buffer_ = 0;
};

void report(benchmark::State& state, size_t messages) {
  state.SetItemsProcessed(static_cast<int64_t>(messages));
  state.counters["ns_per_message"] = benchmark::Counter(static_cast<double>(messages) * 1e-9,
                                                        benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void whole_worker(benchmark::State& state) {
  LoopIo io;
  auto counters = std::make_unique<telemetry::WorkerCounters>();
  HandoffMesh mesh(1);
  const std::atomic<const View*> current{&the_view()};
  auto worker = std::make_unique<Worker<LoopIo>>(
      WorkerPlace{.worker = 0, .mesh = mesh, .view = current, .counters = *counters}, io);
  for (auto _ : state) worker->turn();
  report(state, counters->received.value());
  if (counters->forwarded.value() != counters->received.value()) state.SkipWithError("not everything was forwarded");
}
BENCHMARK(whole_worker);

void ports_alone(benchmark::State& state) {
  LoopIo io;
  std::array<Packet, burst_max> burst;
  size_t messages = 0;
  for (auto _ : state) {
    messages += io.receive(burst);
    io.transmit(burst);
  }
  report(state, messages);
}
BENCHMARK(ports_alone);

// One message at a time through the stages up to `Last`, each on a fresh copy.
enum class Stage { admit, parse, decide, rewrite };

template <Stage last>
void up_to(benchmark::State& state) {
  LoopIo io;
  const View& view = the_view();
  auto message = std::make_unique<sip::Message>();
  auto edits = std::make_unique<proxy::Edits>();
  std::array<Packet, burst_max> burst;
  size_t messages = 0;
  for (auto _ : state) {
    messages += io.receive(burst);
    for (Packet& packet : burst) {
      net::FrameView frame;
      const Admission admission = admit(packet, view, frame);
      benchmark::DoNotOptimize(admission.ours);
      if constexpr (last < Stage::parse) continue;
      const auto kind =
          sip::parse({reinterpret_cast<const char*>(packet.data) + frame.payload, frame.payload_bytes}, *message);
      benchmark::DoNotOptimize(kind);
      if constexpr (last < Stage::decide) continue;
      const proxy::Decision decision =
          proxy::decide(kind, *message, {.source = frame.source, .socket = admission.socket}, *view.proxy, *edits);
      benchmark::DoNotOptimize(decision.destination);
      if constexpr (last < Stage::rewrite) continue;
      const Egress egress = find_egress(view, decision);
      benchmark::DoNotOptimize(rewrite_forwarded(packet, frame, *message, *edits, egress.envelope));
    }
  }
  report(state, messages);
}
BENCHMARK(up_to<Stage::admit>);
BENCHMARK(up_to<Stage::parse>);
BENCHMARK(up_to<Stage::decide>);
BENCHMARK(up_to<Stage::rewrite>);

}  // namespace
}  // namespace viaduct::dataplane

BENCHMARK_MAIN();
