#include "dataplane/icmp_listener.h"

namespace viaduct::dataplane {

bool IcmpListener::too_often(core::Instant now) {
  if (now - second_ >= std::chrono::seconds(1)) second_ = now, in_second_ = 0;
  return ++in_second_ > per_second_max;
}

void IcmpListener::weigh(const net::IcmpError& error, uint16_t port, const View& view) {
  const core::Instant now = core::SteadyClock().now();
  if (!view.proxy->socket_of.contains(error.source) || !view.proxy->backend_of.contains(error.destination) ||
      !view.adjacency->leads_by(port, error.destination.address) || too_often(now)) {
    return counters_.icmp_ignored.add();
  }
  if (error.kind == net::IcmpError::Kind::unreachable) {
    counters_.icmp_heard.add();
    if (hints_ != nullptr) hints_->add(error.destination);
    return;
  }
  // A link that takes what our own port takes cannot be what was too narrow.
  const Adjacency::Answer way = view.adjacency->find(error.destination.address);
  const bool plausible = way.found && error.mtu < view.ports[way.hop.port].mtu;
  if (!plausible || path_mtus_ == nullptr || !path_mtus_->lower(error.destination.address, error.mtu, now)) {
    return counters_.icmp_ignored.add();
  }
  counters_.icmp_heard.add();
  counters_.path_mtu_lowered.add();
}

}  // namespace viaduct::dataplane
