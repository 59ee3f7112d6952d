#include "net/fragment_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <tuple>
#include <utility>

#include "net/checksum.h"
#include "net/ipv4.h"
#include "net/ipv6.h"
#include "net/udp.h"

namespace viaduct::net {
namespace {

constexpr uint32_t source_share = 8;  // of the table, for one source: so many parts

size_t header_bytes(Family family) { return family == Family::ipv4 ? sizeof(Ipv4Header) : sizeof(Ipv6Header); }

}  // namespace

FragmentTable::FragmentTable(const Limits& limits)
    : limits_(limits),
      block_count_(std::max<size_t>(size_t{limits.entries} * 2, 2 * blocks_max)),
      share_(std::max(limits.entries / source_share, 8u)),
      block_share_(std::max(block_count_ / source_share, blocks_max)),
      entries_(limits.entries),
      chains_(std::bit_ceil(size_t{limits.entries}), nil),
      arena_(std::make_unique_for_overwrite<uint8_t[]>(block_count_ * block_bytes)) {
  // The lowest are taken first: memory that was never needed is never touched.
  for (uint32_t i = limits.entries; i-- > 0;) free_entries_.push_back(i);
  for (auto i = static_cast<uint32_t>(block_count_); i-- > 0;) free_blocks_.push_back(i);
}

void FragmentTable::append(List& list, Links Entry::*links, uint32_t index) {
  entries_[index].*links = {list.last, nil};
  (list.last == nil ? list.first : (entries_[list.last].*links).next) = index;
  list.last = index;
}

void FragmentTable::unlink(List& list, Links Entry::*links, uint32_t index) {
  const Links here = entries_[index].*links;
  (here.previous == nil ? list.first : (entries_[here.previous].*links).next) = here.next;
  (here.next == nil ? list.last : (entries_[here.next].*links).previous) = here.previous;
}

uint32_t FragmentTable::find(const Fragment& fragment, uint64_t hash) const {
  for (uint32_t index = chains_[hash & (chains_.size() - 1)]; index != nil; index = entries_[index].chain) {
    const Entry& entry = entries_[index];
    if (entry.hash == hash && entry.identification == fragment.identification && entry.family == fragment.family &&
        entry.source == fragment.source && entry.destination == fragment.destination) {
      return index;
    }
  }
  return nil;
}

uint32_t FragmentTable::open(const Fragment& fragment, uint64_t hash, uint16_t source_bucket, core::Instant now) {
  if (of_source_[source_bucket] >= share_) {
    remove(by_source_[source_bucket].first);
    ++losses_.source_share;
  }
  if (free_entries_.empty() && settled_.first != nil) remove(settled_.first);
  if (free_entries_.empty()) {
    remove(waiting_.first);
    ++losses_.crowded;
  }
  const uint32_t index = free_entries_.back();
  free_entries_.pop_back();
  Entry& entry = entries_[index];
  entry.source = fragment.source;
  entry.destination = fragment.destination;
  entry.identification = fragment.identification;
  entry.family = fragment.family;
  entry.state = State::waiting;
  entry.piece_count = 0;
  entry.source_bucket = source_bucket;
  entry.hash = hash;
  entry.deadline = now + limits_.timeout;
  entry.total = entry.here = 0;
  entry.blocks.fill(nil);
  uint32_t& chain = chains_[hash & (chains_.size() - 1)];
  entry.chain = chain;
  chain = index;
  append(waiting_, &Entry::age, index);
  append(by_source_[source_bucket], &Entry::same_source, index);
  ++of_source_[source_bucket];
  ++waiting_count_;
  return index;
}

// What the part means to the datagram: `kept` if it has a place there.
FragmentTable::Result FragmentTable::fits(const Entry& entry, const Fragment& fragment) const {
  uint32_t furthest = 0;
  for (size_t i = 0; i < entry.piece_count; ++i) {
    const Piece piece = entry.pieces[i];
    furthest = std::max(furthest, uint32_t{piece.end});
    if (piece.begin == fragment.offset && piece.end == fragment.end()) return Result::duplicate;
    if (piece.begin < fragment.end() && fragment.offset < piece.end) return Result::overlap;
  }
  const bool last = !fragment.more;
  if (last && ((entry.total != 0 && entry.total != fragment.end()) || furthest > fragment.end())) {
    return Result::impossible;
  }
  if (!last && entry.total != 0 && fragment.end() >= entry.total) return Result::impossible;
  if (fragment.end() + std::tuple_size_v < decltype(Entry::front) >> frame_bytes_max) return Result::too_large;
  return entry.piece_count == pieces_max ? Result::too_many : Result::kept;
}

FragmentTable::Added FragmentTable::add(const Fragment& fragment, core::ByteView frame, uint64_t hash,
                                        uint64_t source_hash, core::Instant now) {
  uint32_t index = find(fragment, hash);
  if (index == nil) index = open(fragment, hash, static_cast<uint16_t>(source_hash % sources), now);
  Entry& entry = entries_[index];
  if (entry.state == State::refused) return {entry.why};
  const Result result = fits(entry, fragment);
  if (result == Result::duplicate) return {result};
  if (result != Result::kept) {
    refuse(index, result, now);
    return {result};
  }
  store(index, fragment, frame);
  return {entry.here == entry.total ? Result::complete : Result::kept, index};
}

void FragmentTable::store(uint32_t index, const Fragment& fragment, core::ByteView frame) {
  Entry& entry = entries_[index];
  const size_t first = fragment.offset / block_bytes, last = (fragment.end() - 1) / block_bytes;
  size_t missing = 0;
  for (size_t i = first; i <= last; ++i) missing += entry.blocks[i] == nil;
  make_blocks(missing, index);
  for (size_t i = first; i <= last; ++i) {
    if (entry.blocks[i] != nil) continue;
    entry.blocks[i] = free_blocks_.back();
    free_blocks_.pop_back();
    ++blocks_of_source_[entry.source_bucket];
  }
  const uint8_t* from = frame.data() + fragment.payload;
  for (size_t at = fragment.offset; at < fragment.end();) {
    const size_t within = at % block_bytes, count = std::min(block_bytes - within, fragment.end() - at);
    std::memcpy(block(entry.blocks[at / block_bytes]) + within, from, count);
    from += count;
    at += count;
  }
  if (fragment.offset == 0) {
    entry.l2_bytes = static_cast<uint8_t>(fragment.l3);
    std::memcpy(entry.front.data(), frame.data(), fragment.l3 + header_bytes(fragment.family));
  }
  if (!fragment.more) entry.total = fragment.end();
  entry.pieces[entry.piece_count++] = {fragment.offset, static_cast<uint16_t>(fragment.end())};
  entry.here += fragment.bytes;
}

uint32_t FragmentTable::oldest_but(const List& list, Links Entry::*links, uint32_t but) const {
  return list.first == but ? (entries_[but].*links).next : list.first;
}

// Frees blocks until there are so many, at the cost of others than `but`, the oldest first; of its own source, where
// that has its share.
void FragmentTable::make_blocks(size_t count, uint32_t but) {
  const uint16_t bucket = entries_[but].source_bucket;
  while (blocks_of_source_[bucket] + count > block_share_) {
    const uint32_t victim = oldest_but(by_source_[bucket], &Entry::same_source, but);
    if (victim == nil) break;
    remove(victim);
    ++losses_.source_share;
  }
  while (free_blocks_.size() < count) {
    uint32_t victim = oldest_but(settled_, &Entry::age, but);
    if (victim == nil) {
      victim = oldest_but(waiting_, &Entry::age, but);
      ++losses_.crowded;
    }
    remove(victim);
  }
}

void FragmentTable::release_blocks(Entry& entry) {
  for (uint32_t& index : entry.blocks) {
    if (index == nil) continue;
    free_blocks_.push_back(index);
    --blocks_of_source_[entry.source_bucket];
    index = nil;
  }
}

void FragmentTable::leave_waiting(uint32_t index) {
  Entry& entry = entries_[index];
  unlink(waiting_, &Entry::age, index);
  unlink(by_source_[entry.source_bucket], &Entry::same_source, index);
  --of_source_[entry.source_bucket];
  --waiting_count_;
}

void FragmentTable::strip(uint32_t index) {
  Entry& entry = entries_[index];
  if (entry.state == State::waiting) {
    leave_waiting(index);
  } else {
    unlink(settled_, &Entry::age, index);
  }
  release_blocks(entry);
}

void FragmentTable::remove(uint32_t index) {
  Entry& entry = entries_[index];
  strip(index);
  uint32_t* chain = &chains_[entry.hash & (chains_.size() - 1)];
  while (*chain != index) chain = &entries_[*chain].chain;
  *chain = entry.chain;
  entry.state = State::free;
  free_entries_.push_back(index);
}

void FragmentTable::refuse(uint32_t index, Result why, core::Instant now) {
  settle(index, now);
  entries_[index].state = State::refused;
  entries_[index].why = why;
}

void FragmentTable::settle(uint32_t index, core::Instant now) {
  Entry& entry = entries_[index];
  strip(index);
  entry.state = State::echo;
  entry.piece_count = 0;
  entry.total = entry.here = 0;
  entry.deadline = now + limits_.timeout;
  append(settled_, &Entry::age, index);
}

void FragmentTable::expire(core::Instant now) {
  while (settled_.first != nil && entries_[settled_.first].deadline <= now) remove(settled_.first);
  while (waiting_.first != nil && entries_[waiting_.first].deadline <= now) {
    remove(waiting_.first);
    ++losses_.timeout;
  }
}

size_t FragmentTable::clear() {
  const size_t count = waiting_count_;
  while (settled_.first != nil) remove(settled_.first);
  while (waiting_.first != nil) remove(waiting_.first);
  return count;
}

FragmentTable::Losses FragmentTable::take_losses() { return std::exchange(losses_, {}); }

size_t FragmentTable::frame_bytes(uint32_t index) const {
  const Entry& entry = entries_[index];
  return entry.l2_bytes + header_bytes(entry.family) + entry.total;
}

void FragmentTable::write_frame(uint32_t index, uint8_t* out) const {
  const Entry& entry = entries_[index];
  const size_t front = entry.l2_bytes + header_bytes(entry.family);
  std::memcpy(out, entry.front.data(), front);
  uint8_t* const l3 = out + entry.l2_bytes;
  if (entry.family == Family::ipv4) {
    auto& ip = *reinterpret_cast<Ipv4Header*>(l3);
    ip.version_ihl = ipv4_version_ihl;
    ip.total_length.set(static_cast<uint16_t>(sizeof ip + entry.total));
    ip.flags_offset.set(0);
    ip.checksum.set(0);
    ip.checksum = checksum({l3, sizeof ip});
  } else {
    auto& ip = *reinterpret_cast<Ipv6Header*>(l3);
    ip.payload_length.set(static_cast<uint16_t>(entry.total));
    ip.next_header = protocol_udp;
  }
  for (size_t at = 0; at < entry.total; at += block_bytes) {
    const size_t count = std::min(block_bytes, entry.total - at);
    std::memcpy(out + front + at, block(entry.blocks[at / block_bytes]), count);
  }
}

}  // namespace viaduct::net
