#include "control/answers.h"

#include <algorithm>
#include <utility>

#include "control/commands.h"
#include "control/words.h"
#include "fmt/format.h"

namespace viaduct::control {

std::string lines_asking(std::span<const std::string_view> commands) {
  std::string lines;
  for (const std::string_view name : commands) {
    const Command* command = command_named(name);
    const std::string_view brief = command == nullptr ? std::string_view() : command->brief;
    lines += fmt::format("{}show {} json{}{}", lines.empty() ? "" : "\n", name, brief.empty() ? "" : " ", brief);
  }
  return lines;
}

Told told_in(std::string_view text) {
  Told answers;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    auto answer = nlohmann::ordered_json::parse(text.substr(0, end), nullptr, false);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!answer.is_object() || !answer.contains("command") || !answer["command"].is_string()) continue;
    const std::string command = answer["command"].get<std::string>();
    answers.insert_or_assign(command, std::move(answer));
  }
  return answers;
}

std::optional<std::string> refusal_in(std::string_view answer) {
  constexpr std::string_view refused = "error: ";
  if (!answer.starts_with(refused)) return std::nullopt;
  return printable(answer.substr(refused.size()));
}

}  // namespace viaduct::control
