// The control thread's half of a Ruleset: from configuration to rows of bits.
#include <algorithm>
#include <map>

#include "core/fold.h"
#include "policy/matchers.h"
#include "policy/room.h"
#include "policy/ruleset.h"

namespace viaduct::policy {
namespace {

using config::RuleAction;

constexpr PrefixSets::List allow_list = 0, deny_list = 1;
constexpr size_t clauses_max = 8;

void set_bit(std::vector<uint64_t>& bits, size_t row, size_t words, size_t bit) {
  bits[row * words + bit / 64] |= uint64_t{1} << (bit % 64);
}

uint64_t bits_of(const std::vector<sip::Deviation>& deviations) {
  uint64_t bits = 0;
  for (const sip::Deviation deviation : deviations) bits |= uint64_t{1} << static_cast<unsigned>(deviation);
  return bits;
}

// Rules that say where a transaction goes, or that a rule behind them shall not say it: INVITE means its CANCEL and ACK
// too, which must go where it went (conformance rule TGT-04).
bool steers(RuleAction action) { return action == RuleAction::pool || action == RuleAction::accept; }

std::vector<sip::Method> methods_of(const config::Rule& rule) {
  std::vector<sip::Method> methods;
  for (const std::string& name : rule.methods) {
    const sip::Method method = sip::method_of(name, name.data() + name.size());
    if (method != sip::Method::other) methods.push_back(method);
  }
  if (steers(rule.action) && std::find(methods.begin(), methods.end(), sip::Method::invite) != methods.end()) {
    methods.push_back(sip::Method::ack);
    methods.push_back(sip::Method::cancel);
  }
  return methods;
}

}  // namespace

Ruleset::Ruleset() = default;
Ruleset::~Ruleset() = default;

bool Ruleset::idle() const { return !judges() && !has_access_ && office_->bans.size() == 0; }

class RulesetCompiler {
 public:
  RulesetCompiler(const config::Config& config, std::shared_ptr<Ruleset::Office> office, const Ruleset* previous,
                  Matchers& matchers)
      : config_(config), previous_(previous), matchers_(matchers), ruleset_(new Ruleset) {
    ruleset_->office_ = std::move(office);
    ruleset_->number_ = ++ruleset_->office_->rulesets;
  }

  Ruleset::Compiled compile() {
    add_names();
    add_lists();
    add_limits();
    add_rules();
    add_prefixes();
    for (size_t i = 0; i < config_.listeners.size(); ++i) add_profile(i);
    if (!problems_.empty()) return std::move(problems_);
    add_rooms();
    return std::shared_ptr<const Ruleset>(ruleset_.release());
  }

 private:
  using Lists = std::vector<PrefixSets::List>;

  void complain(config::Place place, std::string sentence) {
    const std::string& file = place.file < config_.files.size() ? config_.files[place.file] : config_.file;
    const auto is_told = [&](const config::Diagnostic& told) {
      return told.line == place.line && told.column == place.column && told.file == file && told.sentence == sentence;
    };
    // A rule of several listeners is compiled for each of them.
    if (std::any_of(problems_.begin(), problems_.end(), is_told)) return;
    problems_.push_back({file, place.line, place.column, std::move(sentence)});
  }

  void add_names() {
    for (const config::Pool& pool : config_.pools) ruleset_->pools_.push_back(pool.name);
    for (const config::Listener& listener : config_.listeners) {
      ruleset_->outside_.push_back(listener.side == config::Side::outside);
    }
    ruleset_->seed_ = previous_ != nullptr ? previous_->seed_ : core::random_fold_seed();
  }

  // Numbers for the named lists; what a rule writes itself gets one of its own.
  void add_lists() {
    next_list_ = 2;
    for (const config::PrefixList& list : config_.rules.lists) {
      list_of_[list.name] = next_list_;
      for (const net::Prefix& prefix : list.prefixes) entries_.push_back({prefix, next_list_});
      ++next_list_;
    }
    const auto include = [&](const config::Sources& sources, PrefixSets::List list) {
      for (const net::Prefix& prefix : sources.prefixes) entries_.push_back({prefix, list});
      for (const std::string& name : sources.lists) also_[list_of_.at(name)].push_back(list);
    };
    include(config_.rules.access.allow, allow_list);
    include(config_.rules.access.deny, deny_list);
    ruleset_->has_access_ = !config_.rules.access.allow.empty() || !config_.rules.access.deny.empty();
  }

  Lists lists_of(const config::Sources& sources) {
    Lists lists;
    for (const std::string& name : sources.lists) lists.push_back(list_of_.at(name));
    if (!sources.prefixes.empty()) {
      for (const net::Prefix& prefix : sources.prefixes) entries_.push_back({prefix, next_list_});
      lists.push_back(next_list_++);
    }
    return lists;
  }

  void add_limits() {
    for (const config::Limit& from : config_.rules.limits) {
      Limit limit;
      limit.config = from;
      limit.rate = LimitRate::of(from.count, from.interval, from.burst);
      ruleset_->has_optional_ |= !from.enforce;
      limit.by_rules = std::any_of(config_.rules.rules.begin(), config_.rules.rules.end(), [&](const auto& rule) {
        return rule.action == RuleAction::limit && rule.target == from.name;
      });
      if (const Limit* known = previous_limit(from)) {
        limit.tally = known->tally;
        limit.table = known->table;
      } else {
        limit.tally = std::make_shared<Tally>(workers());
        limit.table = std::make_shared<LimitTable>(from.entries);
      }
      exempt_.push_back(lists_of(from.exempt));
      ruleset_->limits_.push_back(std::move(limit));
    }
  }

  const Limit* previous_limit(const config::Limit& limit) const {
    if (previous_ == nullptr) return nullptr;
    for (const Limit& known : previous_->limits_) {
      if (known.config.name == limit.name && known.config.same_state(limit)) return &known;
    }
    return nullptr;
  }

  size_t workers() const { return ruleset_->office_->notices.workers(); }

  template <class Named>
  static uint16_t index_of(const std::vector<Named>& all, const std::string& name) {
    const auto at = std::find_if(all.begin(), all.end(), [&](const Named& one) { return one.name == name; });
    return at == all.end() ? none : static_cast<uint16_t>(at - all.begin());
  }

  void add_rules() {
    for (const config::Rule& from : config_.rules.rules) {
      Rule rule;
      rule.name = from.name;
      rule.action = from.action;
      rule.enforce = from.enforce;
      if (from.action == RuleAction::pool) rule.pool = index_of(config_.pools, from.target);
      if (from.action == RuleAction::limit) rule.limit = index_of(config_.rules.limits, from.target);
      rule.status = from.status;
      rule.phrase = from.phrase;
      rule.target = from.target;
      rule.size_min = from.size_min;
      rule.size_max = from.size_max;
      rule.deviations = bits_of(from.deviations);
      for (const std::string& name : from.present) rule.present |= field_bit(name, from.place);
      for (const std::string& name : from.absent) rule.absent |= field_bit(name, from.place);
      ruleset_->asked_about_ |= rule.present | rule.absent;
      rule.tally = previous_tally(from.name);
      sources_.push_back(lists_of(from.sources));
      ruleset_->has_optional_ |= is_optional(rule);
      ruleset_->rules_.push_back(std::move(rule));
    }
  }

  std::shared_ptr<Tally> previous_tally(const std::string& name) const {
    if (previous_ != nullptr) {
      for (const Rule& rule : previous_->rules_) {
        if (rule.name == name && rule.tally->workers() == workers()) return rule.tally;
      }
    }
    return std::make_shared<Tally>(workers());
  }

  uint64_t field_bit(const std::string& name, config::Place place) {
    const auto field = ruleset_->fields_.number_of(name);
    if (!field) {
      complain(place, "rules are about more than " + std::to_string(Fields::fields_max) + " different headers");
      return 0;
    }
    return uint64_t{1} << *field;
  }

  void add_prefixes() {
    const size_t named = entries_.size();
    for (size_t i = 0; i < named; ++i) {
      const auto more = also_.find(entries_[i].list);
      if (more == also_.end()) continue;
      for (const PrefixSets::List list : more->second) entries_.push_back({entries_[i].prefix, list});
    }
    ruleset_->prefixes_ = PrefixSets(std::move(entries_));
    const PrefixSets& prefixes = ruleset_->prefixes_;
    ruleset_->access_of_.resize(prefixes.set_count());
    ruleset_->exempt_of_.resize(prefixes.set_count());
    for (size_t set = 0; set < prefixes.set_count(); ++set) {
      const auto number = static_cast<PrefixSets::Set>(set);
      if (holds_any(number, {allow_list})) ruleset_->access_of_[set] |= Ruleset::is_allowed;
      if (holds_any(number, {deny_list})) ruleset_->access_of_[set] |= Ruleset::is_denied;
      for (size_t i = 0; i < exempt_.size(); ++i) {
        if (holds_any(number, exempt_[i])) ruleset_->exempt_of_[set] |= uint64_t{1} << i;
      }
    }
  }

  bool holds_any(PrefixSets::Set set, const Lists& lists) const {
    const auto& held = ruleset_->prefixes_.lists_of(set);
    return std::any_of(lists.begin(), lists.end(),
                       [&](PrefixSets::List list) { return std::binary_search(held.begin(), held.end(), list); });
  }

  bool applies(const config::Rule& rule, size_t listener) const {
    if (rule.listeners.empty()) return ruleset_->outside_[listener];
    const std::string& name = config_.listeners[listener].name;
    return std::find(rule.listeners.begin(), rule.listeners.end(), name) != rule.listeners.end();
  }

  void add_profile(size_t listener) {
    std::vector<uint16_t> rules;
    for (size_t i = 0; i < config_.rules.rules.size(); ++i) {
      if (applies(config_.rules.rules[i], listener)) rules.push_back(static_cast<uint16_t>(i));
    }
    if (rules.empty()) return ruleset_->profile_of_.push_back(none);
    for (size_t i = 0; i < ruleset_->profiles_.size(); ++i) {
      if (ruleset_->profiles_[i]->rules == rules) return ruleset_->profile_of_.push_back(static_cast<uint16_t>(i));
    }
    auto profile = std::make_unique<Ruleset::Profile>();
    profile->rules = std::move(rules);
    fill_rows(*profile);
    add_patterns(*profile);
    ruleset_->profile_of_.push_back(static_cast<uint16_t>(ruleset_->profiles_.size()));
    ruleset_->profiles_.push_back(std::move(profile));
  }

  void fill_rows(Ruleset::Profile& profile) {
    const size_t words = profile.words = (profile.rules.size() + 63) / 64;
    const size_t sets = ruleset_->prefixes_.set_count();
    profile.by_source.bits.resize(sets * words);
    profile.by_method.bits.resize(Ruleset::method_count * words);
    profile.by_dialog.bits.resize(2 * words);
    profile.without_patterns.resize(words);
    for (size_t place = 0; place < profile.rules.size(); ++place) {
      const config::Rule& rule = config_.rules.rules[profile.rules[place]];
      const Lists& lists = sources_[profile.rules[place]];
      for (size_t set = 0; set < sets; ++set) {
        if (lists.empty() || holds_any(static_cast<PrefixSets::Set>(set), lists)) {
          set_bit(profile.by_source.bits, set, words, place);
        }
      }
      const std::vector<sip::Method> methods = methods_of(rule);
      for (size_t method = 0; method < Ruleset::method_count; ++method) {
        const bool named = std::find(methods.begin(), methods.end(), static_cast<sip::Method>(method)) != methods.end();
        if (rule.methods.empty() || named) set_bit(profile.by_method.bits, method, words, place);
      }
      for (size_t inside = 0; inside < 2; ++inside) {
        if (!rule.in_dialog || *rule.in_dialog == (inside == 1)) set_bit(profile.by_dialog.bits, inside, words, place);
      }
      if (rule.patterns.empty()) set_bit(profile.without_patterns, 0, words, place);
    }
  }

  // A clause for each field that a rule has patterns for; a pattern that several rules have is scanned for once.
  void add_patterns(Ruleset::Profile& profile) {
    std::vector<FieldPattern> patterns;
    std::vector<config::Place> places;
    std::map<std::pair<Field, std::string>, size_t> known;
    profile.clauses.resize(profile.rules.size());
    for (size_t place = 0; place < profile.rules.size(); ++place) {
      std::map<Field, uint8_t> clause_of;
      for (const config::RulePattern& pattern : config_.rules.rules[profile.rules[place]].patterns) {
        const auto field = ruleset_->fields_.number_of(pattern.field);
        if (!field || (clause_of.size() == clauses_max && !clause_of.contains(*field))) {
          complain(pattern.place, !field ? "rules are about more than 64 different headers"
                                         : "a rule has patterns for more than 8 fields");
          continue;
        }
        const uint8_t clause = clause_of.emplace(*field, static_cast<uint8_t>(clause_of.size())).first->second;
        const auto [at, is_new] = known.emplace(std::pair(*field, pattern.text), patterns.size());
        if (is_new) {
          patterns.push_back({*field, pattern.text});
          places.push_back(pattern.place);
          profile.uses.emplace_back();
          profile.fields |= uint64_t{1} << *field;
        }
        profile.patterns_decide |= !is_optional(ruleset_->rules_[profile.rules[place]]);
        profile.uses[at->second].push_back({static_cast<uint16_t>(place), clause});
        profile.clauses[place] = static_cast<uint8_t>(profile.clauses[place] | 1u << clause);
      }
    }
    if (patterns.empty()) return;
    Matchers::Compiled compiled = matchers_.get(patterns);
    if (auto* matcher = std::get_if<std::shared_ptr<const Matcher>>(&compiled)) {
      profile.matcher = std::move(*matcher);
      return;
    }
    for (const PatternProblem& problem : std::get<std::vector<PatternProblem>>(compiled)) {
      complain(places[problem.pattern],
               "pattern '" + patterns[problem.pattern].text + "': " + problem.sentence + " (" + matcher_name() +
                   "); a regular expression without look-around and back-references is expected");
    }
  }

  void add_rooms() {
    const size_t rules = ruleset_->rules_.size();
    for (size_t worker = 0; worker < workers(); ++worker) {
      auto room = std::make_unique<Ruleset::Room>();
      room->clauses.resize(Ruleset::group_max * rules);
      room->touched.resize(Ruleset::group_max * rules);
      room->found.resize(Ruleset::group_max * ((rules + 63) / 64));
      for (const auto& profile : ruleset_->profiles_) {
        room->scratches.push_back(profile->matcher ? profile->matcher->make_scratch() : nullptr);
      }
      ruleset_->rooms_.push_back(std::move(room));
    }
  }

  const config::Config& config_;
  const Ruleset* const previous_;
  Matchers& matchers_;
  std::unique_ptr<Ruleset> ruleset_;
  std::vector<config::Diagnostic> problems_;
  std::vector<PrefixSets::Entry> entries_;
  PrefixSets::List next_list_ = 0;
  std::map<std::string, PrefixSets::List> list_of_;
  std::map<PrefixSets::List, Lists> also_;  // what else a named list is part of
  std::vector<Lists> sources_;              // by rule; empty: everybody
  std::vector<Lists> exempt_;               // by limit
};

Ruleset::Compiled Ruleset::compile(const config::Config& config, std::shared_ptr<Office> office,
                                   const Ruleset* previous) {
  static Matchers matchers;  // a matter of time alone: whoever asks gets what he would have got
  auto compiled = RulesetCompiler(config, std::move(office), previous, matchers).compile();
  matchers.end_round();
  return compiled;
}

}  // namespace viaduct::policy
