#include "top/views.h"

#include <algorithm>
#include <map>
#include <vector>

#include "control/commands.h"
#include "control/csv.h"
#include "fmt/format.h"
#include "top/words.h"

namespace viaduct::top {
namespace {

using control::member_at;

constexpr ViewText texts[]{
    {View::all, '1', "All", "the whole at a glance"},
    {View::backends, '2', "Backends", "state, share, requests, times to the first and the final answer, answers"},
    {View::pools, '3', "Pools", "the sums of their backends; Enter shows those"},
    {View::workers, '4', "Workers", "how busy they are, with what, and who keeps whom waiting"},
    {View::drops, '5', "Drops", "why messages were not forwarded"},
    {View::limits, '6', "Limits", "limits and rules: how often they were asked and what was over"},
    {View::sources, '7', "Sources", "who sends most, of those that limits count, and who is banned"},
    {View::deviations, '8', "Deviations", "who leaves which section of the standard"},
    {View::events, '9', "Events", "what came and went, the newest first"},
    {View::ports, '0', "Ports", "what ports count themselves, and lose"},
};

Cell text_cell(const Json& row, std::string_view column, Style style = Style::plain) {
  return {text_of(member_at(row, column)), style, std::nullopt};
}

Cell number_cell(std::optional<double> value, Style style = Style::plain) {
  return {short_number(value), style, value};
}

Cell percent_cell(std::optional<double> value, Style style = Style::plain) { return {percent(value), style, value}; }

Cell time_cell(const Json& row, std::string_view column) {
  const auto value = number_of(member_at(row, column));
  return {milliseconds(value), Style::plain, value};
}

Style if_any(std::optional<double> value, Style style) { return value.value_or(0) > 0 ? style : Style::plain; }

std::string text_at(const Json& row, std::string_view column) { return text_of(member_at(row, column)); }

// A row of `columns`, the first of which make its key.
Row row_of(const Json& row, std::initializer_list<std::string_view> columns) {
  Row made;
  for (const std::string_view column : columns) {
    made.where.emplace_back(column, text_at(row, column));
    made.key += (made.key.empty() ? "" : "/") + made.where.back().second;
  }
  return made;
}

bool is_of(const Json& row, const Row& wanted) {
  return std::all_of(wanted.where.begin(), wanted.where.end(), [&](const auto& pair) {
    const Json& value = member_at(row, pair.first);
    return !value.is_null() && text_of(value) == pair.second;
  });
}

// Those of a table by backend, so that a thousand backends do not ask a thousand times.
std::map<std::string, std::vector<const Json*>> by_backend(const Json& rows) {
  std::map<std::string, std::vector<const Json*>> found;
  for (const Json& row : rows) found[text_at(row, "pool") + '/' + text_at(row, "backend")].push_back(&row);
  return found;
}

// Calls say most; a pool of registrars has none.
const Json* main_method(const std::vector<const Json*>& rows) {
  const Json* best = nullptr;
  for (const Json* row : rows) {
    if (text_at(*row, "method") == "INVITE") return row;
    const auto count = [](const Json& each) { return number_of(member_at(each, "requests")).value_or(0); };
    if (best == nullptr || count(*row) > count(*best)) best = row;
  }
  return best;
}

// The most frequent first: `200:1.21k 486:13`.
Cell answers_cell(std::vector<const Json*> rows) {
  const auto count = [](const Json* row) { return number_of(member_at(*row, "answers")).value_or(0); };
  std::stable_sort(rows.begin(), rows.end(), [&](const Json* a, const Json* b) { return count(a) > count(b); });
  Cell cell;
  for (const Json* row : rows) {
    cell.text += fmt::format("{}{}:{}", cell.text.empty() ? "" : " ", text_at(*row, "code"), short_number(count(row)));
  }
  if (cell.text.empty()) cell.text = "-";
  return cell;
}

// Who is in trouble comes first.
Cell state_cell(const Json& row) {
  const std::string state = text_at(row, "state");
  const Json& healthy = member_at(row, "healthy");
  if (healthy.is_boolean() && !healthy.get<bool>()) {
    // Who was taken away before is no trouble any more.
    if (state == "up") return {"dead", Style::bad, 0};
    return {state + ", dead", state == "drain" ? Style::warning : Style::faint, state == "drain" ? 1 : 3};
  }
  if (state == "up") {
    const double warm = number_of(member_at(row, "warm_percent")).value_or(100);
    if (warm < 100) return {fmt::format("warm {:.0f}%", warm), Style::warning, 2};
    return {"up", Style::good, 4};
  }
  return {state, state == "drain" ? Style::warning : Style::faint, state == "drain" ? 1 : 3};
}

Grid backends_grid(const History& history, std::string_view pool) {
  Grid grid{"Backends",
            {{"Backend", false, 99, 12},
             {"State", false, 98},
             {"Share", true, 50},
             {"Req/s", true, 90},
             {"Open", true, 60},
             {"1st p50", true, 40},
             {"1st p99", true, 80},
             {"Fin p50", true, 30},
             {"Fin p99", true, 70},
             {"Answers", false, 20, 9}},
            {},
            "No backends are configured.",
            Sort{1, false}};
  const auto times = by_backend(history.rows("latency", "latency"));
  const auto answers = by_backend(history.rows("latency", "answers"));
  for (const Json& row : history.rows("backends", "backends")) {
    if (!pool.empty() && text_at(row, "pool") != pool) continue;
    Row made = row_of(row, {"pool", "backend"});
    const auto own_times = times.find(made.key), own_answers = answers.find(made.key);
    const Json none;
    const Json* const main = own_times == times.end() ? nullptr : main_method(own_times->second);
    const Json& time = main == nullptr ? none : *main;
    const auto open = number_of(member_at(time, "open_percent"));
    made.cells = {{made.key},
                  state_cell(row),
                  percent_cell(number_of(member_at(row, "share_percent"))),
                  number_cell(history.rate("backends", "backends", row, "requests")),
                  percent_cell(open, open.value_or(0) >= 50 ? Style::warning : Style::plain),
                  time_cell(time, "first_p50_ms"),
                  time_cell(time, "first_p99_ms"),
                  time_cell(time, "final_p50_ms"),
                  time_cell(time, "final_p99_ms"),
                  own_answers == answers.end() ? Cell{"-"} : answers_cell(own_answers->second)};
    grid.rows.push_back(std::move(made));
  }
  return grid;
}

Grid pools_grid(const History& history) {
  Grid grid{"Pools",
            {{"Pool", false, 99, 12},
             {"Backends", false, 90},
             {"Req/s", true, 80},
             {"Ans/s", true, 70},
             {"Requests", true, 60},
             {"Table", false, 10, 8}},
            {},
            "No pools are configured.",
            std::nullopt};
  struct Sum {
    size_t backends = 0, healthy = 0;
    std::optional<double> requests, responses;
    double count = 0;
  };
  std::map<std::string, Sum> sums;
  const auto add = [](std::optional<double>& to, std::optional<double> more) {
    if (more) to = to.value_or(0) + *more;
  };
  for (const Json& row : history.rows("backends", "backends")) {
    Sum& sum = sums[text_at(row, "pool")];
    ++sum.backends;
    sum.healthy += state_cell(row).style == Style::bad ? 0 : 1;
    add(sum.requests, history.rate("backends", "backends", row, "requests"));
    add(sum.responses, history.rate("backends", "backends", row, "responses"));
    sum.count += number_of(member_at(row, "requests")).value_or(0);
  }
  for (const Json& row : history.rows("info", "pools")) {
    Row made = row_of(row, {"pool"});
    const Sum& sum = sums[made.key];
    const auto usable = number_of(member_at(row, "usable"));
    const size_t taking = usable ? static_cast<size_t>(*usable) : sum.healthy;
    made.cells = {{made.key},
                  {taking < sum.backends ? fmt::format("{} of {} take calls", taking, sum.backends)
                                         : fmt::format("{} take calls", sum.backends),
                   taking == 0                  ? Style::bad
                   : sum.healthy < sum.backends ? Style::warning
                                                : Style::good,
                   std::nullopt},
                  number_cell(sum.requests),
                  number_cell(sum.responses),
                  number_cell(sum.count),
                  text_cell(row, "fingerprint", Style::faint)};
    grid.rows.push_back(std::move(made));
  }
  return grid;
}

std::string bar(double of_hundred, const Glyphs& glyphs) {
  constexpr int width = 10;
  const int halves = static_cast<int>(of_hundred * width * 2 / 100 + 0.5);
  std::string text;
  for (int i = 0; i < std::min(halves / 2, width); ++i) text += glyphs.full;
  if (halves % 2 == 1 && halves / 2 < width) text += glyphs.half;
  return text;
}

Grid workers_grid(const History& history, const Glyphs& glyphs) {
  Grid grid{"Workers",
            {{"Worker", true, 99},
             {"CPU", true, 40},
             {"Busy", true, 98},
             {"          ", false, 30},
             {"Msgs/s", true, 95},
             {"Sent/s", true, 60},
             {"Handed/s", true, 80},
             {"Kept/s", true, 50},
             {"Cycles", true, 55},
             {"State", false, 90}},
            {},
            "No workers.",
            std::nullopt};
  const Json& cycles = history.rows("workers", "cycles_per_message");
  for (const Json& row : history.rows("workers", "workers")) {
    Row made = row_of(row, {"worker"});
    const auto busy = number_of(member_at(row, "busy_percent"));
    const auto received = history.rate("workers", "workers", row, "received");
    const auto handed_in = history.rate("workers", "workers", row, "handed_in");
    std::optional<double> all = received;
    if (handed_in) all = all.value_or(0) + *handed_in;
    const auto own = std::find_if(cycles.begin(), cycles.end(), [&](const Json& each) { return is_of(each, made); });
    const Json& flooded = member_at(row, "flooded");
    const double shed = number_of(member_at(row, "shed_percent")).value_or(0);
    const bool is_flooded = flooded.is_boolean() && flooded.get<bool>();
    made.cells = {number_cell(number_of(member_at(row, "worker"))),
                  number_cell(number_of(member_at(row, "lcore"))),
                  percent_cell(busy, busy.value_or(0) >= 90   ? Style::bad
                                     : busy.value_or(0) >= 70 ? Style::warning
                                                              : Style::plain),
                  {bar(busy.value_or(0), glyphs), Style::faint, busy},
                  number_cell(all),
                  number_cell(history.rate("workers", "workers", row, "forwarded")),
                  number_cell(history.rate("workers", "workers", row, "handed_out")),
                  number_cell(history.rate("workers", "workers", row, "handoff_kept")),
                  number_cell(own == cycles.end() ? std::nullopt : number_of(member_at(*own, "all"))),
                  is_flooded ? Cell{shed > 0 ? fmt::format("flooded, sheds {:.0f}%", shed) : "flooded", Style::bad, 0}
                             : Cell{"fine", Style::good, 1}};
    grid.rows.push_back(std::move(made));
  }
  return grid;
}

Grid drops_grid(const History& history) {
  Grid grid{"Drops by reason",
            {{"Reason", false, 99, 14},
             {"Booked", false, 60},
             {"Per s", true, 95},
             {"Total", true, 90},
             {"Since reset", true, 20},
             {"Meaning", false, 50, 16},
             {"Clause", false, 10, 8}},
            {},
            "Every message was forwarded.",
            Sort{2, true}};
  for (const Json& row : history.rows("drops", "reasons")) {
    Row made = row_of(row, {"reason"});
    const auto rate = history.rate("drops", "reasons", row, "messages");
    made.cells = {{made.key},
                  text_cell(row, "booked"),
                  number_cell(rate, if_any(rate, Style::warning)),
                  number_cell(number_of(member_at(row, "messages"))),
                  number_cell(number_of(member_at(row, "since_reset"))),
                  text_cell(row, "meaning", Style::faint),
                  text_cell(row, "clause", Style::faint)};
    grid.rows.push_back(std::move(made));
  }
  return grid;
}

Grid limits_grid(const History& history) {
  Grid grid{"Limits and rules",
            {{"Limit or rule", false, 99, 12},
             {"Kind", false, 40},
             {"Mode", false, 50},
             {"Asked/s", true, 80},
             {"Over/s", true, 90},
             {"Over", true, 70},
             {"What", false, 30, 14}},
            {},
            "None are configured.",
            Sort{4, true}};
  for (const Json& row : history.rows("limits", "limits")) {
    Row made = row_of(row, {"limit"});
    const auto over = history.rate("limits", "limits", row, "over");
    made.cells = {text_cell(row, "limit"),
                  {"limit"},
                  text_cell(row, "mode"),
                  number_cell(history.rate("limits", "limits", row, "asked")),
                  number_cell(over, if_any(over, Style::warning)),
                  number_cell(number_of(member_at(row, "over"))),
                  {fmt::format("{} by {}: {}", text_at(row, "rate"), text_at(row, "by"), text_at(row, "action")),
                   Style::faint, std::nullopt}};
    made.key = "limit " + made.key;
    grid.rows.push_back(std::move(made));
  }
  for (const Json& row : history.rows("rules", "rules")) {
    Row made = row_of(row, {"rule"});
    made.cells = {text_cell(row, "rule"),
                  {"rule"},
                  text_cell(row, "mode"),
                  number_cell(history.rate("rules", "rules", row, "matched")),
                  number_cell(history.rate("rules", "rules", row, "over_limit")),
                  number_cell(number_of(member_at(row, "over_limit"))),
                  text_cell(row, "action", Style::faint)};
    made.key = "rule " + made.key;
    grid.rows.push_back(std::move(made));
  }
  return grid;
}

Grid sources_grid(const History& history) {
  Grid grid{"Sources",
            {{"Who", false, 99, 15},
             {"Per s", true, 90},
             {"Over", true, 80},
             {"Verdict", false, 95, 10},
             {"Limit, or why", false, 50, 12}},
            {},
            "No limit has counted anybody, and nobody is banned.",
            std::nullopt};
  for (const Json& row : history.rows("bans", "bans")) {
    Row made = row_of(row, {"source"});
    made.cells = {{made.key},
                  {"-"},
                  {"-"},
                  {"banned, " + duration(static_cast<uint64_t>(number_of(member_at(row, "seconds_left")).value_or(0))),
                   Style::bad, std::nullopt},
                  text_cell(row, "why", Style::faint)};
    made.key = "ban " + made.key;
    grid.rows.push_back(std::move(made));
  }
  for (const Json& row : history.rows("top-sources", "top_sources")) {
    Row made = row_of(row, {"limit", "who"});
    const auto over = number_of(member_at(row, "over"));
    made.cells = {text_cell(row, "who"), number_cell(number_of(member_at(row, "per_second"))),
                  number_cell(over, if_any(over, Style::warning)), text_cell(row, "verdict"),
                  text_cell(row, "limit", Style::faint)};
    grid.rows.push_back(std::move(made));
  }
  return grid;
}

Grid deviations_grid(const History& history) {
  Grid grid{"Deviations",
            {{"Peer", false, 99, 14},
             {"What", false, 95, 16},
             {"Section", false, 40, 10},
             {"Per s", true, 80},
             {"Messages", true, 90},
             {"Last", false, 30},
             {"Refused", false, 50}},
            {},
            "Nobody has left the standard so far.",
            Sort{3, true}};
  for (const Json& row : history.rows("deviations", "deviations")) {
    Row made = row_of(row, {"peer", "name"});
    made.cells = {text_cell(row, "peer"),
                  text_cell(row, "what"),
                  text_cell(row, "section", Style::faint),
                  number_cell(history.rate("deviations", "deviations", row, "messages")),
                  number_cell(number_of(member_at(row, "messages"))),
                  text_cell(row, "last", Style::faint),
                  text_cell(row, "refused")};
    grid.rows.push_back(std::move(made));
  }
  return grid;
}

Style style_of_event(const std::string& kind, const std::string& what) {
  if (kind == "health") return what.find("down") != std::string::npos ? Style::bad : Style::good;
  if (kind == "pool") return what.starts_with("no backend") ? Style::bad : Style::good;
  return kind == "ban" || kind == "overload" ? Style::warning : Style::plain;
}

Grid events_grid(const History& history) {
  Grid grid{"Events",
            {{"Time", false, 90}, {"Kind", false, 40}, {"Subject", false, 95, 12}, {"What", false, 99, 12}},
            {},
            "None yet.",
            std::nullopt};
  const Json& rows = history.rows("events", "events");
  for (auto next = rows.rbegin(); next != rows.rend(); ++next) {
    Row made = row_of(*next, {"number"});
    const Style style = style_of_event(text_at(*next, "kind"), text_at(*next, "what"));
    std::string time = text_at(*next, "time");
    if (!history.today().empty() && time.starts_with(history.today() + ' ')) time.erase(0, history.today().size() + 1);
    made.cells = {{time, Style::faint, number_of(member_at(*next, "number"))},
                  text_cell(*next, "kind", style),
                  text_cell(*next, "subject"),
                  text_cell(*next, "what")};
    grid.rows.push_back(std::move(made));
  }
  return grid;
}

Grid ports_grid(const History& history) {
  Grid grid{"Ports",
            {{"Port", false, 99, 10},
             {"Link", false, 95},
             {"In/s", true, 90},
             {"Out/s", true, 89},
             {"In bit/s", true, 70},
             {"Out bit/s", true, 69},
             {"Lost/s", true, 80},
             {"Lost", true, 79},
             {"Errors", true, 60},
             {"Device", false, 20, 12}},
            {},
            "No ports.",
            std::nullopt};
  for (const Json& row : history.rows("ports", "ports")) {
    Row made = row_of(row, {"port"});
    const auto rate = [&](std::string_view column) { return history.rate("ports", "ports", row, column); };
    const auto count = [&](std::string_view column) { return number_of(member_at(row, column)).value_or(0); };
    const auto bits = [&](std::string_view column) {
      const auto bytes = rate(column);
      return bytes ? std::optional<double>(*bytes * 8) : std::nullopt;
    };
    std::optional<double> lost = rate("rx_missed");
    if (const auto more = rate("rx_no_buffer")) lost = lost.value_or(0) + *more;
    const std::string link = text_at(row, "link");
    made.cells = {{made.key},
                  {link, link == "up" ? Style::good : Style::bad, std::nullopt},
                  number_cell(rate("rx_packets")),
                  number_cell(rate("tx_packets")),
                  number_cell(bits("rx_bytes")),
                  number_cell(bits("tx_bytes")),
                  number_cell(lost, if_any(lost, Style::bad)),
                  number_cell(count("rx_missed") + count("rx_no_buffer")),
                  number_cell(count("rx_errors") + count("tx_errors")),
                  text_cell(row, "device", Style::faint)};
    grid.rows.push_back(std::move(made));
  }
  return grid;
}

// A row's own: name, value, a second's share of a counter, what it means.
void put_members(std::vector<Line>& lines, const History& history, std::string_view command,
                 const control::Table& table, const Json& row, size_t columns, const Glyphs& glyphs) {
  Grid grid{{}, {{"", false, 99, 12}, {"", false, 98, 16}, {"", true, 60}, {"", false, 10, 20}}, {}, {}, std::nullopt};
  for (const control::Column& column : table.columns) {
    const Json& value = member_at(row, column.name);
    if (value.is_null()) continue;
    const auto rate =
        column.kind == control::Kind::counter ? history.rate(command, table.name, row, column.name) : std::nullopt;
    grid.rows.push_back({std::string(column.name),
                         {{std::string(column.name)},
                          {text_of(value)},
                          {rate ? short_number(rate) + "/s" : ""},
                          {std::string(column.help), Style::faint, std::nullopt}},
                         {}});
  }
  const Layout layout(grid, columns, glyphs);
  for (const Row& each : grid.rows) lines.push_back(layout.row(each));
}

// Several rows of one table that belong to what was opened: as a table of what tells them apart.
void put_rows(std::vector<Line>& lines, const History& history, std::string_view command, const control::Table& table,
              const std::vector<const Json*>& rows, const Row& opened, size_t columns, const Glyphs& glyphs) {
  Grid grid;
  uint8_t keep = 255;
  for (const control::Column& column : table.columns) {
    const bool known = std::any_of(opened.where.begin(), opened.where.end(),
                                   [&](const auto& pair) { return pair.first == column.name; });
    if (known) continue;
    grid.columns.push_back({std::string(column.name), column.kind != control::Kind::text, keep--});
    for (size_t i = 0; i < rows.size(); ++i) {
      if (grid.rows.size() <= i) grid.rows.emplace_back();
      const auto rate = column.kind == control::Kind::counter ? history.rate(command, table.name, *rows[i], column.name)
                                                              : std::nullopt;
      const std::string text = text_of(member_at(*rows[i], column.name));
      grid.rows[i].cells.push_back({rate && *rate > 0 ? fmt::format("{} ({}/s)", text, short_number(rate)) : text});
    }
  }
  const Layout layout(grid, columns, glyphs);
  lines.push_back(layout.heading(std::nullopt));
  for (const Row& each : grid.rows) lines.push_back(layout.row(each));
}

}  // namespace

std::span<const ViewText> views() { return texts; }

const ViewText& text_of_view(View view) {
  return *std::find_if(views().begin(), views().end(), [&](const ViewText& each) { return each.view == view; });
}

const ViewText* view_named(std::string_view name) {
  const auto found = std::find_if(std::begin(texts), std::end(texts), [&](const ViewText& each) {
    return name.size() == each.name.size() && name.substr(1) == each.name.substr(1) &&
           (name[0] | 0x20) == (each.name[0] | 0x20);
  });
  return name.empty() || found == std::end(texts) ? nullptr : &*found;
}

Grid grid_of(View view, const History& history, const Glyphs& glyphs, std::string_view pool) {
  switch (view) {
    case View::all: break;
    case View::backends: return backends_grid(history, pool);
    case View::pools: return pools_grid(history);
    case View::workers: return workers_grid(history, glyphs);
    case View::drops: return drops_grid(history);
    case View::limits: return limits_grid(history);
    case View::sources: return sources_grid(history);
    case View::deviations: return deviations_grid(history);
    case View::events: return events_grid(history);
    case View::ports: return ports_grid(history);
  }
  return {};
}

std::vector<Line> details_of(const Row& row, const History& history, size_t columns, const Glyphs& glyphs) {
  std::vector<Line> lines;
  const auto put = [&](const control::Command& command, const control::Table& table) {
    const std::vector<std::string_view> keys = control::key_columns(table);
    // A table that has other columns knows nothing of it; one that is told apart by more has several rows of it.
    const bool knows = std::all_of(row.where.begin(), row.where.end(), [&](const auto& pair) {
      return std::find(keys.begin(), keys.end(), pair.first) != keys.end();
    });
    if (!knows) return;
    std::vector<const Json*> found;
    for (const Json& each : history.rows(command.name, table.name)) {
      if (is_of(each, row)) found.push_back(&each);
    }
    if (found.empty()) return;
    lines.emplace_back().put(std::string(table.help), Style::title);
    if (keys.size() == row.where.size()) {
      put_members(lines, history, command.name, table, *found.front(), columns, glyphs);
    } else {
      put_rows(lines, history, command.name, table, found, row, columns, glyphs);
    }
  };
  for (const std::string_view name : commands_needed()) {
    const control::Command* command = control::command_named(name);
    if (command == nullptr) continue;
    for (const control::Table& table : command->tables) put(*command, table);
  }
  return lines;
}

}  // namespace viaduct::top
