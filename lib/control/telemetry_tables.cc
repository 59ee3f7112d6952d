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

using Names = std::string_view;

constexpr Names info_tables[]{"info", "socket"};
constexpr Names stat_tables[]{"ledger", "traffic"};
constexpr Names worker_tables[]{"workers"};
constexpr Names backend_tables[]{"backends"};
constexpr Names reason_tables[]{"reasons"};
constexpr Names port_tables[]{"ports"};
constexpr Names latency_tables[]{"latency"};
constexpr Names of_worker[]{"worker"};
constexpr Names of_backend[]{"pool", "backend"};
constexpr Names of_reason[]{"reason"};
constexpr Names of_port[]{"port"};
constexpr Names of_method[]{"pool", "backend", "method"};
constexpr Names sentences[]{"meaning", "clause"};

struct Spec {
  Names command;                  // as in `show`
  std::span<const Names> tables;  // of an object several, put together
  std::span<const Names> name;    // the columns that name a row; none: an object
  std::span<const Names> without = {};
  Names parameter = {};
};
constexpr Spec specs[]{
    {"info", info_tables, {}},
    {"stat", stat_tables, {}},
    {"workers", worker_tables, of_worker, {}, "WORKER"},
    {"backends", backend_tables, of_backend, {}, "POOL/NAME"},
    {"drops", reason_tables, of_reason, sentences, "REASON"},
    {"ports", port_tables, of_port, {}, "PORT"},
    {"latency", latency_tables, of_method, {}, "POOL/NAME/METHOD"},
};

// What DPDK writes between quotes as it is.
std::string plain(std::string_view text) {
  std::string clean = printable(text).substr(0, dpdk::telemetry_text_bytes_max);
  std::replace_if(
      clean.begin(), clean.end(), [](char c) { return c == '"' || c == '\\'; }, '\'');
  return clean;
}

std::optional<dpdk::TelemetryValue> value_of(const Report& value, Kind kind) {
  if (kind == Kind::real) {
    if (!value.is_number()) return std::nullopt;
    return static_cast<uint64_t>(std::llround(std::max(0.0, value.get<double>() * 1000)));
  }
  if (value.is_boolean()) return uint64_t{value.get<bool>()};
  if (value.is_number_integer()) return static_cast<uint64_t>(std::max<int64_t>(0, value.get<int64_t>()));
  if (value.is_string()) return plain(value.get_ref<const std::string&>());
  return std::nullopt;
}

void put_values(dpdk::TelemetryRow& out, const Table& table, const Report& row, std::span<const Names> without) {
  if (table.shape == Shape::named) {
    const Names name = name_column(table);
    out.values.emplace_back(std::string(name), plain(member_at(row, name).get<std::string>()));
  }
  for (const Column& column : table.columns) {
    if (std::find(without.begin(), without.end(), column.name) != without.end()) continue;
    auto value = value_of(member_at(row, column.name), column.kind);
    if (!value || out.values.size() == dpdk::telemetry_values_max) continue;
    std::string name(column.name);
    std::replace(name.begin(), name.end(), '.', '_');
    if (column.kind == Kind::real) name += "_x1000";
    out.values.emplace_back(std::move(name), std::move(*value));
  }
}

std::string name_of(const Report& row, std::span<const Names> columns) {
  std::string name;
  for (const Names column : columns) {
    const Report& value = member_at(row, column);
    name += (name.empty() ? "" : "/") + (value.is_string() ? plain(value.get<std::string>()) : value.dump());
  }
  return name;
}

dpdk::TelemetryTable table_for(const Spec& spec, const Command& command, const Report& report) {
  dpdk::TelemetryTable out{fmt::format("/viaduct/{}", spec.command), {}, spec.name.empty(), {}};
  out.help = spec.name.empty() ? fmt::format("As 'show {}'", spec.command)
                               : fmt::format("As 'show {}'. Parameters: {}, or the number of the first row",
                                             spec.command, spec.parameter);
  if (out.is_object) out.rows.emplace_back();
  for (const Names name : spec.tables) {
    const Table* table = table_named(command, name);
    if (table == nullptr) continue;
    for (const Report& row : rows_of(report, *table)) {
      if (!out.is_object) out.rows.push_back({name_of(row, spec.name), {}});
      put_values(out.rows.back(), *table, row, spec.without);
    }
  }
  return out;
}

}  // namespace

std::vector<dpdk::TelemetryTable> telemetry_tables(const Status& status) {
  std::vector<dpdk::TelemetryTable> tables;
  for (const Spec& spec : specs) {
    const Command* command = command_named(spec.command);
    if (command != nullptr) tables.push_back(table_for(spec, *command, command->report(status, {})));
  }
  return tables;
}

}  // namespace viaduct::control
