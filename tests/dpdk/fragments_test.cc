// Fragments through the whole of it, over capture files: put together, decided, cut again.
#include "support/fragments.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "dpdk/fixture.h"
#include "dpdk/runtime.h"
#include "support/lab.h"
#include "support/message_corpus.h"

namespace viaduct::dpdk {
namespace {

using config::DeviceKind;
using test::Bytes;
using test::fragment_of;
using test::fragments_of;

// Large INVITEs by Call-ID, and their frames in fragments.
struct Traffic {
  std::map<std::string, std::string> sent;
  std::vector<Bytes> frames;

  std::vector<Bytes> call(size_t bytes, bool v6, uint32_t id) {
    test::Call call;
    call.call_id = "dpdk-" + std::to_string(sent.size()) + "@example.com";
    const std::string text = test::invite_of(call, bytes);
    sent[call.call_id] = test::body_of(text);
    const Bytes frame =
        test::packet()
            .ethernet(test::gateway_mac, test::edge_mac)
            .between(v6 ? "[2001:db8:2::7]:5060" : "198.51.100.7:5060", v6 ? "[2001:db8::10]:5060" : "192.0.2.10:5060")
            .payload(text)
            .frame();
    return fragments_of(frame, 1448, id);
  }
  void add(const std::vector<Bytes>& parts) { frames.insert(frames.end(), parts.begin(), parts.end()); }
};

Traffic every_order() {
  Traffic traffic;
  uint32_t id = 0;
  for (const bool v6 : {false, true}) {
    std::array<size_t, 3> order{0, 1, 2};
    do {
      const std::vector<Bytes> parts = traffic.call(4000, v6, ++id);
      for (const size_t place : order) traffic.frames.push_back(parts.at(place));
    } while (std::next_permutation(order.begin(), order.end()));
  }
  std::mt19937 random(5);
  for (int i = 0; i < 60; ++i) {
    std::vector<Bytes> parts = traffic.call(9000, i % 2 != 0, ++id);
    std::shuffle(parts.begin(), parts.end(), random);
    for (const Bytes& part : parts) {
      traffic.frames.push_back(part);
      if (random() % 3 == 0) traffic.frames.push_back(part);
    }
  }
  return traffic;
}

struct FragmentLab {
  FragmentLab(size_t workers, const std::vector<Bytes>& frames) : config(test::small_config(workers)) {
    test::write_capture(folder / "in.pcap", frames);
    config.runtime.reassembly.timeout = std::chrono::milliseconds(300);
    config.ports.push_back(test::port_of("edge", DeviceKind::pcap, folder / "in.pcap", folder / "edge.pcap"));
    config.ports.push_back(test::port_of("core", DeviceKind::pcap, "/dev/null", folder / "core.pcap"));
    auto opened = Runtime::open(config);
    if (!opened) throw std::runtime_error(opened.error());
    runtime = std::move(*opened);
  }
  // Starts, waits until `done`, stops; the ledger of every worker closes.
  void run(const dataplane::View& view, const std::function<bool()>& done) {
    ASSERT_TRUE(runtime->start(std::make_shared<const dataplane::View>(view)));
    EXPECT_TRUE(test::until(done));
    runtime->stop();
    for (size_t worker = 0; worker < runtime->worker_count(); ++worker) {
      const telemetry::Ledger ledger = telemetry::ledger_of(runtime->counters(worker));
      EXPECT_TRUE(ledger.closes()) << telemetry::to_string(ledger);
    }
  }
  telemetry::Ledger ledger() const {
    telemetry::Ledger sum;
    for (size_t i = 0; i < runtime->worker_count(); ++i) sum += telemetry::ledger_of(runtime->counters(i));
    return sum;
  }
  uint64_t total(telemetry::Reason reason) const {
    uint64_t sum = 0;
    for (size_t i = 0; i < runtime->worker_count(); ++i) {
      sum += runtime->counters(i).by_reason[static_cast<size_t>(reason)].value();
    }
    return sum;
  }
  // What a backend makes of what left: bodies by Call-ID, each once.
  std::map<std::string, std::string> received(size_t mtu) {
    test::Receiver receiver;
    for (const Bytes& frame : test::read_capture(folder / "core.pcap")) receiver.take(frame);
    EXPECT_LE(receiver.longest_packet, mtu);
    EXPECT_TRUE(receiver.waiting.empty());
    std::map<std::string, std::string> bodies;
    for (const Bytes& frame : receiver.whole) {
      const test::Datagram datagram = test::read_back(frame);
      EXPECT_TRUE(datagram.lengths_right && datagram.ip_checksum_right && datagram.udp_checksum_right);
      const std::string call_id = test::header_values(datagram.payload, "Call-ID").at(0);
      EXPECT_TRUE(bodies.emplace(call_id, test::body_of(datagram.payload)).second) << call_id << " twice";
    }
    return bodies;
  }

  test::Folder folder;
  config::Config config;
  std::unique_ptr<Runtime> runtime;
};

TEST(FragmentsOnDpdk, EveryOrderWithDuplicatesIsForwardedOnceEach) {  // LBG-19, LBG-20
  for (const size_t workers : {1, 2}) {
    for (const bool v6 : {false, true}) {
      test::isolated([&] {
        const Traffic traffic = every_order();
        FragmentLab lab(workers, traffic.frames);
        lab.run(test::lab_view({.backends_v6 = v6, .record_route = true, .core_mtu = 1500}),
                [&] { return lab.ledger().forwarded >= traffic.sent.size() && lab.runtime->handoff_waiting() == 0; });
        EXPECT_EQ(lab.ledger().forwarded, traffic.sent.size());
        lab.runtime.reset();
        EXPECT_EQ(lab.received(1500), traffic.sent);
      });
    }
  }
}

TEST(FragmentsOnDpdk, WhatIsIllOrMissingIsCountedAndTheRestGoesOn) {  // SEC-03
  test::isolated([] {
    Traffic traffic;
    const std::vector<Bytes> gap = traffic.call(4000, false, 1), overlapping = traffic.call(4000, true, 2),
                             tiny = traffic.call(4000, false, 3);
    traffic.sent.clear();
    traffic.add({gap.at(0), gap.at(2)});
    Bytes moved = overlapping.at(1);
    test::put16(moved, test::ip_at(moved) + 42, 1440 | 1);
    traffic.add({overlapping.at(0), moved, overlapping.at(1), overlapping.at(2)});
    const Bytes whole =
        test::packet().between("198.51.100.7:5060", "192.0.2.10:5060").payload(std::string(99, 'x')).frame();
    traffic.add({fragment_of(whole, 0, 40, true, 3)});
    for (uint32_t i = 0; i < 10'000; ++i) {  // first parts of datagrams of which nothing else comes
      Bytes first = tiny.at(0);
      const size_t ip = test::ip_at(first);
      test::put16(first, ip + 4, i);
      test::put16(first, ip + 14, i % 251 + 256 * (i % 199));
      test::put16(first, ip + 10, 0);
      test::put16(first, ip + 10, static_cast<uint16_t>(~test::plain_sum(first, ip, ip + 20)));
      traffic.frames.push_back(first);
      if (i % 1000 == 0) traffic.add(traffic.call(4000, i % 2000 == 0, 60'000 + i));
    }
    FragmentLab lab(1, traffic.frames);
    using telemetry::Reason;
    const auto lost = [&] {
      return lab.total(Reason::reassembly_timeout) + lab.total(Reason::reassembly_full) +
             lab.total(Reason::reassembly_source);
    };
    lab.run(test::lab_view({.record_route = true, .core_mtu = 1500}), [&] { return lost() >= 10'001; });
    EXPECT_EQ(lost(), 10'001u);
    EXPECT_EQ(lab.total(Reason::fragment_overlap), 3u);
    EXPECT_EQ(lab.total(Reason::fragment_tiny), 1u);
    EXPECT_EQ(lab.ledger().forwarded, 10u);
    lab.runtime.reset();
    EXPECT_EQ(lab.received(1500), traffic.sent);
  });
}

}  // namespace
}  // namespace viaduct::dpdk
