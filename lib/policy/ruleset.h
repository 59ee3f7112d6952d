// Rules, access lists, bans and limits, ready for workers.
//
//   [access]            the source of a frame         ->  denied, banned, or on
//   [[rule]] in order   conditions                    ->  the first that decides: pool, reply, drop, accept
//   [[limit]]           who sends how much            ->  503, dropped, shut out for a while
//
// Asking a thousand rules one by one would cost more than all the rest of the way. So for each kind of condition there
// is a row of bits, one a rule, that says which rules a value satisfies: the set of lists that hold the source
// (prefix_sets.h), the method, in or out of a dialog, the patterns that one scan has found (matcher.h). The rows are
// ANDed, and the rules whose bits are left are looked at in their order. It is the bit-vector scheme of Lakshman and
// Stiliadis ("High-Speed Policy-based Packet Forwarding", 1998).
//
// Tags, logs, rules in observe mode and limits that are not exceeded note what they have to note and decide nothing, so
// the rules behind them are asked.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "config/config.h"
#include "core/fold.h"
#include "net/address.h"
#include "policy/bans.h"
#include "policy/fields.h"
#include "policy/limit_table.h"
#include "policy/matcher.h"
#include "policy/notices.h"
#include "policy/prefix_sets.h"
#include "policy/ruling.h"
#include "policy/tally.h"
#include "sip/message.h"
#include "sip/method.h"
#include "telemetry/reason.h"

namespace viaduct::policy {

struct Rule {
  std::string name;
  config::RuleAction action = config::RuleAction::drop;
  bool enforce = true;
  uint16_t pool = none;
  uint16_t limit = none;
  uint16_t status = 0;
  std::string phrase;
  std::string target;  // tag's name
  uint32_t size_min = 0, size_max = UINT32_MAX;
  uint64_t deviations = 0;           // one of these at least; 0: whatever
  uint64_t present = 0, absent = 0;  // fields
  std::shared_ptr<Tally> tally;
};

// Whether leaving the rule out would change nothing but counts and logs.
inline bool is_optional(const Rule& rule) {
  return !rule.enforce || rule.action == config::RuleAction::tag || rule.action == config::RuleAction::log;
}

struct Limit {
  config::Limit config;
  LimitRate rate;
  bool by_rules = false;  // rules ask for it; else it is asked about every request from outside
  std::shared_ptr<Tally> tally;
  std::shared_ptr<LimitTable> table;
};

class Ruleset {
 public:
  static constexpr size_t rules_max = 4096;
  static constexpr size_t limits_max = 64;
  static constexpr size_t group_max = 64;

  // What outlives a reload and is shared with the control thread.
  struct Office {
    explicit Office(size_t workers) : notices(workers) {}
    Bans bans;
    Notices notices;
    uint32_t rulesets = 0;  // that were compiled
  };

  // The error: patterns that cannot be, each with its place. `previous` lends counts and buckets. Thread: control.
  using Compiled = std::variant<std::shared_ptr<const Ruleset>, std::vector<config::Diagnostic>>;
  static Compiled compile(const config::Config& config, std::shared_ptr<Office> office, const Ruleset* previous);

  ~Ruleset();

  // Whether there is anything to ask about at all.
  bool idle() const;

  // Before a datagram from outside is read: the reason why its source is refused. Thread: any; no allocation.
  std::optional<telemetry::Reason> refuse(const net::IpAddress& source, uint64_t now_ns) const {
    if (!has_access_ && office_->bans.size() == 0) [[likely]]
      return std::nullopt;
    return refuse_known(source, now_ns);
  }

  // Whether [access] names the source as one that is never refused. Thread: any; no allocation.
  bool allows(const net::IpAddress& source) const {
    return has_access_ && (access_of_[prefixes_.find(source)] & is_allowed) != 0;
  }

  // Whether there is anything to ask about messages: rules or limits.
  bool judges() const { return !rules_.empty() || !limits_.empty(); }
  // And of these, some that decide nothing.
  bool has_optional() const { return has_optional_; }

  struct Question {
    const sip::Message* message = nullptr;  // a request, as sip::parse has left it
    net::Endpoint source;
    uint16_t listener = 0;
    uint16_t pool = none;       // where it goes unless a rule says otherwise
    bool from_backend = false;  // of ours, whose requests no limit counts, on whatever network they come
  };
  // How much is looked at: everything, or only what decides. The latter leaves out what is merely observed, tagged or
  // logged, and patterns that nothing else needs.
  enum class Care : uint8_t { all, decisions };
  // Rules and limits on a group, at most `group_max`, answers in its order. Thread: the worker; no allocation.
  void judge(std::span<const Question> questions, size_t worker, uint64_t now_ns, std::span<Ruling> rulings,
             Care care = Care::all) const;

  const std::vector<Rule>& rules() const { return rules_; }
  const std::vector<Limit>& limits() const { return limits_; }
  Office& office() const { return *office_; }
  uint32_t number() const { return number_; }  // counts those of one office
  const PrefixSets& prefixes() const { return prefixes_; }

 private:
  friend class RulesetCompiler;

  // A row of bits a value.
  struct Rows {
    std::vector<uint64_t> bits;
    const uint64_t* of(size_t value, size_t words) const { return bits.data() + value * words; }
  };
  // Where a pattern counts: a clause of a rule, which has it or another pattern of the same clause.
  struct Use {
    uint16_t rule = 0;   // place in the profile
    uint8_t clause = 0;  // bit
  };
  // The rules of a listener. Listeners with the same rules share one.
  struct Profile {
    std::vector<uint16_t> rules;  // places in `rules_`, in order
    size_t words = 0;             // of a row
    Rows by_source;               // by set of `prefixes_`
    Rows by_method;
    Rows by_dialog;  // 0: outside, 1: inside
    std::vector<uint64_t> without_patterns;
    std::vector<uint8_t> clauses;            // by rule: a bit for each
    std::shared_ptr<const Matcher> matcher;  // null: no patterns
    uint64_t fields = 0;                     // that patterns are about
    bool patterns_decide = false;            // a rule that decides something has one
    std::vector<std::vector<Use>> uses;      // by pattern
  };
  // A worker's own room to think.
  struct Room;

  static constexpr size_t method_count = static_cast<size_t>(sip::Method::publish) + 1;
  static constexpr uint8_t is_allowed = 1, is_denied = 2;

  Ruleset();
  std::optional<telemetry::Reason> refuse_known(const net::IpAddress& source, uint64_t now_ns) const;
  void find_patterns(const Profile& profile, size_t index, std::span<const Question> questions, Room& room) const;
  void scan(const Profile& profile, size_t index, Room& room) const;
  void judge_one(const Question& question, size_t message, size_t worker, uint64_t now_ns, Care care, Room& room,
                 Ruling& ruling) const;
  bool apply(const Rule& rule, uint16_t index, const Question& question, uint64_t spared, size_t worker,
             uint64_t now_ns, Care care, Ruling& ruling) const;
  bool holds(const Rule& rule, const Question& question, std::optional<uint64_t>& present) const;
  void limit_all(const Question& question, uint64_t spared, size_t worker, uint64_t now_ns, Care care,
                 Ruling& ruling) const;
  uint64_t spared_by(PrefixSets::Set set, const Question& question) const;
  bool is_over(uint16_t limit, const Question& question, size_t worker, uint64_t now_ns, uint16_t pool) const;
  void exceed(uint16_t limit, const Question& question, size_t worker, Ruling& ruling) const;
  LimitKey key_of(const Limit& limit, const Question& question, uint16_t pool, std::span<char> room) const;

  std::vector<Rule> rules_;
  std::vector<Limit> limits_;
  std::vector<std::string> pools_;
  std::vector<std::unique_ptr<Profile>> profiles_;
  std::vector<uint16_t> profile_of_;  // by listener; none: no rules
  std::vector<bool> outside_;         // by listener
  Fields fields_;
  uint64_t asked_about_ = 0;  // fields that rules want present or absent
  PrefixSets prefixes_;
  std::vector<uint8_t> access_of_;   // by set
  std::vector<uint64_t> exempt_of_;  // by set: limits that do not count it
  bool has_access_ = false;
  bool has_optional_ = false;
  core::FoldSeed seed_{};  // of the hashes of limits' keys
  std::shared_ptr<Office> office_;
  uint32_t number_ = 0;
  std::vector<std::unique_ptr<Room>> rooms_;  // by worker
};

}  // namespace viaduct::policy
