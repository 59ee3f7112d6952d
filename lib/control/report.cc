#include "control/report.h"

#include <algorithm>
#include <vector>

#include "nlohmann/json.hpp"

namespace viaduct::control {
namespace {

using Json = nlohmann::ordered_json;

std::string cell(const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_string()) return value.get_ref<const std::string&>().empty() ? "-" : value.get<std::string>();
  if (value.is_number_float()) {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%.2f", value.get<double>());
    return buffer;
  }
  if (value.is_array()) {
    std::string list;
    for (const Json& item : value) list += (list.empty() ? "" : ", ") + cell(item);
    return list.empty() ? "-" : list;
  }
  return value.dump();
}

bool is_table(const Json& value) { return value.is_array() && !value.empty() && value.front().is_object(); }

std::string padded(const std::string& text, size_t width, bool right) {
  const std::string space(width > text.size() ? width - text.size() : 0, ' ');
  return right ? space + text : text + space;
}

void put_line(std::string& out, std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  out += line + '\n';
}

// Columns are those of the first row: rows of one report have the same members.
void put_table(std::string& out, const Json& rows, const std::string& indent) {
  std::vector<std::string> names;
  std::vector<size_t> widths;
  std::vector<bool> right;
  for (const auto& [name, value] : rows.front().items()) {
    names.push_back(name);
    widths.push_back(name.size());
    right.push_back(value.is_number());
  }
  for (const Json& row : rows) {
    for (size_t i = 0; i < names.size(); ++i) widths[i] = std::max(widths[i], cell(row.value(names[i], Json())).size());
  }
  std::string heading = indent;
  for (size_t i = 0; i < names.size(); ++i) heading += padded(names[i], widths[i], right[i]) + "  ";
  put_line(out, heading);
  for (const Json& row : rows) {
    std::string line = indent;
    for (size_t i = 0; i < names.size(); ++i)
      line += padded(cell(row.value(names[i], Json())), widths[i], right[i]) + "  ";
    put_line(out, line);
  }
}

void put(std::string& out, const Json& value, const std::string& indent) {
  if (is_table(value)) return put_table(out, value, indent);
  if (!value.is_object()) return put_line(out, indent + cell(value));
  size_t width = 0;
  for (const auto& [name, member] : value.items()) {
    if (!member.is_object() && !is_table(member)) width = std::max(width, name.size());
  }
  for (const auto& [name, member] : value.items()) {
    if (member.is_object() || is_table(member)) {
      put_line(out, indent + name + ':');
      put(out, member, indent + "  ");
    } else {
      put_line(out, indent + padded(name, width, false) + "  " + cell(member));
    }
  }
}

}  // namespace

std::string to_text(const Json& report) {
  std::string out;
  put(out, report, "");
  return out;
}

}  // namespace viaduct::control
