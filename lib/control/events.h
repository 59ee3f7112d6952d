// What happened lately, for `show events`: the last few hundred changes, with the time on the wall. Each is a line of
// the log as well, with its number, kind and subject as fields where the log has fields.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
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
    kept_.push_back({std::chrono::system_clock::now(), ++count_, std::move(kind), std::move(subject), std::move(what)});
    if (kept_.size() > kept_max) kept_.pop_front();
    log_event(kept_.back(), line);
  }
  const std::deque<Event>& kept() const { return kept_; }

 private:
  std::deque<Event> kept_;
  uint64_t count_ = 0;
};

}  // namespace viaduct::control
