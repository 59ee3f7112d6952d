// Cuts a pcapng stream of pcapng_writer.h into its blocks, as it comes in pieces.
//
// For the reader of a live capture, who counts, stops and draws as he goes. Files of others are read by
// net/pcap.h. Thread: any.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "capture/record.h"
#include "core/bytes.h"

namespace viaduct::capture {

struct StreamBlock {
  enum class Kind : uint8_t { packet, statistics, other };
  Kind kind = Kind::other;
  std::string_view bytes;  // all of the block
  // Of a packet.
  uint64_t time_ns = 0;  // since 1970
  Direction direction = Direction::in;
  core::ByteView frame;
  std::string_view comment;
  // Of statistics.
  uint64_t received = 0, dropped = 0;
};

class PcapngStream {
 public:
  // `take` gets each block that has come whole; it returns false to hear no more.
  explicit PcapngStream(std::function<bool(const StreamBlock&)> take) : take_(std::move(take)) {}

  enum class State : uint8_t { more, enough, damaged };
  // The next piece. `damaged`: it is no such stream.
  State feed(std::string_view piece);
  // Nothing is left over from the pieces so far.
  bool at_block_end() const { return waiting_.empty(); }

 private:
  std::function<bool(const StreamBlock&)> take_;
  std::string waiting_;
};

}  // namespace viaduct::capture
