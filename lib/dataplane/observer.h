// Watches what passes through a worker's pipeline: how long backends take, who leaves the standard.
//
// What is to be written about a message lies far away and is seldom in the cache. So it is asked for when the message
// is decided and written when its group is done.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "core/clock.h"
#include "dataplane/watch.h"
#include "proxy/decision.h"
#include "proxy/foresight.h"
#include "proxy/send_time.h"
#include "sip/message.h"
#include "telemetry/answered.h"

namespace viaduct::dataplane {

// Thread: its worker.
class Observer {
 public:
  // `watch` may be nullptr: nothing is watched.
  explicit Observer(Watch* watch) : watch_(watch), answered_(watch != nullptr) {}

  bool on() const { return watch_ != nullptr; }

  // Before a burst, if `on`.
  void begin(core::Instant now) {
    now_ = now.time_since_epoch();
    text_ = proxy::SendTime::text_of(watch_->node, now_);
  }
  // The time to be written into requests.
  proxy::SendTime::Text now() const { return text_; }

  // A message that is forwarded to or from a backend; `requests leave with the time` where it is called.
  void forwarded(const sip::Message& message, const proxy::Decision& decision, const proxy::View& view) {
    if (decision.backend == proxy::none || message.method == sip::Method::ack || decision.mark == 0) return;
    Note& note = notes_[count_++];
    note.backend = view.backends[decision.backend].cookie_id;
    note.method = static_cast<uint16_t>(message.method);
    note.status = message.is_request() ? uint16_t{0} : message.status;
    note.sent = decision.sent;
    note.key = telemetry::Answered::key_of(decision.mark, note.method);
    answered_.prefetch(note.key);
  }
  // A message with a deviation or a fault.
  void deviated(const sip::Message& message, const proxy::Decision& decision, const proxy::Arrival& arrival,
                const Peers* peers);

  // After a group.
  void settle() {
    for (size_t i = 0; i < count_; ++i) write(notes_[i]);
    count_ = 0;
  }

 private:
  static constexpr size_t group_max = proxy::Foreseer::group_max;
  struct Note {
    uint64_t key;
    proxy::SendTime::Text sent;
    uint32_t backend;
    uint16_t method;
    uint16_t status;  // 0: a request
  };
  void write(const Note& note);

  Watch* const watch_;
  std::chrono::nanoseconds now_{0};
  proxy::SendTime::Text text_ = 0;
  size_t count_ = 0;
  std::array<Note, group_max> notes_;
  telemetry::Answered answered_;
};

}  // namespace viaduct::dataplane
