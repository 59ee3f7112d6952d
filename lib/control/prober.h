// Probes on the wire: health::Scheduler says when and whom, kernel sockets carry question and answer.
//
// One connected UDP socket a backend, so that the kernel lets through only what comes from the backend's own address
// and hands over ICMP errors that quote a datagram of ours (LBG-21). An ICMP error is a hint: it brings the next probe
// forward, and judges nothing. A socket whose probe was missed is opened anew before the next one, since the route, and
// with it our own address, may have changed.
//
// Thread: control.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "core/clock.h"
#include "core/result.h"
#include "health/accepted.h"
#include "health/probe_message.h"
#include "health/scheduler.h"
#include "health/silence.h"
#include "net/address.h"

namespace viaduct::control {

class Prober {
 public:
  struct Target {
    std::string key;  // "proxies/p1"
    net::Endpoint address;
    config::Health health;
    bool healthy = true;  // as known so far
  };
  struct Change {
    std::string key;
    bool healthy;
    std::string why;  // "3 probes in a row failed; the last one: no answer within 1s"
  };
  // What is known of one backend, for `show health`.
  struct Row {
    std::string key;
    bool healthy;
    uint32_t against;  // outcomes in a row that speak against its state
    uint32_t needed;   // how many would change it
    std::string last;  // the last outcome: "200", "no answer within 1s"
    double last_ms;    // how long the last answer took; 0: there was none
    uint64_t probes, failed, hints;
  };

  static core::Result<std::unique_ptr<Prober>> open();
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  // Whom to probe from now on. Who was probed before in the same way goes on undisturbed.
  void configure(const std::vector<Target>& targets, core::Instant now);

  int fd() const { return epoll_; }  // readable: call `turn`
  // Takes in answers and errors, then sends what is due. Also to be called every tick.
  std::vector<Change> turn(core::Instant now);
  // How many requests went to a backend and how many responses came from it, ever.
  void observe(std::string_view key, uint64_t requests, uint64_t responses, core::Instant now);

  // Somebody told the workers so; they have seen that a datagram of ours was meant (LBG-21).
  void unreachable(const net::Endpoint& address, core::Instant now);

  std::vector<Row> rows() const;
  size_t size() const { return peers_.size(); }

 private:
  struct Waiting {
    uint64_t secret = 0;
    core::Instant sent{};
  };
  struct Peer {
    Target target;
    health::Accepted accepted;
    health::Silence silence;
    int socket = -1;
    bool stale = false;  // open it anew before the next probe
    std::string local;
    std::map<uint64_t, Waiting> waiting;  // by number
    std::string last = "none yet";
    double last_ms = 0;
    uint64_t probes = 0, failed = 0, hints = 0;
  };
  using Id = health::Scheduler::Target;

  Prober() = default;
  bool open_socket(Id id, Peer& peer);
  void close_socket(Peer& peer);
  void receive(Id id, Peer& peer, core::Instant now, std::vector<Change>& changes);
  void take_errors(Id id, Peer& peer, core::Instant now);
  void take_answer(Peer& peer, std::string_view datagram, core::Instant now, std::vector<Change>& changes);
  void send(Id id, Peer& peer, uint64_t number, core::Instant now);
  void hint(Id id, Peer& peer, const std::string& what, core::Instant now);
  Change change_of(const health::Scheduler::Change& change) const;

  int epoll_ = -1;
  health::Scheduler scheduler_;
  std::map<Id, Peer> peers_;
  std::map<std::string, Id, std::less<>> id_of_;
};

}  // namespace viaduct::control
