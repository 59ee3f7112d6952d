#include "control/telemetry_tables.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "control/commands.h"
#include "control/csv.h"
#include "control/words.h"
#include "fmt/format.h"
#include "nlohmann/json.hpp"

namespace viaduct::control {
namespace {

using Word = std::string_view;

constexpr Word info_parts[]{"info", "socket"};
constexpr Word stat_parts[]{"ledger", "traffic"};
constexpr Word worker_parts[]{"workers"};
constexpr Word backend_parts[]{"backends"};
constexpr Word reason_parts[]{"reasons"};
constexpr Word port_parts[]{"ports"};
constexpr Word latency_parts[]{"latency"};
constexpr Word left_away[]{"meaning", "clause"};

struct ToldCommand {
  Word command;                  // as in `show`
  std::span<const Word> tables;  // objects are put together
  std::span<const Word> without = {};
  Word parameter = {};  // what its rows are named by; none: an object
};
constexpr ToldCommand told_commands[]{
    {"info", info_parts},
    {"stat", stat_parts},
    {"workers", worker_parts, {}, "WORKER"},
    {"backends", backend_parts, {}, "POOL/NAME"},
    {"drops", reason_parts, left_away, "REASON"},
    {"ports", port_parts, {}, "PORT"},
    {"latency", latency_parts, {}, "POOL/NAME/METHOD"},
};

// What DPDK writes between quotes as it is.
std::string quotable(std::string_view text) {
  std::string clean = printable(text).substr(0, dpdk::telemetry_text_bytes_max);
  std::replace_if(
      clean.begin(), clean.end(), [](char c) { return c == '"' || c == '\\'; }, '\'');
  return clean;
}

std::optional<dpdk::TelemetryValue> told_value(const Report& value, Kind kind) {
  if (kind == Kind::real) {
    if (!value.is_number()) return std::nullopt;
    return static_cast<uint64_t>(std::llround(std::max(0.0, value.get<double>() * 1000)));
  }
  if (value.is_boolean()) return uint64_t{value.get<bool>()};
  if (value.is_number_integer()) return static_cast<uint64_t>(std::max<int64_t>(0, value.get<int64_t>()));
  if (value.is_string()) return quotable(value.get_ref<const std::string&>());
  return std::nullopt;
}

void put_told(dpdk::TelemetryRow& out, const Table& table, const Report& row, std::span<const Word> without) {
  if (table.shape == Shape::named) {
    const Word name = name_column(table);
    out.values.emplace_back(std::string(name), quotable(member_at(row, name).get<std::string>()));
  }
  for (const Column& column : table.columns) {
    if (std::find(without.begin(), without.end(), column.name) != without.end()) continue;
    auto value = told_value(member_at(row, column.name), column.kind);
    if (!value || out.values.size() == dpdk::telemetry_values_max) continue;
    std::string name(column.name);
    std::replace(name.begin(), name.end(), '.', '_');
    if (column.kind == Kind::real) name += "_x1000";
    out.values.emplace_back(std::move(name), std::move(*value));
  }
}

std::string row_name(const Report& row, const Table& table) {
  std::string name;
  for (const Word column : key_columns(table)) {
    const Report& value = member_at(row, column);
    name += (name.empty() ? "" : "/") + (value.is_string() ? quotable(value.get<std::string>()) : value.dump());
  }
  return name;
}

dpdk::TelemetryTable told_table(const ToldCommand& spec, const Command& command, const Report& report) {
  dpdk::TelemetryTable out{fmt::format("/viaduct/{}", spec.command), {}, spec.parameter.empty(), {}};
  out.help = out.is_object ? fmt::format("As 'show {}'", spec.command)
                           : fmt::format("As 'show {}'. Parameters: {}, or the number of the first row", spec.command,
                                         spec.parameter);
  if (out.is_object) out.rows.emplace_back();
  for (const Word name : spec.tables) {
    const Table* table = table_named(command, name);
    if (table == nullptr) continue;
    for (const Report& row : rows_of(report, *table)) {
      if (!out.is_object) out.rows.push_back({row_name(row, *table), {}});
      put_told(out.rows.back(), *table, row, spec.without);
    }
  }
  return out;
}

}  // namespace

std::vector<dpdk::TelemetryTable> telemetry_tables(const Status& status) {
  std::vector<dpdk::TelemetryTable> tables;
  for (const ToldCommand& spec : told_commands) {
    const Command* command = command_named(spec.command);
    if (command != nullptr) tables.push_back(told_table(spec, *command, command->report(status, {})));
  }
  return tables;
}

}  // namespace viaduct::control
