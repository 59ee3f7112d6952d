// Starting: what EAL, memory and ports need, and how a lack of it is said.
#include <gtest/gtest.h>
#include <rte_lcore.h>

#include "dpdk/eal.h"
#include "dpdk/fixture.h"
#include "dpdk/mempool.h"
#include "dpdk/runtime.h"

namespace viaduct::dpdk {
namespace {

using config::DeviceKind;
using test::isolated;
using test::port_of;
using test::small_config;

#define EXPECT_SAYS(sentence, part) EXPECT_NE((sentence).find(part), std::string::npos) << (sentence)

std::string refusal_of(const config::Config& config) {
  const auto runtime = Runtime::open(config);
  return runtime ? std::string("no refusal") : runtime.error();
}

config::Config idle_config(size_t workers = 1) {
  config::Config config = small_config(workers);
  config.ports.push_back(port_of("edge", DeviceKind::pcap, "/dev/null", "/dev/null"));
  return config;
}

TEST(Start, ACoreThatDoesNotExistIsNamedWithThoseThatDo) {
  isolated([] {
    config::Config config = idle_config();
    config.runtime.workers = {1000};
    EXPECT_SAYS(refusal_of(config), "[runtime] workers names core 1000");
    config = idle_config();
    config.runtime.control_core = 777;
    const std::string sentence = refusal_of(config);
    EXPECT_SAYS(sentence, "[runtime] control_core names core 777");
    EXPECT_SAYS(sentence, "there are " + std::to_string(test::first_core()));
  });
}

TEST(Start, WithoutFreeHugepagesItSaysHowToGetThem) {
  isolated([] {
    config::Config config = idle_config();
    config.runtime.hugepages = true;
    config.runtime.memory_mb = 1 << 30;  // nobody has a petabyte of them
    const std::string sentence = refusal_of(config);
    EXPECT_SAYS(sentence, "sysctl vm.nr_hugepages=");
    EXPECT_SAYS(sentence, "hugepages = false");
  });
}

TEST(Start, TooLittleMemorySaysHowMuchIsNeeded) {
  isolated([] {
    config::Config config = idle_config();
    config.runtime.memory_mb = 17;
    EXPECT_SAYS(refusal_of(config), "[runtime] memory_mb = 17 is too little for these ports and workers; they need");
  });
}

TEST(Start, TheMemoryItAsksForIsEnough) {
  isolated([] {
    const test::Folder folder;
    const auto megabytes = [](const std::string& sentence) {
      return static_cast<uint32_t>(std::stoul(sentence.substr(sentence.find("they need ") + 10)));
    };
    config::Config config = idle_config(2);
    // Descriptors of a port that holds buffers, in numbers that a NIC has.
    const std::vector<BufferNeed> needs = {{9216, -1, 4096}, {2048, -1, 0}};
    config.runtime.memory_mb = 512;
    const auto eal = Eal::start(config);
    ASSERT_TRUE(eal) << eal.error();
    const auto refused = Pools::create(needs, 2, 20);
    ASSERT_FALSE(refused);
    const auto granted = Pools::create(needs, 2, megabytes(refused.error()));
    ASSERT_TRUE(granted) << granted.error();
    EXPECT_NE((*granted)->frames(0), (*granted)->frames(1));
    EXPECT_GT((*granted)->buffers(), 2u * 4096);
  });
}

TEST(Start, ControlAndAWorkerMayShareACore) {
  isolated([] {
    config::Config config = idle_config(2);  // first core: control and worker 0
    const auto runtime = Runtime::open(config);
    ASSERT_TRUE(runtime) << runtime.error();
    EXPECT_EQ((*runtime)->worker_count(), 2u);
    EXPECT_EQ((*runtime)->worker_lcore(0), test::first_core());
    const rte_cpuset_t control = rte_lcore_cpuset(0);
    const rte_cpuset_t worker = rte_lcore_cpuset(Eal::lcore_of(0));
    EXPECT_TRUE(CPU_EQUAL(&control, &worker));
    EXPECT_EQ(rte_get_main_lcore(), 0u);
  });
}

TEST(Start, EverythingThatIsNoWorkerStaysOnTheControlCore) {
  isolated([] {
    const unsigned control_core = test::first_core(), worker_core = test::last_core();
    const auto runtime = Runtime::open(idle_config());
    ASSERT_TRUE(runtime) << runtime.error();
    size_t workers = 0;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
      std::string name;
      std::ifstream(task.path() / "comm") >> name;
      cpu_set_t cores;
      ASSERT_EQ(sched_getaffinity(std::stoi(task.path().filename()), sizeof(cores), &cores), 0);
      EXPECT_EQ(CPU_COUNT(&cores), 1) << name;
      const bool worker = name.starts_with("rte-worker");
      workers += worker;
      EXPECT_TRUE(CPU_ISSET(worker ? worker_core : control_core, &cores)) << name;
    }
    EXPECT_EQ(workers, 1u);
  });
}

TEST(Start, AllKindsOfPortsThatNeedNoRootTellWhatTheyCan) {
  isolated([] {
    const test::Folder folder;
    config::Config config = small_config(1);
    config.ports.push_back(port_of("file", DeviceKind::pcap, "/dev/null", folder / "out.pcap"));
    config.ports.push_back(port_of("server", DeviceKind::memif, folder / "server.sock"));
    config.ports.back().device.memif_server = true;
    config.ports.push_back(port_of("client", DeviceKind::memif, folder / "server.sock"));
    const auto opened = Runtime::open(config);
    ASSERT_TRUE(opened) << opened.error();
    const auto ports = (*opened)->ports();
    ASSERT_EQ(ports.size(), 3u);
    EXPECT_EQ(ports[0].driver, "net_pcap");
    EXPECT_EQ(ports[1].driver, "memif");
    EXPECT_EQ(ports[0].rx_queues, 1);
    EXPECT_EQ(ports[1].tx_queues, 1);
    EXPECT_EQ(ports[2].rx_queues, 1);
    EXPECT_EQ(ports[2].mac, *net::parse_mac("02:" + to_string(ports[2].mac).substr(3)));
    EXPECT_NE(ports[1].mac, ports[2].mac);
    for (const PortInfo& port : ports) {
      EXPECT_TRUE(port.kernel_interface.empty());
      EXPECT_FALSE(port.udp_checksum_offload);
      EXPECT_EQ(port.mtu, 1500);
      EXPECT_GE(port.capabilities.size(), 6u);
      for (const Capability& row : port.capabilities) {
        std::printf("  %-8s %-28s %-24s %s\n", port.name.c_str(), row.what.c_str(), row.wanted.c_str(),
                    row.got.c_str());
      }
    }
    for (size_t port = 0; port < 3; ++port) EXPECT_TRUE((*opened)->port_statistics(port).link_up);
  });
}

TEST(Start, AMemifClientSaysThatNobodyListens) {
  isolated([] {
    const test::Folder folder;
    config::Config config = small_config(1);
    config.ports.push_back(port_of("client", DeviceKind::memif, folder / "nobody.sock"));
    EXPECT_SAYS(refusal_of(config), "nobody listens at \"" + folder / "nobody.sock" + "\"; start the other end first");
  });
}

TEST(Start, AMemifServerSaysThatSomebodyElseListens) {
  isolated([] {
    const test::Folder folder;
    config::Config config = small_config(1);
    for (const char* name : {"one", "other"}) {
      config.ports.push_back(port_of(name, DeviceKind::memif, folder / "wire.sock"));
      config.ports.back().device.memif_server = true;
    }
    EXPECT_SAYS(refusal_of(config), "[[port]] \"other\": somebody else listens at \"" + folder / "wire.sock" + "\"");
  });
}

}  // namespace
}  // namespace viaduct::dpdk
