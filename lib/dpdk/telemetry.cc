#include "dpdk/telemetry.h"

#include <rte_telemetry.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <mutex>
#include <set>

#include "core/clock.h"
#include "core/log.h"
#include "core/number.h"

namespace viaduct::dpdk {
namespace {

constexpr size_t digits_max = 20;

struct Shelf {
  std::mutex mutex;
  std::shared_ptr<const std::vector<TelemetryTable>> tables;
  core::Instant published{};
};

// DPDK's threads never end, so neither does this.
Shelf& shelf() {
  static Shelf& instance = *std::make_unique<Shelf>().release();
  return instance;
}

const TelemetryTable* table_of(const std::vector<TelemetryTable>& tables, std::string_view command) {
  const auto found =
      std::find_if(tables.begin(), tables.end(), [&](const TelemetryTable& table) { return table.command == command; });
  return found == tables.end() ? nullptr : &*found;
}

void put_values(rte_tel_data* data, const TelemetryRow& row) {
  for (const auto& [name, value] : row.values) {
    if (const auto* number = std::get_if<uint64_t>(&value)) {
      rte_tel_data_add_dict_u64(data, name.c_str(), *number);
    } else {
      rte_tel_data_add_dict_string(data, name.c_str(), std::get<std::string>(value).c_str());
    }
  }
}

int answer_from(const TelemetryTable& table, std::string_view parameter, uint64_t age_ms, rte_tel_data* data) {
  const auto rows = telemetry_page(table, parameter);
  if ((rows.empty() && !parameter.empty()) || rte_tel_data_start_dict(data) != 0) return -EINVAL;
  rte_tel_data_add_dict_u64(data, "age_ms", age_ms);
  if (table.is_object) {
    if (!rows.empty()) put_values(data, rows.front());
    return 0;
  }
  rte_tel_data_add_dict_u64(data, "rows", table.rows.size());
  const std::vector<std::string> keys = telemetry_keys(rows);
  for (size_t i = 0; i < rows.size(); ++i) {
    rte_tel_data* const object = rte_tel_data_alloc();
    if (object == nullptr || rte_tel_data_start_dict(object) != 0) return -ENOMEM;
    put_values(object, rows[i]);
    if (rte_tel_data_add_dict_container(data, keys[i].c_str(), object, 0) != 0) rte_tel_data_free(object);
  }
  return 0;
}

// In a thread of DPDK's.
int answer(const char* command, const char* parameters, rte_tel_data* data) {
  try {
    std::shared_ptr<const std::vector<TelemetryTable>> tables;
    core::Instant published;
    {
      const std::lock_guard lock(shelf().mutex);
      tables = shelf().tables;
      published = shelf().published;
    }
    const TelemetryTable* table = tables ? table_of(*tables, command) : nullptr;
    if (table == nullptr) return -ENOENT;
    const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(core::SteadyClock().now() - published);
    const auto age_ms = static_cast<uint64_t>(std::max<int64_t>(0, age.count()));
    return answer_from(*table, parameters == nullptr ? "" : parameters, age_ms, data);
  } catch (const std::exception&) {  // what the language may throw must not reach a thread that is not ours
    return -ENOMEM;
  }
}

size_t bytes_of(const TelemetryRow& row) {
  constexpr size_t punctuation = 6;
  size_t bytes = row.name.size() + punctuation;
  for (const auto& [name, value] : row.values) {
    const auto* text = std::get_if<std::string>(&value);
    bytes += name.size() + punctuation + (text == nullptr ? digits_max : text->size());
  }
  return bytes;
}

}  // namespace

std::span<const TelemetryRow> telemetry_page(const TelemetryTable& table, std::string_view parameter) {
  const std::span<const TelemetryRow> rows = table.rows;
  size_t first = 0;
  if (!parameter.empty()) {
    const auto named =
        std::find_if(rows.begin(), rows.end(), [&](const TelemetryRow& row) { return row.name == parameter; });
    if (named != rows.end()) return rows.subspan(static_cast<size_t>(named - rows.begin()), 1);
    const auto number = core::whole_number<size_t>(parameter);
    if (!number || *number >= rows.size()) return {};
    first = *number;
  }
  size_t count = 0;
  for (size_t bytes = 0; first + count < rows.size() && count < telemetry_page_rows_max; ++count) {
    bytes += bytes_of(rows[first + count]);
    if (bytes > telemetry_page_bytes_max && count != 0) break;
  }
  return rows.subspan(first, count);
}

std::vector<std::string> telemetry_keys(std::span<const TelemetryRow> rows) {
  std::set<std::string> taken{"age_ms", "rows"};
  std::vector<std::string> keys;
  for (const TelemetryRow& row : rows) {
    std::string key = row.name.substr(0, telemetry_text_bytes_max - digits_max);
    std::replace_if(
        key.begin(), key.end(),
        [](char c) {
          return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '/');
        },
        '_');
    if (key.empty() || !taken.insert(key).second) {
      key += "_row_" + std::to_string(keys.size());
      taken.insert(key);
    }
    keys.push_back(std::move(key));
  }
  return keys;
}

void publish_telemetry(std::vector<TelemetryTable> tables) {
  const auto fresh = std::make_shared<const std::vector<TelemetryTable>>(std::move(tables));
  std::shared_ptr<const std::vector<TelemetryTable>> former;
  {
    const std::lock_guard lock(shelf().mutex);
    former = std::exchange(shelf().tables, fresh);
    shelf().published = core::SteadyClock().now();
  }
  for (const TelemetryTable& table : *fresh) {
    if (former && table_of(*former, table.command) != nullptr) continue;
    if (rte_telemetry_register_cmd(table.command.c_str(), answer, table.help.c_str()) != 0) {
      core::log_warning("dpdk: the telemetry command {} cannot be made known", table.command);
    }
  }
}

}  // namespace viaduct::dpdk
