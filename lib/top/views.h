// The tables that `top` shows, made from what the balancer said.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "top/grid.h"
#include "top/history.h"

namespace viaduct::top {

enum class View : uint8_t { all, backends, pools, workers, drops, limits, sources, deviations, events, ports };

struct ViewText {
  View view;
  char key;  // that shows it
  std::string_view name, help;
};
std::span<const ViewText> views();
const ViewText& text_of_view(View view);
const ViewText* view_named(std::string_view name);  // whatever the case of its first letter

// Of every view but `all`. `pool`: of backends only those of this one.
Grid grid_of(View view, const History& history, const Glyphs& glyphs, std::string_view pool = {});

// Everything that is known of a row: columns with their values, a second's share of counters, what they mean.
std::vector<Line> details_of(const Row& row, const History& history, size_t columns, const Glyphs& glyphs);

}  // namespace viaduct::top
