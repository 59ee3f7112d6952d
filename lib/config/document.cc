// The one door to toml++.
#include "config/document.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "config/problems.h"

// Two repairs to toml++ 3.3, which a file full of typing mistakes needs. It asserts, or with NDEBUG assumes, what it
// checks right afterwards (a table's name starts with a letter of a key): the assertions go, the checks stay. And its
// test for foreign white space declares a default unreachable that U+00A1 to U+0499 reach: there the answer is no.
#undef NDEBUG
#define TOML_ASSERT(expression) static_assert(true)
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/impl/forward_declarations.h>
#undef TOML_UNREACHABLE
#define TOML_UNREACHABLE return false
#include <toml++/impl/unicode.h>
#undef TOML_UNREACHABLE
#define TOML_UNREACHABLE __builtin_unreachable()
#include <toml++/toml.h>

namespace viaduct::config {
namespace {

Place place_of(const toml::source_region& source, uint16_t file) {
  return {static_cast<uint32_t>(source.begin.line), static_cast<uint32_t>(source.begin.column), file};
}

bool stands_before(const Place& a, const Place& b) { return std::pair(a.line, a.column) < std::pair(b.line, b.column); }

Node convert(const toml::node& source, uint16_t file) {
  Node node;
  node.place = place_of(source.source(), file);
  switch (source.type()) {
    case toml::node_type::string:
      node.kind = NodeKind::string;
      node.text = source.as_string()->get();
      break;
    case toml::node_type::integer:
      node.kind = NodeKind::integer;
      node.integer = source.as_integer()->get();
      break;
    case toml::node_type::floating_point:
      node.kind = NodeKind::real;
      node.real = source.as_floating_point()->get();
      break;
    case toml::node_type::boolean:
      node.kind = NodeKind::boolean;
      node.boolean = source.as_boolean()->get();
      break;
    case toml::node_type::array:
      node.kind = NodeKind::array;
      for (const toml::node& item : *source.as_array()) node.items.push_back(convert(item, file));
      break;
    case toml::node_type::table:
      node.kind = NodeKind::table;
      for (const auto& [key, value] : *source.as_table()) {
        node.members.push_back({std::string(key.str()), place_of(key.source(), file), convert(value, file)});
      }
      std::stable_sort(node.members.begin(), node.members.end(),
                       [](const Member& a, const Member& b) { return stands_before(a.place, b.place); });
      break;
    default:  // dates and times
      node.kind = NodeKind::time;
  }
  return node;
}

// Levels of a document: segments of a key (`a.b.c` has three), tables and arrays in brackets within each other.
constexpr size_t levels_max = 64;

// Looks for the first place where a text is nested deeper than that. Whoever follows a tree down does so on the stack,
// `convert`, destructors and the library's reader alike; a line of 30,000 segments would overflow it, so that this is
// asked of the text, before there is a tree. It takes no more from TOML's grammar than what strings and comments are.
class DeepPlace {
 public:
  explicit DeepPlace(std::string_view text) : text_(text) {}

  std::optional<size_t> find() {
    for (; at_ < text_.size(); ++at_) {
      switch (text_[at_]) {
        case '"':
        case '\'': skip_string(); break;
        case '#': at_ = std::min(text_.find('\n', at_), text_.size()); [[fallthrough]];
        case '\n':
        case ',': dots_ = 0; break;
        case '.': ++dots_; break;
        case '[':
        case '{':
          open_.push_back(dots_ + 1);
          outer_ += std::exchange(dots_, 0) + 1;
          break;
        case ']':
        case '}': close(); break;
        default: continue;
      }
      if (outer_ + dots_ >= levels_max) return at_;
    }
    return std::nullopt;
  }

 private:
  void close() {
    dots_ = 0;
    if (open_.empty()) return;
    outer_ -= open_.back();
    open_.pop_back();
  }

  // To its last quote, or before the end of the line or of the text where it has none.
  void skip_string() {
    const char quote = text_[at_];
    const std::string three(3, quote);
    const bool lines = text_.substr(at_, 3) == three;
    for (at_ += lines ? 3 : 1; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\' && quote == '"') {
        ++at_;
      } else if (lines ? text_.substr(at_, 3) == three : text_[at_] == quote) {
        at_ += lines ? 2 : 0;
        return;
      } else if (!lines && text_[at_] == '\n') {
        --at_;
        return;
      }
    }
  }

  const std::string_view text_;
  size_t at_ = 0;
  size_t dots_ = 0;           // of the key that is being read
  size_t outer_ = 0;          // levels of what it stands in
  std::vector<size_t> open_;  // of each bracket that is open
};

Place place_at(std::string_view text, size_t at, uint16_t file) {
  const std::string_view before = text.substr(0, at);
  const std::string_view row = before.substr(before.rfind('\n') + 1);  // npos + 1: the first row
  const auto line = static_cast<uint32_t>(std::count(before.begin(), before.end(), '\n') + 1);
  return {line, column_of(row, row.size()), file};
}

// toml++ counts the end of a file within a string in several lines as behind the last line that it has read, not as the
// place where it is.
Place within(std::string_view text, Place place) {
  uint32_t line = 1;
  while (line < place.line && text.find('\n') != std::string_view::npos) {
    text.remove_prefix(text.find('\n') + 1);
    ++line;
  }
  const std::string_view row = text.substr(0, text.find('\n'));
  place.line = line;
  place.column = std::min(place.column, column_of(row, row.size()));
  return place;
}

}  // namespace

std::string describe(const Node& node) {
  switch (node.kind) {
    case NodeKind::string: return quoted(node.text);
    case NodeKind::integer: return std::to_string(node.integer);
    case NodeKind::real: return "a number with a fraction";
    case NodeKind::boolean: return node.boolean ? "true" : "false";
    case NodeKind::time: return "a date or time";
    case NodeKind::array: return node.items.empty() ? "an empty array" : "an array";
    case NodeKind::table: return "a table";
  }
  return "";
}

std::variant<Node, Diagnostic> parse_document(std::string_view text, const std::string& file, uint16_t number) {
  if (const auto deep = DeepPlace(text).find()) {
    const Place place = place_at(text, *deep, number);
    return Diagnostic{file, place.line, place.column,
                      "keys or brackets are nested more than " + std::to_string(levels_max) +
                          " deep; keys such as \"name\" and tables such as [pool.health] are expected"};
  }
  const toml::parse_result result = toml::parse(text, file);
  if (result.failed()) {
    const toml::parse_error& error = result.error();
    const Place place = within(text, place_of(error.source(), number));
    return Diagnostic{file, place.line, place.column, "not TOML: " + printable(error.description())};
  }
  return convert(result.table(), number);
}

}  // namespace viaduct::config
