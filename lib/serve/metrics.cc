#include "serve/metrics.h"

#include <algorithm>
#include <set>
#include <vector>

#include "control/commands.h"
#include "control/csv.h"
#include "control/ledger_report.h"
#include "fmt/format.h"
#include "nlohmann/json.hpp"

namespace viaduct::serve {
namespace {

using Json = nlohmann::ordered_json;

struct Writer {
  Dialect dialect;
  std::string out;
  uint64_t left_out = 0;
  std::set<const control::Table*> cut = {};  // several metrics are made from one table
};

std::string sample_name(const Metric& metric) {
  switch (metric.type) {
    case MetricType::counter: return fmt::format("{}_total", metric.name);
    case MetricType::info: return fmt::format("{}_info", metric.name);
    case MetricType::gauge: return std::string(metric.name);
  }
  return "";
}

// OpenMetrics names a family without the suffix of its samples; the older text has none but samples, and no infos.
void put_heading(Writer& to, const Metric& metric) {
  const bool open = to.dialect == Dialect::openmetrics;
  const std::string family = open ? std::string(metric.name) : sample_name(metric);
  const std::string_view type = !open && metric.type == MetricType::info ? "gauge" : text_of(metric.type);
  to.out += fmt::format("# TYPE {} {}\n", family, type);
  if (open && !metric.unit.empty()) to.out += fmt::format("# UNIT {} {}\n", family, metric.unit);
  to.out += fmt::format("# HELP {} {}.\n", family, metric.help);
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string label_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_null() ? "" : value.dump();
}

std::string labels_of(const Metric& metric, const Json& row, const Source* source) {
  std::string text;
  const auto put = [&](std::string_view name, std::string_view value) {
    text += fmt::format("{}{}=\"{}\"", text.empty() ? "" : ",", name, escaped(value));
  };
  for (const std::string_view label : metric.labels) put(label, label_text(control::member_at(row, label)));
  if (source != nullptr && !metric.spread.empty()) put(metric.spread, source->label);
  return text.empty() ? text : '{' + text + '}';
}

// Whole numbers to the last digit; nothing where the column says nothing.
std::string value_text(const Metric& metric, const Json& value) {
  if (!metric.equals.empty()) return label_text(value) == metric.equals ? "1" : "0";
  if (value.is_boolean()) return value.get<bool>() ? "1" : "0";
  if (!value.is_number()) return "";
  if (metric.scale == 1 && value.is_number_integer()) return value.dump();
  return fmt::format("{:.10g}", value.get<double>() * metric.scale);
}

void put_row(Writer& to, const Metric& metric, const Json& row) {
  if (metric.sources.empty()) {
    to.out += fmt::format("{}{} 1\n", sample_name(metric), labels_of(metric, row, nullptr));
    return;
  }
  for (const Source& source : metric.sources) {
    const std::string value = value_text(metric, control::member_at(row, source.column));
    if (!value.empty()) to.out += fmt::format("{}{} {}\n", sample_name(metric), labels_of(metric, row, &source), value);
  }
}

// A reason that has not occurred is 0, so that the first time it does is seen as a rise.
void add_missing_reasons(Json& rows) {
  std::set<std::string> present;
  for (const Json& row : rows) present.insert(row.value("reason", ""));
  for (const telemetry::ReasonText& reason : telemetry::reason_texts) {
    if (present.contains(std::string(reason.name))) continue;
    rows.push_back({{"reason", reason.name}, {"booked", control::text_of(reason.term)}, {"messages", 0}});
  }
}

const control::Table* table_of(const Metric& metric) {
  const control::Command* command = control::command_named(metric.command);
  return command == nullptr ? nullptr : control::table_named(*command, metric.table);
}

void put_metric(Writer& to, const Metric& metric, const Answers& answers) {
  const auto answer = answers.find(metric.command);
  const control::Table* table = table_of(metric);
  if (answer == answers.end() || table == nullptr) return;
  Json rows = control::rows_of(answer->second, *table);
  if (metric.command == "drops") add_missing_reasons(rows);
  put_heading(to, metric);
  if (metric.sources.empty() && metric.type == MetricType::gauge) {
    to.out += fmt::format("{} {}\n", sample_name(metric), rows.size());
    return;
  }
  size_t written = 0;
  for (const Json& row : rows) {
    if (++written > rows_max) {
      if (to.cut.insert(table).second) to.left_out += rows.size() - rows_max;
      break;
    }
    put_row(to, metric, row);
  }
}

// What no command tells.
void put_own(Writer& to, std::string_view name, std::string_view help, uint64_t value) {
  const Metric metric{name, MetricType::gauge, {}, help, {}, {}, {}, {}};
  put_heading(to, metric);
  to.out += fmt::format("{} {}\n", name, value);
}

}  // namespace

std::string_view text_of(MetricType type) {
  switch (type) {
    case MetricType::counter: return "counter";
    case MetricType::gauge: return "gauge";
    case MetricType::info: return "info";
  }
  return "";
}

std::string_view content_type_of(Dialect dialect) {
  return dialect == Dialect::openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                         : "text/plain; version=0.0.4; charset=utf-8";
}

std::string exposition(const Answers& answers, Dialect dialect) {
  Writer to{dialect, {}, 0};
  for (const Metric& metric : metrics()) put_metric(to, metric, answers);
  put_own(to, "viaduct_metrics_rows_left_out", "Rows of tables that are too long to be exported, see docs/metrics.md",
          to.left_out);
  put_own(to, "viaduct_up", "Whether the balancer answers on its control socket", answers.empty() ? 0 : 1);
  if (dialect == Dialect::openmetrics) to.out += "# EOF\n";
  return std::move(to.out);
}

std::span<const std::string_view> commands_needed() {
  static const std::vector<std::string_view> needed = [] {
    std::vector<std::string_view> names;
    for (const Metric& metric : metrics()) {
      if (std::find(names.begin(), names.end(), metric.command) == names.end()) names.push_back(metric.command);
    }
    return names;
  }();
  return needed;
}

}  // namespace viaduct::serve
