// What became of messages that were not forwarded, for the text of a failure.
#pragma once

#include <string>

#include "telemetry/counters.h"

namespace viaduct::test {

// " name count" for each reason that was counted.
inline std::string reasons_of(const telemetry::WorkerCounters& counters) {
  std::string text;
  for (size_t i = 0; i < telemetry::reason_count; ++i) {
    const uint64_t count = counters.by_reason[i].value();
    if (count != 0) text += " " + std::string(telemetry::reason_texts[i].name) + " " + std::to_string(count);
  }
  return text;
}

}  // namespace viaduct::test
