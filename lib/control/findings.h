// Who leaves the standard where: what workers have counted, added up, with a name for each source and a sample of each
// kind.
//
// A sample is the first message of its kind that a source sent. Samples are bounded: 2 KiB of each message, so many in
// all; when they are full, those of sources that nobody counts any longer go first. What a sample says about its
// sender's credentials is not kept.
// Thread: control.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "dataplane/view.h"
#include "dataplane/watch.h"

namespace viaduct::control {

// What a kind is called and where it is written.
struct FindingText {
  std::string_view name;
  std::string section;  // "RFC 3261 section 8.1.1.7"
  std::string_view what;
  bool refused = false;  // such a message is not forwarded
};
FindingText finding_text(size_t kind);

// The text of a message with its Authorization and Proxy-Authorization values taken out.
std::string without_credentials(std::string_view message);
// What may stand on a terminal and in a report: bytes that are no printable ASCII as \xNN, and line ends other than
// CRLF told.
std::string shown_message(std::string_view message);

class Findings {
 public:
  static constexpr size_t samples_max = 1024;

  struct Sample {
    net::Endpoint from;
    uint16_t socket = 0;
    uint32_t at_s = 0;
    uint16_t bytes = 0;  // of the message, of which `text` may be the front
    std::string text;
  };
  struct Row {
    telemetry::FindingSource source;
    size_t kind = 0;
    uint64_t messages = 0;
    uint32_t since_s = 0, last_s = 0;  // monotonic
    const Sample* sample = nullptr;    // nullptr: none was kept
  };
  struct Total {
    uint64_t messages = 0;
    uint64_t others = 0;  // of sources that are not told apart
  };

  // Takes the samples that workers have left.
  void take(std::span<dataplane::Watch* const> watches);

  // By source, the busiest kind first.
  std::vector<Row> rows(std::span<const dataplane::Watch* const> watches) const;
  static std::map<size_t, Total> totals(std::span<const dataplane::Watch* const> watches);
  size_t samples() const { return samples_.size(); }

 private:
  using Key = std::pair<telemetry::FindingSource, size_t>;
  void make_room(std::span<dataplane::Watch* const> watches);

  std::map<Key, std::shared_ptr<const Sample>> samples_;
};

// `carrier-a`, `proxies/p1` or an address.
std::string finding_source_name(const telemetry::FindingSource& source, const dataplane::View& view);

}  // namespace viaduct::control
