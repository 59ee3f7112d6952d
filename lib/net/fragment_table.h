// Datagrams whose parts are still coming, within bounds that no sender can move.
//
//   parts ──▶ entries, found by (source, destination, identification)
//               │  pieces: which runs are here                 at most 64 a datagram
//               │  blocks: 2 KiB each, by place in the datagram ──▶ one arena, two blocks an entry
//               ├─ waiting, the oldest first ──▶ timeout, or pushed out by newer ones
//               └─ of the same source       ──▶ an eighth of the table at most
//
// Why not rte_ip_frag: it holds on to the buffers that the parts came in, so a flood of first parts starves the port of
// buffers; it takes a part that came twice for an error and throws the whole datagram away (rule LBG-19 tolerates
// duplicates); it does not look for overlaps, which RFC 5722 has us refuse; Debian's has room for eight parts; and it
// cannot be tested, or fuzzed, without DPDK. A part is copied here as it comes, and its buffer goes back at once.
//
// A newcomer pushes out the oldest. The other way round a flood that fills the table would keep everybody out until its
// datagrams time out; so a sender whose parts follow each other is served as long as the table outlives the time
// between them: 4,096 entries last 4 ms against a million first parts a second from as many sources. From one source a
// flood takes an eighth, of the entries and of the blocks, and pushes out its own.
//
// Overlaps end the datagram, and what else comes of it for a while is refused too. An exact repetition is no overlap. A
// datagram that is repeated as a whole is passed on twice, like any repeated packet (rule LBG-24); so its entry stays
// for a while as an echo: a single late repetition is then no datagram that lost its other parts.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/bytes.h"
#include "core/clock.h"
#include "net/fragment.h"

namespace viaduct::net {

// Not thread-safe. Allocates when constructed, and never again.
class FragmentTable {
 public:
  struct Limits {
    uint32_t entries = 4096;  // datagrams under way; 64 or more
    std::chrono::nanoseconds timeout = std::chrono::seconds(2);
  };
  enum class Result : uint8_t {
    kept,
    duplicate,   // it is here already
    complete,    // the datagram is whole: take it, then `settle`
    overlap,     // with another part, now or before: the datagram is given up
    impossible,  // parts contradict each other about where the datagram ends: given up
    too_many,    // parts: given up
    too_large,   // a datagram: given up
  };
  struct Added {
    Result result;
    uint32_t entry = 0;  // of a complete one
  };
  // How waiting datagrams ended that nobody will ever make whole.
  struct Losses {
    uint64_t timeout = 0;
    uint64_t crowded = 0;       // pushed out: no entry or no block was free
    uint64_t source_share = 0;  // pushed out by others of its source
    uint64_t total() const { return timeout + crowded + source_share; }
  };

  static constexpr size_t pieces_max = 64;
  // A frame of a whole datagram; buffers hold so much (65,507 bytes of payload are within 1.6 % of it).
  static constexpr size_t frame_bytes_max = 64512;

  explicit FragmentTable(const Limits& limits);

  // `bytes` is the frame that `fragment` was read from. Both hashes are keyed by the caller: of all that names the
  // datagram, and of its source alone.
  Added add(const Fragment& fragment, core::ByteView frame, uint64_t hash, uint64_t source_hash, core::Instant now);

  // Of a complete datagram: its frame, with the link header of the first part and a plain IP header.
  size_t frame_bytes(uint32_t entry) const;
  void write_frame(uint32_t entry, uint8_t* out) const;
  // Lets go of it.
  void settle(uint32_t entry, core::Instant now);

  // Gives up what has waited too long.
  void expire(core::Instant now);
  // Gives up everything and says how many datagrams that were waiting.
  size_t clear();
  // Since the last call.
  Losses take_losses();

  bool empty() const { return waiting_.first == nil && settled_.first == nil; }
  size_t waiting() const { return waiting_count_; }
  size_t blocks_free() const { return free_blocks_.size(); }
  size_t blocks() const { return block_count_; }

 private:
  static constexpr uint32_t nil = UINT32_MAX;
  static constexpr size_t block_bytes = 2048;
  static constexpr size_t blocks_max = 65536 / block_bytes;  // of one datagram
  static constexpr size_t sources = 256;                     // buckets

  enum class State : uint8_t { free, waiting, echo, refused };
  struct Piece {
    uint16_t begin, end;
  };
  struct Links {
    uint32_t previous = nil, next = nil;
  };
  struct List {
    uint32_t first = nil, last = nil;
  };
  struct Entry {
    IpAddress source, destination;
    uint32_t identification = 0;
    Family family = Family::ipv4;
    State state = State::free;
    uint8_t l2_bytes = 0;  // of `front`
    uint8_t piece_count = 0;
    uint16_t source_bucket = 0;
    Result why = Result::overlap;  // of a refused one
    uint64_t hash = 0;
    core::Instant deadline{};
    uint32_t total = 0;  // bytes; 0: the last part is not here
    uint32_t here = 0;   // bytes
    uint32_t chain = nil;
    Links age, same_source;
    std::array<uint8_t, 62> front{};  // of the first part: link header with tags, IP header without options
    std::array<Piece, pieces_max> pieces;
    std::array<uint32_t, blocks_max> blocks;
  };

  uint32_t find(const Fragment& fragment, uint64_t hash) const;
  uint32_t open(const Fragment& fragment, uint64_t hash, uint16_t source_bucket, core::Instant now);
  Result fits(const Entry& entry, const Fragment& fragment) const;
  void store(uint32_t index, const Fragment& fragment, core::ByteView frame);
  void make_blocks(size_t count, uint32_t but);
  uint32_t oldest_but(const List& list, Links Entry::*links, uint32_t but) const;
  void refuse(uint32_t index, Result why, core::Instant now);
  void release_blocks(Entry& entry);
  void leave_waiting(uint32_t index);
  void strip(uint32_t index);
  void remove(uint32_t index);
  void append(List& list, Links Entry::*links, uint32_t index);
  void unlink(List& list, Links Entry::*links, uint32_t index);
  uint8_t* block(uint32_t index) const { return arena_.get() + size_t{index} * block_bytes; }

  const Limits limits_;
  const size_t block_count_;
  const uint32_t share_;      // of one source: entries
  const size_t block_share_;  // and blocks
  std::vector<Entry> entries_;
  std::vector<uint32_t> chains_;  // by hash: the first entry
  std::unique_ptr<uint8_t[]> arena_;
  std::vector<uint32_t> free_entries_, free_blocks_;
  List waiting_, settled_;
  std::array<List, sources> by_source_;
  std::array<uint32_t, sources> of_source_{}, blocks_of_source_{};
  size_t waiting_count_ = 0;
  Losses losses_;
};

}  // namespace viaduct::net
