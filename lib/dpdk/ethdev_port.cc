#include "dpdk/ethdev_port.h"

#include <fmt/format.h>
#include <rte_bus_vdev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include <algorithm>
#include <cstring>

#include "dpdk/dpdk_io.h"
#include "dpdk/interface.h"
#include "dpdk/log.h"

namespace viaduct::dpdk {
namespace {

constexpr uint64_t rss_wanted = RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP;
constexpr uint64_t rx_checksums = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;

// Drivers whose offload is a loop over the bytes, as ours is, or whose peer takes our asking for it as leave to send
// unfinished checksums (virtio).
bool offload_is_real(const char* driver) {
  return std::strcmp(driver, "net_tap") != 0 && std::strstr(driver, "virtio") == nullptr;
}

}  // namespace

core::Result<std::unique_ptr<Port>> EthdevPort::probe(const config::Port& config, DevicePlan plan, size_t workers) {
  std::unique_ptr<EthdevPort> port(new EthdevPort(config, std::move(plan), workers));

  forget_complaints();
  const DevicePlan& device = port->plan_;
  if (device.is_virtual && rte_vdev_init(device.name.c_str(), device.arguments.c_str()) != 0) {
    return core::Error{fmt::format("[[port]] \"{}\", device \"{}\": its driver refuses it{}", config.name,
                                   config.device.text, complaints())};
  }
  uint16_t id = 0;
  if (rte_eth_dev_get_port_by_name(device.name.c_str(), &id) != 0) {
    return core::Error{
        fmt::format("[[port]] \"{}\", device \"{}\": no driver of DPDK takes it; the package of its driver "
                    "(librte-net-…) may be missing{}",
                    config.name, config.device.text, complaints())};
  }
  if (core::Status status = port->find(id); !status) return core::Error{status.error()};
  return std::unique_ptr<Port>(std::move(port));
}

core::Status EthdevPort::find(uint16_t id) {
  id_ = id;
  found_ = true;
  rte_eth_dev_info device{};
  if (const int code = rte_eth_dev_info_get(id_, &device); code != 0) {
    return core::Error{fmt::format("[[port]] \"{}\" does not say what it can: {}", config_.name, rte_strerror(-code))};
  }
  info_.driver = device.driver_name;
  numa_node_ = rte_eth_dev_socket_id(id_);
  if (const auto own = net::parse_mac(plan_.mac)) {
    info_.mac = *own;
  } else if (rte_ether_addr address; rte_eth_macaddr_get(id_, &address) == 0) {
    std::copy(std::begin(address.addr_bytes), std::end(address.addr_bytes), info_.mac.bytes.begin());
  }
  info_.rx_queues = std::min(plan_.queue_pairs, device.max_rx_queues);
  info_.tx_queues = std::min(plan_.queue_pairs, device.max_tx_queues);
  if (info_.rx_queues == 0 || info_.tx_queues == 0) {
    return core::Error{fmt::format("[[port]] \"{}\": the device has no queues to receive and to send", config_.name)};
  }
  if (info_.tx_queues < workers_) locks_ = std::make_unique<TransmitLock[]>(info_.tx_queues);
  return core::Done{};
}

core::Status EthdevPort::set_up(rte_mempool* frames) {
  forget_complaints();
  if (core::Status status = configure(); !status) return status;
  if (core::Status status = set_up_queues(frames); !status) return status;
  if (core::Status status = start(); !status) return status;
  started_ = true;
  // IPv6 asks for neighbours by multicast.
  const bool hears_groups = rte_eth_allmulticast_enable(id_) == 0 || plan_.is_virtual;
  if (core::Status status = open_exception_path(frames, hears_groups); !status) return status;
  if (config_.device.kind == config::DeviceKind::af_xdp) {
    // The driver's XDP program takes whatever the interface receives, ARP too.
    add("frames that are not ours", "left to the kernel", "dropped; neighbours must be permanent (`ip neigh`)");
  }
  add("largest IP packet", std::to_string(plan_.mtu), std::to_string(info_.mtu));
  return core::Done{};
}

core::Status EthdevPort::start() {
  if (const int code = rte_eth_dev_start(id_); code != 0) {
    return core::Error{
        fmt::format("[[port]] \"{}\" does not start: {}{}", config_.name, rte_strerror(-code), complaints())};
  }
  return core::Done{};
}

core::Status EthdevPort::configure() {
  rte_eth_dev_info device{};
  rte_eth_dev_info_get(id_, &device);
  const bool real = offload_is_real(device.driver_name);
  const uint64_t tx_wanted = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
  rte_eth_conf conf{};
  conf.rxmode.offloads = real ? rx_checksums & device.rx_offload_capa : 0;
  conf.txmode.offloads = real ? tx_wanted & device.tx_offload_capa : 0;
  const uint64_t hash = rss_wanted & device.flow_type_rss_offloads;
  const bool spread = info_.rx_queues > 1 && hash != 0;
  if (spread) {
    conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf.rx_adv_conf.rss_conf.rss_hf = hash;
  }
  if (const int code = rte_eth_dev_configure(id_, info_.rx_queues, info_.tx_queues, &conf); code != 0) {
    return core::Error{fmt::format("[[port]] \"{}\" cannot be configured with {} receive and {} transmit queues: {}{}",
                                   config_.name, info_.rx_queues, info_.tx_queues, rte_strerror(-code), complaints())};
  }
  // A hardware port is told its MTU; one with a kernel interface has that interface's, and a file has none.
  if (!plan_.is_virtual) {
    const int code = rte_eth_dev_set_mtu(id_, info_.mtu);
    if (code != 0) {
      uint16_t granted = 0;
      if (rte_eth_dev_get_mtu(id_, &granted) == 0) info_.mtu = info_.mtu_max = granted;
    }
    add("MTU", std::to_string(config_.mtu), std::to_string(info_.mtu));
  }
  info_.ipv4_checksum_offload = (conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) != 0;
  info_.udp_checksum_offload = (conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_UDP_CKSUM) != 0;

  const std::string wanted = std::to_string(workers_);
  const std::string remark = plan_.queue_remark.empty() ? "" : "; " + plan_.queue_remark;
  const bool few_rx = info_.rx_queues < workers_, few_tx = info_.tx_queues < workers_;
  add("rx queues", wanted, std::to_string(info_.rx_queues) + (few_rx ? ", hand-off spreads the load" + remark : ""));
  add("tx queues", wanted, std::to_string(info_.tx_queues) + (few_tx ? ", shared under a lock" + remark : ""));
  add("spreading over rx queues", info_.rx_queues > 1 ? "by addresses and ports" : "-",
      info_.rx_queues == 1 ? "-"
      : spread             ? "RSS"
                           : "as the other end does");
  add("checksums verified by", "port", conf.rxmode.offloads != 0 ? "port" : "nobody");
  add("IPv4 checksum written by", "port", info_.ipv4_checksum_offload ? "port" : "worker");
  add("UDP checksum written by", "port", info_.udp_checksum_offload ? "port" : "worker");
  return core::Done{};
}

core::Status EthdevPort::set_up_queues(rte_mempool* frames) {
  rte_eth_dev_adjust_nb_rx_tx_desc(id_, &rx_descriptors_, &tx_descriptors_);
  const auto node = static_cast<unsigned>(numa_node_);
  for (uint16_t queue = 0; queue < info_.rx_queues; ++queue) {
    if (const int code = rte_eth_rx_queue_setup(id_, queue, rx_descriptors_, node, nullptr, frames); code != 0) {
      return core::Error{fmt::format("[[port]] \"{}\": receive queue {} cannot be set up: {}{}", config_.name, queue,
                                     rte_strerror(-code), complaints())};
    }
  }
  for (uint16_t queue = 0; queue < info_.tx_queues; ++queue) {
    if (const int code = rte_eth_tx_queue_setup(id_, queue, tx_descriptors_, node, nullptr); code != 0) {
      return core::Error{fmt::format("[[port]] \"{}\": transmit queue {} cannot be set up: {}{}", config_.name, queue,
                                     rte_strerror(-code), complaints())};
    }
  }
  return core::Done{};
}

BufferNeed EthdevPort::need() const {
  const uint32_t held =
      plan_.holds_buffers ? info_.rx_queues * rx_descriptors_ + info_.tx_queues * tx_descriptors_ : 0u;
  return {plan_.frame_bytes, numa_node_, held + excepted_frames()};
}

PortQueue EthdevPort::queue_of(size_t worker) {
  PortQueue queue;
  queue.port_id = id_;
  queue.receives = worker < info_.rx_queues;
  queue.rx_queue = static_cast<uint16_t>(queue.receives ? worker : 0);
  queue.tx_queue = static_cast<uint16_t>(worker % info_.tx_queues);
  queue.lock = locks_ ? &locks_[queue.tx_queue] : nullptr;
  queue.writes_ipv4_checksum = info_.ipv4_checksum_offload;
  queue.writes_udp_checksum = info_.udp_checksum_offload;
  queue.exception_path = exception_path();
  queue.worker = static_cast<uint16_t>(worker);
  return queue;
}

PortStatistics EthdevPort::statistics() const {
  PortStatistics result;
  rte_eth_stats counted{};
  if (rte_eth_stats_get(id_, &counted) == 0) {
    result.rx_packets = counted.ipackets;
    result.tx_packets = counted.opackets;
    result.rx_bytes = counted.ibytes;
    result.tx_bytes = counted.obytes;
    result.rx_missed = counted.imissed;
    result.rx_errors = counted.ierrors;
    result.tx_errors = counted.oerrors;
    result.rx_no_buffer = counted.rx_nombuf;
  }
  add_twin(result);
  // AF_XDP's driver always says "up"; its interface knows better.
  if (!plan_.kernel_interface.empty()) {
    result.link_up = has_carrier(plan_.kernel_interface);
  } else if (rte_eth_link link{}; rte_eth_link_get_nowait(id_, &link) == 0) {
    result.link_up = link.link_status == RTE_ETH_LINK_UP;
  }
  return result;
}

EthdevPort::~EthdevPort() {
  if (!found_) return;
  if (started_) rte_eth_dev_stop(id_);
  rte_eth_dev_close(id_);
}

}  // namespace viaduct::dpdk
