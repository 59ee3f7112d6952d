#include "dpdk/port.h"

#include <fmt/format.h>

#include <algorithm>

#include "dpdk/ethdev_port.h"
#include "dpdk/memif_port.h"
#include "dpdk/packet_port.h"

namespace viaduct::dpdk {

Port::Port(const config::Port& config, DevicePlan plan, size_t workers)
    : config_(config), plan_(std::move(plan)), workers_(workers) {
  info_.name = config_.name;
  info_.device = config_.device.text;
  info_.mtu_max = plan_.mtu_max != 0 ? plan_.mtu_max : plan_.mtu;
  info_.mtu = std::min(plan_.mtu, info_.mtu_max);
  info_.kernel_interface = plan_.kernel_interface;
}

void Port::is_ours(std::string driver) {
  info_.driver = std::move(driver);
  info_.mac = net::parse_mac(plan_.mac).value();
  info_.rx_queues = info_.tx_queues = plan_.queue_pairs;
}

void Port::add_no_checksums() {
  add("checksums verified by", "port", "nobody");
  add("IPv4 checksum written by", "port", "worker");
  add("UDP checksum written by", "port", "worker");
}

void Port::add(std::string what, std::string wanted, std::string got) {
  info_.capabilities.push_back({std::move(what), std::move(wanted), std::move(got)});
}

core::Status Port::open_exception_path(rte_mempool* frames, bool hears_groups) {
  if (config_.twin.empty()) return core::Done{};
  auto path = ExceptionPath::open(config_.twin, info_.mac, info_.mtu, workers_, frames);
  if (!path) return core::Error{fmt::format("[[port]] \"{}\": {}", config_.name, path.error())};
  exception_path_ = std::move(*path);
  info_.kernel_interface = config_.twin;
  add("frames that are not ours", "to the TAP " + config_.twin,
      "to the TAP " + config_.twin + (hears_groups ? "" : ", but the port does not receive multicast"));
  return core::Done{};
}

uint32_t Port::excepted_frames() const {
  return config_.twin.empty() ? 0u : static_cast<uint32_t>(ExceptionPath::frames_held(workers_));
}

void Port::add_twin(PortStatistics& statistics) const {
  if (exception_path_) statistics.twin_lost = exception_path_->lost();
}

core::Result<std::unique_ptr<Port>> Port::probe(const config::Port& config, size_t index, size_t workers) {
  core::Result<DevicePlan> plan = plan_device(config, index, workers);
  if (!plan) return core::Error{plan.error()};
  switch (config.device.kind) {
    case config::DeviceKind::af_packet: return std::unique_ptr<Port>(new PacketPort(config, std::move(*plan), workers));
    case config::DeviceKind::memif: return std::unique_ptr<Port>(new MemifPort(config, std::move(*plan), workers));
    default: return EthdevPort::probe(config, std::move(*plan), workers);
  }
}

}  // namespace viaduct::dpdk
