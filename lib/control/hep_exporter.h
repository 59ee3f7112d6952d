// Sends captured messages to a HEP collector, such as Homer's.
//
// Over UDP from a socket of the kernel's. Nothing waits for the collector: what the socket does not take at once is
// counted and gone. Datagrams that are longer than the way allows leave in fragments, so that long INVITEs are not
// missing from what people look at. Thread: control.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "capture/record.h"
#include "config/config.h"
#include "core/result.h"

namespace viaduct::control {

class HepExporter {
 public:
  struct Counts {
    uint64_t sent = 0;
    uint64_t refused = 0;    // by the socket
    uint64_t too_large = 0;  // for a datagram, with what HEP adds
  };

  static core::Result<std::unique_ptr<HepExporter>> open(const config::Hep& config);
  ~HepExporter();
  HepExporter(const HepExporter&) = delete;
  HepExporter& operator=(const HepExporter&) = delete;

  // Messages alone; what is no SIP is left out. `time_ns` counts from 1970.
  void send(const capture::Record& record, uint64_t time_ns);
  const Counts& counts() const { return counts_; }
  const config::Hep& config() const { return config_; }

 private:
  HepExporter(config::Hep config, int socket) : config_(std::move(config)), socket_(socket) {}

  const config::Hep config_;
  const int socket_;
  Counts counts_;
};

}  // namespace viaduct::control
