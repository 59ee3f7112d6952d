// A table of a report as comma-separated values (RFC 4180, with plain line ends): a line with the names of the columns,
// then a line a row. The columns are those of the table, in its order, whatever a row has; new ones come at the end.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/table.h"
#include "nlohmann/json_fwd.hpp"

namespace viaduct::control {

std::string to_csv(const nlohmann::ordered_json& report, const Table& table);

// The rows of a table, whatever its shape: each an object; of a named table with its name as the first member, called
// like the table without the plural's s.
nlohmann::ordered_json rows_of(const nlohmann::ordered_json& report, const Table& table);
std::string_view name_column(const Table& table);  // `port` of `ports`
// The columns that tell its rows apart, in order; none: it has one row at most, or rows that nobody need find again.
std::vector<std::string_view> key_columns(const Table& table);
// The member at `path`, such as `fragments.received`; null if there is none.
const nlohmann::ordered_json& member_at(const nlohmann::ordered_json& row, std::string_view path);

}  // namespace viaduct::control
