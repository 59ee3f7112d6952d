// What is hashed: fields, each with its length in front, so that no two lists of fields read alike.
//
// All of it lies in one buffer on the stack. A field longer than `field_bytes_max` is put in as its own 128-bit digest:
// work stays linear, the buffer stays small, and telling two long fields apart is as hard as breaking the PRF. Five or
// six of these are made for every INVITE, of fields of 10 to 50 bytes; so they are copied in words, the last word
// overlapping the one before it, and letter case is folded eight letters at a time.
#pragma once

#include <array>
#include <bit>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "net/address.h"
#include "steer/hash_lanes.h"
#include "steer/keyed_hash.h"

namespace viaduct::proxy {

class HashInput {
 public:
  // `domain` tells apart what is hashed under one key for different ends.
  HashInput(const steer::HashKey& key, char domain) { begin(key, domain); }
  HashInput() = default;

  // Starts anew.
  HashInput& begin(const steer::HashKey& key, char domain) {
    key_ = &key;
    bytes_[0] = domain;
    size_ = 1;
    return *this;
  }
  // One text and nothing else, not even its length.
  void begin_raw(const steer::HashKey& key, std::string_view text) {
    assert(takes_whole(text));
    key_ = &key;
    size_ = 0;
    put<false>(text);
  }
  // A text that goes in as it is, and not as its digest.
  static bool takes_whole(std::string_view text) { return text.size() <= field_bytes_max; }

  HashInput& text(std::string_view field) {
    if (field.size() > field_bytes_max) return long_text(field);
    put_size(field.size());
    put<false>(field);
    return *this;
  }
  // Equal for texts that differ only in letter case, as tokens and host names do.
  HashInput& folded(std::string_view field) {
    if (field.size() > field_bytes_max) return squeezed(field);
    put_size(field.size());
    put<true>(field);
    return *this;
  }
  // And only in white space: for values whose folding is the sender's whim. Slower.
  HashInput& squeezed(std::string_view field);

  HashInput& number(uint64_t field) {
    static_assert(std::endian::native == std::endian::little, "numbers are hashed as they lie");
    put_raw(&field, sizeof field);
    return *this;
  }
  HashInput& endpoint(const net::Endpoint& field) {
    put_raw(field.address.bytes.data(), sizeof field.address.bytes);
    put_raw(&field.port, sizeof field.port);
    return *this;
  }

  uint64_t hash64() const { return steer::siphash64(*key_, {bytes_.data(), size_}); }
  steer::Hash128 hash128() const { return steer::siphash128(*key_, {bytes_.data(), size_}); }
  // To be hashed side by side with others.
  void lay_out(steer::HashLane& lane) {
    lane.key = *key_;
    lane.words = bytes_.data();
    lane.word_count = steer::pad_to_words(bytes_.data(), size_);
  }

 private:
  static constexpr size_t field_bytes_max = 128;
  static constexpr size_t fields_max = 12;

  HashInput& long_text(std::string_view field);

  // Letters A to Z of a word become small, and nothing else changes.
  static uint64_t lower(uint64_t word) {
    constexpr uint64_t each = 0x0101010101010101;
    const uint64_t low_bits = word & each * 0x7f;
    const uint64_t from_a = low_bits + each * (0x80 - 'A');
    const uint64_t beyond_z = low_bits + each * (0x7f - 'Z');
    const uint64_t is_upper = (from_a ^ beyond_z) & ~word & each * 0x80;
    return word | is_upper >> 2;
  }
  template <class Word, bool fold>
  void put_word(size_t offset, const char* from) {
    Word word;
    std::memcpy(&word, from, sizeof word);
    if (fold) word = static_cast<Word>(lower(word));
    std::memcpy(bytes_.data() + size_ + offset, &word, sizeof word);
  }
  template <bool fold>
  void put(std::string_view field) {
    const size_t size = field.size();
    assert(size <= bytes_.size() - size_);
    if (size >= 8) {
      for (size_t i = 0; i + 8 < size; i += 8) put_word<uint64_t, fold>(i, field.data() + i);
      put_word<uint64_t, fold>(size - 8, field.data() + size - 8);
    } else if (size >= 4) {
      put_word<uint32_t, fold>(0, field.data());
      put_word<uint32_t, fold>(size - 4, field.data() + size - 4);
    } else {
      for (size_t i = 0; i < size; ++i) put_word<uint8_t, fold>(i, field.data() + i);
    }
    size_ += size;
  }
  void put_raw(const void* bytes, size_t size) {
    assert(size <= bytes_.size() - size_);
    std::memcpy(bytes_.data() + size_, bytes, size);
    size_ += size;
  }
  void put_size(size_t size) {
    const auto two = static_cast<uint16_t>(size);
    put_raw(&two, sizeof two);
  }

  const steer::HashKey* key_ = nullptr;
  size_t size_ = 0;
  std::array<char, 1 + fields_max * (2 + field_bytes_max) + 8> bytes_;  // and eight for the padding
};

// Equality in time that does not depend on where two texts differ (SEC-27).
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace viaduct::proxy
