#include "blast/head.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "core/number.h"

namespace viaduct::blast {
namespace {

constexpr std::string_view version = "SIP/2.0";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return text;
}

// The value, if `name`, in lower case, is the row's, whose first letter is known to be. Nothing else of a row is
// looked at: most are none of ours.
std::optional<std::string_view> value_of(std::string_view row, std::string_view name) {
  if (row.size() <= name.size()) return std::nullopt;
  for (size_t i = 1; i < name.size(); ++i) {
    if ((row[i] | 0x20) != name[i]) return std::nullopt;
  }
  size_t at = name.size();
  while (at < row.size() && (row[at] == ' ' || row[at] == '\t')) ++at;
  if (at == row.size() || row[at] != ':') return std::nullopt;
  return trimmed(row.substr(at + 1));
}

// By its long name or by its compact form.
std::optional<std::string_view> value_of(std::string_view row, std::string_view name, std::string_view compact) {
  const auto value = value_of(row, name);
  return value ? value : value_of(row, compact);
}

// Where the brackets around a value's URI begin, and end: behind the name, which may have brackets of its own in its
// quotes.
size_t bracket_begin(std::string_view value) {
  size_t at = value.find('<');
  if (at == std::string_view::npos || value.substr(0, at).find('"') == std::string_view::npos) return at;
  at = 0;
  for (bool quoted = false; at < value.size() && (quoted || value[at] != '<'); ++at) {
    if (quoted && value[at] == '\\') {
      ++at;
    } else if (value[at] == '"') {
      quoted = !quoted;
    }
  }
  return at < value.size() ? at : std::string_view::npos;
}
size_t bracket_end(std::string_view value) {
  const size_t begin = bracket_begin(value);
  return begin == std::string_view::npos ? begin : value.find('>', begin);
}

bool read_start(std::string_view line, Head& head) {
  line = trimmed(line);
  const size_t space = line.find(' ');
  if (space == std::string_view::npos) return false;
  if (line.starts_with(version) && space == version.size()) {
    const std::string_view code = line.substr(space + 1, 3);
    if (code.size() != 3) return false;
    unsigned status = 0;
    for (const char c : code) {
      if (c < '0' || c > '9') return false;
      status = status * 10 + static_cast<unsigned>(c - '0');
    }
    head.status = static_cast<uint16_t>(status);
    return status >= 100 && status < 700;
  }
  const size_t last = line.rfind(' ');
  if (last == space || line.substr(last + 1) != version) return false;
  head.method = line.substr(0, space);
  head.uri = trimmed(line.substr(space + 1, last - space - 1));
  return true;
}

void put_only(std::string_view value, std::string_view& field, Head& head) {
  head.repeated |= !field.empty();
  field = value;
}

void read_cseq(std::string_view value, Head& head) {
  const size_t blank = value.find_first_of(" \t");
  if (blank == std::string_view::npos) return;
  put_only(value.substr(0, blank), head.cseq_number, head);
  head.cseq_method = trimmed(value.substr(blank));
}

void read_row(std::string_view row, Head& head) {
  switch (row[0] | 0x20) {
    case 'v':
      if (auto value = value_of(row, "via", "v")) head.crowded |= !head.vias.add(*value);
      break;
    case 'f':
      if (auto value = value_of(row, "from", "f")) put_only(*value, head.from, head);
      break;
    case 't':
      if (auto value = value_of(row, "to", "t")) put_only(*value, head.to, head);
      break;
    case 'i':
      if (auto value = value_of(row, "i")) put_only(*value, head.call_id, head);
      break;
    case 'm':
      if (auto value = value_of(row, "m")) head.contact = *value;
      break;
    case 'c':
      if (auto value = value_of(row, "call-id")) put_only(*value, head.call_id, head);
      if (auto value = value_of(row, "cseq")) read_cseq(*value, head);
      if (auto value = value_of(row, "contact")) head.contact = *value;
      if (auto value = value_of(row, "content-length")) head.content_length = core::whole_number<uint64_t>(*value);
      break;
    case 'l':
      if (auto value = value_of(row, "l")) head.content_length = core::whole_number<uint64_t>(*value);
      break;
    case 'e':
      if (auto value = value_of(row, "expires")) head.expires = *value;
      break;
    case 'r':
      if (auto value = value_of(row, "record-route")) head.crowded |= !head.record_routes.add(*value);
      if (auto value = value_of(row, "route")) head.crowded |= !head.routes.add(*value);
      break;
    default: break;
  }
}

}  // namespace

bool read_head(std::string_view message, Head& head) {
  head.status = 0;
  head.method = head.uri = head.from = head.to = head.call_id = head.contact = head.expires = head.cseq_number =
      head.cseq_method = {};
  head.vias.clear(), head.record_routes.clear(), head.routes.clear();
  head.content_length.reset();
  head.crowded = head.repeated = false;

  const char* at = message.data();
  const char* const end = at + message.size();
  bool start = true, whole = false;
  while (at < end) {
    const char* line_end = static_cast<const char*>(std::memchr(at, '\n', static_cast<size_t>(end - at)));
    if (line_end == nullptr) break;
    // A line that starts with white space goes on with the row before.
    while (!start && line_end + 1 < end && (line_end[1] == ' ' || line_end[1] == '\t')) {
      const char* next = line_end + 1;
      line_end = static_cast<const char*>(std::memchr(next, '\n', static_cast<size_t>(end - next)));
      if (line_end == nullptr) return false;
    }
    const std::string_view line(at, static_cast<size_t>(line_end - at));
    at = line_end + 1;
    if (start) {
      if (!read_start(line, head)) return false;
      start = false;
      continue;
    }
    if (line.empty() || line == "\r") {
      whole = head.content_length.value_or(0) <= static_cast<size_t>(end - at);
      break;
    }
    read_row(line, head);
  }
  return whole && !head.repeated && !head.vias.empty() && !head.from.empty() && !head.to.empty() &&
         !head.call_id.empty() && !head.cseq_number.empty();
}

std::optional<std::string_view> param_of(std::string_view value, std::string_view name) {
  if (const size_t close = bracket_end(value); close != std::string_view::npos) value.remove_prefix(close);
  while (true) {
    const size_t semicolon = value.find(';');
    if (semicolon == std::string_view::npos) return std::nullopt;
    value.remove_prefix(semicolon + 1);
    // Most are another: their first letter says so.
    const size_t begin = value.find_first_not_of(" \t");
    if (begin == std::string_view::npos || (value[begin] | 0x20) != name[0]) continue;
    const std::string_view param = value.substr(0, value.find(';'));
    const size_t equals = param.find('=');
    const std::string_view found = trimmed(param.substr(0, equals));
    const bool same = std::equal(found.begin(), found.end(), name.begin(), name.end(),
                                 [](char a, char b) { return (a | 0x20) == b; });
    if (same) return equals == std::string_view::npos ? found.substr(found.size()) : trimmed(param.substr(equals + 1));
  }
}

std::string_view tag_of(std::string_view value) { return param_of(value, "tag").value_or(std::string_view{}); }

std::string_view take_value(std::string_view& row) {
  if (row.find(',') == std::string_view::npos) return trimmed(std::exchange(row, {}));
  bool quoted = false, bracketed = false;
  size_t at = 0;
  for (; at < row.size(); ++at) {
    const char c = row[at];
    if (quoted && c == '\\') {
      ++at;
    } else if (c == '"' && !bracketed) {
      quoted = !quoted;
    } else if (!quoted && (c == '<' || c == '>')) {
      bracketed = c == '<';
    } else if (c == ',' && !quoted && !bracketed) {
      break;
    }
  }
  const std::string_view value = trimmed(row.substr(0, std::min(at, row.size())));
  row.remove_prefix(std::min(at + 1, row.size()));
  return value;
}

std::string_view uri_of(std::string_view value) {
  const size_t open = bracket_begin(value);
  if (open == std::string_view::npos) return trimmed(value.substr(0, value.find(';')));
  const size_t close = value.find('>', open);
  if (close == std::string_view::npos) return {};
  return value.substr(open + 1, close - open - 1);
}

}  // namespace viaduct::blast
