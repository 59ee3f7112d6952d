// `viaductctl explain`: messages from files, explained one JSON line each, by a configuration or by the running
// balancer.
#pragma once

#include <string>
#include <vector>

namespace viaduct::ctl {

struct ExplainRequest {
  std::string config;
  std::string from = "198.51.100.7:5060";
  std::string to;  // empty: the first listener's first address
  bool pcap = false;
  bool live = false;  // ask the balancer at `socket`; `config` does not count
  std::string socket;
  std::vector<std::string> files;
};

// Returns the exit code: 0 if every file could be read, whatever the verdicts.
int explain_files(const ExplainRequest& request);

}  // namespace viaduct::ctl
