// The system calls that are left once everything is open (seccomp).
//
// A list of what the control thread, the workers and DPDK's own thread do while messages pass; one filter for all of
// them, so that no thread can be the way around it. What is not on it fails with EPERM and the kernel logs it (audit
// record SECCOMP, or `dmesg`); mode `log` finds out what an unusual driver needs. What only an intruder would want
// (another program, another process's memory, modules, mounts, namespaces) ends the process at once.
//
// Some calls are on the list with conditions: `socket` for Unix, IP and netlink, so no new raw or packet sockets;
// `clone` for threads; memory that can be executed never; `ioctl` for sockets, files and terminals' sizes.
#pragma once

#include "config/config.h"
#include "core/result.h"

namespace viaduct::control {

struct Sandbox {
  config::SandboxMode mode = config::SandboxMode::enforce;
  bool pci = false;     // drivers of real devices speak to the kernel by ioctls of their own
  bool af_xdp = false;  // its maps are taken down by bpf(2)
};

// Of all threads of the process, for good.
core::Status enter_sandbox(const Sandbox& sandbox);

}  // namespace viaduct::control
