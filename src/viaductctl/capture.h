// `viaductctl capture` and `trace`: messages of a running balancer, looked at.
#pragma once

#include <cstdint>
#include <string>

namespace viaduct::ctl {

struct CaptureRequest {
  std::string socket;
  std::string output;  // - for stdout
  std::string filter;
  uint32_t sample = 1;
  uint64_t count = 0;  // of copies; 0: no end
  double seconds = 0;  // 0: no end
  bool drops = false;
};

struct TraceRequest {
  std::string socket;
  std::string call_id;
  std::string file;    // a capture of ours; empty: the running balancer
  double seconds = 0;  // 0: until interrupted
};

// Each returns an exit code. Until interrupted, or for as long as was asked.
int capture(const CaptureRequest& request);
int trace(const TraceRequest& request);

}  // namespace viaduct::ctl
