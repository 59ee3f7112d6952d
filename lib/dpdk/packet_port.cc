#include "dpdk/packet_port.h"

#include <fmt/format.h>

#include "dpdk/interface.h"

namespace viaduct::dpdk {

PacketPort::PacketPort(const config::Port& config, DevicePlan plan, size_t workers)
    : Port(config, std::move(plan), workers) {
  is_ours("af_packet");
}

// Each socket is deaf until all of them share what comes: nothing comes twice.
core::Status PacketPort::open_sockets(rte_mempool* frames) {
  std::optional<uint16_t> group;
  for (size_t worker = 0; worker < workers_; ++worker) {
    auto socket = PacketSocket::open(plan_.kernel_interface, plan_.kernel_index, frames);
    if (!socket) return core::Error{socket.error()};
    sockets_.push_back(std::move(*socket));
    if (workers_ == 1) continue;
    const core::Result<uint16_t> joined = sockets_.back()->share(group);
    if (!joined) return core::Error{joined.error()};
    group = *joined;
  }
  return core::Done{};
}

core::Status PacketPort::set_up(rte_mempool* frames) {
  if (const core::Status opened = open_sockets(frames); !opened) {
    return core::Error{
        fmt::format("[[port]] \"{}\", device \"{}\": {}", config_.name, config_.device.text, opened.error())};
  }
  bool choosy = true;
  for (const auto& socket : sockets_) choosy = socket->hear() && choosy;

  const std::string queues = std::to_string(workers_);
  add("rx queues", queues, queues);
  add("tx queues", queues, queues);
  add("spreading over rx queues", workers_ > 1 ? "by addresses and ports" : "-", workers_ > 1 ? "by the kernel" : "-");
  add_no_checksums();
  add("frames for others and from this host", "not heard", choosy ? "not heard" : "heard");
  add("largest IP packet", std::to_string(plan_.mtu), std::to_string(info_.mtu));
  return core::Done{};
}

PortStatistics PacketPort::statistics() const {
  PortStatistics sum;
  for (const auto& socket : sockets_) sum += socket->statistics();
  sum.link_up = has_carrier(plan_.kernel_interface);
  return sum;
}

PortQueue PacketPort::queue_of(size_t worker) {
  return {.socket = sockets_[worker].get(), .worker = static_cast<uint16_t>(worker)};
}

}  // namespace viaduct::dpdk
