// Where the operator's rules meet a burst: whose datagrams are read at all, and what rules say about requests.
//
// Absent rules cost one branch a burst.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "core/clock.h"
#include "dataplane/packet.h"
#include "dataplane/view.h"
#include "proxy/decision.h"
#include "sip/message.h"
#include "telemetry/counters.h"
#include "telemetry/reason.h"

namespace viaduct::dataplane {

class PolicyStage {
 public:
  explicit PolicyStage(size_t worker) : worker_(worker) {}

  // Once a burst, before the others.
  void begin(core::Instant now) { now_ns_ = static_cast<uint64_t>(now.time_since_epoch().count()); }

  // Why a datagram is not read. Backends are never refused: nobody shuts his own servers out by mistake.
  std::optional<telemetry::Reason> refuse(const proxy::Arrival& arrival, const View& view) const {
    const auto reason = view.policy->refuse(arrival.source.address, now_ns_);
    if (!reason) [[likely]]
      return std::nullopt;
    const proxy::Listener& listener = view.proxy->listeners[view.proxy->sockets[arrival.socket].listener];
    const bool known = listener.side == proxy::Side::inside || view.proxy->backend_at.contains(arrival.source.address);
    return known ? std::nullopt : reason;
  }

  // Collects a request; `arrival` is led to its ruling by `judge`. At most `burst_max` between two of these.
  void ask(const sip::Message& message, proxy::Arrival& arrival, const View& view);
  void judge(const View& view, telemetry::WorkerCounters& counters);

 private:
  const size_t worker_;
  uint64_t now_ns_ = 0;
  size_t count_ = 0;
  std::array<policy::Ruleset::Question, burst_max> questions_;
  std::array<proxy::Arrival*, burst_max> arrivals_;
  std::array<policy::Ruling, burst_max> rulings_;
};

}  // namespace viaduct::dataplane
