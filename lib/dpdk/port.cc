#include "dpdk/port.h"

#include <algorithm>

#include "dpdk/ethdev_port.h"
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

void Port::add(std::string what, std::string wanted, std::string got) {
  info_.capabilities.push_back({std::move(what), std::move(wanted), std::move(got)});
}

core::Result<std::unique_ptr<Port>> Port::probe(const config::Port& config, size_t index, size_t workers) {
  core::Result<DevicePlan> plan = plan_device(config, index, workers);
  if (!plan) return core::Error{plan.error()};
  if (config.device.kind == config::DeviceKind::af_packet) {
    return PacketPort::probe(config, std::move(*plan), workers);
  }
  return EthdevPort::probe(config, std::move(*plan), workers);
}

}  // namespace viaduct::dpdk
