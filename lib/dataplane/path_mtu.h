// What is known of ways that take smaller packets than the port that leads to them (RFC 1191, RFC 8201).
//
// Written by whichever worker hears the ICMP error, read by all: a slot is one word, so that no reader ever sees half
// of an entry and nobody waits. A word holds a tag of the address, not the address: at worst, by a chance of some
// 2^-28, another destination is sent smaller fragments than it needs. While nothing is known, which is nearly always, a
// lookup is one load of a line that nobody writes.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "core/clock.h"
#include "net/address.h"
#include "steer/keyed_hash.h"

namespace viaduct::dataplane {

class PathMtus {
 public:
  // RFC 791: what every IPv4 host takes; a smaller claim is an attack on us. RFC 8200 section 5: the least for IPv6.
  static constexpr uint16_t floor_v4 = 576, floor_v6 = 1280;
  static constexpr std::chrono::minutes lifetime{10};  // RFC 1191 section 6.3
  static constexpr size_t slots = 1024;

  explicit PathMtus(const steer::HashKey& key) : key_(key) {}

  // The way to `destination` takes packets of up to `mtu` bytes. False: that is not less than was known, or not to be
  // believed. Thread: any.
  bool lower(const net::IpAddress& destination, uint32_t mtu, core::Instant now);

  // Of the way to `destination`, by a port with this MTU. Thread: any.
  uint16_t toward(const net::IpAddress& destination, uint16_t port_mtu) const {
    if (known_.load(std::memory_order_relaxed) == 0) [[likely]]
      return port_mtu;
    return look_up(destination, port_mtu);
  }

  // Forgets what is older than `lifetime`: perhaps the way is wider again. Thread: control.
  void expire(core::Instant now);
  size_t known() const { return known_.load(std::memory_order_relaxed); }

 private:
  static constexpr size_t probes = 8;  // slots looked at for one address

  // | tag 32 | mtu 16 | time 16 |; 0: free. Times count seconds and wrap, which is well for ages below nine hours.
  using Word = uint64_t;
  static uint16_t seconds_of(core::Instant now) {
    return static_cast<uint16_t>(std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
  }
  static uint32_t tag_of(Word word) { return static_cast<uint32_t>(word >> 32); }
  static uint16_t mtu_of(Word word) { return static_cast<uint16_t>(word >> 16); }
  static uint16_t age_of(Word word, uint16_t now) { return static_cast<uint16_t>(now - static_cast<uint16_t>(word)); }

  uint64_t hash_of(const net::IpAddress& address) const;
  uint16_t look_up(const net::IpAddress& destination, uint16_t port_mtu) const;

  const steer::HashKey key_;
  std::atomic<uint32_t> known_{0};
  std::array<std::atomic<Word>, slots> words_{};
};

}  // namespace viaduct::dataplane
