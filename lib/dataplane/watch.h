// What a worker has seen of its neighbours, for whoever asks: how fast backends answer, and who leaves the standard
// where. Written by one worker, read by the control thread; it outlives both worker and View.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/spsc_ring.h"
#include "net/address.h"
#include "policy/prefix_sets.h"
#include "sip/message.h"
#include "telemetry/findings_table.h"
#include "telemetry/latency_table.h"

namespace viaduct::dataplane {

// Kinds of findings: deviations by their numbers, then faults by theirs.
inline constexpr size_t fault_kinds = 64;
static_assert(sip::deviation_count <= fault_kinds && fault_kinds + sip::fault_count <= telemetry::finding_kinds_max);
// Of a message as read and decided upon. A fault that a deviation explains is not told twice.
telemetry::FindingKinds findings_of(sip::Deviations deviations, sip::Fault fault);

// One message of those that were counted, as it came.
struct FindingSample {
  static constexpr size_t bytes_max = 2048;

  telemetry::FindingSource source;
  telemetry::FindingKinds kinds;
  net::Endpoint from;
  uint16_t socket = 0;
  uint16_t kept = 0;   // octets of `text`
  uint16_t bytes = 0;  // of the message
  uint32_t at_s = 0;   // monotonic
  std::array<char, bytes_max> text;
};

// The operator's names for sources.
class Peers {
 public:
  struct Peer {
    std::string name;
    std::vector<net::Prefix> prefixes;
  };

  Peers() = default;
  // Thread: control. Of peers that hold an address, the first is meant.
  explicit Peers(std::vector<Peer> peers);

  // Thread: any; no allocation.
  telemetry::FindingSource source_of(const net::IpAddress& address) const {
    const policy::PrefixSets::Set set = sets_.find(address);
    return set == 0 ? telemetry::FindingSource{address.bytes, false} : sources_[sets_.lists_of(set).front()];
  }
  const std::vector<Peer>& all() const { return peers_; }
  static telemetry::FindingSource source_named(std::string_view name);

 private:
  std::vector<Peer> peers_;
  policy::PrefixSets sets_;
  std::vector<telemetry::FindingSource> sources_;  // by the peer's number
};

struct Watch {
  // `boot` names the machine and its present run: /proc/sys/kernel/random/boot_id.
  explicit Watch(std::string_view boot);

  const uint64_t node;  // whose clock is meant (proxy/send_time.h)
  telemetry::LatencyTable latencies;
  telemetry::FindingsTable findings;
  core::SpscRing<FindingSample> samples{16};
};

}  // namespace viaduct::dataplane
