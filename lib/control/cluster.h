// The backends: as configured, as the operator wants them now, as probes see them.
//
// Everything that makes a backend come or go passes through here, is logged and kept as an event, and one View comes
// out. Thread: control.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/secret.h"
#include "control/events.h"
#include "control/expand.h"
#include "control/past.h"
#include "control/prober.h"
#include "control/reload.h"
#include "control/running.h"
#include "control/state_file.h"
#include "control/warm_up.h"
#include "core/clock.h"
#include "core/result.h"
#include "proxy/view.h"

namespace viaduct::control {

class Cluster {
 public:
  using Now = std::function<core::Instant()>;
  Cluster(config::Config config, const config::Secrets& secrets, Now now = std::chrono::steady_clock::now);
  ~Cluster();  // if it has run, who is dead is written to the state file once more
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // What the state file remembers, taken over. Once, before `open_probes`.
  void restore();

  // With names looked up, and as it is written.
  const config::Config& config() const { return config_; }
  const config::Config& written() const { return written_; }
  // What name servers say now: the set of backends changes like by a reload, but what operators said of those that stay
  // stays, too. True if the View has changed.
  bool take_answers(Answers answers, core::Instant now);
  // What the decision reads, but for the resolved names.
  const std::shared_ptr<const proxy::View>& view() const { return laid_; }

  // Whether the kernel can reach an address by itself; probes go to those backends only.
  using Reachable = std::function<bool(const net::IpAddress&)>;
  // Opens the probes that the configuration asks for, and says plainly where none can be sent: those backends count as
  // healthy from the next turn on, whatever was known of them.
  core::Status open_probes(Reachable reachable, core::Instant now);
  int fd() const { return prober_ ? prober_->fd() : -1; }  // readable: call `turn`

  // Probes: answers in, questions out; slow starts go on. True if the View has changed.
  bool turn(core::Instant now);
  // The same for verdicts that others reached.
  bool take(const std::vector<Prober::Change>& changes);
  // Requests to and responses from the backends, in the order of the View, ever; for silence.
  struct Traffic {
    uint64_t requests = 0;
    uint64_t responses = 0;
    Traffic operator+(const Traffic& other) const { return {requests + other.requests, responses + other.responses}; }
    Traffic operator-(const Traffic& other) const { return {requests - other.requests, responses - other.responses}; }
  };
  void observe(const std::vector<Traffic>& traffic, core::Instant now);
  // An ICMP error that quotes a datagram of ours to this address: a probe for whoever is there.
  void unreachable(const net::Endpoint& address, core::Instant now) {
    if (prober_) prober_->unreachable(address, now);
  }

  // The operator's word, in force until the next reload that does not say the same, and over restarts. Each returns a
  // sentence: what was done and what it moves, or why it was not.
  core::Result<std::string> set_state(std::string_view key, proxy::OperatorState state);
  core::Result<std::string> set_weight(std::string_view key, uint32_t weight);

  // The file read anew: all of it, or nothing. A dry run stops before the step.
  core::Result<Reload> reload(bool dry_run, core::Instant now);
  // The operator's words written into the file, and nothing else in it changed.
  core::Result<std::string> save();

  // One backend, for `show health` and `show backends`.
  struct Row {
    std::string pool, backend;
    net::Endpoint address;
    bool probed = false;
    bool healthy = true;
    std::chrono::system_clock::time_point since;  // healthy or not
    Prober::Row probe{};                          // if probed
    config::BackendState configured_state = config::BackendState::up;
    uint32_t configured_weight = 0;
    bool overridden = false;  // state or weight is the operator's word, not the file's
  };
  std::vector<Row> rows() const;
  const Events& events() const { return events_; }
  Events& events() { return events_; }

 private:
  void configure_probes(core::Instant now);
  Reachable probes_reach() const {
    return [this](const net::IpAddress& address) { return reachable_ && reachable_(address); };
  }
  void forget_gone();
  void await(const std::vector<std::string>& keys);
  void lay();
  void lay_again(core::Instant now);
  void note_pools();
  void remember();
  void remember_deaths();
  core::Result<const config::Backend*> configured(std::string_view key) const;
  std::string word_given(std::string_view key, std::string what, const proxy::View& before);

  Now now_;
  config::Config written_;
  config::Config config_;
  Answers answers_;
  std::set<std::string> notes_;  // about the answers, told already
  config::Secrets secrets_;
  std::shared_ptr<const proxy::View> compiled_;
  std::shared_ptr<const proxy::View> laid_;
  Running running_;
  std::map<std::string, std::chrono::system_clock::time_point, std::less<>> changed_at_;  // health, by key
  std::set<std::string, std::less<>> unusable_;  // pools without a backend that takes new calls, as told
  std::chrono::system_clock::time_point started_;
  Reachable reachable_;
  std::unique_ptr<Prober> prober_;
  std::vector<Prober::Change> unreached_;  // who was dead, and no probe can say otherwise any more; for the next turn
  Past past_;
  WarmUp warm_up_;
  Events events_;
  StateFile state_file_;
  core::Instant next_memory_{};  // when deaths are written again
  bool restored_ = false;
  bool forgetful_ = false;  // the state file cannot be written, which has been said
};

}  // namespace viaduct::control
