#include "control/orders.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "control/counterparts.h"
#include "control/json_line.h"
#include "control/report.h"
#include "control/words.h"
#include "core/number.h"
#include "fmt/format.h"

namespace viaduct::control {
namespace {

using Json = nlohmann::ordered_json;

std::vector<std::string_view> words_in(std::string_view line) {
  std::vector<std::string_view> words;
  for (auto word = next_word(line); !word.empty(); word = next_word(line)) words.push_back(word);
  return words;
}

std::string error(std::string_view sentence) { return fmt::format("error: {}", sentence); }

Outcome outcome_of(const core::Result<std::string>& done) {
  if (!done) return {.is_order = true, .changed = false, .reloaded = false, .answer = error(done.error())};
  return {.is_order = true, .changed = true, .reloaded = false, .answer = *done};
}

Outcome refuse(std::string sentence) {
  return {.is_order = true, .changed = false, .reloaded = false, .answer = error(sentence)};
}

Outcome order_backend(Cluster& cluster, const std::vector<std::string_view>& words) {
  constexpr std::string_view expectation =
      "'backend drain|up|down POOL/NAME' or 'backend weight POOL/NAME N' is expected";
  if (words.size() == 3) {
    if (const auto state = config::choice_named<config::BackendState>(words[1])) {
      return outcome_of(cluster.set_state(printable(words[2]), counterpart(*state)));
    }
  }
  if (words.size() == 4 && words[1] == "weight") {
    const auto weight = core::whole_number<uint32_t>(words[3]);
    if (!weight) return refuse(fmt::format("weight '{}': a number from 0 to 1000 is expected", printable(words[3])));
    return outcome_of(cluster.set_weight(printable(words[2]), *weight));
  }
  return refuse(fmt::format("{}", expectation));
}

Json report_of(const Reload& reload, bool dry_run) {
  Json changes = Json::array();
  for (const Difference& change : reload.changes) {
    changes.push_back({{"what", text_of(change.kind)}, {"where", change.section}, {"detail", change.detail}});
  }
  Json moves = Json::array();
  for (const Movement& move : reload.moves) {
    moves.push_back({{"pool", move.pool}, {"new_calls_that_move_percent", 100 * move.share}});
  }
  return {{"result", dry_run ? "dry run: nothing was changed" : "in force"},
          {"changes", std::move(changes)},
          {"moves", std::move(moves)},
          {"dropped", reload.dropped},
          {"warnings", reload.warnings}};
}

Outcome order_reload(Cluster& cluster, const std::vector<std::string_view>& words, core::Instant now) {
  bool dry_run = false, json = false;
  for (size_t i = 1; i < words.size(); ++i) {
    if (words[i] == "dry-run") {
      dry_run = true;
    } else if (words[i] == "json") {
      json = true;
    } else {
      return refuse(fmt::format("'{}': 'reload [dry-run] [json]' is expected", printable(words[i])));
    }
  }
  const auto reload = cluster.reload(dry_run, now);
  if (!reload) return refuse(reload.error());
  const Json report = report_of(*reload, dry_run);
  return {.is_order = true,
          .changed = !dry_run,
          .reloaded = !dry_run,
          .answer = json ? json_line(report) : to_text(report)};
}

constexpr Order all_orders[]{
    {"backend drain|up|down", "POOL/NAME", "what you want of a backend now"},
    {"backend weight", "POOL/NAME N", "its share of new calls, from 0 to 1000"},
    {"reload", "[dry-run] [json]", "the configuration file anew: all of it or nothing"},
    {"save", "", "write states and weights that you set into the file"},
    {"ban add", "PREFIX TIME", "shut a source out for a while, such as 60s or 24h"},
    {"ban del", "PREFIX", "let it in again; 'show bans' lists them"},
    {"events", "[follow] [json] [since NUMBER] [kind KIND]", "what came and went; with follow, what comes as well"},
    {"capture", "[drops] [sample N] [filter EXPRESSION]", "copies of messages from now on, as a pcapng stream"},
    {"explain", "[from IP:PORT] [to IP:PORT] message HEX", "what would become of it, as one JSON object"},
    {"reset", "", "zero what is shown since a reset; counters and the ledger stay"},
    {"log level", "debug|info|warning|error", "how much is logged, until the next start"},
    {"log reopen", "", "open the log file anew, after it was renamed"},
    {"help", "", "this list"},
    {"quit", "", "close the connection"},
};

}  // namespace

std::span<const Order> orders() { return all_orders; }

Outcome carry_out(Cluster& cluster, std::string_view line, core::Instant now) {
  const std::vector<std::string_view> words = words_in(line);
  if (words.empty()) return {};
  if (words[0] == "backend") return order_backend(cluster, words);
  if (words[0] == "reload") return order_reload(cluster, words, now);
  if (words[0] != "save") return {};
  if (words.size() > 1) return refuse("'save' is expected, alone");
  return outcome_of(cluster.save());
}

}  // namespace viaduct::control
