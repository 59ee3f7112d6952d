// The workers' half of a Ruleset.
#include <bit>
#include <cstring>

#include "policy/room.h"
#include "policy/ruleset.h"

namespace viaduct::policy {
namespace {

using config::RuleAction;
using telemetry::Reason;

}  // namespace

std::optional<Reason> Ruleset::refuse_known(const net::IpAddress& source, uint64_t now_ns) const {
  const uint8_t access = has_access_ ? access_of_[prefixes_.find(source)] : 0;
  if ((access & is_allowed) != 0) return std::nullopt;
  if ((access & is_denied) != 0) return Reason::denied;
  if (office_->bans.contains(source, now_ns)) return Reason::banned;
  return std::nullopt;
}

void Ruleset::judge(std::span<const Question> questions, size_t worker, uint64_t now_ns, std::span<Ruling> rulings,
                    Care care) const {
  Room& room = *rooms_[worker];
  for (size_t i = 0; i < profiles_.size(); ++i) {
    if (care == Care::decisions && !profiles_[i]->patterns_decide) continue;
    if (profiles_[i]->matcher) find_patterns(*profiles_[i], i, questions, room);
  }
  for (size_t i = 0; i < questions.size(); ++i) {
    rulings[i] = {};
    judge_one(questions[i], i, worker, now_ns, care, room, rulings[i]);
  }
  const size_t rules = rules_.size(), words = (rules + 63) / 64;
  for (size_t i = 0; i < room.touched_count; ++i) {
    const uint32_t place = room.touched[i];
    room.clauses[place] = 0;
    room.found[place / rules * words + place % rules / 64] = 0;
  }
  room.touched_count = 0;
  room.has_found = {};
}

// Copies the fields that the profile's patterns are about behind each other, and scans them.
void Ruleset::find_patterns(const Profile& profile, size_t index, std::span<const Question> questions,
                            Room& room) const {
  room.used = 1;  // a line feed in front
  room.segment_count = 0;
  for (size_t i = 0; i < questions.size(); ++i) {
    const Question& question = questions[i];
    if (profile_of_[question.listener] != index) continue;
    const sip::Message& message = *question.message;
    fields_.walk(message, profile.fields, [&](Field field, sip::Slice slice) {
      if (room.segment_count == Room::segments_max || room.used + slice.size() + 1 > Room::buffer_bytes) {
        scan(profile, index, room);
      }
      std::memcpy(room.buffer.get() + room.used, message.bytes.data() + slice.begin, slice.size());
      const auto begin = static_cast<uint32_t>(room.used);
      room.used += slice.size();
      room.segments[room.segment_count++] = {begin, static_cast<uint32_t>(room.used), field, static_cast<uint16_t>(i)};
      room.buffer[room.used++] = '\n';
    });
  }
  scan(profile, index, room);
}

void Ruleset::scan(const Profile& profile, size_t index, Room& room) const {
  struct Context {
    const Profile& of;
    Room& in;
    size_t rules;
  } context{profile, room, rules_.size()};
  const auto take = [](void* self, const Segment& segment, uint32_t pattern) {
    const auto& [of, in, rules] = *static_cast<Context*>(self);
    for (const Use& use : of.uses[pattern]) {
      const size_t place = segment.message * rules + use.rule;
      uint8_t& clauses = in.clauses[place];
      if (clauses == 0) in.touched[in.touched_count++] = static_cast<uint32_t>(place);
      clauses = static_cast<uint8_t>(clauses | 1u << use.clause);
      if (clauses != of.clauses[use.rule]) continue;
      in.found[segment.message * ((rules + 63) / 64) + use.rule / 64] |= uint64_t{1} << (use.rule % 64);
      in.has_found[segment.message] = true;
    }
  };
  room.buffer[0] = '\n';
  profile.matcher->scan({room.buffer.get(), room.used}, std::span(room.segments).first(room.segment_count),
                        *room.scratches[index], take, &context);
  room.used = 1;
  room.segment_count = 0;
}

void Ruleset::judge_one(const Question& question, size_t message, size_t worker, uint64_t now_ns, Care care, Room& room,
                        Ruling& ruling) const {
  const PrefixSets::Set set = prefixes_.find(question.source.address);
  const uint64_t spared = spared_by(set, question);
  const uint16_t number = profile_of_[question.listener];
  if (number != none) {
    const Profile& profile = *profiles_[number];
    const size_t words = profile.words, stride = (rules_.size() + 63) / 64;
    const uint64_t* const source = profile.by_source.of(set, words);
    const uint64_t* const method = profile.by_method.of(static_cast<size_t>(question.message->method), words);
    const uint64_t* const dialog = profile.by_dialog.of(question.message->has_to_tag ? 1 : 0, words);
    const uint64_t* const found = room.has_found[message] ? room.found.data() + message * stride : nullptr;
    std::optional<uint64_t> present;
    for (size_t w = 0; w < words; ++w) {
      uint64_t patterns = profile.without_patterns[w];
      if (found != nullptr) patterns |= found[w];
      uint64_t bits = patterns & source[w] & method[w] & dialog[w];
      while (bits != 0) {
        const uint16_t index = profile.rules[w * 64 + static_cast<size_t>(std::countr_zero(bits))];
        bits &= bits - 1;
        const Rule& rule = rules_[index];
        if (care == Care::decisions && is_optional(rule)) continue;
        if (holds(rule, question, present) && apply(rule, index, question, spared, worker, now_ns, care, ruling))
          return;
      }
    }
  }
  if (outside_[question.listener]) limit_all(question, spared, worker, now_ns, care, ruling);
}

// The conditions that no row of bits knows.
bool Ruleset::holds(const Rule& rule, const Question& question, std::optional<uint64_t>& present) const {
  const sip::Message& message = *question.message;
  const size_t size = message.bytes.size();
  if (size < rule.size_min || size > rule.size_max) return false;
  if (rule.deviations != 0 && (message.deviations.bits() & rule.deviations) == 0) return false;
  if ((rule.present | rule.absent) == 0) return true;
  if (!present) present = fields_.present(message, asked_about_);
  return (*present & rule.present) == rule.present && (*present & rule.absent) == 0;
}

// True: it decides, and no rule or limit behind it is asked.
bool Ruleset::apply(const Rule& rule, uint16_t index, const Question& question, uint64_t spared, size_t worker,
                    uint64_t now_ns, Care care, Ruling& ruling) const {
  rule.tally->match(worker);
  const bool over = rule.limit != none && (spared >> rule.limit & 1) == 0 &&
                    is_over(rule.limit, question, worker, now_ns, ruling.pool);
  if (over) rule.tally->exceed(worker);
  if (!rule.enforce) return false;
  switch (rule.action) {
    case RuleAction::tag:
      if (ruling.tag == none) ruling.tag = index;
      return false;
    case RuleAction::log: {
      Notice notice{.kind = Notice::Kind::log,
                    .index = index,
                    .ruleset = number_,
                    .text_size = 0,
                    .source = question.source,
                    .text = {}};
      const std::string_view line = question.message->text(question.message->start_line);
      notice.text_size = static_cast<uint8_t>(line.copy(notice.text.data(), notice.text.size()));
      office_->notices.tell(worker, notice);
      return false;
    }
    case RuleAction::limit:
      if (!over || !limits_[rule.limit].config.enforce) return false;
      ruling.rule = index;
      exceed(rule.limit, question, worker, ruling);
      return true;
    case RuleAction::accept: break;
    case RuleAction::pool:
      ruling.action = Ruling::Action::pool;
      ruling.pool = rule.pool;
      break;
    case RuleAction::reply:
      ruling.action = Ruling::Action::reply;
      ruling.reason = Reason::rule_replied;
      ruling.status = rule.status;
      ruling.phrase = rule.phrase;
      break;
    case RuleAction::drop:
      ruling.action = Ruling::Action::drop;
      ruling.reason = Reason::rule_dropped;
      break;
  }
  ruling.rule = index;
  // Another pool has its own limits; who is let through by name has none.
  if (rule.action == RuleAction::pool && outside_[question.listener]) {
    limit_all(question, spared, worker, now_ns, care, ruling);
  }
  return true;
}

void Ruleset::limit_all(const Question& question, uint64_t spared, size_t worker, uint64_t now_ns, Care care,
                        Ruling& ruling) const {
  for (size_t i = 0; i < limits_.size(); ++i) {
    if (limits_[i].by_rules || (spared >> i & 1) != 0) continue;
    if (care == Care::decisions && !limits_[i].config.enforce) continue;
    const auto limit = static_cast<uint16_t>(i);
    if (!is_over(limit, question, worker, now_ns, ruling.pool) || !limits_[i].config.enforce) continue;
    return exceed(limit, question, worker, ruling);
  }
}

// The limits that do not count this source, whoever asks them: a bit for each.
uint64_t Ruleset::spared_by(PrefixSets::Set set, const Question& question) const {
  const bool by_all = question.from_backend || (access_of_[set] & is_allowed) != 0;
  return by_all ? ~uint64_t{0} : exempt_of_[set];
}

// `pool`: that a rule has chosen, if any.
bool Ruleset::is_over(uint16_t limit, const Question& question, size_t worker, uint64_t now_ns, uint16_t pool) const {
  const Limit& asked = limits_[limit];
  const sip::Message& message = *question.message;
  const bool new_call = message.method == sip::Method::invite && !message.has_to_tag;
  if (asked.config.of == config::LimitOf::new_calls && !new_call) return false;
  std::array<char, 256> text;
  const LimitKey key = key_of(asked, question, pool == none ? question.pool : pool, text);
  asked.tally->match(worker);
  const bool over = asked.table->take(key, asked.rate, now_ns);
  if (over) asked.tally->exceed(worker);
  return over;
}

void Ruleset::exceed(uint16_t limit, const Question& question, size_t worker, Ruling& ruling) const {
  ruling.limit = limit;
  const config::LimitAction action = limits_[limit].config.action;
  if (action == config::LimitAction::reply) {
    ruling.action = Ruling::Action::reply;
    ruling.reason = Reason::limit_replied;
    ruling.status = 503;
    ruling.phrase = "Service Unavailable";
    return;
  }
  ruling.action = Ruling::Action::drop;
  ruling.reason = Reason::limited;
  if (action != config::LimitAction::ban) return;
  office_->notices.tell(worker, {.kind = Notice::Kind::ban,
                                 .index = limit,
                                 .ruleset = number_,
                                 .text_size = 0,
                                 .source = question.source,
                                 .text = {}});
}

}  // namespace viaduct::policy
