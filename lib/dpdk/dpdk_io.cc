#include "dpdk/dpdk_io.h"

#include <rte_ethdev.h>
#include <rte_prefetch.h>

#include <algorithm>
#include <cassert>

#include "dpdk/bare_buffer.h"
#include "dpdk/exception_path.h"
#include "dpdk/memif_queue.h"
#include "dpdk/mempool.h"
#include "dpdk/packet_socket.h"

namespace viaduct::dpdk {
namespace {

using dataplane::ChecksumState;
using dataplane::Packet;

// Vector drivers receive no less; a rest of a burst that is smaller waits for the next call.
constexpr size_t receive_min = 32;

ChecksumState state_of(uint64_t flags, uint64_t mask, uint64_t good, uint64_t bad) {
  if ((flags & mask) == good) return ChecksumState::good;
  return (flags & mask) == bad ? ChecksumState::bad : ChecksumState::unknown;
}

// Of a port that copies.
rte_mempool* pool_of(const PortQueue& queue) {
  return queue.memif != nullptr ? queue.memif->pool() : queue.socket->pool();
}

void free_original(void*, void* original) { rte_pktmbuf_free(static_cast<rte_mbuf*>(original)); }

}  // namespace

DpdkIo::DpdkIo(std::vector<PortQueue> queues, rte_mempool* headers, std::vector<rte_mempool*> blanks)
    : queues_(std::move(queues)),
      leaving_(queues_.size()),
      berths_(queues_.size(), this, find_berths),
      headers_(headers),
      blanks_(std::move(blanks)),
      oversized_(std::make_unique<telemetry::Counter[]>(queues_.size())) {
  for (const PortQueue& queue : queues_) {
    has_exception_paths_ |= queue.exception_path != nullptr;
    if (queue.copies() && bare_pool_ == nullptr) bare_pool_ = pool_of(queue);
  }
}

size_t DpdkIo::find_berths(void* io, uint16_t port, size_t passed, std::span<dataplane::Berth> out) {
  const PortQueue& queue = static_cast<DpdkIo*>(io)->queues_[port];
  return queue.memif == nullptr ? 0 : queue.memif->berths(passed, out);
}

size_t DpdkIo::receive(std::span<Packet> packets) {
  berths_.begin();  // places go with the link that they are of
  size_t count = 0;
  const size_t ports = queues_.size();
  for (size_t turn = 0; turn < ports && packets.size() - count >= receive_min; ++turn) {
    const size_t port = (first_port_ + turn) % ports;
    const PortQueue& queue = queues_[port];
    if (queue.exception_path != nullptr && queue.worker == 0) send_for_kernel(queue);
    if (!queue.receives) continue;
    const std::span<Packet> out = packets.subspan(count, std::min(packets.size() - count, burst));
    const auto index = static_cast<uint16_t>(port);
    count += queue.copies() ? receive_bare(queue, index, out) : receive_mbufs(queue, index, out);
  }
  if (++first_port_ >= ports) first_port_ = 0;
  return count;
}

size_t DpdkIo::receive_mbufs(const PortQueue& queue, uint16_t port, std::span<Packet> packets) {
  std::array<rte_mbuf*, burst> mbufs;
  const uint16_t received =
      rte_eth_rx_burst(queue.port_id, queue.rx_queue, mbufs.data(), static_cast<uint16_t>(packets.size()));
  for (uint16_t i = 0; i < received; ++i) rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void*));
  size_t count = 0;
  for (uint16_t i = 0; i < received; ++i) {
    if (accept(mbufs[i], port, packets[count])) ++count;
  }
  return count;
}

size_t DpdkIo::receive_bare(const PortQueue& queue, uint16_t port, std::span<Packet> packets) {
  std::array<BareFrame, burst> frames;
  const std::span<BareFrame> out = std::span(frames).first(packets.size());
  const size_t received = queue.memif != nullptr ? queue.memif->receive(out) : queue.socket->receive(out);
  rte_mempool* const pool = pool_of(queue);
  const auto room = static_cast<uint16_t>(rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM);
  for (size_t i = 0; i < received; ++i) {
    const auto [mbuf, bytes] = frames[i];
    packets[i] = {.data = frame_behind(mbuf),
                  .length = bytes,
                  .headroom = RTE_PKTMBUF_HEADROOM + private_headroom,
                  .tailroom = static_cast<uint16_t>(room - bytes),
                  .port = port,
                  .handle = bare_handle(mbuf)};
    if (pool != bare_pool_) [[unlikely]]
      filled_mbuf(packets[i]);
  }
  return received;
}

bool DpdkIo::accept(rte_mbuf* mbuf, uint16_t port, Packet& packet) {
  if (mbuf->nb_segs != 1 && rte_pktmbuf_linearize(mbuf) != 0) {
    rte_pktmbuf_free(mbuf);
    oversized_[port].add();
    return false;
  }
  packet = {};
  packet.data = rte_pktmbuf_mtod(mbuf, uint8_t*);
  packet.length = mbuf->data_len;
  // Some drivers receive into buffers that are not the mbuf's own; before those there is nothing of ours.
  packet.headroom = static_cast<uint16_t>(mbuf->data_off + (RTE_MBUF_DIRECT(mbuf) ? private_headroom : 0));
  packet.tailroom = rte_pktmbuf_tailroom(mbuf);
  packet.port = port;
  packet.ip_checksum =
      state_of(mbuf->ol_flags, RTE_MBUF_F_RX_IP_CKSUM_MASK, RTE_MBUF_F_RX_IP_CKSUM_GOOD, RTE_MBUF_F_RX_IP_CKSUM_BAD);
  packet.udp_checksum =
      state_of(mbuf->ol_flags, RTE_MBUF_F_RX_L4_CKSUM_MASK, RTE_MBUF_F_RX_L4_CKSUM_GOOD, RTE_MBUF_F_RX_L4_CKSUM_BAD);
  packet.handle = mbuf;
  return true;
}

rte_mbuf* DpdkIo::wrap(rte_mbuf* mbuf, uint8_t* data) {
  rte_mbuf* header = rte_pktmbuf_alloc(headers_);
  if (header == nullptr) return nullptr;
  auto* shared = static_cast<rte_mbuf_ext_shared_info*>(rte_mbuf_to_priv(mbuf));
  shared->free_cb = free_original;
  shared->fcb_opaque = mbuf;
  rte_mbuf_ext_refcnt_set(shared, 1);
  auto* start = static_cast<uint8_t*>(mbuf->buf_addr) - private_headroom;
  rte_pktmbuf_attach_extbuf(header, start, mbuf->buf_iova - private_headroom,
                            static_cast<uint16_t>(mbuf->buf_len + private_headroom), shared);
  header->data_off = static_cast<uint16_t>(data - start);
  return header;
}

// The mbuf that is sent for the packet, which owns the packet's from now on; nullptr: none is free.
rte_mbuf* DpdkIo::prepare(Packet& packet) {
  rte_mbuf* mbuf = mbuf_of(packet.handle);
  packet.handle = mbuf;
  auto* buffer = static_cast<uint8_t*>(mbuf->buf_addr);
  if (packet.data >= buffer) {
    mbuf->data_off = static_cast<uint16_t>(packet.data - buffer);
  } else {
    mbuf = wrap(mbuf, packet.data);
    if (mbuf == nullptr) return nullptr;
    packet.handle = mbuf;
  }
  mbuf->data_len = static_cast<uint16_t>(packet.length);
  mbuf->pkt_len = packet.length;
  mbuf->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;  // what was found on receipt says nothing of what leaves

  const PortQueue& queue = queues_[packet.port];
  const bool ip = queue.writes_ipv4_checksum && packet.ip_checksum == ChecksumState::unknown;
  const bool udp = queue.writes_udp_checksum && packet.udp_checksum == ChecksumState::unknown;
  if ((ip || udp) && packet.l3_bytes != 0) {
    const bool v4 = packet.data[packet.l2_bytes] >> 4 == 4;
    mbuf->l2_len = packet.l2_bytes;
    mbuf->l3_len = packet.l3_bytes;
    mbuf->ol_flags |= v4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;
    if (ip && v4) mbuf->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM;
    if (udp) mbuf->ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM;
  }
  return mbuf;
}

uint16_t DpdkIo::send(const PortQueue& queue, Leaving& leaving) {
  const std::span<const OutgoingFrame> frames = std::span(leaving.frames).first(leaving.count);
  if (queue.copies()) {
    const uint16_t sent = queue.memif != nullptr ? queue.memif->transmit(frames) : queue.socket->transmit(frames);
    free(std::span(leaving.handles).first(sent));
    return sent;
  }
  auto** const mbufs = reinterpret_cast<rte_mbuf**>(leaving.handles.data());
  if (queue.lock == nullptr) return rte_eth_tx_burst(queue.port_id, queue.tx_queue, mbufs, leaving.count);
  rte_spinlock_lock(&queue.lock->spinlock);
  const uint16_t sent = rte_eth_tx_burst(queue.port_id, queue.tx_queue, mbufs, leaving.count);
  rte_spinlock_unlock(&queue.lock->spinlock);
  return sent;
}

// What a full transmit queue does not take is lost, as on any wire.
void DpdkIo::send_for_kernel(const PortQueue& queue) {
  std::array<rte_mbuf*, burst> mbufs;
  Leaving leaving;
  leaving.count = static_cast<uint16_t>(queue.exception_path->take(mbufs));
  if (leaving.count == 0) return;
  for (uint16_t i = 0; i < leaving.count; ++i) {
    leaving.handles[i] = mbufs[i];
    leaving.frames[i] = {rte_pktmbuf_mtod(mbufs[i], const uint8_t*), mbufs[i]->data_len};
  }
  const uint16_t sent = send(queue, leaving);
  free(std::span(leaving.handles).first(leaving.count).subspan(sent));
}

void DpdkIo::punt(std::span<Packet> packets) {
  if (!has_exception_paths_) return release(packets);
  for (Packet& packet : packets) {
    const PortQueue& queue = queues_[packet.port];
    if (queue.exception_path != nullptr) {
      queue.exception_path->give(queue.worker, filled_mbuf(packet));
    } else {
      release({&packet, 1});
    }
  }
}

size_t DpdkIo::transmit(std::span<Packet> packets) {
  std::array<bool, burst> stays{};
  size_t staying = 0;
  for (size_t i = 0; i < packets.size(); ++i) {
    Packet& packet = packets[i];
    Leaving& leaving = leaving_[packet.port];
    if (void* handle = queues_[packet.port].copies() ? packet.handle : prepare(packet)) {
      leaving.places[leaving.count] = static_cast<uint8_t>(i);
      leaving.frames[leaving.count] = {packet.data, packet.length};
      leaving.handles[leaving.count++] = handle;
    } else {
      stays[i] = true;
      ++staying;
    }
  }
  for (size_t port = 0; port < leaving_.size(); ++port) {
    Leaving& leaving = leaving_[port];
    if (leaving.count == 0) continue;
    for (uint16_t i = send(queues_[port], leaving); i < leaving.count; ++i, ++staying) stays[leaving.places[i]] = true;
    leaving.count = 0;
  }
  berths_.begin();
  if (staying == 0) [[likely]]
    return packets.size();

  // Those taken first, both groups in order.
  std::array<Packet, burst> rest;
  size_t taken = 0, kept = 0;
  for (size_t i = 0; i < packets.size(); ++i) {
    if (stays[i]) {
      rest[kept++] = packets[i];
    } else {
      packets[taken++] = packets[i];
    }
  }
  std::copy_n(rest.begin(), kept, packets.begin() + static_cast<std::ptrdiff_t>(taken));
  return taken;
}

bool DpdkIo::make(Packet& packet, size_t bytes) {
  for (rte_mempool* pool : blanks_) {
    if (rte_pktmbuf_data_room_size(pool) < bytes + RTE_PKTMBUF_HEADROOM) continue;
    rte_mbuf* mbuf = rte_pktmbuf_alloc(pool);
    if (mbuf == nullptr) continue;  // a larger one will do
    packet = {};
    packet.data = rte_pktmbuf_mtod(mbuf, uint8_t*);
    packet.headroom = static_cast<uint16_t>(mbuf->data_off + private_headroom);
    packet.tailroom = rte_pktmbuf_tailroom(mbuf);
    packet.handle = mbuf;
    return true;
  }
  return false;
}

void DpdkIo::release(std::span<Packet> packets) {
  std::array<void*, burst> handles;
  while (!packets.empty()) {
    const size_t count = std::min(packets.size(), burst);
    for (size_t i = 0; i < count; ++i) handles[i] = packets[i].handle;
    free(std::span(handles).first(count));
    packets = packets.subspan(count);
  }
}

// Bare ones go back as they came.
void DpdkIo::free(std::span<void*> handles) {
  size_t bare = 0;
  for (void* const handle : handles) {
    if (is_bare(handle)) {
      assert(bare_pool_ == mbuf_of(handle)->pool);
      handles[bare++] = mbuf_of(handle);
    } else {
      rte_pktmbuf_free(mbuf_of(handle));
    }
  }
  if (bare != 0) rte_mempool_put_bulk(bare_pool_, handles.data(), static_cast<unsigned>(bare));
}

}  // namespace viaduct::dpdk
