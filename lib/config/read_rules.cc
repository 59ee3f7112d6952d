// [[rule]].
#include <algorithm>

#include "config/draft.h"
#include "config/methods.h"
#include "config/read_lists.h"
#include "config/values.h"
#include "core/number.h"
#include "sip/charset.h"
#include "sip/header_names.h"

namespace viaduct::config {
namespace {

bool is_field_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && sip::all(text, sip::token_char);
}

void read_methods(Section& section, Rule& rule, Problems& problems) {
  std::vector<PlacedText> texts;
  section.read_string_or_strings("method", texts);
  for (PlacedText& text : texts) {
    const auto known = known_methods();
    if (std::find(known.begin(), known.end(), text.text) != known.end()) {
      rule.methods.push_back(std::move(text.text));
    } else {
      problems.error(text.place, unknown_method(text.text, known));
    }
  }
}

void read_pattern(const std::string& field, const Node& node, Rule& rule, Section& section, Problems& problems) {
  if (node.kind != NodeKind::string || node.text.empty()) {
    return section.wrong(field + " in match", node, "a regular expression in quotes");
  }
  if (node.text.find('\0') != std::string::npos) {
    return problems.error(node.place, field + " in match is " + quoted(node.text) +
                                          ", with an octet 0, where the expression would end; '\\x00' in single "
                                          "quotes is expected, which is found where it is");
  }
  rule.patterns.push_back({field, node.text, node.place});
}

// match = { user-agent = "(?i)scanner", from = ["100@", "sip:test"] }
void read_patterns(Section& section, Rule& rule, Problems& problems) {
  const Member* const match = section.find("match");
  if (match == nullptr) return;
  if (match->value.kind != NodeKind::table) {
    return section.wrong("match", match->value, "a table such as { user-agent = \"(?i)friendly-scanner\" }");
  }
  if (match->value.members.empty()) {
    problems.error(match->value.place,
                   "match is an empty table; a field with a regular expression, such as "
                   "{ user-agent = \"(?i)friendly-scanner\" }, or no \"match\" where all are meant, is expected");
  }
  for (const Member& member : match->value.members) {
    const std::string field = sip::lowered(member.key);
    if (!is_field_name(field)) {
      problems.error(member.place, quoted(member.key) +
                                       " in match is no field; \"request-uri\", \"headers\" or the "
                                       "name of a header is expected");
    } else if (member.value.kind == NodeKind::array && !member.value.items.empty()) {
      for (const Node& item : member.value.items) read_pattern(field, item, rule, section, problems);
    } else {
      read_pattern(field, member.value, rule, section, problems);
    }
  }
  for (RulePattern& pattern : rule.patterns) pattern.field = sip::full_name_of(pattern.field);
}

void read_headers(Section& section, std::string_view key, std::vector<std::string>& out, Problems& problems) {
  std::vector<PlacedText> texts;
  section.read_string_or_strings(key, texts);
  for (const PlacedText& text : texts) {
    if (is_field_name(text.text)) {
      out.emplace_back(sip::full_name_of(sip::lowered(text.text)));
    } else {
      problems.error(text.place, quoted(text.text) + " in " + std::string(key) + "; the name of a header is expected");
    }
  }
}

void read_deviations(Section& section, Rule& rule, Problems& problems) {
  std::vector<PlacedText> texts;
  section.read_string_or_strings("deviation", texts);
  std::vector<std::string> known;
  for (size_t i = 0; i < sip::deviation_count; ++i) {
    known.emplace_back(sip::text_of(static_cast<sip::Deviation>(i)).name);
  }
  for (const PlacedText& text : texts) {
    const auto at = std::find(known.begin(), known.end(), text.text);
    if (at != known.end()) {
      rule.deviations.push_back(static_cast<sip::Deviation>(at - known.begin()));
      continue;
    }
    std::string hint = did_you_mean(text.text, known);
    if (hint.empty()) hint = "; one of those in docs/reasons.md, such as \"branch_without_cookie\", is expected";
    problems.error(text.place, "deviation " + quoted(text.text) + " is not known" + hint);
  }
}

// The word in front, which `text` loses with the blanks behind it.
std::string_view first_word(std::string_view& text) {
  const size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(text.find_first_not_of(' ', end), text.size()));
  return word;
}

bool parse_reply(std::string_view rest, Rule& rule) {
  const auto status = core::whole_number<uint16_t>(first_word(rest));
  if (!status) return false;
  rule.status = *status;
  const bool printable = std::all_of(rest.begin(), rest.end(), [](char c) { return c >= ' ' && c <= '~'; });
  rule.phrase = rest;
  return rule.status >= 300 && rule.status <= 699 && !rest.empty() && rest.size() <= 64 && printable;
}

bool parse_action(std::string_view text, Rule& rule) {
  const auto action = choice_named<RuleAction>(first_word(text));
  if (!action) return false;
  rule.action = *action;
  switch (rule.action) {
    case RuleAction::accept:
    case RuleAction::drop:
    case RuleAction::log: return text.empty();
    case RuleAction::reply: return parse_reply(text, rule);
    case RuleAction::pool:
    case RuleAction::limit:
    case RuleAction::tag: break;
  }
  rule.target = text;
  return is_name(text);
}

void read_action(Section& section, Rule& rule) {
  constexpr std::string_view expectation =
      R"("accept", "pool NAME", "reply CODE REASON", "drop", "limit NAME", "tag NAME" or "log")";
  constexpr std::string_view of_reply =
      "\"reply CODE REASON\" with a CODE from 300 to 699 and a REASON of 1 to 64 characters of ASCII, such as "
      "\"reply 403 Not Here\",";
  section.require("action", expectation);
  std::string text;
  if (section.read("action", text) && !parse_action(text, rule)) {
    std::string_view word = text;
    section.wrong("action", section.find("action")->value, first_word(word) == "reply" ? of_reply : expectation);
  }
  rule.action_place = section.place_of("action");
}

// What INVITE, its CANCEL and the ACK to a refusal do not share (conformance rule TGT-04); empty: nothing.
std::string unsteady_condition(const Rule& rule) {
  constexpr std::string_view shared[] = {"request-uri", "from", "call-id"};
  for (const RulePattern& pattern : rule.patterns) {
    if (std::find(std::begin(shared), std::end(shared), pattern.field) == std::end(shared)) return pattern.field;
  }
  if (!rule.present.empty() || !rule.absent.empty()) return "headers that are present or absent";
  if (rule.size_min != 0 || rule.size_max != UINT32_MAX) return "the size";
  if (rule.in_dialog) return "in_dialog";
  if (!rule.deviations.empty()) return "deviations";
  for (const std::string& method : rule.methods) {
    if (method == "ACK" || method == "CANCEL") return "the method " + method;
  }
  return "";
}

}  // namespace

std::string action_text(RuleAction action, std::string_view target, uint16_t status, std::string_view phrase) {
  std::string text(text_of(action));
  if (!target.empty()) text += ' ' + std::string(target);
  if (status != 0) text += ' ' + std::to_string(status) + ' ' + std::string(phrase);
  return text;
}

void read_rule(const Node& table, Draft& draft, Problems& problems) {
  Rule rule;
  Section section(table, "[[rule]]", problems);
  section.require("name", "a name such as \"scanners\"");
  if (section.read_name("name", rule.name)) section.set_title("[[rule]] \"" + rule.name + '"');
  rule.place = section.place_of("name");
  std::vector<PlacedText> listeners;
  section.read_string_or_strings("listener", listeners);
  for (PlacedText& listener : listeners) {
    rule.listeners.push_back(std::move(listener.text));
    rule.listener_places.push_back(listener.place);
  }
  read_sources(section, "source", rule.sources, problems);
  read_methods(section, rule, problems);
  read_patterns(section, rule, problems);
  read_headers(section, "present", rule.present, problems);
  read_headers(section, "absent", rule.absent, problems);
  section.read_number("size_min", rule.size_min, 1, 65535);
  section.read_number("size_max", rule.size_max, 1, 65535);
  if (rule.size_min > rule.size_max) {
    problems.error(section.place_of("size_min"), "size_min is " + std::to_string(rule.size_min) +
                                                     ", above the size_max of " + std::to_string(rule.size_max) +
                                                     ", so that nothing matches; at most that is expected");
  }
  for (const std::string& name : rule.present) {
    if (std::find(rule.absent.begin(), rule.absent.end(), name) == rule.absent.end()) continue;
    problems.error(section.place_of("absent"), quoted(name) +
                                                   " is in present and in absent, so that nothing matches; a header "
                                                   "in one of them is expected");
  }
  bool in_dialog = false;
  if (section.read("in_dialog", in_dialog)) rule.in_dialog = in_dialog;
  read_deviations(section, rule, problems);
  for (const std::string_view condition : {"listener", "source", "method", "present", "absent", "deviation"}) {
    section.refuse_empty(condition);
  }
  read_action(section, rule);
  section.read_choice<bool>("mode", rule.enforce, mode_choices);
  section.report_unknown();
  draft.config.rules.rules.push_back(std::move(rule));
}

void check_steering(const Rules& rules, Problems& problems) {
  bool pool_behind = false;
  for (size_t i = rules.rules.size(); i-- > 0;) {
    const Rule& rule = rules.rules[i];
    if (rule.action == RuleAction::pool) pool_behind = true;
    if (rule.action != RuleAction::pool && !(rule.action == RuleAction::accept && pool_behind)) continue;
    const std::string condition = unsteady_condition(rule);
    if (condition.empty()) continue;
    problems.error(rule.action_place,
                   "[[rule]] \"" + rule.name + "\" decides on a pool by " + condition +
                       ", which an INVITE does not share with its CANCEL and ACK; for \"pool\", and for \"accept\" "
                       "before it, listener, source, method, request-uri, from and call-id are possible");
  }
}

}  // namespace viaduct::config
