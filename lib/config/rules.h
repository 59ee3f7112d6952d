// [[rule]], [[list]], [[limit]] and [access]: what a hostile network meets.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/place.h"
#include "net/address.h"
#include "sip/deviation.h"

namespace viaduct::config {

// A named set of prefixes, written here or read from a file.
struct PrefixList {
  std::string name;
  std::vector<net::Prefix> prefixes;
  Place place;
};

// Addresses: the union of lists, by name, and of prefixes.
struct Sources {
  std::vector<std::string> lists;
  std::vector<net::Prefix> prefixes;
  std::vector<Place> places;  // of `lists`, one each

  bool empty() const { return lists.empty() && prefixes.empty(); }
  bool operator==(const Sources& other) const { return lists == other.lists && prefixes == other.prefixes; }
};

// A pattern over one field: "request-uri", "headers" (with the start line), or a header's name in lower case.
struct RulePattern {
  std::string field;
  std::string text;
  Place place;

  bool operator==(const RulePattern& other) const { return field == other.field && text == other.text; }
};

enum class RuleAction : uint8_t { accept, pool, reply, drop, limit, tag, log };

struct Rule {
  std::string name;
  std::vector<std::string> listeners;  // empty: every outside listener
  std::vector<Place> listener_places;  // one each
  Sources sources;                     // empty: everybody
  std::vector<std::string> methods;    // empty: all
  std::vector<RulePattern> patterns;   // all must match; of several for one field, one
  std::vector<std::string> present;    // headers, lower case
  std::vector<std::string> absent;
  uint32_t size_min = 0;  // of the message, in octets
  uint32_t size_max = UINT32_MAX;
  std::optional<bool> in_dialog;           // whether To has a tag
  std::vector<sip::Deviation> deviations;  // one of them at least; empty: whatever it has
  RuleAction action = RuleAction::drop;
  std::string target;   // of pool, limit and tag: the name
  uint16_t status = 0;  // of reply
  std::string phrase;
  bool enforce = true;  // false: counts, and changes nothing
  Place place;
  Place action_place;
};

inline constexpr std::chrono::milliseconds ban_time_max = std::chrono::hours(24 * 7);

// `action` as the file has it: `pool others`, `reply 403 Forbidden`, `drop`. Thread: any; allocates.
std::string action_text(RuleAction action, std::string_view target, uint16_t status, std::string_view phrase);

enum class LimitBy : uint8_t { source, prefix, from_user, pool, global };
enum class LimitOf : uint8_t { requests, new_calls };
enum class LimitAction : uint8_t { drop, reply, ban };

struct Limit {
  std::string name;
  LimitBy by = LimitBy::source;
  uint8_t prefix_v4 = 32;  // of by = "prefix/24": what counts as one source
  uint8_t prefix_v6 = 128;
  LimitOf of = LimitOf::requests;
  uint32_t count = 0;                        // so many
  std::chrono::milliseconds interval{1000};  // in so much time
  uint32_t burst = 0;                        // at once
  LimitAction action = LimitAction::drop;
  std::chrono::milliseconds ban_time{0};
  Sources exempt;
  uint32_t entries = 65536;  // keys that are told apart
  bool enforce = true;
  Place place;

  bool same_state(const Limit& other) const {
    return by == other.by && prefix_v4 == other.prefix_v4 && prefix_v6 == other.prefix_v6 && entries == other.entries;
  }
};

// As the file has them: `by` (`prefix/24`, without the length of IPv6), `rate` (`100/m`), `action` (`drop`, `503`,
// `ban 60s`). Thread: any; allocates.
std::string by_text(const Limit& limit);
std::string rate_text(const Limit& limit);
std::string action_text(const Limit& limit);

// Before any message is read: whoever is allowed is neither denied nor banned nor limited.
struct Access {
  Sources allow;
  Sources deny;
};

struct Rules {
  std::vector<PrefixList> lists;
  std::vector<Rule> rules;  // in the order of the file: the first that matches decides
  std::vector<Limit> limits;
  Access access;

  bool empty() const { return rules.empty() && limits.empty() && access.allow.empty() && access.deny.empty(); }
};

}  // namespace viaduct::config
