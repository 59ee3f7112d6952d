// What operators tell a running balancer to do: `backend`, `reload`, `save`.
#pragma once

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

// One line each, in the words of `help` of the control socket.
inline constexpr std::string_view orders_help =
    "backend drain|up|down POOL/NAME      what you want of a backend now\n"
    "backend weight POOL/NAME N           its share of new calls, from 0 to 1000\n"
    "reload [dry-run] [json]              the configuration file anew: all of it or nothing\n"
    "save                                 write states and weights that you set into the file\n";

Outcome carry_out(Cluster& cluster, std::string_view line, core::Instant now);

}  // namespace viaduct::control
