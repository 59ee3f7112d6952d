// Rules, access lists, bans and limits of a running balancer: compiled, kept over reloads, told about. Thread: control.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "control/events.h"
#include "core/clock.h"
#include "core/result.h"
#include "nlohmann/json_fwd.hpp"
#include "policy/ruleset.h"

namespace viaduct::control {

// What only compiling finds wrong: patterns. Where reading has found something wrong, too, of what could be read.
std::vector<config::Diagnostic> policy_problems(const config::Loaded& loaded);

class Policies {
 public:
  explicit Policies(size_t workers);

  // The configuration's rules, with the counts and buckets so far. The error names what is wrong, and nothing changes.
  core::Status adopt(const config::Config& config);
  // For the View; null while there is nothing to ask about.
  std::shared_ptr<const policy::Ruleset> current() const;

  // What workers have told, and bans that are over. True: `current` is another one now.
  bool turn(Events& events, core::Instant now);

  // `ban add PREFIX TIME`, `ban del PREFIX`; nothing if the line is somebody else's.
  struct Answer {
    std::string text;      // "error: ..." if it was not done
    bool changed = false;  // `current` may be another one
  };
  std::optional<Answer> order(std::string_view line, Events& events, core::Instant now);

  using Report = nlohmann::ordered_json;
  Report rules() const;
  Report limits() const;
  Report bans(core::Instant now, size_t rows_max) const;  // all are counted, and so many listed
  // Who sends most, of those that limits count: who is limited, or would be.
  Report top_sources(core::Instant now) const;

 private:
  Answer add_ban(std::string_view prefix, std::string_view time, Events& events, uint64_t now_ns);
  void hear_ban(const policy::Notice& notice, Events& events, uint64_t now_ns);
  void hear_log(const policy::Notice& notice);

  std::shared_ptr<policy::Ruleset::Office> office_;
  std::shared_ptr<const policy::Ruleset> ruleset_;
  bool was_idle_ = true;
  uint64_t next_expiry_ns_ = 0;
  uint64_t log_second_ = 0;  // at most so many lines a second
  unsigned logged_ = 0;
};

}  // namespace viaduct::control
