// What operators tell a running balancer to do. `backend`, `reload` and `save` are carried out here.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "control/cluster.h"
#include "core/clock.h"

namespace viaduct::control {

struct Outcome {
  bool is_order = false;  // else the line is somebody else's
  bool changed = false;   // the View did
  bool reloaded = false;  // with all that is configured
  std::string answer;     // "error: ..." if it was not done
};

// Everything that is typed and is no `show`, whoever carries it out: for `help`, the manual and completion.
struct Order {
  std::string_view name;       // "backend drain|up|down"
  std::string_view arguments;  // "POOL/NAME"
  std::string_view help;       // one line
};
std::span<const Order> orders();

Outcome carry_out(Cluster& cluster, std::string_view line, core::Instant now);

}  // namespace viaduct::control
