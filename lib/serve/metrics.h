// What Prometheus gets, made from what the control socket answers.
//
// A metric is a row of a table: from which command, table and columns its samples come, and which columns are labels.
// The exposition, docs/metrics.md and the tests are made from it. Every row of the command's table is a sample, so
// cardinality is what the configuration has (backends, rules, limits, ports) or what this program knows (reasons), and
// `rows_max` in any case; nothing that a stranger writes is a label.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "control/answers.h"

namespace viaduct::serve {

enum class MetricType : uint8_t { counter, gauge, info };
std::string_view text_of(MetricType type);

// A column of numbers, and what the label `Metric::spread` says of it, where several columns are one metric.
struct Source {
  std::string_view column;
  std::string_view label = {};
};

struct Metric {
  std::string_view name;  // without `_total` or `_info`, which its type adds
  MetricType type;
  std::string_view unit;  // "seconds", "bytes", "ratio"; empty: a number of things. The name ends with it
  std::string_view help;
  std::string_view command, table;           // as in `show`
  std::span<const std::string_view> labels;  // columns
  std::span<const Source> sources;           // none: 1 for an info, the number of rows for a gauge
  std::string_view spread = {};              // the label that tells the sources apart
  double scale = 1;                          // from the column to the unit
  std::string_view equals = {};              // 1 where the column has this text, else 0
};
std::span<const Metric> metrics();

inline constexpr size_t rows_max = 1024;  // of one table; what is over is counted by viaduct_metrics_rows_left_out

enum class Dialect : uint8_t { prometheus, openmetrics };
std::string_view content_type_of(Dialect dialect);

using Answers = control::Told;  // commands without an answer have no samples
// Everything; without any answer only `viaduct_up 0`.
std::string exposition(const Answers& answers, Dialect dialect);

// The commands that metrics are made from, each once.
std::span<const std::string_view> commands_needed();

}  // namespace viaduct::serve
