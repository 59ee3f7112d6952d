#include "dpdk/memif_queue.h"

#include <algorithm>
#include <cstring>

namespace viaduct::dpdk {

MemifQueue::MemifQueue(MemifEnd& end, size_t worker, rte_mempool* frames)
    : offered_(end.offered()),
      sight_(end.sight_of(worker)),
      worker_(worker),
      workers_(end.workers()),
      supply_(frames),
      room_(supply_.room()) {}

void MemifQueue::follow() {
  MemifLink* offered = offered_.load(std::memory_order_acquire);
  if (offered == link_) [[likely]]
    return;
  for (;; offered = offered_.load()) {
    sight_.held.store(offered);
    if (offered_.load() == offered) break;
  }
  link_ = offered;
  incoming_ = outgoing_ = nullptr;
  if (link_ == nullptr) return;
  if (worker_ < link_->incoming.size()) incoming_ = link_->incoming[worker_].get();
  outgoing_ = link_->outgoing[worker_ % link_->outgoing.size()].get();
  shares_outgoing_ = link_->outgoing.size() < workers_;
}

uint16_t MemifQueue::receive(std::span<BareFrame> out) {
  follow();
  if (incoming_ == nullptr) return 0;
  const uint16_t ready = incoming_->available(out.size());
  if (ready == 0) return 0;
  const uint16_t buffers = supply_.take(out.first(std::min<size_t>(ready, out.size())));
  uint16_t used = 0, made = 0;
  uint64_t bytes = 0;
  while (made < buffers && used < ready) {
    BareFrame& frame = out[made];
    const MemifRing::Piece piece = incoming_->piece(used);
    if (piece.data == nullptr || piece.more || piece.bytes > room_) [[unlikely]] {
      bool whole = false;
      const uint16_t slots = gather(used, ready, frame, whole);
      if (slots == 0) {
        incoming_->look_for_more();
        break;
      }
      used = static_cast<uint16_t>(used + slots);
      if (!whole) continue;
    } else {
      std::memcpy(frame_behind(frame.mbuf), piece.data, piece.bytes);
      frame.bytes = piece.bytes;
      ++used;
    }
    bytes += frame.bytes;
    ++made;
  }
  supply_.give_back(out.subspan(made, buffers - size_t{made}));
  incoming_->pass(used);
  received_.add(made);
  bytes_received_.add(bytes);
  return made;
}

// A frame of several pieces, or one that is none: how many slots it takes; 0: the rest is still to come. It is whole
// unless a piece lies nowhere, or it is larger than a buffer.
uint16_t MemifQueue::gather(uint16_t first, uint16_t ready, BareFrame& frame, bool& whole) {
  uint32_t length = 0;
  whole = true;
  for (uint16_t i = first; i < ready; ++i) {
    const MemifRing::Piece piece = incoming_->piece(i);
    whole = whole && piece.data != nullptr && piece.bytes <= room_ - length;
    if (whole) {
      std::memcpy(frame_behind(frame.mbuf) + length, piece.data, piece.bytes);
      length += piece.bytes;
    }
    if (piece.more) continue;
    frame.bytes = length;
    if (!whole) refused_.add();
    return static_cast<uint16_t>(i + 1 - first);
  }
  if (ready - first < incoming_->slots()) return 0;
  whole = false;  // it can never end
  refused_.add();
  return static_cast<uint16_t>(ready - first);
}

// Of a ring that others write to as well, nobody knows what will be next.
size_t MemifQueue::berths(size_t passed, std::span<dataplane::Berth> out) {
  if (outgoing_ == nullptr || shares_outgoing_) return 0;
  const size_t room = outgoing_->available(passed + out.size());
  size_t count = 0;
  for (; count < out.size() && passed + count < room; ++count) {
    const MemifRing::Piece piece = outgoing_->piece(static_cast<uint16_t>(passed + count));
    if (piece.data == nullptr) break;
    out[count] = {.data = piece.data, .bytes = piece.bytes};
  }
  return count;
}

uint16_t MemifQueue::transmit(std::span<const OutgoingFrame> frames) {
  if (outgoing_ == nullptr) return 0;
  if (shares_outgoing_) rte_spinlock_lock(&outgoing_->lock.spinlock);
  uint16_t room = outgoing_->available(frames.size());
  uint16_t used = 0, done = 0;
  uint64_t bytes = 0;
  while (done < frames.size()) {
    const uint16_t slots = used < room ? put(used, room, frames[done]) : uint16_t{0};
    if (slots == 0) [[unlikely]] {
      const uint16_t more = outgoing_->look_for_more();  // a frame may want several
      if (more <= room) break;
      room = more;
      continue;
    }
    used = static_cast<uint16_t>(used + slots);
    bytes += frames[done++].bytes;
  }
  if (used != 0) outgoing_->pass(used);
  if (shares_outgoing_) rte_spinlock_unlock(&outgoing_->lock.spinlock);
  if (used != 0) outgoing_->ring_bell();
  sent_.add(done);
  bytes_sent_.add(bytes);
  return done;
}

// How many slots from the `first` on the frame takes; 0: there are not enough.
uint16_t MemifQueue::put(uint16_t first, uint16_t room, const OutgoingFrame& frame) {
  const MemifRing::Piece piece = outgoing_->piece(first);
  if (frame.bytes > piece.room()) [[unlikely]]
    return put_in_pieces(first, room, frame);
  // A place that is another now (whoever owns it may write what he likes) may overlap the one that was.
  if (frame.data != piece.data) std::memmove(piece.data, frame.data, frame.bytes);
  outgoing_->fill(first, frame.bytes, false);
  return 1;
}

uint16_t MemifQueue::put_in_pieces(uint16_t first, uint16_t room, const OutgoingFrame& frame) {
  // A slot that is not passed on keeps what it says.
  uint32_t left = frame.bytes;
  uint16_t slots = 0;
  for (; left != 0 && first + slots < room; ++slots) {
    left -= std::min(outgoing_->piece(static_cast<uint16_t>(first + slots)).room(), left);
  }
  if (left != 0) return 0;
  const uint8_t* from = frame.data;
  left = frame.bytes;
  for (uint16_t i = first; i < first + slots; ++i) {
    const MemifRing::Piece piece = outgoing_->piece(i);
    const uint32_t size = std::min(piece.room(), left);
    if (size != 0) std::memcpy(piece.data, from, size);
    from += size;
    left -= size;
    outgoing_->fill(i, size, i + 1 != first + slots);
  }
  return left == 0 ? slots : uint16_t{0};
}

PortStatistics MemifQueue::statistics() const {
  PortStatistics result;
  result.rx_packets = received_.value();
  result.tx_packets = sent_.value();
  result.rx_bytes = bytes_received_.value();
  result.tx_bytes = bytes_sent_.value();
  result.rx_errors = refused_.value();
  result.rx_no_buffer = supply_.shortages();
  return result;
}

}  // namespace viaduct::dpdk
