// Whose budget a message takes from.
#include <cstring>

#include "core/uint128.h"
#include "policy/ruleset.h"

namespace viaduct::policy {
namespace {

// Two numbers multiplied and folded: every bit of either moves half of the result. Senders choose what is hashed, but
// they know neither the seed nor what comes of it.
uint64_t fold(uint64_t a, uint64_t b) {
  const auto product = static_cast<core::uint128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

uint64_t word_at(const void* bytes, size_t size) {
  uint64_t word = 0;
  std::memcpy(&word, bytes, size);
  return word;
}

uint64_t hash_text(std::string_view text, const std::array<uint64_t, 2>& seed) {
  uint64_t hash = seed[0] ^ text.size();
  for (; text.size() > 8; text.remove_prefix(8)) hash = fold(hash ^ word_at(text.data(), 8), seed[1]) + seed[0];
  return fold(hash ^ word_at(text.data(), text.size()), seed[1]);
}

// The network of an address; of IPv4 by the limit's one length, of IPv6 by the other.
net::IpAddress network_of(const net::IpAddress& address, const config::Limit& limit) {
  const unsigned kept = address.is_v4() ? 96u + limit.prefix_v4 : limit.prefix_v6;
  net::IpAddress network = address;
  for (size_t i = 0; i < 16; ++i) {
    const unsigned bits = kept > 8 * i ? kept - static_cast<unsigned>(8 * i) : 0;
    if (bits < 8) network.bytes[i] &= static_cast<uint8_t>(0xff00u >> bits);
  }
  return network;
}

std::string_view user_of(const sip::Message& message) {
  const sip::Row* const row = message.row_of(sip::Header::from);
  sip::Slice text, params;
  sip::Uri uri;
  if (row == nullptr || !sip::parse_name_addr(message.bytes, row->value, text, params)) return {};
  if (!sip::parse_uri(message.bytes, text, uri)) return {};
  return message.text(uri.user);
}

}  // namespace

// `room` holds the key's label where it has to be written.
LimitKey Ruleset::key_of(const Limit& limit, const Question& question, uint16_t pool, std::span<char> room) const {
  switch (limit.config.by) {
    case config::LimitBy::source:
    case config::LimitBy::prefix: {
      const net::IpAddress network = network_of(question.source.address, limit.config);
      const uint64_t high = word_at(network.bytes.data(), 8), low = word_at(network.bytes.data() + 8, 8);
      const uint64_t hash = fold(fold(high ^ seed_[0], low ^ seed_[1]) ^ seed_[1], seed_[0]);
      // Sixteen octets, which whoever reads the table writes as an address: most keys are never read.
      std::memcpy(room.data(), network.bytes.data(), network.bytes.size());
      return {hash, {room.data(), network.bytes.size()}};
    }
    case config::LimitBy::from_user: {
      const std::string_view user = user_of(*question.message);
      return {hash_text(user, seed_), user};
    }
    case config::LimitBy::pool:
      if (pool >= pools_.size()) return {1, "none"};
      return {fold(pool ^ seed_[0], seed_[1]), pools_[pool]};
    case config::LimitBy::global: break;
  }
  return {fold(seed_[0], seed_[1]), "all"};
}

}  // namespace viaduct::policy
