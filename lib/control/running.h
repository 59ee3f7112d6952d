// What is true while running, laid over what is configured.
//
// The configured set decides the tables (steer/table.h); whether a backend may be used now is an overlay over them. So
// a probe's verdict or an operator's word changes the overlay alone, and no slot moves but those of the backend in
// question. Pure: the same configuration and the same running state give the same View on every node.
// Thread: control.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"
#include "proxy/view.h"

namespace viaduct::control {

struct RunningBackend {
  std::optional<proxy::OperatorState> state;  // the operator's word since the configuration was read
  std::optional<uint32_t> weight;             // likewise
  bool healthy = true;                        // the probes' word
  steer::Part part = steer::whole;            // how warm it is (warm_up.h)

  bool plain() const { return !state && !weight && healthy && part == steer::whole; }
  bool operator==(const RunningBackend&) const = default;
};

// By backend_key; who is missing is plain.
using Running = std::map<std::string, RunningBackend, std::less<>>;

// `proxies/p1`: as operators type it. Names have no slash in them.
std::string backend_key(std::string_view pool, std::string_view backend);

// `compiled` (control/compile.h) with `running` laid over, and listeners of pools where nobody takes new calls led to
// the pools' backups. Tables and overlays that `previous` has already are taken from there: building one takes
// milliseconds.
std::shared_ptr<proxy::View> lay_over(const config::Config& config, const proxy::View& compiled, const Running& running,
                                      const proxy::View* previous);

}  // namespace viaduct::control
