// What happened lately, for `show events`: the last few hundred changes, with the time on the wall. Of the kind that
// there are most of the oldest give way. Each is a line of the log as well, with its number, kind and subject as fields
// where the log has fields.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "control/log.h"

namespace viaduct::control {

enum class EventKind : uint8_t { health, pool, operator_, reload, names, port, ban, overload, capture, log, start };
inline constexpr std::array<std::string_view, 11> event_kind_words{
    "health", "pool", "operator", "reload", "names", "port", "ban", "overload", "capture", "log", "start"};
constexpr std::string_view text_of(EventKind kind) { return event_kind_words[static_cast<size_t>(kind)]; }

struct Event {
  std::chrono::system_clock::time_point time;
  uint64_t number = 0;  // counts from 1, so that a reader sees what it missed
  EventKind kind{};
  std::string subject;  // of whom: "proxies/p1", a pool, a file
  std::string what;     // a sentence
};

class Events {
 public:
  static constexpr size_t kept_max = 512;

  // `line` says it all to who reads the log alone: kind and subject as well.
  void add(EventKind kind, std::string subject, std::string what, const LogLine& line) {
    ++kept_of(kind);
    kept_.push_back({std::chrono::system_clock::now(), ++count_, kind, std::move(subject), std::move(what)});
    if (kept_.size() > kept_max) forget_one();
    log_event(kept_.back(), line);
  }
  const std::deque<Event>& kept() const { return kept_; }

 private:
  // The oldest of the kind that has most: a flood of bans must not take along what made it.
  void forget_one() {
    const size_t most = *std::max_element(kept_of_.begin(), kept_of_.end());
    const auto oldest =
        std::find_if(kept_.begin(), kept_.end(), [&](const Event& event) { return kept_of(event.kind) == most; });
    --kept_of(oldest->kind);
    kept_.erase(oldest);
  }
  size_t& kept_of(EventKind kind) { return kept_of_[static_cast<size_t>(kind)]; }

  std::deque<Event> kept_;
  std::array<size_t, event_kind_words.size()> kept_of_{};  // by kind
  uint64_t count_ = 0;
};

}  // namespace viaduct::control
