// What a key does to what is looked at.
#pragma once

#include <cstdint>

#include "top/history.h"
#include "top/state.h"

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

void press(State& state, Key key, const History& history, const Scene& scene);

}  // namespace viaduct::top
