// What the kernel knows of an interface of its own.
#pragma once

#include <cstdint>
#include <string>

#include "core/result.h"
#include "net/address.h"

namespace viaduct::dpdk {

struct Interface {
  int index = 0;
  net::Mac mac;
  uint16_t mtu = 1500;
  uint16_t queues = 1;  // receive queues
  bool up = false;      // administratively
  bool ethernet = false;
};

// An error names the interfaces that there are. Waits while the kernel changes any of them (rtnl_lock): for the start.
core::Result<Interface> find_interface(const std::string& name);

// Up and with a carrier; false where there is no such interface. Never waits.
bool has_carrier(const std::string& interface);

}  // namespace viaduct::dpdk
