// Tables as commands of DPDK's telemetry socket: `/viaduct/stat` in dpdk-telemetry.py, telegraf, collectd.
//
// Clients are answered by threads of DPDK's, from what was published last; the control thread's own state is never
// touched by them. An answer has at most 16 KiB and 256 members, whose names are letters, digits, `_` and `/`; so a
// table is an object of objects by the rows' names, and what does not fit is asked for by the number of a row.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace viaduct::dpdk {

using TelemetryValue = std::variant<uint64_t, std::string>;

struct TelemetryRow {
  std::string name;  // "/viaduct/backends,NAME" is answered with this row alone
  std::vector<std::pair<std::string, TelemetryValue>> values;
};

struct TelemetryTable {
  std::string command;     // "/viaduct/stat"; fewer than 56 characters
  std::string help;        // fewer than 128
  bool is_object = false;  // one row, which is the answer itself
  std::vector<TelemetryRow> rows;
};

inline constexpr size_t telemetry_page_bytes_max = 12 << 10;  // of rows; DPDK's own limit counts punctuation, too
inline constexpr size_t telemetry_page_rows_max = 250;
inline constexpr size_t telemetry_text_bytes_max = 127;
inline constexpr size_t telemetry_values_max = 250;  // of a row

// What `parameter` asks for of a table: nothing, from the first row; a row's name, that one; a number, from that row
// on. As many rows as an answer holds; none if there is no such row.
std::span<const TelemetryRow> telemetry_page(const TelemetryTable& table, std::string_view parameter);

// What rows of one answer are called: their names, with `_` for what may not be there, each once.
std::vector<std::string> telemetry_keys(std::span<const TelemetryRow> rows);

// What is answered from now on; commands are made known when they are seen first. Thread: control, after the start of
// EAL with `dpdk_telemetry`.
void publish_telemetry(std::vector<TelemetryTable> tables);

}  // namespace viaduct::dpdk
