// What happened lately, for `show events`: the last few hundred changes, with the time on the wall. Of the kind that
// there are most of the oldest give way. Each is a line of the log as well, with its number, kind and subject as fields
// where the log has fields.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "control/log.h"

namespace viaduct::control {

struct Event {
  std::chrono::system_clock::time_point time;
  uint64_t number = 0;  // counts from 1, so that a reader sees what it missed
  std::string kind;     // "health", "operator", "reload", ...: control-socket.md has them all
  std::string subject;  // of whom: "proxies/p1", a pool, a file
  std::string what;     // a sentence
};

class Events {
 public:
  static constexpr size_t kept_max = 512;

  // `line` says it all to who reads the log alone: kind and subject as well.
  void add(std::string kind, std::string subject, std::string what, const LogLine& line) {
    ++kept_of_[kind];
    kept_.push_back({std::chrono::system_clock::now(), ++count_, std::move(kind), std::move(subject), std::move(what)});
    if (kept_.size() > kept_max) forget_one();
    log_event(kept_.back(), line);
  }
  const std::deque<Event>& kept() const { return kept_; }

 private:
  // The oldest of the kind that has most: a flood of bans must not take along what made it.
  void forget_one() {
    const auto most = std::max_element(kept_of_.begin(), kept_of_.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    const auto oldest =
        std::find_if(kept_.begin(), kept_.end(), [&](const Event& event) { return event.kind == most->first; });
    --most->second;
    kept_.erase(oldest);
  }

  std::deque<Event> kept_;
  std::map<std::string, size_t> kept_of_;  // by kind
  uint64_t count_ = 0;
};

}  // namespace viaduct::control
