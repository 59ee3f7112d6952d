// SipHash-2-4, written for inputs of 10 to 100 bytes that lie anywhere in a packet.
//
// The input is read in unaligned eight-byte words; the last one to seven bytes are gathered with loads that stay
// inside the input (overlapping halves for 4..7 bytes), because the bytes behind a Call-ID may be the end of a
// buffer. Words are little-endian by definition of the function, and of every machine DPDK's x86 drivers run on.
#include "steer/keyed_hash.h"

#include <bit>
#include <cstddef>
#include <cstring>

namespace viaduct::steer {
namespace {

static_assert(std::endian::native == std::endian::little, "words are loaded as they lie");

struct State {
  uint64_t v0, v1, v2, v3;

  // The key over the ASCII of "somepseudorandomlygeneratedbytes" (paper, section 2.1).
  explicit State(const HashKey& key)
      : v0(key.k0 ^ 0x736f6d6570736575ull),
        v1(key.k1 ^ 0x646f72616e646f6dull),
        v2(key.k0 ^ 0x6c7967656e657261ull),
        v3(key.k1 ^ 0x7465646279746573ull) {}

  void round() {
    v0 += v1;
    v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32);
    v2 += v1;
    v0 += v3;
    v1 = std::rotl(v1, 17) ^ v2;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  }

  void absorb(uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }

  uint64_t squeeze() {
    round();
    round();
    round();
    round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

template <class Word>
uint64_t load(const char* at) {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// The last `count` (0..7) bytes as a little-endian number, without touching a byte beside them.
uint64_t load_tail(const char* at, size_t count) {
  if (count >= 4) return load<uint32_t>(at) | load<uint32_t>(at + count - 4) << (8 * (count - 4));
  if (count == 0) return 0;
  // One to three: first, middle and last byte, which coincide where there are fewer than three.
  return load<uint8_t>(at) | load<uint8_t>(at + count / 2) << (8 * (count / 2)) |
         load<uint8_t>(at + count - 1) << (8 * (count - 1));
}

// Absorbs `input` and the last word, which carries the length of everything absorbed since the start.
void absorb_all(State& state, std::string_view input, size_t absorbed_before = 0) {
  const char* at = input.data();
  const char* const words_end = at + (input.size() & ~size_t{7});
  for (; at != words_end; at += 8) state.absorb(load<uint64_t>(at));
  state.absorb(load_tail(at, input.size() & 7) | uint64_t{absorbed_before + input.size()} << 56);
}

// The reference code's 128-bit variant: another start, another first constant, and a second squeeze.
void start128(State& state) { state.v1 ^= 0xee; }

Hash128 finish128(State& state) {
  Hash128 hash;
  state.v2 ^= 0xee;
  hash.low = state.squeeze();
  state.v1 ^= 0xdd;
  hash.high = state.squeeze();
  return hash;
}

}  // namespace

uint64_t siphash64(const HashKey& key, std::string_view input) {
  State state(key);
  absorb_all(state, input);
  state.v2 ^= 0xff;
  return state.squeeze();
}

Hash128 siphash128(const HashKey& key, std::string_view input) {
  State state(key);
  start128(state);
  absorb_all(state, input);
  return finish128(state);
}

// siphash128 keyed with the first half of the secret, over the second half and the purpose, so that all 32 bytes count.
HashKey derive_key(const Secret& secret, std::string_view purpose) {
  const char* const bytes = reinterpret_cast<const char*>(secret.data());
  State state({load<uint64_t>(bytes), load<uint64_t>(bytes + 8)});
  start128(state);
  state.absorb(load<uint64_t>(bytes + 16));
  state.absorb(load<uint64_t>(bytes + 24));
  absorb_all(state, purpose, 16);
  const Hash128 hash = finish128(state);
  return {hash.low, hash.high};
}

}  // namespace viaduct::steer
