// What the command line says, checked as far as it can be without opening anything.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "blast/pacer.h"
#include "blast/search.h"
#include "blast/uac.h"
#include "blast/uas.h"
#include "config/config.h"
#include "net/address.h"

namespace viaduct::viablast {

struct Options {
  std::optional<config::Device> uac_device, uas_device;
  std::vector<unsigned> cores;  // one for all, or the callers' and the reflector's
  unsigned control_core = 0;
  bool hugepages = false;
  uint32_t memory_mb = 0;  // 0: as much as the other options want
  uint16_t mtu = 1500;
  bool idle_sleeps = false;

  // Callers.
  blast::UacPlan uac;
  net::Endpoint from;
  uint32_t sources = 1, source_ports = 1;
  std::optional<net::Mac> gateway_mac, own_mac;
  blast::Schedule schedule;

  // Reflector.
  blast::UasPlan uas;
  std::vector<net::Endpoint> uas_addresses;  // to be guarded; empty: every address of the interface, port 5060
  bool sink = false;

  double drain_s = 1.0;
  double time_limit_s = 0;  // 0: none

  bool search = false;
  double search_loss = 0;
  blast::RateSearch::Options search_options;
  double trial_s = 3, confirm_s = 0, warm_up_s = 1;  // `confirm_s`: of the trials that confirm what was found

  bool json = false;
  bool quiet = false;

  bool calls() const { return uac_device.has_value(); }
  bool reflects() const { return uas_device.has_value(); }
  bool one_device() const { return calls() && reflects() && uac_device->text == uas_device->text; }
};

// The options, or the exit code with which the program ends (help, version, wrong usage; already said).
struct Parsed {
  std::optional<Options> options;
  int exit_code = 0;
};
Parsed parse_command_line(int argc, char** argv);

}  // namespace viaduct::viablast
