// What can be wrong with a device is said before DPDK is asked, in a sentence that says what would be right.
#include "dpdk/device.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "dpdk/fixture.h"
#include "support/network.h"

namespace viaduct::dpdk {
namespace {

using config::DeviceKind;
using test::port_of;

std::string refusal_of(const config::Port& port) {
  const core::Result<DevicePlan> plan = plan_device(port, 0, 2);
  return plan ? std::string("no refusal") : plan.error();
}

#define EXPECT_SAYS(sentence, part) EXPECT_NE((sentence).find(part), std::string::npos) << (sentence)

TEST(Device, AMissingInterfaceIsNamedWithThoseThatExist) {
  const std::string sentence = refusal_of(port_of("edge", DeviceKind::af_packet, "nosuch7"));
  EXPECT_SAYS(sentence, "[[port]] \"edge\"");
  EXPECT_SAYS(sentence, "there is no interface \"nosuch7\"");
  EXPECT_SAYS(sentence, "lo");
}

TEST(Device, AnInterfaceThatIsDownSaysHowToBringItUp) {
  test::isolated_in_network([] {
    test::run("ip link add edge0 type veth peer name far0");
    EXPECT_SAYS(refusal_of(port_of("edge", DeviceKind::af_packet, "edge0")), "`ip link set edge0 up`");
    test::run("ip link set edge0 up");
    test::run("ip link set edge0 mtu 9000");
    const auto plan = plan_device(port_of("edge", DeviceKind::af_packet, "edge0"), 0, 2);
    ASSERT_TRUE(plan) << plan.error();
    EXPECT_EQ(plan->kernel_interface, "edge0");
    EXPECT_EQ(plan->mtu, 9000);
    EXPECT_EQ(plan->queue_pairs, 2);
    EXPECT_SAYS(refusal_of(port_of("edge", DeviceKind::af_xdp, "edge0")), "its MTU is 9000; AF_XDP can take up to");
  });
}

TEST(Device, ATunnelIsNoPort) {
  test::isolated_in_network([] {
    test::run("ip tuntap add tunnel0 mode tun");
    EXPECT_SAYS(refusal_of(port_of("edge", DeviceKind::af_packet, "tunnel0")), "not Ethernet's");
    const auto loopback = plan_device(port_of("edge", DeviceKind::af_packet, "lo"), 0, 1);
    EXPECT_TRUE(loopback) << loopback.error();
  });
}

TEST(Device, AMissingPciDeviceListsWhatIsThere) {
  const std::string sentence = refusal_of(port_of("edge", DeviceKind::pci, "0000:ff:1f.7"));
  EXPECT_SAYS(sentence, "there is no such PCI device; network devices here: ");
}

TEST(Device, APciDeviceThatTheKernelKeepsSaysHowToGetIt) {
  // Any device on the bus will do, bound to a kernel driver or to none.
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/bus/pci/devices", ignored)) {
    const std::string sentence = refusal_of(port_of("edge", DeviceKind::pci, entry.path().filename()));
    EXPECT_SAYS(sentence, "`dpdk-devbind.py -b vfio-pci");
    return;
  }
  GTEST_SKIP() << "no PCI bus here";
}

TEST(Device, AMemifSocketNeedsAFolder) {
  EXPECT_SAYS(refusal_of(port_of("edge", DeviceKind::memif, "/no/such/folder/edge.sock")),
              "\"/no/such/folder\", does not exist");
  EXPECT_SAYS(refusal_of(port_of("edge", DeviceKind::memif, "edge.sock")), "an absolute path");
  EXPECT_SAYS(refusal_of(port_of("edge", DeviceKind::memif, "/tmp/" + std::string(200, 'x'))),
              "at most 107 characters");
}

TEST(Device, AMemifServerRemovesTheSocketOfADeadOneOnly) {
  const test::Folder folder;
  config::Port port = port_of("edge", DeviceKind::memif, folder / "edge.sock");
  port.device.memif_server = true;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  port.device.target.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int living = socket(AF_UNIX, SOCK_SEQPACKET, 0);
  ASSERT_EQ(bind(living, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(living, 1), 0);
  EXPECT_TRUE(plan_device(port, 0, 1));
  EXPECT_TRUE(std::filesystem::exists(port.device.target));
  close(living);
  EXPECT_TRUE(plan_device(port, 0, 1));
  EXPECT_FALSE(std::filesystem::exists(port.device.target));
}

TEST(Device, AMemifHasAPairOfQueuesForEachWorker) {
  config::Port port = port_of("edge", DeviceKind::memif, "/tmp/edge.sock");
  EXPECT_EQ(plan_device(port, 0, 4)->queue_pairs, 4);
  port.device.memif_server = true;
  EXPECT_EQ(plan_device(port, 0, 4)->queue_pairs, 4);
}

TEST(Device, ACaptureFileMustBeReadableAndTheOtherWritable) {
  EXPECT_SAYS(refusal_of(port_of("edge", DeviceKind::pcap, "/no/such.pcap", "/dev/null")),
              "\"/no/such.pcap\" cannot be read");
  EXPECT_SAYS(refusal_of(port_of("edge", DeviceKind::pcap, "/dev/null", "/no/such/out.pcap")), "cannot be written");
  const auto nothing = plan_device(port_of("edge", DeviceKind::pcap, "/dev/null", "/dev/null"), 3, 1);
  ASSERT_TRUE(nothing) << nothing.error();
  EXPECT_EQ(nothing->arguments, "tx_pcap=/dev/null");
  EXPECT_EQ(nothing->name, "net_pcap3");
}

TEST(Device, ALinkAddressMadeFromTheNameIsLocalUnicastAndStable) {
  const auto mac = net::parse_mac(stable_mac("edge"));
  ASSERT_TRUE(mac);
  EXPECT_EQ(mac->bytes[0], 0x02);
  EXPECT_EQ(stable_mac("edge"), stable_mac("edge"));
  EXPECT_NE(stable_mac("edge"), stable_mac("core"));
}

}  // namespace
}  // namespace viaduct::dpdk
