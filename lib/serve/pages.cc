#include "serve/pages.h"

#include <algorithm>

#include "control/answers.h"
#include "control/commands.h"
#include "control/json_line.h"
#include "control/words.h"
#include "fmt/format.h"
#include "net/address.h"
#include "serve/metrics.h"
#include "serve/page_files.h"
#include "serve/readiness.h"
#include "sip/charset.h"

namespace viaduct::serve {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view json_type = "application/json";
constexpr std::string_view text_type = "text/plain; charset=utf-8";

Page lines(int status, std::string_view text) { return {status, std::string(text_type), std::string(text) + '\n'}; }

Page problem(int status, std::string_view sentence) {
  const Json object = {{"error", sentence}};
  return {status, std::string(json_type), control::json_line(object) + '\n'};
}

Page index_page() {
  Json list = Json::array();
  for (const control::Command& command : control::commands()) {
    list.push_back(
        {{"path", fmt::format("/api/{}", command.name)}, {"arguments", command.arguments}, {"help", command.help}});
  }
  return {200, std::string(json_type), Json({{"schema", control::schema_version}, {"commands", list}}).dump() + '\n'};
}

// What lib/serve/page shows.
constexpr std::string_view dashboard_commands[]{"info",  "stat",  "backends", "latency",    "health", "workers",
                                                "drops", "rules", "limits",   "deviations", "bans",   "events"};

// How long it takes says nothing about how much of it was right.
bool is_same(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < a.size(); ++i) {
    difference |= static_cast<unsigned char>(a[i]) ^ (b.empty() ? 0u : static_cast<unsigned char>(b[i % b.size()]));
  }
  return difference == 0;
}

// What an answer is whose command says `word`; nothing if that is no form.
std::optional<std::string_view> type_of_form(const control::Command& command, std::string_view word) {
  if (word == "json") return json_type;
  if (word == "text") return text_type;
  if (word == "csv") return "text/csv; charset=utf-8";
  if (word == "markdown" && command.markdown != nullptr) return "text/markdown; charset=utf-8";
  return std::nullopt;
}

// A word that can be nothing but a word of the command: no white space, no line end, not without end.
bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= 128 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

Pages::Answer Pages::asked(const std::string& lines) {
  using Clock = std::chrono::steady_clock;
  std::promise<Answer> promise;
  {
    std::unique_lock lock(mutex_);
    const auto now = Clock::now();
    std::erase_if(kept_, [now](const auto& entry) { return entry.second.time < now - kept_time; });
    if (const auto found = kept_.find(lines); found != kept_.end()) {
      const std::shared_future<Answer> same = found->second.answer;
      lock.unlock();  // it may be waited for
      return same.get();
    }
    if (silence_ && (asking_ != 0 || now - silence_->time < silence_kept_time)) return silence_->what;
    if (kept_.size() < kept_max) kept_.emplace(lines, Kept{Clock::time_point::max(), promise.get_future().share()});
    ++asking_;
  }
  Answer answer = ask_(lines);
  const std::lock_guard lock(mutex_);
  --asking_;
  silence_ = answer ? std::nullopt : std::optional(Silence{Clock::now(), core::Error{answer.error()}});
  if (const auto kept = kept_.find(lines); kept != kept_.end()) kept->second.time = Clock::now();
  promise.set_value(answer);
  return answer;
}

Page Pages::metrics_page(std::string_view accept) {
  const bool open = accept.find("application/openmetrics-text") != std::string_view::npos;
  const Dialect dialect = open ? Dialect::openmetrics : Dialect::prometheus;
  const auto answer = asked(control::lines_asking(commands_needed()));
  if (const auto refused = answer ? control::refusal_in(*answer) : std::nullopt) return problem(503, *refused);
  return {200, std::string(content_type_of(dialect)),
          exposition(answer ? control::told_in(*answer) : Answers{}, dialect)};
}

Page Pages::api_page(std::string_view name, const Wanted& wanted) {
  const control::Command* command = control::command_named(name);
  if (command == nullptr) {
    return problem(404, fmt::format("'{}' is nothing that can be shown; /api lists what is", control::printable(name)));
  }
  std::string line = fmt::format("show {} json", command->name);
  std::string_view type = json_type;
  for (const auto& [key, value] : wanted.query) {
    if (!is_word(key) || !(value.empty() || is_word(value))) {
      return problem(400, "a query of words is expected, such as ?since=42 or ?histogram");
    }
    for (const std::string& word : {key, value}) {
      if (word.empty()) continue;
      line += ' ' + word;
      type = type_of_form(*command, word).value_or(type);
    }
  }
  const auto answer = asked(line);
  if (!answer) return problem(503, answer.error());
  if (const auto refused = control::refusal_in(*answer)) return problem(400, *refused);
  return {200, std::string(type), *answer};
}

Page Pages::dashboard_page() {
  const auto answer = asked(control::lines_asking(dashboard_commands));
  if (!answer) return problem(503, answer.error());
  if (const auto refused = control::refusal_in(*answer)) return problem(503, *refused);
  Json shown = {{"schema", control::schema_version}, {"control", !token_.empty()}};
  for (auto& [command, told] : control::told_in(*answer)) shown[command] = std::move(told);
  return {200, std::string(json_type), control::json_line(shown) + '\n'};
}

Page Pages::health_page() {
  const auto answer = asked("show info json");
  const auto refused = answer ? control::refusal_in(*answer) : answer.error();
  return refused ? lines(503, *refused) : lines(200, "ok");
}

Page Pages::readiness_page() {
  static constexpr std::string_view commands[]{"info", "ports"};
  const auto answer = asked(control::lines_asking(commands));
  const auto refused = answer ? control::refusal_in(*answer) : answer.error();
  if (refused) return lines(503, *refused);
  auto told = control::told_in(*answer);
  const std::vector<std::string> reasons = reasons_against(told["info"], told["ports"]);
  return reasons.empty() ? lines(200, "ready") : lines(503, fmt::format("{}", fmt::join(reasons, "\n")));
}

// `order`: "drain/POOL/BACKEND".
Page Pages::control_page(std::string_view order, const Wanted& wanted) {
  if (token_.empty()) return problem(403, "nothing can be changed here: serve was started without --allow-control");
  if (!is_same(wanted.authorization, "Bearer " + token_)) return problem(403, "the token is missing or wrong");
  if (wanted.method != "POST") return problem(405, "POST is expected");
  const size_t slash = std::min(order.find('/'), order.size());
  const std::string_view action = order.substr(0, slash);
  const std::string_view backend = order.substr(std::min(slash + 1, order.size()));
  if ((action != "drain" && action != "up" && action != "down") || !is_word(backend)) {
    return problem(404, "/control/drain/POOL/BACKEND, or up or down, is expected");
  }
  const auto answer = ask_(fmt::format("backend {} {}", action, backend));
  {
    const std::lock_guard lock(mutex_);
    kept_.clear();  // it was true before
  }
  if (!answer) return problem(503, answer.error());
  if (const auto refused = control::refusal_in(*answer)) return problem(400, *refused);
  const std::string_view done = std::string_view(*answer).substr(0, answer->find('\n'));
  return {200, std::string(json_type), Json({{"done", control::printable(done)}}).dump() + '\n'};
}

// `host` with or without port. Who sends none is no browser.
bool Pages::is_own_name(std::string_view host) const {
  if (host.empty() || net::parse_endpoint(host, 80)) return true;
  std::string_view name = host.substr(0, host.find(':'));
  if (name.ends_with('.')) name.remove_suffix(1);
  const auto same = [&](std::string_view other) {
    return std::equal(name.begin(), name.end(), other.begin(), other.end(),
                      [](char a, char b) { return sip::to_lower(a) == sip::to_lower(b); });
  };
  return same("localhost") || std::any_of(hosts_.begin(), hosts_.end(), same);
}

Page Pages::get(const Wanted& wanted) {
  if (!is_own_name(wanted.host)) {
    return problem(403, fmt::format("'{}' is no name of this server; an address is, localhost, and what "
                                    "'viaductctl serve --host NAME' says",
                                    control::printable(wanted.host)));
  }
  constexpr std::string_view control = "/control/";
  if (wanted.path.starts_with(control)) {
    return control_page(std::string_view(wanted.path).substr(control.size()), wanted);
  }
  if (wanted.method != "GET" && wanted.method != "HEAD") {
    return problem(405, "only GET and HEAD are served: nothing can be changed here");
  }
  constexpr std::string_view api = "/api/";
  for (const PageFile& file : page_files()) {
    if (wanted.path == file.path) return {200, std::string(file.type), std::string(file.content)};
  }
  if (wanted.path == "/dashboard.json") return dashboard_page();
  if (wanted.path == "/metrics") return metrics_page(wanted.accept);
  if (wanted.path == "/api" || wanted.path == api) return index_page();
  if (wanted.path.starts_with(api)) return api_page(std::string_view(wanted.path).substr(api.size()), wanted);
  if (wanted.path == "/healthz") return health_page();
  if (wanted.path == "/readyz") return readiness_page();
  return problem(404, fmt::format("'{}' is not served; /, /metrics, /healthz, /readyz and /api are",
                                  control::printable(wanted.path)));
}

}  // namespace viaduct::serve
