#include "top/history.h"

#include <algorithm>
#include <chrono>

#include "control/commands.h"
#include "control/csv.h"
#include "control/words.h"
#include "fmt/format.h"

namespace viaduct::top {
namespace {

using Name = std::string_view;

constexpr Name commands[]{"info",   "stat",  "backends", "latency",     "health",     "workers", "overload", "drops",
                          "limits", "rules", "bans",     "top-sources", "deviations", "ports",   "events"};

constexpr Name of_backend[]{"pool", "backend"};
constexpr Name of_method[]{"pool", "backend", "method"};
constexpr Name of_code[]{"pool", "backend", "code"};
constexpr Name of_worker[]{"worker"};
constexpr Name of_reason[]{"reason"};
constexpr Name of_limit[]{"limit"};
constexpr Name of_rule[]{"rule"};
constexpr Name of_source[]{"source"};
constexpr Name of_limited[]{"limit", "who"};
constexpr Name of_deviation[]{"peer", "name"};
constexpr Name of_port[]{"port"};
constexpr Name of_event[]{"number"};

constexpr Keyed keyed[]{
    {"backends", "backends", of_backend},
    {"health", "health", of_backend},
    {"latency", "latency", of_method},
    {"latency", "answers", of_code},
    {"overload", "backends", of_backend},
    {"workers", "workers", of_worker},
    {"workers", "cycles_per_message", of_worker},
    {"workers", "burst_sizes", of_worker},
    {"stat", "workers", of_worker},
    {"drops", "reasons", of_reason},
    {"limits", "limits", of_limit},
    {"rules", "rules", of_rule},
    {"bans", "bans", of_source},
    {"top-sources", "top_sources", of_limited},
    {"deviations", "deviations", of_deviation},
    {"ports", "ports", of_port},
    {"events", "events", of_event},
};

const Json nothing;
const Json no_rows = Json::array();

const Keyed* keyed_table(std::string_view command, std::string_view table) {
  const auto found = std::find_if(std::begin(keyed), std::end(keyed),
                                  [&](const Keyed& each) { return each.command == command && each.table == table; });
  return found == std::end(keyed) ? nullptr : &*found;
}

std::string key_of(std::string_view command, std::string_view table, const Json& row) {
  std::string key = fmt::format("{} {}", command, table);
  if (const Keyed* known = keyed_table(command, table)) {
    for (const std::string_view column : known->columns) {
      const Json& value = control::member_at(row, column);
      key += ' ' + (value.is_string() ? value.get<std::string>() : value.dump());
    }
  }
  return key;
}

}  // namespace

std::span<const std::string_view> commands_needed() { return commands; }
std::span<const Keyed> keyed_tables() { return keyed; }

std::unique_ptr<History::Moment> History::moment(core::Instant time, const control::Told& answers) {
  auto made = std::make_unique<Moment>();
  made->time = time;
  for (const auto& [name, answer] : answers) {
    const control::Command* command = control::command_named(name);
    if (command == nullptr) continue;
    for (const control::Table& table : command->tables) {
      const auto [here, fresh] =
          made->tables.insert_or_assign(fmt::format("{} {}", name, table.name), control::rows_of(answer, table));
      for (const Json& row : here->second) made->rows.emplace(key_of(name, table.name, row), &row);
    }
  }
  return made;
}

void History::add(core::Instant time, control::Told answers) {
  before_ = std::move(last_);
  last_ = moment(time, answers);
  gone_since_.reset();
  problem_.clear();
  if (!before_) return;
  const auto in = [](const Moment& moment, const char* table, std::string_view column) {
    const auto rows = moment.tables.find(table);
    if (rows == moment.tables.end() || rows->second.empty()) return uint64_t{0};
    const Json& value = control::member_at(rows->second.front(), column);
    return value.is_number() ? value.get<uint64_t>() : 0;
  };
  // Whole seconds are told, and answers take their time.
  const auto started = [&](const Moment& moment) {
    return moment.time - std::chrono::seconds(in(moment, "info info", "uptime_s"));
  };
  if (started(*last_) > started(*before_) + std::chrono::seconds(2) ||
      in(*last_, "stat ledger", "received") < in(*before_, "stat ledger", "received")) {
    before_.reset();
    restarted_ = time;
  }
}

void History::miss(core::Instant time, std::string problem) {
  if (!gone_since_) gone_since_ = time;
  problem_ = std::move(problem);
}

const Json& History::rows(std::string_view command, std::string_view table) const {
  if (!last_) return no_rows;
  const auto found = last_->tables.find(fmt::format("{} {}", command, table));
  return found == last_->tables.end() ? no_rows : found->second;
}

const Json& History::value(std::string_view command, std::string_view table, std::string_view column) const {
  const Json& found = rows(command, table);
  return found.empty() ? nothing : control::member_at(found.front(), column);
}

std::optional<double> History::rate(std::string_view command, std::string_view table, const Json& row,
                                    std::string_view column) const {
  if (!last_ || !before_ || gone_since_) return std::nullopt;
  const double seconds = std::chrono::duration<double>(last_->time - before_->time).count();
  const auto now = number_of(control::member_at(row, column));
  if (!now || seconds <= 0) return std::nullopt;
  const auto found = before_->rows.find(key_of(command, table, row));
  const double then =
      found == before_->rows.end() ? 0 : number_of(control::member_at(*found->second, column)).value_or(0);
  if (*now < then) return std::nullopt;
  return (*now - then) / seconds;
}

std::optional<double> History::rate(std::string_view command, std::string_view table, std::string_view column) const {
  const Json& found = rows(command, table);
  if (found.empty()) return std::nullopt;
  return rate(command, table, found.front(), column);
}

std::string text_of(const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_string()) {
    const std::string text = control::printable(value.get_ref<const std::string&>());
    return text.empty() ? "-" : text;
  }
  if (value.is_number_float()) return fmt::format("{:.2f}", value.get<double>());
  if (value.is_array()) {
    std::string list;
    for (const Json& item : value) list += (list.empty() ? "" : ", ") + text_of(item);
    return list.empty() ? "-" : list;
  }
  return control::printable(value.dump(-1, ' ', true, Json::error_handler_t::replace));
}

std::optional<double> number_of(const Json& value) {
  if (!value.is_number()) return std::nullopt;
  return value.get<double>();
}

}  // namespace viaduct::top
