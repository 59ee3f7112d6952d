#include "capture/pcapng_writer.h"

#include <cstring>

#include "net/checksum.h"
#include "net/pcapng_format.h"
#include "net/udp.h"

namespace viaduct::capture {
namespace {

using namespace net::pcapng;

constexpr uint16_t link_ethernet = 1;

// A block under way: its length stands in front and behind.
class Block {
 public:
  Block(std::string& out, uint32_t type) : out_(out), begin_(out.size()) {
    put(type);
    put(uint32_t{0});
  }
  ~Block() {
    const auto length = static_cast<uint32_t>(out_.size() - begin_ + sizeof(uint32_t));
    std::memcpy(out_.data() + begin_ + sizeof(uint32_t), &length, sizeof length);
    put(length);
  }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  template <class Number>
  void put(Number number) {
    out_.append(reinterpret_cast<const char*>(&number), sizeof number);
  }
  void put_time(uint64_t time_ns) {
    put(static_cast<uint32_t>(time_ns >> 32));
    put(static_cast<uint32_t>(time_ns));
  }
  void put_bytes(std::string_view bytes) {
    out_ += bytes;
    out_.append((4 - bytes.size() % 4) % 4, '\0');
  }
  void put_option(uint16_t code, std::string_view value) {
    value = value.substr(0, UINT16_MAX);
    put(code);
    put(static_cast<uint16_t>(value.size()));
    put_bytes(value);
  }
  template <class Number>
  void put_number(uint16_t code, Number number) {
    put_option(code, {reinterpret_cast<const char*>(&number), sizeof number});
  }
  void end_options() { put_option(option_end, {}); }

 private:
  std::string& out_;
  const size_t begin_;
};

}  // namespace

void write_section(std::string& out, std::string_view application) {
  Block block(out, block_section);
  block.put(byte_order_magic);
  block.put(uint16_t{1});  // version 1.0
  block.put(uint16_t{0});
  block.put(UINT64_MAX);  // its length is not known
  block.put_option(section_application, application);
  block.end_options();
}

void write_interface(std::string& out, std::string_view name) {
  Block block(out, block_interface);
  block.put(link_ethernet);
  block.put(uint16_t{0});
  block.put(uint32_t{0});  // frames are kept whole
  block.put_option(interface_name, name);
  block.put_number(interface_resolution, uint8_t{9});
  block.end_options();
}

void write_packet(std::string& out, uint32_t interface, uint64_t time_ns, Direction direction, core::ByteView frame,
                  std::string_view comment) {
  Block block(out, block_packet);
  block.put(interface);
  block.put_time(time_ns);
  block.put(static_cast<uint32_t>(frame.size()));
  block.put(static_cast<uint32_t>(frame.size()));
  block.put_bytes(core::text_of(frame));
  block.put_number(packet_flags, direction == Direction::in ? flags_inbound : flags_outbound);
  if (!comment.empty()) block.put_option(option_comment, comment);
  block.end_options();
}

void write_statistics(std::string& out, uint32_t interface, uint64_t time_ns, uint64_t received, uint64_t dropped) {
  Block block(out, block_statistics);
  block.put(interface);
  block.put_time(time_ns);
  block.put_number(statistics_received, received);
  block.put_number(statistics_dropped, dropped);
  block.end_options();
}

std::string comment_of(const Record& record) {
  std::string text = "verdict=";
  text += text_of(record.head.verdict);
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) text.append(" ").append(name).append("=").append(value);
  };
  if (record.head.has_reason) add("reason", telemetry::text_of(record.head.reason).name);
  if (record.head.verdict == Verdict::reply) add("status", std::to_string(record.head.status));
  if (record.names.backend.empty()) {
    add("pool", record.names.pool);
  } else {
    add("backend", std::string(record.names.pool) + '/' + std::string(record.names.backend));
  }
  add("rule", record.names.rule);
  add("worker", std::to_string(record.head.worker));
  return text;
}

std::string whole_frame(const Record& record) {
  std::string frame(core::text_of(record.frame));
  const RecordHead& head = record.head;
  const auto set = [&](size_t at, core::be16 value) { std::memcpy(frame.data() + at, &value, sizeof value); };
  const core::ByteView bytes = core::bytes_of(frame);
  if (head.ip_checksum_left && head.source.address.is_v4() && head.l4 <= bytes.size()) {
    constexpr size_t checksum_at = 10;  // RFC 791 section 3.1
    set(head.l3 + checksum_at, {});
    set(head.l3 + checksum_at, net::checksum(bytes.subspan(head.l3, head.l4 - head.l3)));
  }
  if (head.udp_checksum_left && head.l4 + sizeof(net::UdpHeader) <= bytes.size()) {
    const size_t checksum_at = head.l4 + offsetof(net::UdpHeader, checksum);
    const core::ByteView udp = bytes.subspan(head.l4);
    set(checksum_at, {});
    const uint32_t pseudo =
        net::udp_pseudo_sum(head.source.address, head.destination.address, static_cast<uint16_t>(udp.size()));
    set(checksum_at, net::checksum_udp(udp, pseudo));
  }
  return frame;
}

}  // namespace viaduct::capture
