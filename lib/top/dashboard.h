// The whole screen of `top`, as a function of what the balancer said, what is looked at, and how large the screen is.
#pragma once

#include <cstddef>
#include <vector>

#include "top/history.h"
#include "top/screen.h"
#include "top/state.h"

namespace viaduct::top {

// At most as many lines as the screen has rows, none wider than it.
std::vector<Line> draw(const History& history, const State& state, const Scene& scene);

// The same without what only a screen needs, and with every row there is.
std::vector<Line> draw_plain(const History& history, const State& state, const Scene& scene);

// How far help or details can be scrolled: no farther than what still fills the screen, so that the way back is no
// longer than the way there. 0 where neither is shown.
size_t scroll_max(const History& history, const State& state, const Scene& scene);

}  // namespace viaduct::top
