#include "top/state.h"

#include <algorithm>
#include <iterator>

namespace viaduct::top {
namespace {

constexpr View parts[]{View::workers, View::backends, View::drops, View::limits, View::deviations, View::events};

}  // namespace

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

std::span<const View> parts_of_all() { return parts; }

size_t selected_part(const State& state) {
  for (size_t i = 0; i < std::size(parts); ++i) {
    if (text_of_view(parts[i]).name == state.selected) return i;
  }
  return 0;
}

}  // namespace viaduct::top
