#include "config/section.h"

#include <algorithm>

#include "config/values.h"

namespace viaduct::config {

namespace {

// [[tables]], which another one may join.
bool may_go_on(const Node& node) {
  return node.kind == NodeKind::array && !node.items.empty() && node.items.front().kind == NodeKind::table;
}

// What is expected where there is a string, and nothing in it.
std::string_view string_instead_of(const Node& node) {
  return node.kind == NodeKind::string ? "a string that is not empty" : "a string in quotes";
}

}  // namespace

Place Section::place_of(std::string_view key) const {
  for (const Member& member : table_.members) {
    if (member.key == key) return member.value.place;
  }
  return table_.place;
}

const Member* Section::find(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
  for (const Member& member : table_.members) {
    if (member.key == key) return &member;
  }
  return nullptr;
}

void Section::wrong(std::string_view key, const Node& value, std::string_view expectation) {
  problems_.error(value.place,
                  std::string(key) + " is " + describe(value) + "; " + std::string(expectation) + " is expected");
}

void Section::require(std::string_view key, std::string_view expectation) {
  if (find(key) != nullptr) return;
  problems_.error(table_.place,
                  title_ + " has no \"" + std::string(key) + "\"; " + std::string(expectation) + " is expected");
}

bool Section::read(std::string_view key, std::string& out) {
  const Member* member = find(key);
  if (member == nullptr) return false;
  if (member->value.kind != NodeKind::string || member->value.text.empty()) {
    wrong(key, member->value, string_instead_of(member->value));
    return false;
  }
  out = member->value.text;
  return true;
}

bool Section::read(std::string_view key, bool& out) {
  const Member* member = find(key);
  if (member == nullptr) return false;
  if (member->value.kind != NodeKind::boolean) {
    wrong(key, member->value, "true or false, without quotes,");
    return false;
  }
  out = member->value.boolean;
  return true;
}

bool Section::read(std::string_view key, std::chrono::milliseconds& out, std::chrono::milliseconds min,
                   std::chrono::milliseconds max) {
  const Member* member = find(key);
  if (member == nullptr) return false;
  const auto duration = member->value.kind == NodeKind::string ? parse_duration(member->value.text) : std::nullopt;
  if (!duration || *duration < min || *duration > max) {
    wrong(key, member->value,
          "a duration from " + duration_text(min) + " to " + duration_text(max) +
              R"( as a string with its unit (ms, s, m or h), such as "2s" or "500ms",)");
    return false;
  }
  out = *duration;
  return true;
}

bool Section::read_strings(std::string_view key, std::vector<PlacedText>& out) {
  const Member* member = find(key);
  if (member == nullptr) return false;
  if (member->value.kind != NodeKind::array) {
    wrong(key, member->value, "an array of strings");
    return false;
  }
  bool all_right = true;
  for (const Node& item : member->value.items) {
    if (item.kind == NodeKind::string && !item.text.empty()) {
      out.push_back({item.text, item.place});
    } else {
      wrong("an element of " + std::string(key), item, string_instead_of(item));
      all_right = false;
    }
  }
  return all_right;
}

bool Section::read_string_or_strings(std::string_view key, std::vector<PlacedText>& out) {
  const Member* member = find(key);
  if (member == nullptr) return false;
  if (member->value.kind == NodeKind::array) return read_strings(key, out);
  if (member->value.kind != NodeKind::string || member->value.text.empty()) {
    const bool empty = member->value.kind == NodeKind::string;
    wrong(key, member->value, empty ? string_instead_of(member->value) : "a string or an array of strings");
    return false;
  }
  out.push_back({member->value.text, member->value.place});
  return true;
}

void Section::refuse_empty(std::string_view key) {
  const Member* member = find(key);
  if (member == nullptr || member->value.kind != NodeKind::array || !member->value.items.empty()) return;
  wrong(key, member->value, "one element at least, or no \"" + std::string(key) + "\" where all are meant,");
}

bool Section::read_name(std::string_view key, std::string& out) {
  std::string name;
  if (!read(key, name)) return false;
  if (!is_name(name)) {
    wrong(key, find(key)->value,
          "a name of up to 63 letters, digits, '.', '_' and '-' that starts with a letter or digit");
    return false;
  }
  out = std::move(name);
  return true;
}

bool Section::read_integer(std::string_view key, int64_t& out, int64_t min, int64_t max) {
  const Member* member = find(key);
  if (member == nullptr) return false;
  const Node& value = member->value;
  if (value.kind != NodeKind::integer || value.integer < min || value.integer > max) {
    wrong(key, value, "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
    return false;
  }
  out = value.integer;
  return true;
}

bool Section::read_word(std::string_view key, std::span<const std::string_view> words, size_t& index) {
  const Member* member = find(key);
  if (member == nullptr) return false;
  const Node& value = member->value;
  for (size_t i = 0; i < words.size(); ++i) {
    if (value.kind == NodeKind::string && value.text == words[i]) {
      index = i;
      return true;
    }
  }
  wrong(key, value, one_of(words));
  return false;
}

void Section::report_unknown() {
  for (const Member& member : table_.members) {
    if (std::find(known_.begin(), known_.end(), member.key) != known_.end()) continue;
    std::vector<std::string> candidates;  // a key that is there already cannot be what was meant
    for (const std::string& known : known_) {
      const auto present = std::find_if(table_.members.begin(), table_.members.end(),
                                        [&](const Member& other) { return other.key == known; });
      if (present == table_.members.end() || may_go_on(present->value)) candidates.push_back(known);
    }
    std::string hint = did_you_mean(member.key, candidates);
    if (hint.empty()) {
      hint = "; known are ";
      for (size_t i = 0; i < known_.size(); ++i) hint += (i == 0 ? "" : ", ") + known_[i];
    }
    problems_.error(member.place, "unknown key " + quoted(member.key) + " in " + title_ + hint);
  }
}

}  // namespace viaduct::config
