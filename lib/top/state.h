// What is looked at, and where on the screen it is chosen.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>

#include "core/clock.h"
#include "top/grid.h"
#include "top/history.h"
#include "top/screen.h"
#include "top/views.h"

namespace viaduct::top {

// What was pressed so far, and so what is looked at.
struct State {
  View view = View::all;
  std::string pool = {};                           // backends of this one only
  std::string selected = {};                       // a row's key, or in `all` the name of a part; empty: the first
  std::string opened = {};                         // a row's key: its details are shown
  size_t scroll = 0;                               // lines of details
  std::array<std::optional<Sort>, 10> sorts = {};  // by view; none: the view's own
  bool paused = false;
  bool help = false;
  bool done = false;
};

struct Scene {
  Size size;
  Glyphs glyphs = ascii_glyphs;
  core::Instant now{};
  std::string host = {}, clock = {};  // "lb1", "14:40:05"
};

// The table of the view that is looked at, in the order that was asked for.
Grid shown_grid(const State& state, const History& history, const Glyphs& glyphs);
// The row of `grid` that is chosen; 0 if none is, or it has gone.
size_t selected_row(const State& state, const Grid& grid);

// What the view of everything is made of, from top to bottom, and which of them is chosen.
std::span<const View> parts_of_all();
size_t selected_part(const State& state);

}  // namespace viaduct::top
