#include "top/keys.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>

#include "top/dashboard.h"

namespace viaduct::top {
namespace {

std::optional<Sort>& sort_of(State& state) { return state.sorts[static_cast<size_t>(state.view)]; }

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
    const size_t last = scroll_max(history, state, scene);
    state.scroll = moved(kind, std::min(state.scroll, last), last + 1, page);
    return;
  }
  if (state.view == View::all) {
    const std::span<const View> parts = parts_of_all();
    state.selected = text_of_view(parts[moved(kind, selected_part(state), parts.size(), page)]).name;
    return;
  }
  const Grid grid = shown_grid(state, history, scene.glyphs);
  if (!grid.rows.empty())
    state.selected = grid.rows[moved(kind, selected_row(state, grid), grid.rows.size(), page)].key;
}

void open(State& state, const History& history, const Scene& scene) {
  if (state.help || !state.opened.empty()) return;
  if (state.view == View::all) return show_view(state, parts_of_all()[selected_part(state)]);
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

}  // namespace viaduct::top
