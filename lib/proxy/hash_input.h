// What is hashed: fields, each with its length in front, so that no two lists of fields read alike.
//
// All of it lies in one buffer on the stack. A field longer than `field_bytes_max` is put in as its own 128-bit digest:
// work stays linear, the buffer stays small, and telling two long fields apart is as hard as breaking the PRF.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "net/address.h"
#include "steer/keyed_hash.h"

namespace viaduct::proxy {

class HashInput {
 public:
  // `domain` tells apart what is hashed under one key for different ends.
  HashInput(const steer::HashKey& key, char domain) : key_(key) { put(&domain, 1); }

  HashInput& text(std::string_view field);
  // Equal for texts that differ only in letter case and white space, as tokens and host names do.
  HashInput& folded(std::string_view field);
  HashInput& number(uint64_t field);
  HashInput& endpoint(const net::Endpoint& field);

  uint64_t hash64() const { return steer::siphash64(key_, {bytes_.data(), size_}); }
  steer::Hash128 hash128() const { return steer::siphash128(key_, {bytes_.data(), size_}); }

 private:
  static constexpr size_t field_bytes_max = 128;
  static constexpr size_t fields_max = 12;

  void put(const void* bytes, size_t size);
  void put_size(size_t size);

  const steer::HashKey& key_;
  size_t size_ = 0;
  std::array<char, 1 + fields_max * (2 + field_bytes_max)> bytes_;
};

// Equality in time that does not depend on where two texts differ (SEC-27).
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace viaduct::proxy
