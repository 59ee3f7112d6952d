// Any frames in any order through two workers: fragments above all, but also ICMP errors and plain junk.
//
//   every worker's ledger closes, and every buffer is given back
//   what leaves is a whole datagram or a fragment within the MTU, from a socket of ours
//   no more waits than was given memory for (the address sanitizer sees to the rest)
//
// An input is a row of commands: a part of one of a few datagrams, cut anywhere; an ICMP error about something; octets
// as a frame; a turn of the workers.
#include <algorithm>
#include <atomic>
#include <memory>

#include "dataplane/memory_io.h"
#include "dataplane/worker.h"
#include "fuzz/require.h"
#include "net/fragment.h"
#include "support/icmp.h"
#include "support/lab.h"
#include "support/message_corpus.h"

namespace viaduct::test {
namespace {

class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  bool empty() const { return size_ == 0; }
  size_t byte() { return empty() ? 0 : (--size_, *data_++); }
  size_t word() { return byte() << 8 | byte(); }
  Bytes bytes(size_t count) {
    count = std::min(count, size_);
    Bytes result(data_, data_ + count);
    data_ += count, size_ -= count;
    return result;
  }

 private:
  const uint8_t* data_;
  size_t size_;
};

std::vector<Bytes> datagrams() {
  std::vector<Bytes> frames;
  for (const size_t bytes : {600, 3000, 9000, 60'000}) {
    const std::string text = request_of(Call(), "INVITE", "", std::string(bytes, 'b'));
    frames.push_back(packet().between("198.51.100.7:5060", "192.0.2.10:5060").payload(text).frame());
    frames.push_back(packet().between("[2001:db8:2::7]:5060", "[2001:db8::10]:5060").vlan(7).payload(text).frame());
  }
  return frames;
}

struct Lab {
  static constexpr size_t workers = 2;
  static constexpr uint32_t entries = 64;

  Lab() {
    for (size_t i = 0; i < workers; ++i) {
      worker[i] = std::make_unique<dataplane::Worker<dataplane::MemoryIo>>(
          dataplane::WorkerPlace{.worker = i,
                                 .mesh = mesh,
                                 .view = current,
                                 .counters = *counters[i],
                                 .reassembly = {.entries = entries},
                                 .path_mtus = &path_mtus,
                                 .hints = &hints[i]},
          io[i]);
    }
  }
  void inject(const Bytes& frame, size_t to, uint16_t port = 0) {
    io[to % workers].inject(frame, port);
    ++injected;
  }
  void turn() {
    for (bool busy = true; busy;) {
      busy = false;
      for (auto& one : worker) busy |= one->turn();
    }
  }
  void check() {
    turn();
    size_t gone = 0, made = 0;
    for (size_t i = 0; i < workers; ++i) {
      const telemetry::Ledger ledger = telemetry::ledger_of(*counters[i]);
      if (!ledger.closes()) std::cerr << telemetry::to_string(ledger) << '\n';
      REQUIRE(ledger.closes());
      gone += io[i].sent_count() + io[i].punted_count() + io[i].released_count();
      made += io[i].made_count();
      for (const dataplane::MemoryIo::Frame& frame : io[i].take_sent()) check_sent(frame);
    }
    REQUIRE(gone == injected + made);
  }
  void check_sent(const dataplane::MemoryIo::Frame& sent) {
    net::FrameView frame;
    const net::FrameError error = net::parse_frame(sent.bytes, frame);
    REQUIRE(error == net::FrameError::none || error == net::FrameError::fragment);
    REQUIRE(view.proxy->socket_at.contains(frame.source.address));
    REQUIRE(sent.bytes.size() - frame.l3 <= view.ports[sent.port].mtu);
    net::Fragment part;
    if (error == net::FrameError::fragment) {
      const net::FragmentFault fault = net::read_fragment(sent.bytes, frame, part);
      REQUIRE(fault == net::FragmentFault::none);
    }
  }

  dataplane::View view = lab_view({.record_route = true, .twin = true, .core_mtu = 1500});
  std::atomic<const dataplane::View*> current{&view};
  dataplane::HandoffMesh mesh{workers};
  dataplane::PathMtus path_mtus{{1, 2}};
  dataplane::UnreachableHints hints[workers];
  dataplane::MemoryIo io[workers];
  std::unique_ptr<telemetry::WorkerCounters> counters[workers] = {std::make_unique<telemetry::WorkerCounters>(),
                                                                  std::make_unique<telemetry::WorkerCounters>()};
  std::unique_ptr<dataplane::Worker<dataplane::MemoryIo>> worker[workers];
  size_t injected = 0;
};

void part_of_a_datagram(Input& input, Lab& lab) {
  static const std::vector<Bytes> frames = datagrams();
  const size_t choice = input.byte();
  const Bytes& frame = frames[choice % frames.size()];
  const size_t size = frame.size() - ip_at(frame) - (is_v6(frame) ? 40 : 20);
  const size_t step = 8 * (1 + input.byte());
  const size_t begin = std::min(input.byte() * step, size / 8 * 8);
  const size_t end = std::min(size, begin + step);
  const bool more = choice & 0x80 ? choice & 0x40 : end < size;
  lab.inject(fragment_of(frame, begin, end, more, choice >> 3 & 3), choice >> 5);
}

void whole_datagram_in_parts(Input& input, Lab& lab) {
  static const std::vector<Bytes> frames = datagrams();
  const size_t choice = input.byte();
  std::vector<Bytes> parts = fragments_of(frames[choice % frames.size()], 8 * (100 + input.byte()), choice >> 3 & 3);
  if (choice & 0x80) std::reverse(parts.begin(), parts.end());
  for (const Bytes& part : parts) lab.inject(part, choice >> 5);
}

void icmp_error(Input& input, Lab& lab) {
  const bool v6 = input.byte() & 1;
  Bytes sent = packet()
                   .between(v6 ? "[fd00::1]:5060" : "10.0.0.1:5060", v6 ? "[fd00::1:1]:5060" : "10.0.1.1:5060")
                   .payload("INVITE")
                   .frame();
  const size_t at = input.word() % sent.size();
  sent[at] = static_cast<uint8_t>(sent[at] ^ input.byte());
  if (get16(sent, 12) != (v6 ? 0x86ddu : 0x0800u)) return;
  const auto type = static_cast<uint8_t>(input.byte()), code = static_cast<uint8_t>(input.byte());
  lab.inject(icmp_about(sent, v6 ? "fd00::99" : "10.0.0.99", type, code, static_cast<uint16_t>(input.word())), 0, 1);
}

}  // namespace
}  // namespace viaduct::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace viaduct::test;
  Lab lab;
  for (Input input(data, size); !input.empty();) {
    switch (input.byte() % 6) {
      case 0:
      case 1:
        part_of_a_datagram(input, lab);
        break;
      case 2:
        whole_datagram_in_parts(input, lab);
        break;
      case 3:
        icmp_error(input, lab);
        break;
      case 4:
        lab.inject(input.bytes(input.word() % 2048), 0, 0);
        break;
      default:
        lab.check();
    }
  }
  lab.check();
  return 0;
}
