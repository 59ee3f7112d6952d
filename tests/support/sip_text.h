// SIP messages as an engineer writes them: lines, headers, and differences between two messages.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace viaduct::test {

// Text with '\n' as a message with CRLF. A line feed right at the beginning, where a raw string starts, is no part of
// it.
inline std::string sip_text(std::string_view text) {
  if (text.starts_with('\n')) text.remove_prefix(1);
  std::string message;
  for (const char c : text) {
    if (c == '\n') message += '\r';
    message += c;
  }
  return message;
}

inline std::string replace_all(std::string text, std::string_view what, std::string_view by) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
  return text;
}

inline bool equal_names(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return tolower(static_cast<unsigned char>(x)) == tolower(static_cast<unsigned char>(y));
  });
}

// A message as start line, header lines and body, so that a test can say `M0 with Max-Forwards: 0`.
class SipText {
 public:
  SipText(std::string_view message) {  // NOLINT(google-explicit-constructor): a message is a message
    const size_t head_end = std::min(message.find("\r\n\r\n"), message.size());
    std::string_view head = message.substr(0, head_end);
    body_ = message.substr(std::min(head_end + 4, message.size()));
    while (!head.empty()) {
      const size_t end = std::min(head.find("\r\n"), head.size());
      lines_.emplace_back(head.substr(0, end));
      head.remove_prefix(std::min(end + 2, head.size()));
    }
  }

  // Replaces the first header of that name, or adds one behind all others; takes it out; puts a line in front of the
  // headers.
  SipText with(std::string_view name, std::string_view value) const {
    SipText copy = *this;
    const size_t at = copy.find(name);
    const std::string line = std::string(name) + ": " + std::string(value);
    if (at < copy.lines_.size()) {
      copy.lines_[at] = line;
    } else {
      copy.lines_.push_back(line);
    }
    return copy;
  }
  SipText without(std::string_view name) const {
    SipText copy = *this;
    std::erase_if(copy.lines_, [&](const std::string& line) { return equal_names(name_of(line), name); });
    return copy;
  }
  SipText with_line(std::string_view line) const { return with_line_at(1, line); }
  SipText with_last_line(std::string_view line) const { return with_line_at(lines_.size(), line); }
  SipText with_line_at(size_t index, std::string_view line) const {
    SipText copy = *this;
    copy.lines_.insert(copy.lines_.begin() + static_cast<std::ptrdiff_t>(index), std::string(line));
    return copy;
  }
  SipText with_start(std::string_view line) const {
    SipText copy = *this;
    copy.lines_[0] = line;
    return copy;
  }
  // Another method in both places.
  SipText with_method(std::string_view method) const {
    SipText copy = with_start(std::string(method) + lines_[0].substr(lines_[0].find(' ')));
    const std::string cseq = value("CSeq");
    return copy.with("CSeq", cseq.substr(0, cseq.find(' ')) + " " + std::string(method));
  }
  SipText with_uri(std::string_view uri) const {
    return with_start(lines_[0].substr(0, lines_[0].find(' ')) + " " + std::string(uri) + " SIP/2.0");
  }
  SipText with_body(std::string_view body) const {
    SipText copy = *this;
    copy.body_ = body;
    return copy;
  }

  const std::string& start() const { return lines_[0]; }
  const std::vector<std::string>& lines() const { return lines_; }
  const std::string& body() const { return body_; }
  bool has(std::string_view name) const { return find(name) < lines_.size(); }
  std::string value(std::string_view name) const { return has(name) ? value_of(lines_[find(name)]) : ""; }
  std::vector<std::string> values(std::string_view name) const {
    std::vector<std::string> found;
    for (size_t i = 1; i < lines_.size(); ++i) {
      if (equal_names(name_of(lines_[i]), name)) found.push_back(value_of(lines_[i]));
    }
    return found;
  }

  std::string str() const {
    std::string message;
    for (const std::string& line : lines_) message += line + "\r\n";
    return message + "\r\n" + body_;
  }
  operator std::string() const { return str(); }  // NOLINT(google-explicit-constructor)

 private:
  static std::string_view name_of(std::string_view line) {
    std::string_view name = line.substr(0, line.find(':'));
    while (name.ends_with(' ') || name.ends_with('\t')) name.remove_suffix(1);
    return name;
  }
  static std::string value_of(std::string_view line) {
    std::string_view value = line.substr(std::min(line.find(':'), line.size() - 1) + 1);
    while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
    return std::string(value);
  }
  size_t find(std::string_view name) const {
    size_t i = 1;
    while (i < lines_.size() && !equal_names(name_of(lines_[i]), name)) ++i;
    return i;
  }

  std::vector<std::string> lines_;
  std::string body_;
};

// The value of parameter `name` in a Via, Route or Record-Route value; "" if absent.
inline std::string param(std::string_view value, std::string_view name) {
  for (size_t at = 0; (at = value.find(';', at)) != std::string_view::npos;) {
    std::string_view rest = value.substr(++at);
    rest = rest.substr(0, rest.find_first_of(";>,"));
    const size_t equals = rest.find('=');
    if (equal_names(rest.substr(0, equals), name)) {
      return equals == std::string_view::npos ? "" : std::string(rest.substr(equals + 1));
    }
  }
  return "";
}

// What changed from one head to the other: "  " stays, "- " goes, "+ " comes. The alignment keeps as many lines as can
// be, and shows a line that goes and the one that comes in its place together, if they begin alike.
inline std::vector<std::string> diff(const std::vector<std::string>& before, const std::vector<std::string>& after) {
  const auto likeness = [](const std::string& a, const std::string& b) -> size_t {
    if (a == b) return 1000;
    const size_t size = std::min(a.size(), b.size());
    const size_t common = static_cast<size_t>(
        std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(size), b.begin()).first - a.begin());
    return common < 12 ? 0 : common;
  };
  std::vector<std::vector<size_t>> best(before.size() + 1, std::vector<size_t>(after.size() + 1));
  for (size_t i = before.size(); i-- > 0;) {
    for (size_t j = after.size(); j-- > 0;) {
      best[i][j] = std::max({likeness(before[i], after[j]) + best[i + 1][j + 1], best[i + 1][j], best[i][j + 1]});
    }
  }
  std::vector<std::string> lines;
  size_t i = 0, j = 0;
  while (i < before.size() || j < after.size()) {
    const bool both = i < before.size() && j < after.size();
    if (both && before[i] == after[j]) {
      lines.push_back("  " + before[i++]);
      ++j;
    } else if (both && likeness(before[i], after[j]) > 0 &&
               best[i][j] == likeness(before[i], after[j]) + best[i + 1][j + 1]) {
      lines.push_back("- " + before[i++]);
      lines.push_back("+ " + after[j++]);
    } else if (j < after.size() && (i == before.size() || best[i][j + 1] >= best[i + 1][j])) {
      lines.push_back("+ " + after[j++]);
    } else {
      lines.push_back("- " + before[i++]);
    }
  }
  return lines;
}

// Patterns of a flow: `{name}` stands for a run of token characters, the same at every occurrence.
class Placeholders {
 public:
  bool match(std::string_view pattern, std::string_view text) {
    const size_t open = pattern.find('{');
    if (open == std::string_view::npos) return pattern == text;
    if (!text.starts_with(pattern.substr(0, open))) return false;
    const size_t close = pattern.find('}', open);
    const std::string name(pattern.substr(open + 1, close - open - 1));
    std::string_view rest = text.substr(open);
    size_t size = 0;
    while (size < rest.size() && (isalnum(static_cast<unsigned char>(rest[size])) || rest[size] == '.')) ++size;
    const std::string value(rest.substr(0, size));
    if (value.empty()) return false;
    const auto [known, added] = values_.emplace(name, value);
    if (!added && known->second != value) return false;
    return match(pattern.substr(close + 1), rest.substr(size));
  }
  const std::string& operator[](const std::string& name) { return values_[name]; }
  // The pattern with what is known put in.
  std::string fill(std::string pattern) const {
    for (const auto& [name, value] : values_) pattern = replace_all(std::move(pattern), "{" + name + "}", value);
    return pattern;
  }

 private:
  std::map<std::string, std::string> values_;
};

}  // namespace viaduct::test
