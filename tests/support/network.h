// Networks made for one test: the process moves into a namespace of its own, and a peer lives in another.
//
// Nothing outlives the process, and nothing touches the machine's own network. Needs root; `network_refusal` says why
// there can be none, for GTEST_SKIP.
#pragma once

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

namespace viaduct::test {

// What the command printed. Throws if it fails.
inline std::string run(const std::string& command) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot run " + command);
  std::string output;
  std::array<char, 4096> buffer;
  while (const size_t size = fread(buffer.data(), 1, buffer.size(), pipe)) output.append(buffer.data(), size);
  if (const int status = pclose(pipe); status != 0) throw std::runtime_error(command + ": " + output);
  return output;
}

// Moves the calling thread, and what it starts from now on, into a fresh network with nothing but a loopback. Empty:
// done; else the reason why not.
inline std::string enter_fresh_network() {
  if (geteuid() != 0) return "needs root to make network namespaces";
  if (unshare(CLONE_NEWNET) != 0) return std::string("no network namespaces here: ") + std::strerror(errno);
  if (std::system("ip link set lo up") != 0) return "the `ip` command (package iproute2) is missing";
  return {};
}

// Why no test network can be made here, found out by making one in a child process; empty: it can.
inline std::string network_refusal() {
  int answer[2];
  if (pipe(answer) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    std::string refusal = enter_fresh_network();
    if (refusal.empty() && std::system("ip link add try0 type veth peer name try1") != 0)
      refusal = "no veth devices here";
    _exit(write(answer[1], refusal.data(), refusal.size()) == static_cast<ssize_t>(refusal.size()) ? 0 : 1);
  }
  close(answer[1]);
  std::array<char, 256> buffer;
  const ssize_t size = read(answer[0], buffer.data(), buffer.size());
  close(answer[0]);
  waitpid(child, nullptr, 0);
  return {buffer.data(), size < 0 ? 0 : static_cast<size_t>(size)};
}

// A host of its own: a process that sleeps in a namespace.
class PeerNetwork {
 public:
  PeerNetwork() {
    int ready[2];
    if (pipe(ready) != 0) throw std::runtime_error("pipe");
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that crashes leaves nobody behind
      const bool moved = unshare(CLONE_NEWNET) == 0;
      const char byte = moved ? 'y' : 'n';
      if (write(ready[1], &byte, 1) != 1) _exit(1);
      close(ready[0]), close(ready[1]);
      for (;;) pause();
    }
    char byte = 'n';
    if (pid_ < 0 || read(ready[0], &byte, 1) != 1 || byte != 'y') throw std::runtime_error("no namespace for the peer");
    close(ready[0]), close(ready[1]);
    run("nsenter -t " + std::to_string(pid_) + " -n ip link set lo up");
  }
  PeerNetwork(const PeerNetwork&) = delete;
  PeerNetwork& operator=(const PeerNetwork&) = delete;
  ~PeerNetwork() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  // Runs a command on the peer's side.
  std::string operator()(const std::string& command) const {
    return run("nsenter -t " + std::to_string(pid_) + " -n " + command);
  }
  pid_t pid() const { return pid_; }

  // A veth pair: `here` on the caller's side, `there` on the peer's, both up.
  void connect(const std::string& here, const std::string& there) const {
    run("ip link add " + here + " type veth peer name " + there + " netns " + std::to_string(pid_));
    run("ip link set " + here + " up");
    (*this)("ip link set " + there + " up");
  }

 private:
  pid_t pid_ = -1;
};

}  // namespace viaduct::test
