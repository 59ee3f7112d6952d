// pcapng, as far as packets need it.
//
//   block    type(4) length(4) body... length(4)           a section header starts each section and tells its byte
//   order section  0x0a0d0d0a    interface 1    enhanced packet 6    simple packet 3    others are skipped
//
// Each interface has a link type and a clock of its own, and packets name their interface.
#include <algorithm>
#include <array>
#include <vector>

#include "core/uint128.h"
#include "net/capture_file.h"
#include "net/capture_link.h"
#include "net/pcapng_format.h"

namespace viaduct::net {
namespace {

using namespace pcapng;

// How one interface tells the time: units of 10^-n or 2^-n seconds, and seconds to add.
struct InterfaceClock {
  uint8_t resolution = 6;
  uint64_t offset_seconds = 0;

  uint64_t nanoseconds(uint64_t ticks) const {
    const unsigned exponent = resolution & 0x7f;
    core::uint128 time = static_cast<core::uint128>(ticks) * 1'000'000'000;
    if ((resolution & 0x80) != 0) {
      time >>= exponent;
    } else {
      for (unsigned i = 0; i < exponent && time != 0; ++i) time /= 10;
    }
    return static_cast<uint64_t>(time) + offset_seconds * 1'000'000'000;
  }
};

struct Interface {
  uint32_t link = 0;
  uint32_t snap_length = 0;  // 0: none
  InterfaceClock clock;
};

class Pcapng : public CaptureFormat {
 public:
  explicit Pcapng(CaptureFile file) : file_(std::move(file)) {}

  // Behind the type of a section header that started at `start`.
  core::Status begin_section(uint64_t start) {
    std::array<uint8_t, 8> head;
    if (file_.read(head) < head.size()) return file_.cut_at(start, "a section header");
    uint32_t magic;
    std::memcpy(&magic, &head[4], sizeof magic);
    if (magic != byte_order_magic && __builtin_bswap32(magic) != byte_order_magic) {
      return file_.error_at(start, "a section header without a byte order");
    }
    order_ = FileOrder(magic != byte_order_magic);
    interfaces_.clear();
    const uint32_t length = order_.get32(&head[0]);
    if (length < 28 || length % 4 != 0) return file_.error_at(start, bad_length(length));
    if (!file_.skip(length - 12)) return file_.cut_at(start, "a section header");
    return core::Done{};
  }

  core::Result<std::optional<CapturedFrame>> next() override {
    for (;;) {
      const uint64_t start = file_.offset();
      std::array<uint8_t, 4> type_bytes;
      const size_t got = file_.read(type_bytes);
      if (got == 0 && !file_.failed()) return std::optional<CapturedFrame>();
      if (got < type_bytes.size()) return file_.cut_at(start, "a block");
      const uint32_t type = order_.get32(type_bytes.data());
      const core::Status read = type == block_section ? begin_section(start) : read_block(start, type);
      if (!read) return core::Error{read.error()};
      if (type == block_interface) {
        if (const core::Status added = add_interface(start); !added) return core::Error{added.error()};
      }
      if (type == block_packet) return enhanced_packet(start);
      if (type == block_simple_packet) return simple_packet(start);
    }
  }

 private:
  static std::string bad_length(uint32_t length) { return "a block of " + std::to_string(length) + " bytes"; }

  // Reads the rest of a block: the body into `body_` if it will be looked at, or past it.
  core::Status read_block(uint64_t start, uint32_t type) {
    std::array<uint8_t, 4> word;
    if (file_.read(word) < word.size()) return file_.cut_at(start, "a block");
    const uint32_t length = order_.get32(word.data());
    if (length < block_frame_bytes || length % 4 != 0) return file_.error_at(start, bad_length(length));
    const size_t body_bytes = length - block_frame_bytes;
    if (type != block_interface && type != block_packet && type != block_simple_packet) {
      if (!file_.skip(body_bytes + word.size())) return file_.cut_at(start, "a block");
      return core::Done{};
    }
    if (length > block_bytes_max) {
      return file_.error_at(start,
                            bad_length(length) + "; at most " + std::to_string(block_bytes_max) + " are accepted");
    }
    body_.resize(body_bytes);
    if (file_.read(body_) < body_bytes || file_.read(word) < word.size()) return file_.cut_at(start, "a block");
    if (order_.get32(word.data()) != length) return file_.error_at(start, "a block whose two lengths differ");
    return core::Done{};
  }

  core::Status add_interface(uint64_t start) {
    if (body_.size() < 8) return file_.error_at(start, "an interface block too short for its link type");
    Interface interface;
    interface.link = order_.get16(&body_[0]);
    interface.snap_length = order_.get32(&body_[4]);
    for (size_t at = 8; at + 4 <= body_.size();) {
      const uint16_t code = order_.get16(&body_[at]);
      const size_t length = order_.get16(&body_[at + 2]);
      at += 4;
      if (code == option_end || length > body_.size() - at) break;
      if (code == interface_resolution && length == 1) interface.clock.resolution = body_[at];
      if (code == interface_offset && length == 8) interface.clock.offset_seconds = order_.get64(&body_[at]);
      at += (length + 3) & ~size_t{3};
    }
    interfaces_.push_back(interface);
    return core::Done{};
  }

  core::Result<std::optional<CapturedFrame>> enhanced_packet(uint64_t start) {
    constexpr size_t head_bytes = 20;
    if (body_.size() < head_bytes) return file_.error_at(start, "a packet block too short for its header");
    const uint32_t interface = order_.get32(&body_[0]);
    const uint32_t captured = order_.get32(&body_[12]);
    if (interface >= interfaces_.size()) return file_.error_at(start, "a packet of an interface that is not described");
    const uint64_t ticks = uint64_t{order_.get32(&body_[4])} << 32 | order_.get32(&body_[8]);
    return packet(start, interfaces_[interface], head_bytes, captured, order_.get32(&body_[16]),
                  interfaces_[interface].clock.nanoseconds(ticks));
  }

  core::Result<std::optional<CapturedFrame>> simple_packet(uint64_t start) {
    constexpr size_t head_bytes = 4;
    if (body_.size() < head_bytes) return file_.error_at(start, "a packet block too short for its header");
    if (interfaces_.empty()) return file_.error_at(start, "a packet of an interface that is not described");
    const uint32_t original = order_.get32(&body_[0]);
    const uint32_t snap_length = interfaces_[0].snap_length;
    const uint32_t captured = snap_length == 0 ? original : std::min(original, snap_length);
    return packet(start, interfaces_[0], head_bytes, captured, original, 0);
  }

  // The frame in `body_` behind `head_bytes`.
  core::Result<std::optional<CapturedFrame>> packet(uint64_t start, const Interface& interface, size_t head_bytes,
                                                    uint32_t captured, uint32_t original, uint64_t time_ns) {
    if (captured > body_.size() - head_bytes) {
      return file_.error_at(start, "a packet of " + std::to_string(captured) + " bytes in a block of " +
                                       std::to_string(body_.size() + block_frame_bytes));
    }
    if (!is_known_link(interface.link)) return file_.error_at(start, "a packet of " + unknown_link(interface.link));
    const auto from = body_.begin() + static_cast<std::ptrdiff_t>(head_bytes);
    buffer_.assign(from, from + captured);
    const std::optional<int> growth = make_ethernet(buffer_, interface.link);
    if (!growth) return file_.error_at(start, "a packet too short for its link header");
    CapturedFrame frame;
    frame.bytes = buffer_;
    frame.original_length = original + static_cast<uint32_t>(*growth);
    frame.time_ns = time_ns;
    return std::optional(frame);
  }

  CaptureFile file_;
  FileOrder order_;
  std::vector<Interface> interfaces_;
  std::vector<uint8_t> body_;
  std::vector<uint8_t> buffer_;
};

}  // namespace

core::Result<std::unique_ptr<CaptureFormat>> open_pcapng(CaptureFile file) {
  auto format = std::make_unique<Pcapng>(std::move(file));
  if (const core::Status begun = format->begin_section(0); !begun) return core::Error{begun.error()};
  return std::unique_ptr<CaptureFormat>(std::move(format));
}

}  // namespace viaduct::net
