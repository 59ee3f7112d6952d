#include "serve/pages.h"

#include <algorithm>

#include "control/commands.h"
#include "control/words.h"
#include "fmt/format.h"
#include "nlohmann/json.hpp"
#include "serve/metrics.h"

namespace viaduct::serve {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view json_type = "application/json";

Page problem(int status, std::string_view sentence) {
  const Json object = {{"error", sentence}};
  return {status, std::string(json_type), object.dump(-1, ' ', true, Json::error_handler_t::replace) + '\n'};
}

Page index_page() {
  Json list = Json::array();
  for (const control::Command& command : control::commands()) {
    list.push_back({{"path", fmt::format("/api/{}", command.name)},
                    {"arguments", command.arguments},
                    {"help", command.help}});
  }
  return {200, std::string(json_type), Json({{"schema", control::schema_version}, {"commands", list}}).dump() + '\n'};
}

Page front_page() {
  return {200, "text/plain; charset=utf-8",
          "viaduct\n\n/metrics   for Prometheus\n/healthz   whether the balancer answers\n/api       JSON\n"};
}

// A word that can be nothing but a word of the command: no white space, no line end, not without end.
bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= 128 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

Answers parsed(std::string_view lines) {
  Answers answers;
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    Json answer = Json::parse(lines.substr(0, end), nullptr, false);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (!answer.is_object() || !answer.contains("command")) continue;
    const std::string command = answer["command"].get<std::string>();
    answers.insert_or_assign(command, std::move(answer));
  }
  return answers;
}

}  // namespace

core::Result<std::string> Pages::asked(const std::string& lines) {
  const std::lock_guard lock(mutex_);  // who asks for the same meanwhile gets the same answer
  const auto now = std::chrono::steady_clock::now();
  std::erase_if(kept_, [now](const auto& entry) { return now - entry.second.time > kept_time; });
  if (const auto found = kept_.find(lines); found != kept_.end()) return found->second.answer;
  core::Result<std::string> answer = ask_(lines);
  if (kept_.size() < kept_max) kept_.emplace(lines, Kept{std::chrono::steady_clock::now(), answer});
  return answer;
}

Page Pages::metrics_page(std::string_view accept) {
  const bool open = accept.find("application/openmetrics-text") != std::string_view::npos;
  const Dialect dialect = open ? Dialect::openmetrics : Dialect::prometheus;
  std::string lines;
  for (const std::string_view name : commands_needed()) {
    lines += fmt::format("{}show {} json", lines.empty() ? "" : "\n", name);
  }
  const auto answer = asked(lines);
  return {200, std::string(content_type_of(dialect)), exposition(answer ? parsed(*answer) : Answers{}, dialect)};
}

Page Pages::api_page(std::string_view name, const Wanted& wanted) {
  const control::Command* command = control::command_named(name);
  if (command == nullptr) {
    return problem(404, fmt::format("'{}' is nothing that can be shown; /api lists what is", control::printable(name)));
  }
  std::string line = fmt::format("show {} json", command->name);
  for (const auto& [key, value] : wanted.query) {
    if (!is_word(key) || !is_word(value)) return problem(400, "a query of words is expected, such as ?since=42");
    line += fmt::format(" {} {}", key, value);
  }
  const auto answer = asked(line);
  if (!answer) return problem(503, answer.error());
  constexpr std::string_view refused = "error: ";
  if (answer->starts_with(refused)) return problem(400, control::printable(answer->substr(refused.size())));
  return {200, std::string(json_type), *answer};
}

Page Pages::get(const Wanted& wanted) {
  if (wanted.method != "GET" && wanted.method != "HEAD") {
    return problem(405, "only GET and HEAD are served: nothing can be changed here");
  }
  constexpr std::string_view api = "/api/";
  if (wanted.path == "/") return front_page();
  if (wanted.path == "/metrics") return metrics_page(wanted.accept);
  if (wanted.path == "/api" || wanted.path == api) return index_page();
  if (wanted.path.starts_with(api)) return api_page(std::string_view(wanted.path).substr(api.size()), wanted);
  if (wanted.path == "/healthz") {
    const auto answer = asked("show info json");
    if (answer) return {200, "text/plain; charset=utf-8", "ok\n"};
    return {503, "text/plain; charset=utf-8", answer.error() + '\n'};
  }
  return problem(404, fmt::format("'{}' is not served; /, /metrics, /healthz and /api are",
                                  control::printable(wanted.path)));
}

}  // namespace viaduct::serve
