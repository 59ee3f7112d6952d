// Watches what passes through a worker's pipeline: how long backends take, who leaves the standard.
//
// What is to be written about a message lies far away and is seldom in the cache. So it is asked for when the message
// is decided and written when its burst is done.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "core/clock.h"
#include "dataplane/packet.h"
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
  // The time to be written into requests, and what is known of earlier ones.
  void tell_time(proxy::Arrival& arrival) const {
    arrival.now = text_;
    arrival.node = watch_->node;
    arrival.times = &answered_;
  }
  // The decision will ask about this branch.
  void expect(const proxy::Foresight& foresight, sip::Method method) const {
    if (const auto mark = foresight.mark()) answered_.prefetch(key_of(*mark, method));
  }

  // A message that is forwarded to or from a backend, where requests leave with the time.
  void forwarded(const sip::Message& message, const proxy::Decision& decision, const proxy::View& view) {
    if (decision.backend == proxy::none || message.method == sip::Method::ack || decision.mark == 0) return;
    Note& note = notes_[count_++];
    note.backend = view.backends[decision.backend].cookie_id;
    note.method = static_cast<uint16_t>(message.method);
    note.status = message.is_request() ? uint16_t{0} : message.status;
    note.sent = decision.sent;
    note.key = key_of(decision.mark, message.method);
    answered_.prefetch(note.key);
  }
  // A message with a deviation or a fault.
  void deviated(const sip::Message& message, const proxy::Decision& decision, const proxy::Arrival& arrival,
                const Peers* peers);

  // After a burst.
  void settle() {
    for (size_t i = 0; i < count_; ++i) write(notes_[i]);
    count_ = 0;
  }

 private:
  struct Note {
    uint64_t key;
    proxy::SendTime::Text sent;
    uint32_t backend;
    uint16_t method;
    uint16_t status;  // 0: a request
  };
  static uint64_t key_of(uint64_t mark, sip::Method method) {
    return telemetry::Answered::key_of(mark, static_cast<uint64_t>(method));
  }
  void write(const Note& note);

  Watch* const watch_;
  std::chrono::nanoseconds now_{0};
  proxy::SendTime::Text text_ = 0;
  size_t count_ = 0;
  std::array<Note, burst_max> notes_;
  telemetry::Answered answered_;
};

}  // namespace viaduct::dataplane
