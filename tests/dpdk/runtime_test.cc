// The whole of it on capture files: messages in, messages out, as the pipeline alone would send them.
#include "dpdk/runtime.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "dataplane/memory_io.h"
#include "dataplane/worker.h"
#include "dpdk/fixture.h"
#include "support/lab.h"
#include "support/message_corpus.h"

namespace viaduct::dpdk {
namespace {

using config::DeviceKind;
using dataplane::MemoryIo;
using test::Bytes;
using test::isolated;
using test::port_of;

// Requests of many callers, some junk, an answer nobody asked for.
std::vector<Bytes> traffic(size_t requests) {
  std::vector<Bytes> frames;
  test::MessageCorpus corpus;
  for (const test::CorpusMessage& message : corpus.requests(requests)) {
    frames.push_back(test::from_outside(message.call.caller, message.text));
  }
  frames.push_back(test::from_outside("198.51.100.7:5060", "\r\n\r\n"));
  frames.push_back(test::from_outside("198.51.100.7:5060", "no SIP at all, no SIP at all"));
  frames.push_back(test::from_outside("198.51.100.7:5060", "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.10\r\n\r\n"));
  frames.push_back(test::packet().between("198.51.100.7:53", "192.0.2.99:53").payload("somebody else's").frame());
  return frames;
}

// What the pipeline sends by each port for these frames, without DPDK.
std::array<std::vector<Bytes>, 2> expected_of(const std::vector<Bytes>& frames, const dataplane::View& view) {
  MemoryIo io;
  telemetry::WorkerCounters counters;
  dataplane::HandoffMesh mesh(1);
  const std::atomic<const dataplane::View*> current{&view};
  dataplane::Worker<MemoryIo> worker({.worker = 0, .mesh = mesh, .view = current, .counters = counters}, io);
  std::array<std::vector<Bytes>, 2> sent;
  for (const Bytes& frame : frames) io.inject(frame, 0);
  while (worker.turn()) {
  }
  for (MemoryIo::Frame& frame : io.take_sent()) sent[frame.port].push_back(std::move(frame.bytes));
  return sent;
}

struct Lab {
  explicit Lab(size_t workers, const std::vector<Bytes>& frames) : config(test::small_config(workers)) {
    test::write_capture(folder / "in.pcap", frames);
    config.ports.push_back(port_of("edge", DeviceKind::pcap, folder / "in.pcap", folder / "edge.pcap"));
    config.ports.push_back(port_of("core", DeviceKind::pcap, "/dev/null", folder / "core.pcap"));
    auto opened = Runtime::open(config);
    if (!opened) throw std::runtime_error(opened.error());
    runtime = std::move(*opened);
  }
  telemetry::Ledger ledger() const {
    telemetry::Ledger sum;
    for (size_t worker = 0; worker < runtime->worker_count(); ++worker) {
      sum += telemetry::ledger_of(runtime->counters(worker));
    }
    return sum;
  }
  test::Folder folder;
  config::Config config;
  std::unique_ptr<Runtime> runtime;
};

std::shared_ptr<const dataplane::View> shared(const dataplane::View& view) {
  return std::make_shared<const dataplane::View>(view);
}

// As an INVITE that gets a Via and a Record-Route of ours, hence more than 128 bytes longer: the way over the private
// area.
TEST(Runtime, SendsWhatThePipelineAloneWouldSend) {
  for (const bool v6 : {false, true}) {
    isolated([v6] {
      const dataplane::View view = test::lab_view({.backends_v6 = v6, .record_route = true});
      const std::vector<Bytes> frames = traffic(1000);
      const auto expected = expected_of(frames, view);
      ASSERT_GT(expected[1].size(), 900u);

      Lab lab(1, frames);
      ASSERT_TRUE(lab.runtime->start(shared(view)));
      EXPECT_TRUE(test::until([&] { return lab.ledger().received == frames.size(); }));
      lab.runtime->stop();
      const telemetry::Ledger ledger = lab.ledger();
      EXPECT_TRUE(ledger.closes()) << telemetry::to_string(ledger);
      EXPECT_EQ(ledger.received, frames.size());
      EXPECT_EQ(ledger.forwarded, expected[1].size());
      EXPECT_EQ(lab.runtime->port_statistics(0).rx_packets, frames.size());
      EXPECT_EQ(lab.runtime->port_statistics(1).tx_packets, expected[1].size());
      EXPECT_EQ(lab.runtime->port_statistics(1).rx_packets, 0u);
      lab.runtime.reset();

      const auto edge = test::read_capture(lab.folder / "edge.pcap"),
                 core = test::read_capture(lab.folder / "core.pcap");
      EXPECT_EQ(edge, expected[0]);
      ASSERT_EQ(core.size(), expected[1].size());
      size_t grown_far = 0;
      for (size_t i = 0; i < core.size(); ++i) {
        ASSERT_EQ(core[i], expected[1][i]) << "frame " << i;
        const test::Datagram out = test::read_back(core[i]);
        EXPECT_TRUE(out.lengths_right && out.ip_checksum_right && out.udp_checksum_right) << i;
        grown_far += test::header_values(out.payload, "Record-Route").size();
      }
      EXPECT_GT(grown_far, 100u);
    });
  }
}

// One queue in, two workers: the first receives all, hands over what is the second's, and both send by one queue.
TEST(Runtime, TwoWorkersShareOneQueueAndTheLedgerCloses) {
  isolated([] {
    const dataplane::View view = test::lab_view({.record_route = true});
    const std::vector<Bytes> frames = traffic(600);
    const auto expected = expected_of(frames, view);
    Lab lab(2, frames);
    ASSERT_TRUE(lab.runtime->start(shared(view)));
    EXPECT_TRUE(
        test::until([&] { return lab.ledger().received == frames.size() && lab.runtime->handoff_waiting() == 0; }));
    lab.runtime->stop();
    lab.runtime->stop();  // again does nothing
    for (size_t worker = 0; worker < 2; ++worker) {
      const telemetry::Ledger ledger = telemetry::ledger_of(lab.runtime->counters(worker));
      EXPECT_TRUE(ledger.closes()) << telemetry::to_string(ledger);
      EXPECT_GT(ledger.forwarded, 100u) << "both work";
    }
    EXPECT_EQ(telemetry::ledger_of(lab.runtime->counters(1)).received, 0u);
    EXPECT_EQ(lab.runtime->handoff_waiting(), 0u);
    lab.runtime.reset();

    // The same messages, whoever sent them; only their order, and the IPv4 identification, are the workers' own.
    const auto texts = [](const std::vector<Bytes>& sent) {
      std::vector<std::string> result;
      for (const Bytes& frame : sent) {
        const test::Datagram out = test::read_back(frame);
        EXPECT_TRUE(out.lengths_right && out.ip_checksum_right && out.udp_checksum_right);
        result.push_back(to_string(out.destination) + "\n" + out.payload);
      }
      std::sort(result.begin(), result.end());
      return result;
    };
    EXPECT_EQ(texts(test::read_capture(lab.folder / "core.pcap")), texts(expected[1]));
    EXPECT_EQ(texts(test::read_capture(lab.folder / "edge.pcap")), texts(expected[0]));
  });
}

TEST(Runtime, AReplacedViewIsFreedWhenNoWorkerCanSeeItAnyMore) {
  isolated([] {
    Lab lab(2, {});
    auto first = shared(test::lab_view());
    const std::weak_ptr<const dataplane::View> watched = first;
    ASSERT_TRUE(lab.runtime->start(std::move(first)));
    lab.runtime->reclaim();
    EXPECT_FALSE(watched.expired()) << "it is the current one";
    for (int i = 0; i < 100; ++i) lab.runtime->publish(shared(test::lab_view()));
    EXPECT_TRUE(test::until([&] {
      lab.runtime->reclaim();
      return watched.expired();
    }));
    auto last = shared(test::lab_view());
    const std::weak_ptr<const dataplane::View> current = last;
    lab.runtime->publish(std::move(last));
    lab.runtime->stop();
    EXPECT_FALSE(current.expired());
    lab.runtime.reset();
    EXPECT_TRUE(current.expired());
  });
}

TEST(Runtime, WishesForNeighboursComeOut) {
  isolated([] {
    test::MessageCorpus corpus;
    const test::Call call = corpus.call();
    Lab lab(1, {test::from_outside(call.caller, test::invite_of(call))});
    ASSERT_TRUE(lab.runtime->start(shared(test::lab_view({.neighbors_known = false}))));
    std::array<WantedNeighbor, 8> wanted;
    size_t count = 0;
    EXPECT_TRUE(test::until([&] { return (count = lab.runtime->take_wanted(wanted)) != 0; }));
    ASSERT_EQ(count, 1u);
    EXPECT_EQ(wanted[0].port, 1);
    EXPECT_EQ(to_string(wanted[0].address).substr(0, 7), "10.0.1.");
    EXPECT_EQ(lab.runtime->take_wanted(wanted), 0u);
  });
}

TEST(Runtime, StopsWithoutEverHavingStarted) {
  isolated([] {
    Lab lab(1, {});
    lab.runtime->stop();
    lab.runtime->reclaim();
  });
}

TEST(Runtime, PollsWithoutSleepingWhereItMay) {
  isolated([] {
    if (test::first_core() == test::last_core()) return;  // a worker that never sleeps needs a core
    config::Config config = test::small_config();
    config.runtime.idle = config::IdleMode::poll;
    config.ports.push_back(port_of("edge", DeviceKind::pcap, "/dev/null", "/dev/null"));
    config.ports.push_back(port_of("core", DeviceKind::pcap, "/dev/null", "/dev/null"));
    auto runtime = Runtime::open(config);
    ASSERT_TRUE(runtime) << runtime.error();
    ASSERT_TRUE((*runtime)->start(shared(test::lab_view())));
    EXPECT_TRUE(test::until([&] { return (*runtime)->counters(0).loops.value() > 10'000; }));
    (*runtime)->stop();
    EXPECT_EQ((*runtime)->counters(0).sleeps.value(), 0u);
  });
}

}  // namespace
}  // namespace viaduct::dpdk
