// Whose budget a message takes from.
#include <algorithm>
#include <cstring>

#include "core/fold.h"
#include "policy/ruleset.h"
#include "sip/escape.h"

namespace viaduct::policy {
namespace {

using core::fold;

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
  return net::Prefix{address, address.is_v4() ? limit.prefix_v4 : limit.prefix_v6}.network().address;
}

// A text of at most as many octets as `room` has; what does not fit is left out.
class Written {
 public:
  explicit Written(std::span<char> room) : room_(room) {}
  void put(char c) {
    if (size_ < room_.size()) room_[size_++] = c;
  }
  std::string_view text() const { return {room_.data(), size_}; }

 private:
  std::span<char> room_;
  size_t size_ = 0;
};

// The user as whoever authenticates him sees him: unescaped (RFC 3261 section 19.1.4), without a password, which is
// not part of who he is.
std::string_view unescaped(std::string_view user, Written written) {
  sip::unescape(user.substr(0, user.find(':')), [&](char c) { written.put(c); });
  return written.text();
}

// The number of a tel: URI without visual separators (RFC 3966 section 3).
std::string_view number_in(std::string_view uri, Written written) {
  uri.remove_prefix(std::min(uri.find(':') + 1, uri.size()));
  for (const char c : uri.substr(0, uri.find(';'))) {
    if (c != '-' && c != '.' && c != '(' && c != ')') written.put(c);
  }
  return written.text();
}

// Who calls, by From. Of what is no such URI the text, lest strangers share a budget.
std::string_view caller_of(const sip::Message& message, std::span<char> room) {
  const sip::Row* const row = message.row_of(sip::Header::from);
  if (row == nullptr) return {};
  sip::Slice text, params;
  if (!sip::parse_name_addr(message.bytes, row->value, text, params)) return message.text(row->value);
  sip::Uri uri;
  const bool is_read = sip::parse_uri(message.bytes, text, uri);
  if (is_read && uri.scheme == sip::Scheme::tel) return number_in(message.text(text), Written(room));
  if (is_read && !uri.user.empty()) return unescaped(message.text(uri.user), Written(room));
  return message.text(text);
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
      const std::string_view caller = caller_of(*question.message, room);
      return {hash_text(caller, seed_), caller};
    }
    case config::LimitBy::pool:
      if (pool >= pools_.size()) return {1, "none"};
      return {fold(pool ^ seed_[0], seed_[1]), pools_[pool]};
    case config::LimitBy::global: break;
  }
  return {fold(seed_[0], seed_[1]), "all"};
}

}  // namespace viaduct::policy
