// The one door to toml++.
#include "config/document.h"

#include <algorithm>
#include <utility>

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

// toml++ counts the end of a file within a string in several lines as behind the last line that it has read, not as the
// place where it is.
Place within(std::string_view text, Place place) {
  uint32_t line = 1;
  while (line < place.line && text.find('\n') != std::string_view::npos) {
    text.remove_prefix(text.find('\n') + 1);
    ++line;
  }
  const std::string_view row = text.substr(0, text.find('\n'));
  const auto begins_character = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
  const auto characters = static_cast<uint32_t>(std::count_if(row.begin(), row.end(), begins_character));
  place.line = line;
  place.column = std::min(place.column, characters + 1);
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
  const toml::parse_result result = toml::parse(text, file);
  if (result.failed()) {
    const toml::parse_error& error = result.error();
    const Place place = within(text, place_of(error.source(), number));
    return Diagnostic{file, place.line, place.column, "not TOML: " + printable(error.description())};
  }
  return convert(result.table(), number);
}

}  // namespace viaduct::config
