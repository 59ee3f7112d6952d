// What the tests of DPDK's room share. EAL starts once in a process, so each case that needs it runs in a process of
// its own.
#pragma once

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "config/config.h"
#include "support/folder.h"
#include "support/network.h"
#include "support/packet_builder.h"
#include "support/until.h"

namespace viaduct::test {

// Runs `body` in a child process; its failed expectations are printed there and fail the case here.
inline void isolated(const std::function<void()>& body) {
  std::fflush(nullptr);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    try {
      body();
    } catch (const std::exception& problem) {
      ADD_FAILURE() << problem.what();
    }
    std::fflush(nullptr);
    _exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0) << "see the failures above";
}

// The same in a network of its own; skipped where there can be none.
inline void isolated_in_network(const std::function<void()>& body) {
  if (const std::string refusal = network_refusal(); !refusal.empty()) GTEST_SKIP() << refusal;
  isolated([&] {
    ASSERT_EQ(enter_fresh_network(), "");
    body();
  });
}

// The first core this process may use, and the last: the same one on a machine of one.
inline unsigned first_core() {
  cpu_set_t cores;
  sched_getaffinity(0, sizeof(cores), &cores);
  for (unsigned core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &cores)) return core;
  }
  return 0;
}
inline unsigned last_core() {
  cpu_set_t cores;
  sched_getaffinity(0, sizeof(cores), &cores);
  unsigned last = 0;
  for (unsigned core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &cores)) last = core;
  }
  return last;
}

// Without hugepages, on at most two cores, leaving room for others.
inline config::Config small_config(size_t workers = 1) {
  config::Config config;
  config.runtime.workers = {last_core()};
  if (workers == 2) config.runtime.workers = {first_core(), last_core()};
  config.runtime.control_core = first_core();
  config.runtime.hugepages = false;
  config.runtime.memory_mb = 128;
  config.runtime.idle = config::IdleMode::adaptive;
  return config;
}

inline config::Port port_of(std::string name, config::DeviceKind kind, std::string target, std::string output = {}) {
  config::Port port;
  port.name = std::move(name);
  port.device.kind = kind;
  port.device.text = target;
  port.device.target = std::move(target);
  port.device.output = std::move(output);
  return port;
}

// Capture files, as far as the tests need them (draft-ietf-opsawg-pcap): our byte order, Ethernet.
inline void write_capture(const std::string& path, const std::vector<Bytes>& frames) {
  std::ofstream file(path, std::ios::binary);
  const auto put = [&](uint32_t value) { file.write(reinterpret_cast<const char*>(&value), 4); };
  put(0xa1b2c3d4), put(2 | 4 << 16), put(0), put(0), put(0x40000), put(1);
  for (const Bytes& frame : frames) {
    put(1), put(0), put(static_cast<uint32_t>(frame.size())), put(static_cast<uint32_t>(frame.size()));
    file.write(reinterpret_cast<const char*>(frame.data()), static_cast<std::streamsize>(frame.size()));
  }
}

inline std::vector<Bytes> read_capture(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<Bytes> frames;
  uint32_t header[6] = {}, record[4] = {};
  if (!file.read(reinterpret_cast<char*>(header), sizeof(header))) return frames;
  while (file.read(reinterpret_cast<char*>(record), sizeof(record))) {
    Bytes& frame = frames.emplace_back(record[2]);
    file.read(reinterpret_cast<char*>(frame.data()), record[2]);
  }
  return frames;
}

}  // namespace viaduct::test
