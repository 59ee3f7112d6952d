// docs/control-socket.md, docs/metrics.md and the words of completion, from the tables of commands and metrics.
#pragma once

#include <map>
#include <string>

namespace viaduct::ctl {

std::string socket_page();
std::string metrics_page();

// Bash: `options` are those of every command, by its name; of all with "".
std::string completion(const std::map<std::string, std::string>& options);

}  // namespace viaduct::ctl
