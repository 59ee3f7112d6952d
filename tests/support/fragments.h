// Frames cut into fragments and put together again, from the RFCs and without the product's own code.
#pragma once

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/packet_builder.h"

namespace viaduct::test {

// Where the IP header of a frame begins.
inline size_t ip_at(const Bytes& frame) {
  size_t at = 12;
  while (get16(frame, at) == 0x8100 || get16(frame, at) == 0x88a8) at += 4;
  return at + 2;
}
inline bool is_v6(const Bytes& frame) { return get16(frame, ip_at(frame) - 2) == 0x86dd; }

// One fragment of the datagram that `frame` holds: payload [begin, end) of IP, as far as there is any (RFC 791 section
// 3.2, RFC 8200 section 4.5).
inline Bytes fragment_of(const Bytes& frame, size_t begin, size_t end, bool more, uint32_t identification) {
  const size_t ip = ip_at(frame);
  const bool v6 = is_v6(frame);
  const size_t payload = ip + (v6 ? 40 : 20);
  end = std::min(end, frame.size() - payload);
  Bytes result(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(payload));
  if (v6) {
    const uint8_t next = result.at(ip + 6);
    result.at(ip + 6) = 44;
    put16(result, ip + 4, 8 + end - begin);
    result.insert(result.end(), {next, 0, 0, 0, 0, 0, 0, 0});
    put16(result, payload + 2, begin | (more ? 1 : 0));
    put16(result, payload + 4, identification >> 16);
    put16(result, payload + 6, identification & 0xffff);
  } else {
    put16(result, ip + 2, 20 + end - begin);
    put16(result, ip + 4, identification);
    put16(result, ip + 6, begin / 8 | (more ? 0x2000 : 0));
    put16(result, ip + 10, 0);
    put16(result, ip + 10, static_cast<uint16_t>(~plain_sum(result, ip, payload)));
  }
  const auto at = [&](size_t offset) { return frame.begin() + static_cast<std::ptrdiff_t>(payload + offset); };
  result.insert(result.end(), at(begin), at(end));
  return result;
}

// All fragments of it, in order; each but the last with `step` bytes, a multiple of 8.
inline std::vector<Bytes> fragments_of(const Bytes& frame, size_t step, uint32_t identification) {
  const size_t size = frame.size() - ip_at(frame) - (is_v6(frame) ? 40 : 20);
  std::vector<Bytes> fragments;
  for (size_t begin = 0; begin < size; begin += step) {
    const size_t end = std::min(size, begin + step);
    fragments.push_back(fragment_of(frame, begin, end, end != size, identification));
  }
  return fragments;
}

// What a receiver makes of frames: those that are whole as they are, fragments put together where all are here. Counts
// fragments. Throws where fragments overlap or contradict each other.
struct Receiver {
  struct Parts {
    Bytes first;  // up to the payload
    std::map<size_t, Bytes> by_offset;
    size_t total = 0;
  };
  std::map<std::string, Parts> waiting;
  std::vector<Bytes> whole;
  size_t fragments = 0;
  size_t longest_packet = 0;  // in bytes of IP

  void take(const Bytes& frame) {
    const size_t ip = ip_at(frame);
    const bool v6 = is_v6(frame);
    longest_packet = std::max(longest_packet, frame.size() - ip);
    size_t payload = ip + (v6 ? 40 : 20), offset = 0;
    bool more = false;
    std::string key(frame.begin() + static_cast<std::ptrdiff_t>(ip + (v6 ? 8 : 12)),
                    frame.begin() + static_cast<std::ptrdiff_t>(payload));
    Bytes header(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(payload));
    if (v6) {
      if (frame.at(ip + 6) != 44) return whole.push_back(frame);
      header.at(ip + 6) = frame.at(payload);
      offset = get16(frame, payload + 2) & 0xfff8;
      more = get16(frame, payload + 2) & 1;
      key.append(frame.begin() + static_cast<std::ptrdiff_t>(payload + 4),
                 frame.begin() + static_cast<std::ptrdiff_t>(payload + 8));
      payload += 8;
    } else {
      const size_t field = get16(frame, ip + 6);
      if ((field & 0x3fff) == 0) return whole.push_back(frame);
      if (plain_sum(frame, ip, payload) != 0xffff) throw std::runtime_error("IPv4 checksum");
      offset = (field & 0x1fff) * 8;
      more = field & 0x2000;
      key.append(frame.begin() + static_cast<std::ptrdiff_t>(ip + 4),
                 frame.begin() + static_cast<std::ptrdiff_t>(ip + 6));
    }
    ++fragments;
    Parts& parts = waiting[key];
    Bytes part(frame.begin() + static_cast<std::ptrdiff_t>(payload), frame.end());
    if (!more) parts.total = offset + part.size();
    if (offset == 0) parts.first = std::move(header);
    if (!parts.by_offset.emplace(offset, std::move(part)).second) throw std::runtime_error("a fragment twice");
    finish(key, v6);
  }

 private:
  void finish(const std::string& key, bool v6) {
    Parts& parts = waiting[key];
    if (parts.total == 0 || parts.first.empty()) return;
    Bytes frame = parts.first;
    size_t here = 0;
    for (const auto& [offset, part] : parts.by_offset) {
      if (offset > here) return;
      if (offset < here) throw std::runtime_error("overlap");
      frame.insert(frame.end(), part.begin(), part.end());
      here += part.size();
    }
    if (here != parts.total) return;
    const size_t ip = ip_at(frame);
    if (v6) {
      put16(frame, ip + 4, here);
    } else {
      put16(frame, ip + 2, 20 + here);
      put16(frame, ip + 6, 0);
      put16(frame, ip + 10, 0);
      put16(frame, ip + 10, static_cast<uint16_t>(~plain_sum(frame, ip, ip + 20)));
    }
    whole.push_back(std::move(frame));
    waiting.erase(key);
  }
};

}  // namespace viaduct::test
