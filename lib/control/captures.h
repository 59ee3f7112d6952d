// Who captures, and what becomes of the workers' copies.
//
// Workers write copies into their rings (dataplane/tap.h); here they are taken out, put in the order of their time, and
// given to all who want them: clients of the control socket, as a pcapng stream, and the HEP collector. Who is too slow
// misses copies, which are counted; nobody is waited for. What the workers look for is part of their View, so whoever
// begins or ends a capture makes a new one due.
//
// Thread: control.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "capture/record.h"
#include "capture/taps.h"
#include "config/config.h"
#include "control/events.h"
#include "control/hep_exporter.h"
#include "control/server.h"
#include "core/clock.h"
#include "core/result.h"
#include "dataplane/tap.h"

namespace viaduct::control {

class Captures {
 public:
  struct Row {
    std::string who;  // "client 3", "hep 198.51.100.20:9060"
    std::string filter;
    uint32_t sample = 1;
    bool drops_only = false;
    std::chrono::seconds age{0};
    uint64_t written = 0;  // copies that it got
    uint64_t missed = 0;   // copies that it was too slow for, or that would not do
  };

  // `ports`: the names of interfaces, by number. `application` is what files say of their writer. `events` hears who
  // begins and ends: captures show what people say to each other.
  Captures(std::vector<dataplane::Tap*> taps, std::vector<std::string> ports, std::string application, Events& events);
  ~Captures();

  // `[drops] [sample N] [filter EXPRESSION]`: what a client of the control socket wants. The answer is the beginning of
  // the stream, or an error.
  Server::Reply begin(std::string_view words, core::Instant now);
  // As configured; an unchanged one goes on.
  core::Status export_to(const config::Hep& hep, core::Instant now);

  // What workers look for; nullptr: nothing. Not the same as before: a new View is due.
  std::shared_ptr<const capture::Taps> current() const { return taps_; }
  // Takes what the rings hold. `server` may be nullptr.
  void turn(Server* server, core::Instant now);

  std::vector<Row> rows(core::Instant now) const;
  const std::vector<dataplane::Tap*>& workers() const { return workers_; }

 private:
  struct Session;

  std::optional<uint8_t> free_slot(core::Instant now) const;
  void add(std::unique_ptr<Session> session);
  void end(size_t index, core::Instant now);
  void renew();
  void take();
  void give(const capture::Record& record, uint64_t time_ns);
  void tell_losses(Session& session, core::Instant now);
  uint64_t lost() const;

  const std::vector<dataplane::Tap*> workers_;
  const std::vector<std::string> ports_;
  const std::string application_;
  Events& events_;
  std::vector<std::unique_ptr<Session>> sessions_;
  std::shared_ptr<const capture::Taps> taps_;
  core::Instant free_since_[capture::tappings_max];  // by slot
  uint64_t streams_ = 0;
};

}  // namespace viaduct::control
