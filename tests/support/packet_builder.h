// Packets written the way tcpdump prints them:
//
//   packet().ethernet(client_mac, edge_mac).vlan(100).ipv4("198.51.100.7", "192.0.2.10").udp(5060,
//   5060).payload(text).frame()
//
// and a reader that takes a frame apart again. Both are written from the RFCs without the product's own code (its
// addresses excepted), so that they can judge it: checksums here are the plain loop of RFC 1071 section 4.1.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "net/address.h"

namespace viaduct::test {

using Bytes = std::vector<uint8_t>;

inline net::IpAddress ip(std::string_view text) {
  const auto address = net::parse_ip(text);
  if (!address) throw std::invalid_argument("not an address: " + std::string(text));
  return *address;
}
inline net::Endpoint endpoint(std::string_view text) {
  const auto parsed = net::parse_endpoint(text, 5060);
  if (!parsed) throw std::invalid_argument("not an endpoint: " + std::string(text));
  return *parsed;
}
inline net::Mac mac(std::string_view text) {
  const auto parsed = net::parse_mac(text);
  if (!parsed) throw std::invalid_argument("not a MAC: " + std::string(text));
  return *parsed;
}

inline void put16(Bytes& bytes, size_t at, size_t value) {
  bytes.at(at) = static_cast<uint8_t>(value >> 8);
  bytes.at(at + 1) = static_cast<uint8_t>(value);
}
inline size_t get16(const Bytes& bytes, size_t at) { return size_t{bytes.at(at)} << 8 | bytes.at(at + 1); }

// The sum of RFC 1071, folded but not inverted. Bytes at an odd place count as lower halves.
inline uint32_t plain_sum(const Bytes& bytes, size_t begin, size_t end, uint32_t sum = 0) {
  for (size_t i = begin; i < end; ++i) {
    sum += (i - begin) % 2 == 0 ? uint32_t{bytes.at(i)} << 8 : bytes.at(i);
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return sum;
}

// RFC 768, RFC 8200 section 8.1: addresses, protocol and UDP length, as the pseudo-header has them.
inline uint32_t pseudo_sum(const Bytes& frame, size_t ip_at, bool v6, size_t udp_length) {
  uint32_t sum = v6 ? plain_sum(frame, ip_at + 8, ip_at + 40) : plain_sum(frame, ip_at + 12, ip_at + 20);
  sum += 17 + static_cast<uint32_t>(udp_length);
  return (sum & 0xffff) + (sum >> 16);
}

class PacketBuilder {
 public:
  PacketBuilder& ethernet(const net::Mac& from, const net::Mac& to) {
    source_mac_ = from, destination_mac_ = to;
    return *this;
  }
  PacketBuilder& vlan(uint16_t control, uint16_t type = 0x8100) {
    tags_.push_back({type, control});
    return *this;
  }
  PacketBuilder& ethertype(uint16_t type) {
    ethertype_ = type;
    return *this;
  }
  // Both addresses of one family, which is the packet's.
  PacketBuilder& ip(std::string_view from, std::string_view to) {
    source_ = test::ip(from), destination_ = test::ip(to);
    return *this;
  }
  PacketBuilder& udp(uint16_t from, uint16_t to) {
    source_port_ = from, destination_port_ = to;
    return *this;
  }
  PacketBuilder& between(std::string_view from, std::string_view to) {
    const net::Endpoint source = endpoint(from), destination = endpoint(to);
    source_ = source.address, destination_ = destination.address;
    return udp(source.port, destination.port);
  }
  PacketBuilder& payload(std::string_view text) {
    payload_.assign(text.begin(), text.end());
    return *this;
  }
  PacketBuilder& traffic_class(uint8_t value) {
    traffic_class_ = value;
    return *this;
  }
  PacketBuilder& ipv4_options(Bytes options) {  // a multiple of 4 bytes
    ipv4_options_ = std::move(options);
    return *this;
  }
  PacketBuilder& fragment(uint16_t flags_offset) {  // the field of IPv4 as it stands
    flags_offset_ = flags_offset;
    return *this;
  }
  PacketBuilder& protocol(uint8_t number) {
    protocol_ = number;
    return *this;
  }
  PacketBuilder& extension(uint8_t number, Bytes bytes) {  // its first byte is overwritten by the next header
    extensions_.push_back({number, std::move(bytes)});
    return *this;
  }
  PacketBuilder& no_udp_checksum() {
    udp_checksum_ = false;
    return *this;
  }
  PacketBuilder& padding(size_t bytes) {
    padding_ = bytes;
    return *this;
  }

  Bytes frame() const {
    Bytes frame;
    append(frame, destination_mac_.bytes.data(), 6);
    append(frame, source_mac_.bytes.data(), 6);
    for (const Tag& tag : tags_) append16(frame, tag.type), append16(frame, tag.control);
    const bool v6 = !source_.is_v4();
    append16(frame, ethertype_ != 0 ? ethertype_ : v6 ? 0x86dd : 0x0800);
    const size_t ip_at = frame.size();
    v6 ? append_ipv6(frame) : append_ipv4(frame);
    const size_t udp_at = frame.size();
    append16(frame, source_port_), append16(frame, destination_port_);
    append16(frame, 8 + payload_.size()), append16(frame, 0);
    append(frame, payload_.data(), payload_.size());
    if (udp_checksum_) {
      const size_t length = frame.size() - udp_at;
      const auto sum =
          static_cast<uint16_t>(~plain_sum(frame, udp_at, frame.size(), pseudo_sum(frame, ip_at, v6, length)));
      put16(frame, udp_at + 6, sum == 0 ? 0xffff : sum);
    }
    frame.insert(frame.end(), padding_, 0xee);
    return frame;
  }

 private:
  struct Tag {
    uint16_t type, control;
  };
  struct Extension {
    uint8_t number;
    Bytes bytes;
  };

  static void append(Bytes& frame, const uint8_t* bytes, size_t count) {
    frame.insert(frame.end(), bytes, bytes + count);
  }
  static void append16(Bytes& frame, size_t value) {
    frame.push_back(static_cast<uint8_t>(value >> 8)), frame.push_back(static_cast<uint8_t>(value));
  }
  void append_ipv4(Bytes& frame) const {
    const size_t at = frame.size(), header = 20 + ipv4_options_.size();
    frame.push_back(static_cast<uint8_t>(0x40 | header / 4)), frame.push_back(traffic_class_);
    append16(frame, header + 8 + payload_.size()), append16(frame, 0x1234), append16(frame, flags_offset_);
    frame.push_back(57), frame.push_back(protocol_), append16(frame, 0);
    append(frame, source_.v4_bytes(), 4), append(frame, destination_.v4_bytes(), 4);
    append(frame, ipv4_options_.data(), ipv4_options_.size());
    put16(frame, at + 10, static_cast<uint16_t>(~plain_sum(frame, at, at + header)));
  }
  void append_ipv6(Bytes& frame) const {
    size_t length = 8 + payload_.size();
    for (const Extension& extension : extensions_) length += extension.bytes.size();
    frame.push_back(static_cast<uint8_t>(0x60 | traffic_class_ >> 4));
    frame.push_back(static_cast<uint8_t>(traffic_class_ << 4)), append16(frame, 0);
    append16(frame, length);
    frame.push_back(extensions_.empty() ? protocol_ : extensions_[0].number), frame.push_back(57);
    append(frame, source_.bytes.data(), 16), append(frame, destination_.bytes.data(), 16);
    for (size_t i = 0; i < extensions_.size(); ++i) {
      Bytes bytes = extensions_[i].bytes;
      bytes.at(0) = i + 1 < extensions_.size() ? extensions_[i + 1].number : protocol_;
      append(frame, bytes.data(), bytes.size());
    }
  }

  net::Mac source_mac_{{2, 0, 0, 0, 0, 1}}, destination_mac_{{2, 0, 0, 0, 0, 2}};
  std::vector<Tag> tags_;
  uint16_t ethertype_ = 0;
  net::IpAddress source_ = net::IpAddress::v4(198, 51, 100, 7), destination_ = net::IpAddress::v4(192, 0, 2, 10);
  uint16_t source_port_ = 5060, destination_port_ = 5060;
  uint8_t traffic_class_ = 0;
  Bytes ipv4_options_;
  uint16_t flags_offset_ = 0;
  uint8_t protocol_ = 17;
  std::vector<Extension> extensions_;
  Bytes payload_;
  bool udp_checksum_ = true;
  size_t padding_ = 0;
};

inline PacketBuilder packet() { return {}; }

// A frame read back, for comparing.
struct Datagram {
  net::Mac source_mac, destination_mac;
  std::vector<uint16_t> tags;  // type, control, type, control
  bool v6 = false;
  uint8_t traffic_class = 0;
  uint8_t time_to_live = 0;
  uint16_t identification = 0;
  uint16_t flags_offset = 0;
  net::Endpoint source, destination;
  std::string payload;
  bool lengths_right = false;  // IP and UDP lengths both say what the frame holds
  bool ip_checksum_right = false;
  bool udp_checksum_right = false;  // present and right
};

// Throws std::out_of_range where the frame is too short.
inline Datagram read_back(const Bytes& frame) {
  Datagram result;
  for (size_t i = 0; i < 6; ++i)
    result.destination_mac.bytes[i] = frame.at(i), result.source_mac.bytes[i] = frame.at(6 + i);
  size_t at = 12;
  while (get16(frame, at) == 0x8100 || get16(frame, at) == 0x88a8) {
    result.tags.push_back(static_cast<uint16_t>(get16(frame, at)));
    result.tags.push_back(static_cast<uint16_t>(get16(frame, at + 2)));
    at += 4;
  }
  const size_t type = get16(frame, at), ip_at = at + 2;
  if (type != 0x0800 && type != 0x86dd) throw std::out_of_range("EtherType " + std::to_string(type));
  result.v6 = type == 0x86dd;
  const size_t udp_at = ip_at + (result.v6 ? 40 : 20);
  const size_t udp_length = get16(frame, udp_at + 4);
  if (result.v6) {
    result.traffic_class = static_cast<uint8_t>(frame.at(ip_at) << 4 | frame.at(ip_at + 1) >> 4);
    result.time_to_live = frame.at(ip_at + 7);
    result.source.address = net::IpAddress::v6(&frame.at(ip_at + 8));
    result.destination.address = net::IpAddress::v6(&frame.at(ip_at + 24));
    result.lengths_right =
        get16(frame, ip_at + 4) == udp_length && frame.at(ip_at + 6) == 17 && frame.at(ip_at) >> 4 == 6;
    result.ip_checksum_right = true;
  } else {
    result.traffic_class = frame.at(ip_at + 1);
    result.time_to_live = frame.at(ip_at + 8);
    result.identification = static_cast<uint16_t>(get16(frame, ip_at + 4));
    result.flags_offset = static_cast<uint16_t>(get16(frame, ip_at + 6));
    result.source.address = net::IpAddress::v4(&frame.at(ip_at + 12));
    result.destination.address = net::IpAddress::v4(&frame.at(ip_at + 16));
    result.lengths_right =
        get16(frame, ip_at + 2) == 20 + udp_length && frame.at(ip_at + 9) == 17 && frame.at(ip_at) == 0x45;
    result.ip_checksum_right = plain_sum(frame, ip_at, udp_at) == 0xffff;
  }
  result.lengths_right = result.lengths_right && frame.size() == udp_at + udp_length;
  result.source.port = static_cast<uint16_t>(get16(frame, udp_at));
  result.destination.port = static_cast<uint16_t>(get16(frame, udp_at + 2));
  result.udp_checksum_right =
      get16(frame, udp_at + 6) != 0 &&
      plain_sum(frame, udp_at, frame.size(), pseudo_sum(frame, ip_at, result.v6, udp_length)) == 0xffff;
  result.payload.assign(frame.begin() + static_cast<std::ptrdiff_t>(udp_at) + 8, frame.end());
  return result;
}

}  // namespace viaduct::test
