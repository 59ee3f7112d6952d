#include "dpdk/exception_path.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "net/ethernet.h"
#include "net/ipv4.h"
#include "net/ipv6.h"
#include "net/udp.h"

namespace viaduct::dpdk {
namespace {

constexpr size_t batch = 32;

}  // namespace

core::Result<std::unique_ptr<ExceptionPath>> ExceptionPath::open(const std::string& interface, const net::Mac& mac,
                                                                 uint16_t mtu, size_t workers, rte_mempool* frames) {
  core::Result<std::unique_ptr<TapInterface>> tap = TapInterface::open(interface, mac, mtu);
  if (!tap) return core::Error{tap.error()};
  return std::unique_ptr<ExceptionPath>(new ExceptionPath(std::move(*tap), workers, frames));
}

ExceptionPath::ExceptionPath(std::unique_ptr<TapInterface> tap, size_t workers, rte_mempool* frames)
    : tap_(std::move(tap)), frames_(frames) {
  for (size_t worker = 0; worker < workers; ++worker) to_kernel_.push_back(std::make_unique<FromWorker>());
}

ExceptionPath::~ExceptionPath() {
  std::array<rte_mbuf*, batch> mbufs;
  const auto empty = [&](core::SpscRing<rte_mbuf*>& ring) {
    while (const size_t count = ring.pop(mbufs)) rte_pktmbuf_free_bulk(mbufs.data(), static_cast<unsigned>(count));
  };
  for (const auto& from : to_kernel_) {
    for (auto& ring : from->rings) empty(ring);
  }
  empty(from_kernel_);
}

void ExceptionPath::serve() {
  write_out();
  read_in();
}

ExceptionPath::Rank ExceptionPath::rank_of(core::ByteView frame) {
  constexpr uint8_t icmp = 1, icmpv6 = 58, router_solicitation = 133, redirect = 137;
  const auto at = [&](size_t place) { return place < frame.size() ? frame[place] : uint8_t{0}; };
  const auto type_at = [&](size_t place) { return static_cast<uint16_t>(at(place) << 8 | at(place + 1)); };
  size_t l3 = sizeof(net::EthernetHeader);
  while (net::is_vlan_ethertype(type_at(l3 - 2)) && l3 < frame.size()) l3 += sizeof(net::VlanTag);
  switch (type_at(l3 - 2)) {
    case net::ethertype_ipv4: {
      const uint8_t protocol = at(l3 + offsetof(net::Ipv4Header, protocol));
      return protocol == net::protocol_udp || protocol == icmp ? Rank::anybody : Rank::peers;
    }
    case net::ethertype_ipv6: {
      const uint8_t protocol = at(l3 + offsetof(net::Ipv6Header, next_header));
      const uint8_t type = at(l3 + sizeof(net::Ipv6Header));
      if (protocol == icmpv6 && type >= router_solicitation && type <= redirect) return Rank::neighbors;
      return protocol == net::protocol_udp || protocol == icmpv6 || protocol == net::next_fragment ? Rank::anybody
                                                                                                   : Rank::peers;
    }
    default: return Rank::neighbors;  // ARP, LLDP, LACP: of the link itself
  }
}

// No more at once than one ring holds, in both directions: whatever floods a port, the control thread has other things
// to do. Another worker's rings come first each time.
void ExceptionPath::write_out() {
  const size_t workers = to_kernel_.size();
  size_t left = ring_frames;
  for (size_t rank = 0; rank < rank_count; ++rank) {
    for (size_t turn = 0; turn < workers && left != 0; ++turn) {
      left -= write_out(to_kernel_[(first_ + turn) % workers]->rings[rank], left);
    }
  }
  first_ = (first_ + 1) % workers;
}

size_t ExceptionPath::write_out(core::SpscRing<rte_mbuf*>& ring, size_t most) {
  std::array<rte_mbuf*, batch> mbufs;
  size_t done = 0;
  while (done < most) {
    const size_t count = ring.pop(std::span(mbufs).first(std::min(batch, most - done)));
    if (count == 0) break;
    for (const rte_mbuf* mbuf : std::span(mbufs).first(count)) {
      if (!tap_ || !tap_->write({rte_pktmbuf_mtod(mbuf, const uint8_t*), mbuf->data_len})) ++refused_;
    }
    rte_pktmbuf_free_bulk(mbufs.data(), static_cast<unsigned>(count));
    done += count;
  }
  return done;
}

// A frame that there is no buffer for is read all the same, or the descriptor stays readable and nobody gets any rest.
void ExceptionPath::read_in() {
  uint8_t nowhere;
  for (size_t i = 0; tap_ && i < ring_frames; ++i) {
    rte_mbuf* mbuf = rte_pktmbuf_alloc(frames_);
    const std::span<uint8_t> room = mbuf == nullptr
                                        ? std::span(&nowhere, 1)
                                        : std::span(rte_pktmbuf_mtod(mbuf, uint8_t*), rte_pktmbuf_tailroom(mbuf));
    const std::optional<size_t> length = tap_->read(room);
    if (length.value_or(0) == 0) {
      rte_pktmbuf_free(mbuf);
      if (!length) tap_.reset();
      return;
    }
    if (mbuf != nullptr) {
      mbuf->pkt_len = mbuf->data_len = static_cast<uint16_t>(*length);
      if (from_kernel_.push({&mbuf, 1}) == 1) continue;
      rte_pktmbuf_free(mbuf);
    }
    ++refused_;
  }
}

uint64_t ExceptionPath::lost() const {
  uint64_t lost = refused_;
  for (const auto& from : to_kernel_) lost += from->lost.value();
  return lost;
}

}  // namespace viaduct::dpdk
