// The whole screen of `top`, as a function of what the balancer said, what was pressed, and how large the screen is.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "top/grid.h"
#include "top/history.h"
#include "top/screen.h"
#include "top/views.h"

namespace viaduct::top {

struct Key {
  enum Kind : uint8_t {
    none,
    character,
    up,
    down,
    left,
    right,
    page_up,
    page_down,
    home,
    end,
    enter,
    back,
    tab,
    back_tab
  };
  Kind kind = none;
  char text = 0;  // of a character
};

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

void press(State& state, Key key, const History& history, const Scene& scene);

// At most as many lines as the screen has rows, none wider than it.
std::vector<Line> draw(const History& history, const State& state, const Scene& scene);

// The same without what only a screen needs, and with every row there is.
std::vector<Line> draw_plain(const History& history, const State& state, const Scene& scene);

}  // namespace viaduct::top
