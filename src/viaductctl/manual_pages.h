// docs/control-socket.md, docs/metrics.md, docs/reasons.md and the words of completion, from the programs' tables.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace viaduct::ctl {

std::string socket_page();
std::string metrics_page();
std::string reasons_page();

inline constexpr std::string_view made_by = "<!-- Made by scripts/generate-docs from the program's own tables. -->\n";
// As a cell of a table: `a|b` would end it.
std::string cell_text(std::string_view text);

// Bash: `options` are those of every command, by its name; of all with "".
std::string completion(const std::map<std::string, std::string>& options);

}  // namespace viaduct::ctl
