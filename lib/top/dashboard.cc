#include "top/dashboard.h"

#include <algorithm>
#include <chrono>

#include "control/csv.h"
#include "fmt/format.h"
#include "top/words.h"

namespace viaduct::top {
namespace {

constexpr size_t endless = 1u << 30;
constexpr auto restart_told = std::chrono::seconds(30);
constexpr struct {
  const char *keys, *what;
} help_lines[]{
    {"1 to 9, 0, Tab", "another view; Shift-Tab goes back"},
    {"Up, Down, PgUp, PgDn, Home, End", "choose a row"},
    {"Enter", "all that is known of the row; of a pool its backends"},
    {"Esc, Backspace", "back"},
    {"Left, Right", "sort by another column"},
    {"r", "sort the other way"},
    {"o", "sort as it was at first"},
    {"p, Space", "pause: nothing is asked until pressed again"},
    {"h, ?", "this, and away with it"},
    {"q", "end"},
};

uint64_t seconds_between(core::Instant from, core::Instant to) {
  return static_cast<uint64_t>(
      std::max<int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(to - from).count()));
}

uint64_t uptime_of(const History& history) {
  return static_cast<uint64_t>(number_of(history.value("info", "info", "uptime_s")).value_or(0));
}

void put_notices(std::vector<Line>& lines, const History& history, const State& state, const Scene& scene) {
  if (state.paused) lines.emplace_back().put("Paused: p goes on.", Style::warning);
  if (const auto gone = history.gone_since()) {
    lines.emplace_back().put(
        fmt::format("Gone for {}{}: {}", duration(seconds_between(*gone, scene.now)),
                    history.empty() ? "" : ", these are the last figures", text_of(Json(history.problem()))),
        Style::bad);
  } else if (const auto restarted = history.restarted(); restarted && scene.now - *restarted < restart_told) {
    lines.emplace_back().put(
        fmt::format("Started anew {} ago: all counts begin at zero.", duration(uptime_of(history))), Style::warning);
  }
}

void put_title(std::vector<Line>& lines, const History& history, const Scene& scene) {
  const auto info = [&](const char* column) { return text_of(history.value("info", "info", column)); };
  std::vector<Piece> pieces{{"viaduct", Style::title}};
  if (!scene.host.empty()) pieces.push_back({scene.host, Style::title});
  pieces.push_back({scene.clock});
  if (!history.empty()) {
    pieces.push_back({"up " + duration(uptime_of(history))});
    pieces.push_back({info("version"), Style::faint});
    pieces.push_back({info("config"), Style::faint});
  }
  for (Line& line : flowed(pieces, scene.size.columns, 1, "  ")) lines.push_back(std::move(line));
}

void put_facts(std::vector<Line>& lines, const History& history, const Scene& scene) {
  if (history.empty()) return;
  const auto ledger = [&](std::string_view column) { return history.rate("stat", "ledger", column); };
  const auto with = [](const char* word, std::optional<double> rate, Style bad = Style::plain) {
    return Piece{fmt::format("{} {}/s", word, short_number(rate)), rate.value_or(0) > 0 ? bad : Style::plain};
  };
  std::optional<double> out = ledger("forwarded"), lost;
  if (const auto replied = ledger("replied")) out = out.value_or(0) + *replied;
  for (const Json& port : history.rows("ports", "ports")) {
    for (const char* column : {"rx_missed", "rx_no_buffer"}) {
      if (const auto rate = history.rate("ports", "ports", port, column)) lost = lost.value_or(0) + *rate;
    }
  }
  const Json& closes = history.value("stat", "ledger", "closes");
  const auto in_flight = number_of(history.value("stat", "ledger", "in_flight"));
  const bool fine = (closes.is_boolean() && closes.get<bool>()) || in_flight.value_or(0) != 0;
  std::vector<Piece> pieces{with("in", ledger("received")),
                            with("out", out),
                            with("drops", ledger("dropped"), Style::warning),
                            with("replies", ledger("replied")),
                            {fine ? "ledger closes" : "ledger does not close", fine ? Style::good : Style::bad}};
  if (lost.value_or(0) > 0) pieces.push_back(with("lost at ports", lost, Style::bad));
  pieces.push_back(with("requests", history.rate("stat", "traffic", "requests_forwarded")));
  pieces.push_back(with("responses", history.rate("stat", "traffic", "responses_forwarded")));
  pieces.push_back({fmt::format("in flight {}", short_number(in_flight))});
  pieces.push_back(with("to the kernel", ledger("punted")));
  if (const auto bans = number_of(history.value("bans", "total", "banned")).value_or(0); bans != 0) {
    pieces.push_back({fmt::format("bans {:.0f}", bans), Style::warning});
  }
  for (Line& line : flowed(pieces, scene.size.columns, scene.size.columns < 60 ? 3 : 2, "  ")) {
    lines.push_back(std::move(line));
  }
}

std::vector<Line> head_of(const History& history, const State& state, const Scene& scene) {
  std::vector<Line> lines;
  put_title(lines, history, scene);
  put_facts(lines, history, scene);
  put_notices(lines, history, state, scene);
  return lines;
}

// All views, or those around the one that is shown.
Line tabs_of(const State& state, size_t columns) {
  const auto label = [](const ViewText& text) { return fmt::format("{} {}", text.key, text.name); };
  size_t first = 0;
  const size_t shown = static_cast<size_t>(state.view);
  const auto width_from = [&](size_t from) {
    size_t width = 0;
    for (size_t i = from; i <= shown; ++i) width += label(views()[i]).size() + (i == from ? 0 : 2);
    return width + (from == 0 ? 0 : 2);
  };
  while (first < shown && width_from(first) > columns) ++first;
  Line line;
  if (first != 0) line.put("< ", Style::faint);
  for (size_t i = first; i < views().size(); ++i) {
    const std::string text = label(views()[i]);
    const size_t gap = i == first ? 0 : 2;
    const bool last = i + 1 == views().size();
    if (i > shown && width_of(line) + gap + text.size() + (last ? 0 : 2) > columns) {
      if (width_of(line) + 2 <= columns) line.put(" >", Style::faint);
      break;
    }
    if (gap != 0) line.put("  ");
    line.put(text, i == shown ? Style::title : Style::plain);
  }
  return line;
}

Line keys_of(const State& state, size_t columns) {
  std::vector<Piece> pieces{{"q quit"}, {"h help"}, {state.paused ? "p go on" : "p pause"}};
  if (!state.opened.empty() || state.help || !state.pool.empty()) pieces.push_back({"Esc back"});
  if (state.opened.empty() && !state.help) {
    pieces.push_back({"Enter open"});
    pieces.push_back({"Up/Down choose"});
    if (state.view != View::all) {
      pieces.push_back({"Left/Right sort"});
      pieces.push_back({"r reverse"});
    }
    pieces.push_back({"Tab view"});
  }
  for (Piece& piece : pieces) piece.style = Style::faint;
  return flowed(pieces, columns, 1, "  ").front();
}

// At most `rows` lines, the selected one among them.
void put_grid(std::vector<Line>& lines, const Grid& grid, const State& state, size_t rows, const Scene& scene) {
  if (grid.rows.empty()) {
    lines.emplace_back().put(std::string(grid.empty), Style::faint);
    return;
  }
  const Layout layout(grid, scene.size.columns, scene.glyphs);
  lines.push_back(layout.heading(grid.sort));
  const size_t room = rows - 1, selected = selected_row(state, grid);
  size_t first = selected > room / 2 ? selected - room / 2 : 0;
  if (grid.rows.size() > room) {
    first = std::min(first, grid.rows.size() - room);
  } else {
    first = 0;
  }
  for (size_t i = first; i < std::min(grid.rows.size(), first + room); ++i) {
    lines.push_back(layout.row(grid.rows[i]));
    lines.back().selected = i == selected;
  }
}

// How many lines each part gets: two first, so that none is hidden by the one before it, then by turns.
std::vector<size_t> shared_out(const std::vector<size_t>& needed, size_t rows) {
  std::vector<size_t> given(needed.size(), 0);
  for (size_t i = 0; i < needed.size(); ++i) {
    given[i] = std::min({needed[i], size_t{2}, rows});
    if (given[i] == 1 && needed[i] > 1) given[i] = 0;
    rows -= given[i];
  }
  for (bool some = true; some && rows != 0;) {
    some = false;
    for (size_t i = 0; i < needed.size() && rows != 0; ++i) {
      if (given[i] == 0 || given[i] == needed[i]) continue;
      ++given[i];
      --rows;
      some = true;
    }
  }
  return given;
}

std::vector<Grid> all_parts(const State& state, const History& history, const Glyphs& glyphs) {
  std::vector<Grid> grids;
  for (const View part : parts_of_all()) {
    grids.push_back(grid_of(part, history, glyphs));
    if (part != View::events) grids.back().columns.front().title = text_of_view(part).name;
    put_in_order(grids.back(), state.sorts[static_cast<size_t>(part)]);
  }
  return grids;
}

void put_all(std::vector<Line>& lines, const History& history, const State& state, size_t rows, const Scene& scene) {
  std::vector<Grid> grids = all_parts(state, history, scene.glyphs);
  std::vector<size_t> needed;
  for (const Grid& grid : grids) needed.push_back(grid.rows.empty() ? 1 : grid.rows.size() + 1);
  const std::vector<size_t> given = shared_out(needed, rows);
  for (size_t part = 0; part < grids.size(); ++part) {
    if (given[part] == 0) continue;
    Grid& grid = grids[part];
    const bool selected = rows < endless && part == selected_part(state);
    if (grid.rows.empty()) {
      lines.emplace_back()
          .put(std::string(text_of_view(parts_of_all()[part]).name) + ": ", Style::title)
          .put(std::string(grid.empty), Style::faint);
      lines.back().selected = selected;
      continue;
    }
    const size_t shown = std::min(given[part] - 1, grid.rows.size());
    Column& first = grid.columns.front();
    if (shown < grid.rows.size()) first.title += fmt::format(" {}/{}", shown, grid.rows.size());
    if (first.narrow != 0) first.narrow = std::max(first.narrow, first.title.size());
    grid.sort.reset();
    const Layout layout(grid, scene.size.columns, scene.glyphs);
    lines.push_back(layout.heading(std::nullopt));
    lines.back().selected = selected;
    for (size_t i = 0; i < shown; ++i) lines.push_back(layout.row(grid.rows[i]));
  }
}

std::vector<Line> help_of() {
  std::vector<Line> lines;
  for (const auto& [keys, what] : help_lines) lines.emplace_back().put(fmt::format("{:33}{}", keys, what));
  lines.emplace_back();
  for (const ViewText& text : views()) {
    lines.emplace_back().put(fmt::format("{} {:12}", text.key, text.name), Style::title).put(std::string(text.help));
  }
  return lines;
}

std::vector<Line> opened_lines(const History& history, const State& state, const Scene& scene) {
  const Grid grid = grid_of(state.view, history, scene.glyphs);
  const auto found =
      std::find_if(grid.rows.begin(), grid.rows.end(), [&](const Row& row) { return row.key == state.opened; });
  std::vector<Line> lines;
  lines.emplace_back().put(state.opened, Style::title);
  if (found == grid.rows.end()) {
    lines.emplace_back().put("It is not there any more.", Style::warning);
    return lines;
  }
  for (Line& line : details_of(*found, history, scene.size.columns, scene.glyphs)) lines.push_back(std::move(line));
  return lines;
}

void put_scrolled(std::vector<Line>& lines, std::vector<Line> all, size_t scroll, size_t rows) {
  const size_t first = std::min(scroll, all.size() - std::min(all.size(), rows));
  for (size_t i = first; i < std::min(all.size(), first + rows); ++i) lines.push_back(std::move(all[i]));
}

void put_body(std::vector<Line>& lines, const History& history, const State& state, size_t rows, const Scene& scene) {
  if (state.help) return put_scrolled(lines, help_of(), state.scroll, rows);
  if (history.empty()) return;
  if (!state.opened.empty()) return put_scrolled(lines, opened_lines(history, state, scene), state.scroll, rows);
  if (state.view == View::all) return put_all(lines, history, state, rows, scene);
  const Grid grid = shown_grid(state, history, scene.glyphs);
  if (!state.pool.empty()) {
    lines.emplace_back().put("Backends of ", Style::faint).put(state.pool, Style::title);
    rows -= std::min<size_t>(rows, 1);
  }
  if (rows >= 2 || grid.rows.empty()) put_grid(lines, grid, state, rows, scene);
}

}  // namespace

size_t scroll_max(const History& history, const State& state, const Scene& scene) {
  if (!state.help && state.opened.empty()) return 0;
  const size_t lines = state.help ? help_of().size() : opened_lines(history, state, scene).size();
  const size_t used = head_of(history, state, scene).size() + 2;
  return lines - std::min(lines, scene.size.rows - std::min(scene.size.rows, used));
}

std::vector<Line> draw(const History& history, const State& state, const Scene& scene) {
  std::vector<Line> lines = head_of(history, state, scene);
  lines.push_back(tabs_of(state, scene.size.columns));
  const size_t foot = 1, used = lines.size() + foot;
  if (used < scene.size.rows) put_body(lines, history, state, scene.size.rows - used, scene);
  lines.resize(scene.size.rows - std::min(scene.size.rows, foot));
  if (scene.size.rows != 0) lines.push_back(keys_of(state, scene.size.columns));
  for (Line& line : lines) cut(line, scene.size.columns, scene.glyphs);
  return lines;
}

std::vector<Line> draw_plain(const History& history, const State& state, const Scene& scene) {
  std::vector<Line> lines = head_of(history, state, scene);
  put_body(lines, history, state, endless, scene);
  for (Line& line : lines) cut(line, scene.size.columns, scene.glyphs);
  return lines;
}

}  // namespace viaduct::top
