// Where `reset` puts the zero of what is shown "since reset". The counters themselves never go back: the ledger and the
// metrics are the same for everybody, whoever resets his view of them.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "telemetry/counters.h"

namespace viaduct::control {

struct Baseline {
  std::chrono::steady_clock::time_point time = std::chrono::steady_clock::now();
  telemetry::Ledger ledger;
  std::array<uint64_t, telemetry::reason_count> by_reason{};
};

}  // namespace viaduct::control
