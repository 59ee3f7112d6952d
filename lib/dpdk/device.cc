#include "dpdk/device.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "core/fnv.h"
#include "core/socket_path.h"
#include "dpdk/interface.h"
#include "dpdk/packet_socket.h"

namespace viaduct::dpdk {
namespace {

namespace fs = std::filesystem;

core::Error refuse(const config::Port& port, const std::string& sentence) {
  return {fmt::format("[[port]] \"{}\", device \"{}\": {}", port.name, port.device.text, sentence)};
}

// Commas separate a driver's arguments and cannot be quoted.
bool has_comma(const std::string& text) { return text.find(',') != std::string::npos; }

core::Result<Interface> usable_interface(const config::Port& port) {
  const core::Result<Interface> interface = find_interface(port.device.target);
  if (!interface) return refuse(port, interface.error());
  if (!interface->ethernet) {
    return refuse(port, "its frames are not Ethernet's (a tunnel?); an interface that has link addresses is needed");
  }
  if (!interface->up) {
    return refuse(port, fmt::format("the interface is down; `ip link set {} up` brings it up", port.device.target));
  }
  return *interface;
}

core::Result<DevicePlan> plan_af_packet(const config::Port& port, size_t workers) {
  const core::Result<Interface> interface = usable_interface(port);
  if (!interface) return core::Error{interface.error()};
  const int probe = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (probe < 0) {
    return refuse(
        port, fmt::format("no packet socket can be opened ({}); root or CAP_NET_RAW is needed", std::strerror(errno)));
  }
  close(probe);

  DevicePlan plan;
  plan.kernel_interface = port.device.target;
  plan.kernel_index = interface->index;
  plan.mac = to_string(interface->mac);
  plan.mtu = interface->mtu;
  plan.mtu_max = PacketSocket::mtu_max;
  plan.queue_pairs = static_cast<uint16_t>(workers);
  plan.frame_bytes = PacketSocket::frame_bytes;
  return plan;
}

core::Result<DevicePlan> plan_af_xdp(const config::Port& port, size_t index, size_t workers) {
  const core::Result<Interface> interface = usable_interface(port);
  if (!interface) return core::Error{interface.error()};
  // The kernel writes into our buffers, of which each, with all that stands before the frame, must fit into a page.
  constexpr uint32_t xdp_frame_bytes = 3072;
  constexpr uint16_t xdp_mtu_max = 3000;
  if (interface->mtu > xdp_mtu_max) {
    return refuse(port, fmt::format("its MTU is {}; AF_XDP can take up to {} (`ip link set {} mtu 1500`)",
                                    interface->mtu, xdp_mtu_max, port.device.target));
  }
  const uint16_t queues = static_cast<uint16_t>(std::min<size_t>(workers, std::max<uint16_t>(interface->queues, 1)));
  DevicePlan plan;
  plan.name = fmt::format("net_af_xdp{}", index);
  plan.arguments = fmt::format("iface={},start_queue=0,queue_count={}", port.device.target, queues);
  plan.kernel_interface = port.device.target;
  plan.mtu = interface->mtu;
  plan.queue_pairs = queues;
  if (queues < workers) plan.queue_remark = fmt::format("the interface has {} (`ethtool -L`)", interface->queues);
  plan.frame_bytes = xdp_frame_bytes;
  plan.holds_buffers = true;
  return plan;
}

// A server that died leaves its socket, to which nobody listens; to bind would fail.
void remove_stale_socket(const std::string& path) {
  std::error_code ignored;
  if (!fs::is_socket(path, ignored)) return;
  const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_un address{};
  core::fill_address(address, path);
  const int connected = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  if (connected != 0 && errno == ECONNREFUSED) fs::remove(path, ignored);
  close(fd);
}

core::Result<DevicePlan> plan_memif(const config::Port& port, size_t workers) {
  const std::string& path = port.device.target;
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    return refuse(port, "a socket path of at most 107 characters is needed");
  const fs::path folder = fs::path(path).parent_path();
  std::error_code ignored;
  if (!folder.is_absolute() || !fs::is_directory(folder, ignored)) {
    return refuse(port, fmt::format("the folder of the socket, \"{}\", does not exist; an absolute path in an existing "
                                    "folder is needed",
                                    folder.string()));
  }
  if (port.device.memif_server) remove_stale_socket(path);

  DevicePlan plan;
  plan.mac = stable_mac(port.name);
  plan.frame_bytes = std::max<uint32_t>(2048, (port.mtu + 64u + 63) / 64 * 64);
  plan.mtu = port.mtu;
  plan.queue_pairs = static_cast<uint16_t>(workers);
  return plan;
}

core::Result<DevicePlan> plan_pcap(const config::Port& port, size_t index) {
  const std::string &input = port.device.target, &output = port.device.output;
  if (has_comma(input) || has_comma(output)) return refuse(port, "file names without commas are needed");
  const bool reads = !input.empty() && input != "/dev/null";
  if (reads && access(input.c_str(), R_OK) != 0) {
    return refuse(port, fmt::format("\"{}\" cannot be read: {}", input, std::strerror(errno)));
  }
  const std::string sink = output.empty() ? "/dev/null" : output;
  if (!std::ofstream(sink, std::ios::app)) {
    return refuse(port, fmt::format("\"{}\" cannot be written: {}", sink, std::strerror(errno)));
  }
  DevicePlan plan;
  plan.name = fmt::format("net_pcap{}", index);
  // Without an input the driver has a queue on which nothing ever comes.
  plan.arguments = reads ? fmt::format("rx_pcap={},tx_pcap={}", input, sink) : fmt::format("tx_pcap={}", sink);
  plan.mtu = port.mtu;
  plan.queue_remark = "a file has one";
  plan.frame_bytes = std::max<uint32_t>(2048, port.mtu + 64u);
  return plan;
}

core::Result<DevicePlan> plan_tap(const config::Port& port, size_t index, size_t workers) {
  const std::string& name = port.device.target;
  if (name.empty() || name.size() >= 16 || has_comma(name))
    return refuse(port, "a name of 1 to 15 characters is needed");
  if (access("/dev/net/tun", R_OK | W_OK) != 0) {
    return refuse(port,
                  "/dev/net/tun cannot be opened; root or CAP_NET_ADMIN, and the kernel's tun module, are needed");
  }
  if (find_interface(name)) return refuse(port, "an interface of this name exists already; `ip link del` removes it");
  constexpr size_t tap_queues_max = 16;
  DevicePlan plan;
  plan.name = fmt::format("net_tap{}", index);
  plan.arguments = fmt::format("iface={}", name);
  // The kernel's end has the device's own address, and ours is the other end of the cable.
  plan.mac = stable_mac(port.name);
  plan.mtu = port.mtu;
  plan.queue_pairs = static_cast<uint16_t>(std::min(workers, tap_queues_max));
  plan.frame_bytes = std::max<uint32_t>(2048, port.mtu + 64u);
  plan.holds_buffers = true;
  return plan;
}

// Network devices on the PCI bus with the driver each is bound to, for the sentence that lists them.
std::string pci_network_devices() {
  std::string list;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/sys/bus/pci/devices", ignored)) {
    std::string device_class;
    std::ifstream(entry.path() / "class") >> device_class;
    if (!device_class.starts_with("0x02")) continue;
    const fs::path driver = fs::read_symlink(entry.path() / "driver", ignored);
    const std::string bound = driver.empty() ? std::string("no driver") : driver.filename().string();
    list += fmt::format("{}{} ({})", list.empty() ? "" : ", ", entry.path().filename().string(), bound);
  }
  return list.empty() ? "none" : list;
}

// Drivers that give a device to user space: VFIO and UIO give it whole; the Mellanox, Microsoft and Chelsio ones are
// bifurcated, the kernel keeps its half.
bool gives_to_user_space(const std::string& driver) {
  constexpr const char* names[] = {"vfio-pci",  "uio_pci_generic", "igb_uio",
                                   "mlx5_core", "mlx4_core",       "uio_hv_generic"};
  return std::find(std::begin(names), std::end(names), driver) != std::end(names);
}

core::Result<DevicePlan> plan_pci(const config::Port& port, size_t workers) {
  const std::string& address = port.device.target;
  const fs::path device = fs::path("/sys/bus/pci/devices") / address;
  std::error_code ignored;
  if (!fs::exists(device, ignored)) {
    return refuse(port, fmt::format("there is no such PCI device; network devices here: {}", pci_network_devices()));
  }
  const std::string driver = fs::read_symlink(device / "driver", ignored).filename().string();
  if (!gives_to_user_space(driver)) {
    return refuse(port,
                  fmt::format("it is bound to {}, which keeps it in the kernel; `dpdk-devbind.py -b vfio-pci {}` gives "
                              "it to Viaduct",
                              driver.empty() ? std::string("no driver") : driver, address));
  }
  DevicePlan plan;
  plan.name = address;
  plan.is_virtual = false;
  plan.mtu = port.mtu;
  plan.queue_pairs = static_cast<uint16_t>(workers);
  plan.frame_bytes = std::max<uint32_t>(2048, (port.mtu + 64u + 1023) / 1024 * 1024);
  plan.holds_buffers = true;
  return plan;
}

}  // namespace

std::string stable_mac(const std::string& port_name) {
  const uint64_t hash = core::fnv1a(port_name);
  const auto byte = [&](int shift) { return static_cast<unsigned>(hash >> shift & 0xff); };
  return fmt::format("02:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", byte(0), byte(8), byte(16), byte(24), byte(32));
}

core::Result<DevicePlan> plan_device(const config::Port& port, size_t index, size_t workers) {
  switch (port.device.kind) {
    case config::DeviceKind::af_packet: return plan_af_packet(port, workers);
    case config::DeviceKind::af_xdp: return plan_af_xdp(port, index, workers);
    case config::DeviceKind::memif: return plan_memif(port, workers);
    case config::DeviceKind::tap: return plan_tap(port, index, workers);
    case config::DeviceKind::pcap: return plan_pcap(port, index);
    case config::DeviceKind::pci: return plan_pci(port, workers);
  }
  return refuse(port, "no such kind of device");
}

}  // namespace viaduct::dpdk
