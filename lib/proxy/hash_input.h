// What is hashed: fields, each with its length in front, so that no two lists of fields read alike. The last one's
// follows from that of the whole, which SipHash counts in.
//
// All of it lies in one buffer. A field longer than `field_bytes_max` is put in as its own 128-bit digest: work stays
// linear, the buffer stays small, and telling two long fields apart is as hard as breaking the PRF. Five or six of
// these are made for every INVITE, of fields of 10 to 50 bytes; so they are copied in vectors, the last of which
// overlaps the one before it, and letter case is folded sixteen letters at a time. Each eight octets that are left out
// save two of SipHash's rounds: hence lengths of one octet, and IPv4 addresses of four.
#pragma once

#include <bit>
#include <cassert>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "net/address.h"
#include "proxy/digits.h"
#include "steer/hash_lanes.h"
#include "steer/keyed_hash.h"

namespace viaduct::proxy {

class HashInput {
 public:
  static constexpr size_t field_bytes_max = 128;
  static constexpr size_t fields_max = 12;
  static constexpr size_t bytes_max = 1 + fields_max * (1 + field_bytes_max) + 8;  // and eight for the padding

  // Writes into `room`, which has `bytes_max`.
  explicit HashInput(char* room) : begin_(room), end_(room) {}

  // Starts anew.
  HashInput& begin(const steer::HashKey& key) {
    key_ = &key;
    end_ = begin_;
    return *this;
  }
  // `domain` tells apart what is hashed under one key for different ends.
  HashInput& begin(const steer::HashKey& key, char domain) {
    begin(key);
    *end_++ = domain;
    return *this;
  }
  // A text that goes in as it is, and not as its digest.
  static bool takes_whole(std::string_view text) { return text.size() <= field_bytes_max; }

  HashInput& text(std::string_view field) { return put_field<false, true>(field); }
  // Equal for texts that differ only in letter case, as tokens and host names do.
  HashInput& folded(std::string_view field) { return put_field<true, true>(field); }
  // The same for the last field of all, which needs no length.
  HashInput& last_text(std::string_view field) { return put_field<false, false>(field); }
  HashInput& last_folded(std::string_view field) { return put_field<true, false>(field); }
  // And only in white space: for values whose folding is the sender's whim. Slower.
  HashInput& squeezed(std::string_view field) {
    end_ = squeeze(*key_, field, field_bytes_max, end_);
    return *this;
  }

  // Takes as many octets as its type has: a matter of the caller's list of fields, not of the value.
  template <std::unsigned_integral Number>
  HashInput& number(Number field) {
    static_assert(std::endian::native == std::endian::little, "numbers are hashed as they lie");
    std::memcpy(end_, &field, sizeof field);
    end_ += sizeof field;
    return *this;
  }
  // Its family, port and address; of the latter four octets if it is IPv4.
  HashInput& endpoint(const net::Endpoint& field) {
    const uint64_t port = uint64_t{field.port} << 8;
    if (field.address.is_v4()) {
      uint32_t address;
      std::memcpy(&address, field.address.v4_bytes(), sizeof address);
      const uint64_t all = 4 | port | uint64_t{address} << 24;
      std::memcpy(end_, &all, sizeof all);
      end_ += 7;
    } else {
      number(static_cast<uint32_t>(6 | port));
      store_octets(load_octets(field.address.bytes.data()), end_ - 1);
      end_ += sizeof field.address.bytes - 1;
    }
    return *this;
  }

  const steer::HashKey& key() const { return *key_; }
  const char* data() const { return begin_; }
  uint64_t hash64() const { return steer::siphash64(*key_, {begin_, size()}); }
  steer::Hash128 hash128() const { return steer::siphash128(*key_, {begin_, size()}); }
  // To be hashed side by side with others: pads it and returns its words.
  uint32_t pad() { return steer::pad_to_words(begin_, size()); }

 private:
  // What is seldom needed writes at `end` and returns the new one. Members that are called for it would want this
  // object in memory, and each field would wait for the end of the one before to come back from there.
  static char* long_text(const steer::HashKey& key, std::string_view field, char* end);
  // As its digest, if more than `most` octets are left.
  static char* squeeze(const steer::HashKey& key, std::string_view field, size_t most, char* end);
  template <bool fold, bool has_length>
  [[gnu::always_inline]] HashInput& put_field(std::string_view field) {
    if (field.size() > field_bytes_max) [[unlikely]] {
      end_ = fold ? squeeze(*key_, field, has_length ? field_bytes_max : 0, end_) : long_text(*key_, field, end_);
      return *this;
    }
    if constexpr (has_length) number(static_cast<uint8_t>(field.size()));
    put<fold>(field);
    return *this;
  }
  size_t size() const { return static_cast<size_t>(end_ - begin_); }

  // Letters A to Z become small, and nothing else changes.
  template <bool fold>
  static Octets folding(Octets octets) {
    if constexpr (!fold) return octets;
    const Octets is_upper =
        _mm_and_si128(_mm_cmpgt_epi8(octets, _mm_set1_epi8('A' - 1)), _mm_cmpgt_epi8(_mm_set1_epi8('Z' + 1), octets));
    return _mm_or_si128(octets, _mm_and_si128(is_upper, _mm_set1_epi8(0x20)));
  }
  template <bool fold>
  void put(std::string_view field) {
    const size_t size = field.size();
    const char* const from = field.data();
    if (size >= 16) {
      for (size_t at = 0; at + 16 < size; at += 16) store_octets(folding<fold>(load_octets(from + at)), end_ + at);
      store_octets(folding<fold>(load_octets(from + size - 16)), end_ + size - 16);
    } else if (size >= 8) {
      put_ends<uint64_t, fold>(from, size);
    } else if (size >= 4) {
      put_ends<uint32_t, fold>(from, size);
    } else {
      for (size_t i = 0; i < size; ++i) put_ends<uint8_t, fold>(from + i, 1, i);
    }
    end_ += size;
  }
  // The first word and the last, which may overlap.
  template <class Word, bool fold>
  void put_ends(const char* from, size_t size, size_t at = 0) {
    Word first, last;
    std::memcpy(&first, from, sizeof first);
    std::memcpy(&last, from + size - sizeof last, sizeof last);
    const Octets both = folding<fold>(octets_of(first, last));
    first = static_cast<Word>(_mm_cvtsi128_si64(both));
    last = static_cast<Word>(_mm_extract_epi64(both, 1));
    std::memcpy(end_ + at, &first, sizeof first);
    std::memcpy(end_ + at + size - sizeof last, &last, sizeof last);
  }

  const steer::HashKey* key_ = nullptr;
  char* const begin_;
  char* end_;
};

// One with a buffer of its own.
class LoneHashInput : public HashInput {
 public:
  LoneHashInput() : HashInput(room_) {}
  LoneHashInput(const steer::HashKey& key, char domain) : HashInput(room_) { begin(key, domain); }
  LoneHashInput(const LoneHashInput&) = delete;
  LoneHashInput& operator=(const LoneHashInput&) = delete;

 private:
  char room_[bytes_max];
};

// Equality in time that does not depend on where two texts differ (SEC-27).
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace viaduct::proxy
