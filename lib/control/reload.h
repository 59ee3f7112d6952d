// A reload made ready, or the reasons why not; nothing is changed by it.
//
// The file is read, checked and compiled as at the start, and compared with what runs. Either everything is at hand for
// one step, or nothing happens. Thread: control.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/secret.h"
#include "control/diff.h"
#include "control/expand.h"
#include "control/movement.h"
#include "control/running.h"
#include "core/result.h"
#include "proxy/view.h"

namespace viaduct::control {

struct Present {
  const config::Config& config;
  const config::Secrets& secrets;
  const Running& running;
  const proxy::View& laid;
  const Answers& answers;                             // of name servers
  std::function<bool(const net::IpAddress&)> probed;  // whether probes can reach an address
};

struct Reload {
  config::Config written;
  config::Config config;  // with names looked up
  config::Secrets secrets;
  std::shared_ptr<const proxy::View> compiled;
  Running running;                   // health goes on; the operator's words that are not in the file do not
  std::vector<std::string> awaited;  // new backends that are down until their probes are answered, by key

  std::vector<Difference> changes;
  std::vector<Movement> moves;        // pools whose calls move, once all awaited are up and warm
  std::vector<std::string> dropped;   // the operator's words that end: "proxies/p1: state drain, weight 50"
  std::vector<std::string> warnings;  // of the file
};

// New backends of probed pools: nobody knows whether they are alive, so they get calls when they have answered probes.
// But not where nobody else could take the calls meanwhile: a server that may be dead is better than none. By key.
std::vector<std::string> awaited_backends(const config::Config& config, const proxy::View& laid,
                                          const std::function<bool(const net::IpAddress&)>& probed);

// The error names every mistake with its place, one a line, or what needs a restart.
core::Result<Reload> prepare_reload(const Present& present);

// `state drain, weight 50`: what an operator said of one backend; empty: nothing.
std::string words_of(const RunningBackend& backend);

}  // namespace viaduct::control
