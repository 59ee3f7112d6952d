#include "capture/pcapng_stream.h"

#include <algorithm>
#include <cstring>

#include "net/pcapng_format.h"

namespace viaduct::capture {
namespace {

using namespace net::pcapng;

constexpr size_t packet_head_bytes = 20, statistics_head_bytes = 12;

template <class Number>
Number number_at(std::string_view bytes, size_t at) {
  Number number;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

size_t padded(size_t size) { return (size + 3) / 4 * 4; }

// Calls `take(code, value)` for each option.
template <class Take>
bool read_options(std::string_view options, const Take& take) {
  while (options.size() >= 4) {
    const auto code = number_at<uint16_t>(options, 0);
    const auto size = number_at<uint16_t>(options, 2);
    options.remove_prefix(4);
    if (code == option_end) return true;
    if (options.size() < size) return false;
    take(code, options.substr(0, size));
    options.remove_prefix(std::min(options.size(), padded(size)));
  }
  return options.empty();
}

bool read_packet(std::string_view body, StreamBlock& block) {
  if (body.size() < packet_head_bytes) return false;
  block.kind = StreamBlock::Kind::packet;
  block.time_ns = uint64_t{number_at<uint32_t>(body, 4)} << 32 | number_at<uint32_t>(body, 8);
  const auto captured = number_at<uint32_t>(body, 12);
  body.remove_prefix(packet_head_bytes);
  if (body.size() < padded(captured)) return false;
  block.frame = core::bytes_of(body.substr(0, captured));
  return read_options(body.substr(padded(captured)), [&](uint16_t code, std::string_view value) {
    if (code == option_comment) block.comment = value;
    if (code == packet_flags && value.size() == sizeof(uint32_t)) {
      const bool outbound = (number_at<uint32_t>(value, 0) & flags_direction) == flags_outbound;
      block.direction = outbound ? Direction::out : Direction::in;
    }
  });
}

bool read_statistics(std::string_view body, StreamBlock& block) {
  if (body.size() < statistics_head_bytes) return false;
  block.kind = StreamBlock::Kind::statistics;
  return read_options(body.substr(statistics_head_bytes), [&](uint16_t code, std::string_view value) {
    if (value.size() != sizeof(uint64_t)) return;
    if (code == statistics_received) block.received = number_at<uint64_t>(value, 0);
    if (code == statistics_dropped) block.dropped = number_at<uint64_t>(value, 0);
  });
}

}  // namespace

PcapngStream::State PcapngStream::feed(std::string_view piece) {
  waiting_ += piece;
  std::string_view rest = waiting_;
  State state = State::more;
  while (state == State::more && rest.size() >= block_frame_bytes) {
    const auto type = number_at<uint32_t>(rest, 0);
    const auto length = number_at<uint32_t>(rest, 4);
    if (length < block_frame_bytes || length % 4 != 0 || length > block_bytes_max ||
        (type == block_section && number_at<uint32_t>(rest, 8) != byte_order_magic)) {
      return State::damaged;
    }
    if (rest.size() < length) break;
    StreamBlock block;
    block.bytes = rest.substr(0, length);
    const std::string_view body = rest.substr(8, length - block_frame_bytes);
    if (type == block_packet && !read_packet(body, block)) return State::damaged;
    if (type == block_statistics && !read_statistics(body, block)) return State::damaged;
    if (!take_(block)) state = State::enough;
    rest.remove_prefix(length);
  }
  waiting_.erase(0, waiting_.size() - rest.size());
  return state;
}

}  // namespace viaduct::capture
