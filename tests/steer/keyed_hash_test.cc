#include "steer/keyed_hash.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdio>
#include <random>
#include <set>
#include <sstream>
#include <string>

#include "oracle/oracle.h"
#include "steer/siphash_vectors.h"
#include "support/guarded_buffer.h"

namespace viaduct::steer {
namespace {

constexpr HashKey published_key{0x0706050403020100, 0x0f0e0d0c0b0a0908};

std::string counting_bytes(size_t count) {
  std::string bytes(count, '\0');
  for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<char>(i);
  return bytes;
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (char c : bytes) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    text += two;
  }
  return text;
}

std::string key_bytes(const HashKey& key) { return {reinterpret_cast<const char*>(&key), sizeof key}; }

TEST(SipHash, GivesTheAuthorsPublishedVectors) {
  SCOPED_TRACE("TGT-05");
  for (size_t length = 0; length < 64; ++length) {
    const std::string input = counting_bytes(length);
    const SipHashVector& expected = siphash_vectors[length];
    EXPECT_EQ(siphash64(published_key, input), expected.sip64) << length;
    EXPECT_EQ(siphash128(published_key, input), (Hash128{expected.sip128_low, expected.sip128_high})) << length;
  }
  // The paper's appendix A works this one through by hand.
  EXPECT_EQ(siphash64(published_key, counting_bytes(15)), 0xa129ca6149be45e5u);
}

TEST(SipHash, ReadsNothingBesideTheInputAndMindsNoAlignment) {
  for (size_t length = 0; length < 64; ++length) {
    const std::string input = counting_bytes(length);
    const test::GuardedBuffer guarded(input);
    EXPECT_EQ(siphash64(published_key, guarded.bytes()), siphash_vectors[length].sip64);
    // And among noise, at every alignment: neighbours must not count.
    for (size_t offset = 0; offset < 8; ++offset) {
      std::string noisy(offset, '\xa5');
      noisy += input;
      noisy += std::string(16, '\x5a');
      EXPECT_EQ(siphash64(published_key, std::string_view(noisy).substr(offset, length)),
                siphash_vectors[length].sip64);
    }
  }
}

TEST(SipHash, AgreesWithAnIndependentImplementationOnRandomKeysAndInputs) {
  if (!oracle::have_python()) GTEST_SKIP() << "no python3 here, and the oracle is a Python script";
  std::mt19937_64 random(7);
  std::string questions;
  std::string expected;
  for (int round = 0; round < 400; ++round) {
    const HashKey key{random(), random()};
    std::string input(random() % 320, '\0');  // beyond 255, where the length byte wraps
    for (char& c : input) c = static_cast<char>(random());
    questions += hex(key_bytes(key)) + ' ' + (input.empty() ? "-" : hex(input)) + '\n';
    const Hash128 wide = siphash128(key, input);
    char line[64];
    std::snprintf(line, sizeof line, "%016lx %016lx %016lx\n", siphash64(key, input), wide.low, wide.high);
    expected += line;
  }
  EXPECT_EQ(oracle::run("siphash.py", "", questions), expected);
}

TEST(SipHash, ChangesHalfOfItsBitsWhenOneBitOfTheKeyOrTheInputChanges) {
  SCOPED_TRACE("TGT-05");
  const std::string call_id = "a84b4c76e66710@pc33.atlanta.example.com";
  const uint64_t base = siphash64(published_key, call_id);
  int changed = 0;
  int trials = 0;
  for (size_t bit = 0; bit < call_id.size() * 8; ++bit, ++trials) {
    std::string other = call_id;
    other[bit / 8] = static_cast<char>(other[bit / 8] ^ (1 << bit % 8));
    changed += std::popcount(base ^ siphash64(published_key, other));
  }
  for (int bit = 0; bit < 64; ++bit, trials += 2) {
    changed += std::popcount(base ^ siphash64({published_key.k0 ^ 1ull << bit, published_key.k1}, call_id));
    changed += std::popcount(base ^ siphash64({published_key.k0, published_key.k1 ^ 1ull << bit}, call_id));
  }
  EXPECT_NEAR(static_cast<double>(changed) / trials, 32.0, 1.0);
}

TEST(DeriveKey, IsTheWideHashOfTheSecretsSecondHalfAndThePurpose) {
  Secret secret;
  for (size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<uint8_t>(i);
  for (std::string_view purpose : {"", "branch", "via-mac", "selection", "a purpose longer than sixteen bytes"}) {
    std::string input = counting_bytes(32).substr(16);
    input += purpose;
    const Hash128 hash = siphash128(published_key, input);
    EXPECT_EQ(derive_key(secret, purpose), (HashKey{hash.low, hash.high})) << purpose;
  }
}

TEST(DeriveKey, SeparatesPurposesAndUsesEveryByteOfTheSecret) {
  SCOPED_TRACE("SEC-27");
  Secret secret{};
  std::set<std::pair<uint64_t, uint64_t>> seen;
  const auto remember = [&](const HashKey& key) { return seen.insert({key.k0, key.k1}).second; };
  for (std::string_view purpose : {"", "branch", "branches", "via-mac", "selection", "to-tag"}) {
    EXPECT_TRUE(remember(derive_key(secret, purpose))) << purpose;
  }
  EXPECT_TRUE(remember(derive_key(secret, std::string_view("branch\0", 7))));
  for (size_t i = 0; i < secret.size(); ++i) {
    secret[i] ^= 0x80;
    EXPECT_TRUE(remember(derive_key(secret, "branch"))) << i;
    secret[i] ^= 0x80;
  }
}

}  // namespace
}  // namespace viaduct::steer
