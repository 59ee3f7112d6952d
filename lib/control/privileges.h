// What a process may still do once everything is open.
//
// Root, or capabilities, are needed to start: raw sockets, memory that is never paged, names of ports below 1024. What
// parses strangers' octets afterwards needs none of it. Between the opening and the first packet `drop_privileges`
// takes away, from every thread there is:
//
//     account          another user and group, where one is named
//     capabilities     all; the control thread keeps CAP_NET_ADMIN, because netlink asks for it when a neighbour is
//                      wanted. The bounding and the ambient set are emptied
//     new privileges   no program that this one might start could have more (PR_SET_NO_NEW_PRIVS)
//     memory           not to be read by others: no ptrace, no core file, which would hold the secret and calls
//     system calls     those of `sandbox.h`
//
// Capabilities, like accounts, belong to threads in Linux, and a library has started some (DPDK's workers and its
// interrupt thread). Each has to shed its own, so each is sent a signal whose handler does it with bare system calls;
// the C library changes accounts in the same way.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/sandbox.h"
#include "core/result.h"

namespace viaduct::control {

// A user with his groups, by number.
struct Account {
  std::string name;
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;
};
core::Result<Account> find_account(const std::string& name);
core::Result<gid_t> find_group(const std::string& name);

struct PrivilegeOptions {
  std::optional<Account> account;  // none: whoever started it
  bool net_admin = true;           // the calling thread goes on asking the kernel for neighbours
  Sandbox sandbox;
};

// From the control thread, once. On failure the process must end: some threads may have shed what others have not.
// The result is a sentence for the log.
core::Result<std::string> drop_privileges(const PrivilegeOptions& options);

}  // namespace viaduct::control
