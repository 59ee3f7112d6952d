// Over shared memory, against DPDK's driver for it: this process is the world on one end of a memif, another process is
// the balancer on the other.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rte_bus_vdev.h>
#include <rte_ethdev.h>
#include <rte_mempool.h>

#include <cstring>
#include <map>
#include <set>

#include "dpdk/eal.h"
#include "dpdk/fixture.h"
#include "dpdk/mempool.h"
#include "dpdk/runtime.h"
#include "support/lab.h"
#include "support/message_corpus.h"
#include "support/reasons.h"

namespace viaduct::dpdk {
namespace {

using config::DeviceKind;
using test::Bytes;
using test::port_of;

constexpr size_t calls = 1000;

config::Port memif(const std::string& path, bool server) {
  config::Port port = port_of("wire", DeviceKind::memif, path);
  port.device.memif_server = server;
  return port;
}

// One way to be connected: who serves, and how many pairs of rings each end has.
struct Wiring {
  bool balancer_serves = true;
  size_t workers = 1;
  uint16_t pairs = 1;            // of the world's
  uint32_t buffer_bytes = 2048;  // of the world's, if it is the client
  size_t under_way = 512;        // frames that the rings have room for
};

// The balancer: everything by one port, until told to stop by the end of the pipe. Its ledger goes back by the other.
void balance(const std::string& path, const Wiring& wiring, int commands, int reports) {
  config::Config config = test::small_config(wiring.workers);
  config.ports.push_back(memif(path, wiring.balancer_serves));
  auto runtime = Runtime::open(config);
  ASSERT_TRUE(runtime) << runtime.error();
  EXPECT_EQ((*runtime)->ports()[0].rx_queues, wiring.workers);
  dataplane::View view = test::lab_view({.two_sided = false, .record_route = true});
  ASSERT_TRUE((*runtime)->start(std::make_shared<const dataplane::View>(std::move(view))));
  ASSERT_EQ(write(reports, "r", 1), 1);
  char byte;
  EXPECT_EQ(read(commands, &byte, 1), 1);
  (*runtime)->stop();
  telemetry::Ledger sum;
  std::string reasons;
  for (size_t worker = 0; worker < wiring.workers; ++worker) {
    const telemetry::Ledger ledger = telemetry::ledger_of((*runtime)->counters(worker));
    EXPECT_TRUE(ledger.closes()) << telemetry::to_string(ledger);
    if (worker < wiring.pairs) {
      EXPECT_GT(ledger.received, 0u) << "each has its queue";
    }
    sum += ledger;
    reasons += test::reasons_of((*runtime)->counters(worker));
  }
  EXPECT_EQ(sum.forwarded, calls) << telemetry::to_string(sum) << reasons;
  EXPECT_EQ(sum.received, calls);
}

// The world: sends requests by all its queues in turn, takes what comes back.
void world(const std::string& path, const Wiring& wiring) {
  const config::Config config = test::small_config(1);
  auto eal = Eal::start(config);
  ASSERT_TRUE(eal) << eal.error();
  auto pools = Pools::create({{2048, -1, 0}}, 1, config.runtime.memory_mb);
  ASSERT_TRUE(pools) << pools.error();
  rte_mempool* frames = (*pools)->frames(0);
  const std::string arguments =
      fmt::format("role={},socket={},socket-abstract=no,mac=02:00:00:00:00:77,bsize={},rsize=10",
                  wiring.balancer_serves ? "client" : "server", path, wiring.buffer_bytes);
  ASSERT_EQ(rte_vdev_init("net_memif0", arguments.c_str()), 0);
  uint16_t id = 0;
  ASSERT_EQ(rte_eth_dev_get_port_by_name("net_memif0", &id), 0);
  const rte_eth_conf conf{};
  const uint16_t count = wiring.pairs;
  ASSERT_EQ(rte_eth_dev_configure(id, count, count, &conf), 0);
  for (uint16_t queue = 0; queue < count; ++queue) {
    ASSERT_EQ(rte_eth_rx_queue_setup(id, queue, 0, 0, nullptr, frames), 0);
    ASSERT_EQ(rte_eth_tx_queue_setup(id, queue, 0, 0, nullptr), 0);
  }
  ASSERT_EQ(rte_eth_dev_start(id), 0);
  rte_eth_link link{};
  ASSERT_TRUE(test::until([&] { return rte_eth_link_get_nowait(id, &link) == 0 && link.link_status != 0; }));

  std::vector<std::string> sent;
  std::set<std::string> back;
  test::MessageCorpus corpus;
  const auto collect = [&]() -> void {
    for (uint16_t queue = 0; queue < count; ++queue) {
      rte_mbuf* mbufs[32];
      const uint16_t received = rte_eth_rx_burst(id, queue, mbufs, 32);
      for (uint16_t i = 0; i < received; ++i) {
        ASSERT_EQ(rte_pktmbuf_linearize(mbufs[i]), 0);
        const auto* data = rte_pktmbuf_mtod(mbufs[i], const uint8_t*);
        const test::Datagram out = test::read_back(Bytes(data, data + mbufs[i]->pkt_len));
        rte_pktmbuf_free(mbufs[i]);
        EXPECT_TRUE(out.lengths_right && out.ip_checksum_right && out.udp_checksum_right);
        EXPECT_EQ(out.source_mac, test::edge_mac);
        EXPECT_EQ(test::header_values(out.payload, "Via").size(), 2u);
        EXPECT_EQ(test::header_values(out.payload, "Record-Route").size(), 1u);
        back.insert(test::header_values(out.payload, "Call-ID").at(0));
      }
    }
  };
  // A memif client gives the server buffers to send into when it asks for frames, and not before: a server that answers
  // sooner has nowhere to put the answer.
  collect();
  for (size_t i = 0; i < calls; ++i) {
    const test::Call call = corpus.call();
    sent.push_back(call.call_id);
    const Bytes frame = test::from_outside(call.caller, test::invite_of(call, 1000));
    rte_mbuf* mbuf = rte_pktmbuf_alloc(frames);
    ASSERT_NE(mbuf, nullptr);
    std::memcpy(rte_pktmbuf_append(mbuf, static_cast<uint16_t>(frame.size())), frame.data(), frame.size());
    while (rte_eth_tx_burst(id, static_cast<uint16_t>(i % count), &mbuf, 1) == 0) collect();
    if (i % 16 == 0) collect();
    // Not faster than a worker that shares its core with us can take.
    if (i + 1 - back.size() > wiring.under_way) {
      ASSERT_TRUE(test::until([&] { return collect(), i + 1 - back.size() < wiring.under_way / 2; }))
          << i << " sent, " << back.size() << " back";
    }
  }
  EXPECT_TRUE(test::until([&] { return collect(), back.size() == calls; })) << back.size();
  for (const std::string& call : sent) EXPECT_TRUE(back.contains(call));
  // That driver may take note in EAL's thread that its peer is gone while it is closed in this one, and free twice: it
  // just ends with its process.
  (void)eal->release(), (void)pools->release();
}

void run_both(const Wiring& wiring) {
  const test::Folder folder;
  const std::string path = folder / "wire.sock";
  int commands[2], reports[2];
  ASSERT_EQ(pipe(commands), 0);
  ASSERT_EQ(pipe(reports), 0);
  std::fflush(nullptr);
  const pid_t balancer = fork();
  if (balancer == 0) {
    close(commands[1]);
    balance(path, wiring, commands[0], reports[1]);
    std::fflush(nullptr);
    _exit(testing::Test::HasFailure() ? 1 : 0);
  }
  close(commands[0]), close(reports[1]);
  test::isolated([&] {
    char byte;
    // A client's balancer waits for the server's socket; a server's must be there first.
    if (wiring.balancer_serves) {
      ASSERT_EQ(read(reports[0], &byte, 1), 1);
    }
    world(path, wiring);
  });
  EXPECT_EQ(write(commands[1], "s", 1), 1);
  int status = 0;
  waitpid(balancer, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "the balancer, see above";
  close(commands[1]), close(reports[0]);
}

TEST(Memif, ABalancerThatServes) { run_both({}); }
TEST(Memif, ABalancerThatIsAClient) { run_both({.balancer_serves = false}); }
TEST(Memif, AClientWithTwoWorkersHasTwoPairsOfQueues) {
  run_both({.balancer_serves = false, .workers = 2, .pairs = 2});
}
TEST(Memif, AClientWithTwoWorkersIsContentWithOnePair) {
  run_both({.balancer_serves = false, .workers = 2, .pairs = 1});
}
TEST(Memif, AServerWithTwoWorkersTakesTwoPairs) { run_both({.workers = 2, .pairs = 2}); }
TEST(Memif, AServerWithTwoWorkersSharesOnePair) { run_both({.workers = 2, .pairs = 1}); }
TEST(Memif, FramesLargerThanTheOtherEndsBuffersAreInPieces) { run_both({.buffer_bytes = 256, .under_way = 64}); }

}  // namespace
}  // namespace viaduct::dpdk
