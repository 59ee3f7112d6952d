// What a process may still do after it has shed its privileges. Each case is a process of its own: there is no way
// back.
#include "control/privileges.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace viaduct::control {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool has_sandbox = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool has_sandbox = false;
#else
constexpr bool has_sandbox = true;
#endif
#else
constexpr bool has_sandbox = true;
#endif

constexpr int worked = 0;
constexpr int not_dropped = 120;

// Drops everything in a child and runs `act` there; what waitpid says of it.
int in_child(const PrivilegeOptions& options, const std::function<int()>& act) {
  const pid_t child = fork();
  if (child == 0) _exit(drop_privileges(options) ? act() : not_dropped);
  int status = -1;
  waitpid(child, &status, 0);
  return status;
}

// The errno with which `call` failed, or 0.
int outcome_of(const std::function<long()>& call) {
  return in_child({}, [&] { return call() >= 0 ? worked : errno; });
}

bool exited_with(int status, int code) { return WIFEXITED(status) && WEXITSTATUS(status) == code; }
bool killed_by(int status, int signal) { return WIFSIGNALED(status) && WTERMSIG(status) == signal; }

std::map<std::string, std::string> status_of(const std::filesystem::path& thread) {
  std::map<std::string, std::string> fields;
  std::ifstream file(thread / "status");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(":\t");
    if (colon != std::string::npos) fields[line.substr(0, colon)] = line.substr(colon + 2);
  }
  return fields;
}

class Privileges : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root: there is nothing to shed";
  }
};

TEST_F(Privileges, EveryThreadShedsItsOwn) {
  const auto nobody = find_account("nobody");
  ASSERT_TRUE(nobody) << nobody.error();
  int ready[2], over[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(over), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto wait_for_the_end = [&] {
      char octet;
      while (read(over[0], &octet, 1) < 0) {
      }
    };
    close(over[1]);  // once: the number may soon be another file's
    for (int i = 0; i < 3; ++i) std::thread(wait_for_the_end).detach();
    const auto dropped = drop_privileges({.account = *nobody, .net_admin = true, .sandbox = {}});
    // Begun by a thread that has little, it has no more.
    if (dropped) std::thread(wait_for_the_end).detach();
    const char octet = dropped ? 'y' : 'n';
    (void)!write(ready[1], &octet, 1);
    wait_for_the_end();
    _exit(0);
  }
  char octet = 0;
  ASSERT_EQ(read(ready[0], &octet, 1), 1);
  ASSERT_EQ(octet, 'y');
  size_t threads = 0;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/" + std::to_string(child) + "/task")) {
    const auto fields = status_of(thread.path());
    const bool first = thread.path().filename() == std::to_string(child);
    SCOPED_TRACE(thread.path().string());
    if (first || ++threads <= 3) {  // the last one has been begun by the first
      EXPECT_EQ(fields.at("CapEff"), first ? "0000000000001000" : fields.at("CapPrm"));
    }
    EXPECT_TRUE(fields.at("CapPrm") == "0000000000000000" || fields.at("CapPrm") == "0000000000001000");
    EXPECT_EQ(fields.at("CapInh"), "0000000000000000");
    EXPECT_EQ(fields.at("CapBnd"), "0000000000000000");
    EXPECT_EQ(fields.at("CapAmb"), "0000000000000000");
    EXPECT_EQ(fields.at("NoNewPrivs"), "1");
    const std::string user = std::to_string(nobody->user);
    EXPECT_EQ(fields.at("Uid"), user + '\t' + user + '\t' + user + '\t' + user);
    if (has_sandbox) {
      EXPECT_EQ(fields.at("Seccomp"), "2");
    }
  }
  close(over[0]);
  close(over[1]);
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_TRUE(exited_with(status, 0));
}

TEST_F(Privileges, WithoutAKernelBehindAPortNothingIsKept) {
  const int status = in_child({.account = {}, .net_admin = false, .sandbox = {}}, [] {
    const auto fields = status_of("/proc/self");
    return fields.at("CapPrm") == "0000000000000000" && fields.at("CapEff") == "0000000000000000" ? worked : 1;
  });
  EXPECT_TRUE(exited_with(status, worked)) << status;
}

TEST_F(Privileges, NoCoreFileAndNoDebugger) {
  if (!has_sandbox) GTEST_SKIP() << "a sanitizer looks into the process when it ends";
  const int status = in_child({}, [] {
    rlimit core{1, 1};
    getrlimit(RLIMIT_CORE, &core);
    return core.rlim_max == 0 && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? worked : 1;
  });
  EXPECT_TRUE(exited_with(status, worked)) << status;
}

TEST_F(Privileges, WhatABalancerDoesGoesOn) {
  const int status = in_child({}, [] {
    const int datagrams = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
    const int events = epoll_create1(EPOLL_CLOEXEC);
    if (datagrams < 0 || netlink < 0 || events < 0) return 1;
    int seen = 0;
    std::thread([&seen] { seen = 1; }).join();
    if (seen != 1) return 2;
    if (mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED) return 3;
    std::ifstream file("/proc/self/status");
    return file ? worked : 4;
  });
  EXPECT_TRUE(exited_with(status, worked)) << status;
}

TEST_F(Privileges, NeedlessSystemCallsFail) {
  if (!has_sandbox) GTEST_SKIP() << "no filter under a sanitizer";
  const std::vector<std::pair<const char*, std::function<long()>>> refused = {
      {"a packet socket", [] { return socket(AF_PACKET, SOCK_RAW, 0); }},
      {"a Bluetooth socket", [] { return socket(AF_BLUETOOTH, SOCK_RAW, 0); }},
      {"memory to execute",
       [] {
         return mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
                        MAP_FAILED
                    ? -1
                    : 0;
       }},
      {"another process", [] { return syscall(SYS_fork); }},
      {"another user", [] { return setuid(1); }},
      {"a signal to another process", [] { return kill(getppid(), SIGCONT); }},
      {"a file's mode", [] { return chmod("/proc/self/status", 0777); }},
      {"io_uring", [] { return syscall(SYS_io_uring_setup, 1, nullptr); }},
      {"a terminal's input",
       [] {
         char octet = 'x';
         return syscall(SYS_ioctl, 0, 0x5412 /* TIOCSTI */, &octet);
       }},
      {"the same with bits that the kernel does not read",
       [] {
         char octet = 'x';
         return syscall(SYS_ioctl, 0, 0x100005412, &octet);
       }},
  };
  for (const auto& [what, call] : refused) {
    EXPECT_TRUE(exited_with(outcome_of(call), EPERM)) << what;
  }
}

TEST_F(Privileges, HostileSystemCallsEndTheProcess) {
  if (!has_sandbox) GTEST_SKIP() << "no filter under a sanitizer";
  const std::vector<std::pair<const char*, std::function<long()>>> hostile = {
      {"another program",
       [] {
         char* const arguments[] = {nullptr};
         return execve("/bin/true", arguments, arguments);
       }},
      {"another process's memory", [] { return ptrace(PTRACE_ATTACH, getppid(), nullptr, nullptr); }},
      {"a mount", [] { return mount("none", "/mnt", "tmpfs", 0, nullptr); }},
      {"a namespace", [] { return unshare(CLONE_NEWNET); }},
      {"a program in the kernel", [] { return syscall(SYS_bpf, 0, nullptr, 0); }},
  };
  for (const auto& [what, call] : hostile) {
    EXPECT_TRUE(killed_by(outcome_of(call), SIGSYS)) << what;
  }
}

TEST_F(Privileges, WithTheSandboxOffOrLoggingCallsAreMade) {
  for (const config::SandboxMode mode : {config::SandboxMode::log, config::SandboxMode::off}) {
    PrivilegeOptions options;
    options.sandbox.mode = mode;
    const int status = in_child(options, [] { return syscall(SYS_getsid, 0) >= 0 ? worked : errno; });
    EXPECT_TRUE(exited_with(status, worked)) << status;
  }
}

TEST(Accounts, WhoDoesNotExistIsNamed) {
  const auto account = find_account("no-such-user");
  ASSERT_FALSE(account);
  EXPECT_NE(account.error().find("there is no user 'no-such-user'"), std::string::npos) << account.error();
  const auto group = find_group("no-such-group");
  ASSERT_FALSE(group);
  EXPECT_NE(group.error().find("there is no group 'no-such-group'"), std::string::npos) << group.error();
  const auto root = find_account("root");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->user, 0u);
}

}  // namespace
}  // namespace viaduct::control
