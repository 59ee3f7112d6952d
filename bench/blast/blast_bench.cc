// What the generator costs a core: callers and reflector over a device that does nothing.
//
// `blast/send`: one frame of 512 bytes copied, patched, checksummed, and handed to the device, as in a flood.
// `blast/call`: a whole call through callers and reflector, seven messages written and read.
#include <benchmark/benchmark.h>

#include <array>
#include <vector>

#include "blast/pacer.h"
#include "blast/station.h"
#include "blast/uac.h"
#include "blast/uas.h"

namespace viaduct::bench {
namespace {

using dataplane::Packet;

constexpr size_t frame_bytes = 512;

// Buffers in a circle, as a small mempool hands them out again; what is sent reaches the peer, if there is one, by
// reference.
class CircleIo {
 public:
  CircleIo() : bytes_(buffers * room) {}
  void meet(CircleIo& peer) { peer_ = &peer; }

  size_t receive(std::span<Packet> packets) {
    size_t count = 0;
    for (; count < packets.size() && tail_ != head_; ++count) packets[count] = inbox_[tail_++ % inbox_.size()];
    return count;
  }
  size_t transmit(std::span<Packet> packets) {
    for (const Packet& packet : packets) {
      if (peer_ != nullptr) peer_->inbox_[peer_->head_++ % inbox_.size()] = packet;
    }
    return packets.size();
  }
  void punt(std::span<Packet>) {}
  void release(std::span<Packet>) {}
  size_t allocate(std::span<Packet> packets) {
    for (Packet& packet : packets) {
      packet = {};
      packet.data = bytes_.data() + (next_++ % buffers) * room;
      packet.tailroom = room;
    }
    return packets.size();
  }

 private:
  static constexpr size_t buffers = 2048, room = 2048;
  std::vector<uint8_t> bytes_;
  size_t next_ = 0, head_ = 0, tail_ = 0;
  std::array<Packet, 2048> inbox_;
  CircleIo* peer_ = nullptr;
};
static_assert(blast::BlastIo<CircleIo>);

std::unique_ptr<blast::Uac> callers(const char* scenario, bool flood, blast::UdpChecksum checksum) {
  blast::UacPlan plan;
  plan.scenario = scenario;
  plan.target = *net::parse_endpoint("192.0.2.10:5060");
  plan.size = frame_bytes - blast::frame_headers_v4;
  plan.flood = flood;
  plan.checksum = checksum;
  auto sources = blast::Sources::make(*net::parse_endpoint("10.1.0.1:5060"), 4096, 1);
  return std::move(*blast::Uac::make(plan, std::move(*sources)));
}

blast::Schedule endless() {
  blast::Schedule schedule;
  schedule.as_fast_as_possible = true;
  return schedule;
}

void send(benchmark::State& state, blast::UdpChecksum checksum) {
  CircleIo io;
  const auto uac = callers("options", true, checksum);
  blast::Pacer pacer(endless());
  blast::Station<CircleIo> station(io);
  station.set(uac.get(), &pacer, nullptr, true);
  uint64_t now_ns = 1;
  for (auto _ : state) station.turn([&] { return ++now_ns; });
  state.SetItemsProcessed(static_cast<int64_t>(station.counters().sent.value()));
}
BENCHMARK_CAPTURE(send, full_checksum, blast::UdpChecksum::full)->Name("blast/send_512b");
BENCHMARK_CAPTURE(send, no_checksum, blast::UdpChecksum::none)->Name("blast/send_512b_without_udp_checksum");

void call(benchmark::State& state, const char* scenario) {
  CircleIo near, far;
  near.meet(far), far.meet(near);
  const auto uac = callers(scenario, false, blast::UdpChecksum::full);
  blast::Uas uas({});
  blast::Pacer pacer(endless());
  blast::Station<CircleIo> calling(near), answering(far);
  calling.set(uac.get(), &pacer, nullptr, false);
  answering.set(nullptr, nullptr, &uas, false);
  uint64_t now_ns = 1;
  for (auto _ : state) {
    calling.turn([&] { return ++now_ns; });
    answering.turn([&] { return ++now_ns; });
  }
  state.SetItemsProcessed(static_cast<int64_t>(uac->counters().completed.value()));
}
BENCHMARK_CAPTURE(call, options, "options")->Name("blast/call_options");
BENCHMARK_CAPTURE(call, invite, "invite")->Name("blast/call_invite");

}  // namespace
}  // namespace viaduct::bench
