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
constexpr View parts[]{View::workers, View::backends, View::drops, View::limits, View::deviations, View::events};

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

const ViewText& text_of_view(View view) {
  return *std::find_if(views().begin(), views().end(), [&](const ViewText& each) { return each.view == view; });
}

std::optional<Sort>& sort_of(State& state) { return state.sorts[static_cast<size_t>(state.view)]; }

Grid shown_grid(const State& state, const History& history, const Glyphs& glyphs) {
  Grid grid = grid_of(state.view, history, glyphs, state.pool);
  put_in_order(grid, state.sorts[static_cast<size_t>(state.view)]);
  return grid;
}

size_t selected_row(const State& state, const Grid& grid) {
  const auto found =
      std::find_if(grid.rows.begin(), grid.rows.end(), [&](const Row& row) { return row.key == state.selected; });
  return found == grid.rows.end() ? 0 : static_cast<size_t>(found - grid.rows.begin());
}

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
  for (const View part : parts) {
    grids.push_back(grid_of(part, history, glyphs));
    if (part != View::events) grids.back().columns.front().title = text_of_view(part).name;
    put_in_order(grids.back(), state.sorts[static_cast<size_t>(part)]);
  }
  return grids;
}

size_t selected_part(const State& state) {
  for (size_t i = 0; i < std::size(parts); ++i) {
    if (text_of_view(parts[i]).name == state.selected) return i;
  }
  return 0;
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
          .put(std::string(text_of_view(parts[part]).name) + ": ", Style::title)
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

void show_view(State& state, View view) {
  state.view = view;
  state.pool.clear();
  state.selected.clear();
  state.opened.clear();
  state.help = false;
  state.scroll = 0;
}

void go_back(State& state) {
  if (state.help) {
    state.help = false;
  } else if (!state.opened.empty()) {
    state.selected = state.opened;
    state.opened.clear();
  } else if (!state.pool.empty()) {
    const std::string pool = state.pool;
    show_view(state, View::pools);
    state.selected = pool;
  }
  state.scroll = 0;
}

// From `at` of `count`, as far as the key says.
size_t moved(Key::Kind kind, size_t at, size_t count, size_t page) {
  if (count == 0) return 0;
  switch (kind) {
    case Key::up: return at - std::min<size_t>(at, 1);
    case Key::down: return std::min(at + 1, count - 1);
    case Key::page_up: return at - std::min(at, page);
    case Key::page_down: return std::min(at + page, count - 1);
    case Key::home: return 0;
    case Key::end: return count - 1;
    default: return at;
  }
}

void choose(State& state, Key::Kind kind, const History& history, const Scene& scene) {
  const size_t page = std::max<size_t>(1, scene.size.rows / 2);
  if (state.help || !state.opened.empty()) {
    const size_t lines = state.help ? help_of().size() : opened_lines(history, state, scene).size();
    // Not farther than what still fills the screen, so that the way back is no longer than the way there.
    const size_t used = head_of(history, state, scene).size() + 2;
    const size_t last = lines - std::min(lines, scene.size.rows - std::min(scene.size.rows, used));
    state.scroll = moved(kind, std::min(state.scroll, last), last + 1, page);
    return;
  }
  if (state.view == View::all) {
    state.selected = text_of_view(parts[moved(kind, selected_part(state), std::size(parts), page)]).name;
    return;
  }
  const Grid grid = shown_grid(state, history, scene.glyphs);
  if (!grid.rows.empty())
    state.selected = grid.rows[moved(kind, selected_row(state, grid), grid.rows.size(), page)].key;
}

void open(State& state, const History& history, const Scene& scene) {
  if (state.help || !state.opened.empty()) return;
  if (state.view == View::all) return show_view(state, parts[selected_part(state)]);
  const Grid grid = shown_grid(state, history, scene.glyphs);
  if (grid.rows.empty()) return;
  const std::string key = grid.rows[selected_row(state, grid)].key;
  if (state.view == View::pools) {
    show_view(state, View::backends);
    state.pool = key;
    return;
  }
  state.opened = state.selected = key;
  state.scroll = 0;
}

void sort_by(State& state, int step, const History& history, const Scene& scene) {
  if (state.view == View::all || state.help || !state.opened.empty()) return;
  const Grid grid = shown_grid(state, history, scene.glyphs);
  const size_t count = grid.columns.size();
  if (step == 0) {
    const Sort now = grid.sort.value_or(Sort{});
    sort_of(state) = Sort{now.column, !now.descending};
    return;
  }
  // From no order at all the first step is to an end.
  const size_t now = grid.sort ? grid.sort->column : (step > 0 ? count - 1 : 0);
  const size_t next = (now + count + static_cast<size_t>(step + static_cast<int>(count))) % count;
  sort_of(state) = Sort{next, grid.columns[next].number};
}

void type(State& state, char text, const History& history, const Scene& scene) {
  for (const ViewText& each : views()) {
    if (text == each.key) return show_view(state, each.view);
  }
  switch (text) {
    case 'q': state.done = true; break;
    case 'p':
    case ' ': state.paused = !state.paused; break;
    case 'h':
    case '?':
      state.help = !state.help;
      state.scroll = 0;
      break;
    case 'r': sort_by(state, 0, history, scene); break;
    case 'o': sort_of(state).reset(); break;
    default: break;
  }
}

}  // namespace

void press(State& state, Key key, const History& history, const Scene& scene) {
  const size_t count = views().size(), shown = static_cast<size_t>(state.view);
  switch (key.kind) {
    case Key::none: break;
    case Key::character: type(state, key.text, history, scene); break;
    case Key::up:
    case Key::down:
    case Key::page_up:
    case Key::page_down:
    case Key::home:
    case Key::end: choose(state, key.kind, history, scene); break;
    case Key::left: sort_by(state, -1, history, scene); break;
    case Key::right: sort_by(state, 1, history, scene); break;
    case Key::enter: open(state, history, scene); break;
    case Key::back: go_back(state); break;
    case Key::tab: show_view(state, views()[(shown + 1) % count].view); break;
    case Key::back_tab: show_view(state, views()[(shown + count - 1) % count].view); break;
  }
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
