#include "control/csv.h"

#include <cmath>

#include "fmt/format.h"
#include "nlohmann/json.hpp"

namespace viaduct::control {
namespace {

using Json = nlohmann::ordered_json;

std::string plain_csv(const Json& value) {
  if (value.is_null()) return "";
  if (value.is_boolean()) return value.get<bool>() ? "1" : "0";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) {
    const double number = value.get<double>();
    // Whole numbers to the last digit: a counter may be a sum of fractions.
    return number == std::floor(number) ? fmt::format("{:.0f}", number) : fmt::format("{:.10g}", number);
  }
  if (!value.is_array()) return value.dump();
  std::string list;
  for (const Json& item : value) list += (list.empty() ? "" : " ") + plain_csv(item);
  return list;
}

std::string csv_field(const Json& value) {
  const std::string text = plain_csv(value);
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c == '\n' || c == '\r' ? ' ' : c);
  return quoted + '"';
}

}  // namespace

std::string_view name_column(const Table& table) {
  std::string_view name = table.name;
  if (name.ends_with('s')) name.remove_suffix(1);
  return name;
}

std::vector<std::string_view> key_columns(const Table& table) {
  std::vector<std::string_view> keys;
  if (table.shape == Shape::named) keys.push_back(name_column(table));
  for (const Column& column : table.columns) {
    if (column.key) keys.push_back(column.name);
  }
  return keys;
}

const Json& member_at(const Json& row, std::string_view path) {
  static const Json nothing;
  const Json* here = &row;
  while (true) {
    const size_t dot = path.find('.');
    if (!here->is_object()) return nothing;
    const auto found = here->find(path.substr(0, dot));
    if (found == here->end()) return nothing;
    here = &*found;
    if (dot == std::string_view::npos) return *here;
    path.remove_prefix(dot + 1);
  }
}

Json rows_of(const Json& report, const Table& table) {
  if (table.shape == Shape::members) return Json::array({report});
  const auto member = report.find(table.name);
  Json rows = Json::array();
  if (member == report.end() || member->is_null()) return rows;
  if (table.shape == Shape::rows) return *member;
  if (table.shape == Shape::object) return Json::array({*member});
  for (const auto& [name, value] : member->items()) {
    Json row = {{std::string(name_column(table)), name}};
    row.update(value);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string to_csv(const Json& report, const Table& table) {
  std::string out;
  if (table.shape == Shape::named) out = std::string(name_column(table)) + ',';
  for (const Column& column : table.columns) out += fmt::format("{},", column.name);
  out.back() = '\n';
  for (const Json& row : rows_of(report, table)) {
    std::string line;
    if (table.shape == Shape::named) line = csv_field(member_at(row, name_column(table))) + ',';
    for (const Column& column : table.columns) line += csv_field(member_at(row, column.name)) + ',';
    line.back() = '\n';
    out += line == "\n" ? "\"\"\n" : line;  // an empty line would end the answer
  }
  return out;
}

}  // namespace viaduct::control
