#include "top/history.h"

#include <algorithm>
#include <chrono>

#include "control/commands.h"
#include "control/csv.h"
#include "control/json_line.h"
#include "control/words.h"
#include "fmt/format.h"

namespace viaduct::top {
namespace {

using Name = std::string_view;

// What is said of a row, all tables together, stands in this order.
constexpr Name commands[]{"info",   "backends", "health", "latency",     "overload",   "workers", "stat",  "drops",
                          "limits", "rules",    "bans",   "top-sources", "deviations", "ports",   "events"};

const Json nothing;
const Json no_rows = Json::array();

std::string key_of(std::string_view command, const control::Table& table, const Json& row) {
  std::string key = fmt::format("{} {}", command, table.name);
  for (const std::string_view column : control::key_columns(table)) {
    const Json& value = control::member_at(row, column);
    key += ' ' + (value.is_string() ? value.get<std::string>() : value.dump());
  }
  return key;
}

}  // namespace

std::span<const std::string_view> commands_needed() { return commands; }

std::unique_ptr<History::Moment> History::moment(core::Instant time, const control::Told& answers) {
  auto made = std::make_unique<Moment>();
  made->time = time;
  for (const auto& [name, answer] : answers) {
    const control::Command* command = control::command_named(name);
    if (command == nullptr) continue;
    for (const control::Table& table : command->tables) {
      const auto [here, fresh] =
          made->tables.insert_or_assign(fmt::format("{} {}", name, table.name), control::rows_of(answer, table));
      for (const Json& row : here->second) made->rows.emplace(key_of(name, table, row), &row);
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
  const control::Command* const known = control::command_named(command);
  const control::Table* const described = known == nullptr ? nullptr : control::table_named(*known, table);
  if (described == nullptr) return std::nullopt;
  const auto found = before_->rows.find(key_of(command, *described, row));
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
  return control::printable(control::json_line(value));
}

std::optional<double> number_of(const Json& value) {
  if (!value.is_number()) return std::nullopt;
  return value.get<double>();
}

}  // namespace viaduct::top
