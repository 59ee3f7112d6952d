// Time and wires of a scenario.
//
// Everything happens in events on one virtual clock: a datagram arrives, a timer fires, an operator types. Two runs
// with the same seed are the same to the byte, and an hour takes as long as what happens in it. Wires delay, and lose
// or duplicate if told to.
//
//   callers ──(1 ms)── balancer ──(1 ms)── servers        balancer: whoever holds 192.0.2.10 and 10.0.0.1 now
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "support/manual_clock.h"
#include "support/sip_text.h"

namespace viaduct::scenarios {

using namespace std::chrono_literals;
using test::SipText;
using Duration = std::chrono::nanoseconds;

inline constexpr std::string_view outside = "192.0.2.10:5060", inside = "10.0.0.1:5060";

struct Datagram {
  std::string source, destination, text;
};

class World {
 public:
  using Receiver = std::function<void(const Datagram&)>;

  explicit World(uint64_t seed = 1) : random(seed) {}
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  core::Instant now() const { return clock_.now(); }

  void after(Duration delay, std::function<void()> event) {
    events_.push({clock_.now() + delay, ++serial_, std::move(event)});
  }
  // Until nothing is left to happen before `time` from now.
  void run(Duration time) {
    const core::Instant end = clock_.now() + time;
    while (!events_.empty() && events_.top().at <= end) step();
    clock_.advance(end - clock_.now());
  }
  // Event by event until `done`, or until `patience` is over; says which.
  bool run_until(const std::function<bool()>& done, Duration patience = 60s) {
    const core::Instant end = clock_.now() + patience;
    while (!done() && !events_.empty() && events_.top().at <= end) step();
    return done();
  }

  // Whoever listens at an address; nobody: what is sent there is lost.
  void listen(const std::string& address, Receiver receiver) { stations_[address] = std::move(receiver); }
  void leave(const std::string& address) { stations_.erase(address); }

  void send(Datagram datagram) {
    if (lose && lose(datagram)) return;
    for (int copies = copies_of(); copies > 0; --copies) {
      // A wire does not reorder.
      core::Instant& free = wires_[datagram.source + ' ' + datagram.destination];
      free = std::max(free + 1ns, now() + wire_delay + Duration(random() % 1000));
      after(free - now(), [this, datagram] {
        const auto station = stations_.find(datagram.destination);
        if (station != stations_.end()) station->second(datagram);
      });
    }
  }

  uint32_t loss_percent = 0, duplicate_percent = 0;  // of all datagrams
  std::function<bool(const Datagram&)> lose;         // true: this one is lost
  std::mt19937_64 random;
  static constexpr Duration wire_delay = 1ms;

 private:
  struct Event {
    core::Instant at;
    uint64_t serial;
    std::function<void()> run;
    bool operator<(const Event& other) const { return at != other.at ? at > other.at : serial > other.serial; }
  };
  int copies_of() {
    if (random() % 100 < loss_percent) return 0;
    return random() % 100 < duplicate_percent ? 2 : 1;
  }
  void step() {
    const Event event = events_.top();
    events_.pop();
    clock_.advance(event.at - clock_.now());
    event.run();
  }

  test::ManualClock clock_;
  std::priority_queue<Event> events_;
  uint64_t serial_ = 0;
  std::map<std::string, Receiver> stations_;
  std::map<std::string, core::Instant> wires_;  // when the last one arrives
};

}  // namespace viaduct::scenarios
