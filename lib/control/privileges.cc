#include "control/privileges.h"

#include <dirent.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <set>
#include <thread>

#include "control/capabilities.h"
#include "fmt/format.h"

// LeakSanitizer stops the threads by ptrace when the program ends, which a filter or an unreadable process would
// forbid.
#if defined(__SANITIZE_ADDRESS__)
#define VIADUCT_WATCHED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define VIADUCT_WATCHED 1
#endif
#endif

namespace viaduct::control {
namespace {

#ifdef VIADUCT_WATCHED
constexpr bool watched = true;
#else
constexpr bool watched = false;
#endif

constexpr auto patience = std::chrono::seconds(2);

// What every thread does to itself. One plan at a time: the handler of a signal finds it nowhere else.
struct Plan {
  const Account* account = nullptr;
  uint64_t kept = 0;  // by the control thread
  pid_t control = 0;
  bool empties_bounding_set = false;
  int signal = 0;
  std::atomic<int> problem{0};
  std::atomic<pid_t> last_done{0};
};
std::atomic<Plan*> current_plan{nullptr};

bool become(const Account& account, bool keep) {
  if (keep && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return false;
  // The system calls themselves: the C library's functions would signal all threads in turn.
  return syscall(SYS_setgroups, account.groups.size(), account.groups.data()) == 0 &&
         syscall(SYS_setresgid, account.group, account.group, account.group) == 0 &&
         syscall(SYS_setresuid, account.user, account.user, account.user) == 0;
}

// Runs in signal handlers: system calls only.
void shed(Plan& plan) {
  const auto self = static_cast<pid_t>(syscall(SYS_gettid));
  const uint64_t kept = self == plan.control ? plan.kept : 0;
  const auto check = [&](bool fine) {
    if (fine) return;
    int none = 0;
    plan.problem.compare_exchange_strong(none, errno == 0 ? EPERM : errno);
  };
  if (plan.empties_bounding_set) {
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
      check(prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0);
    }
  }
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);  // older kernels have none
  if (plan.account != nullptr) check(become(*plan.account, kept != 0));
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  data[0].effective = data[0].permitted = static_cast<uint32_t>(kept);
  data[1].effective = data[1].permitted = static_cast<uint32_t>(kept >> 32);
  check(syscall(SYS_capset, &header, data) == 0);
  check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  plan.last_done.store(self, std::memory_order_release);
}

void handle(int) {
  const int interrupted = errno;
  if (Plan* plan = current_plan.load(std::memory_order_acquire)) shed(*plan);
  errno = interrupted;
}

// None if they cannot be read to the end: then nobody may be taken for all.
std::vector<pid_t> threads() {
  std::vector<pid_t> found;
  DIR* folder = opendir("/proc/self/task");
  if (folder == nullptr) return found;
  errno = 0;
  while (const dirent* entry = readdir(folder)) {
    if (const auto id = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10)); id > 0) found.push_back(id);
    errno = 0;
  }
  if (errno != 0) found.clear();
  closedir(folder);
  return found;
}

bool thread_ended(pid_t thread) { return syscall(SYS_tgkill, getpid(), thread, 0) != 0 && errno == ESRCH; }

core::Status shed_in(pid_t thread, Plan& plan) {
  plan.last_done.store(0, std::memory_order_relaxed);
  if (syscall(SYS_tgkill, getpid(), thread, plan.signal) != 0) {
    if (errno == ESRCH) return core::Done{};
    return core::Error{
        fmt::format("thread {} cannot be told to shed its privileges: {}", thread, std::strerror(errno))};
  }
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (plan.last_done.load(std::memory_order_acquire) != thread) {
    if (thread_ended(thread)) return core::Done{};
    if (std::chrono::steady_clock::now() > deadline) {
      return core::Error{
          fmt::format("thread {} does not shed its privileges: it blocks signal {}", thread, plan.signal)};
    }
    std::this_thread::yield();
  }
  return core::Done{};
}

// Others first: the control thread may still need its own to reach them. A thread that is begun meanwhile has its
// creator's privileges, so the list is read until nobody is new.
core::Status shed_everywhere(Plan& plan) {
  plan.signal = SIGRTMIN + 6;
  struct sigaction action {
  }, former{};
  action.sa_handler = handle;
  action.sa_flags = SA_RESTART;
  sigfillset(&action.sa_mask);
  if (sigaction(plan.signal, &action, &former) != 0) return core::Error{"no signal is free to reach the threads by"};
  current_plan.store(&plan, std::memory_order_release);
  core::Status result = core::Done{};
  std::set<pid_t> done{plan.control};
  for (bool fresh = true; fresh && result;) {
    fresh = false;
    const std::vector<pid_t> all = threads();
    if (all.empty()) result = core::Error{"/proc/self/task cannot be read: is /proc mounted?"};
    for (const pid_t thread : all) {
      if (!result || !done.insert(thread).second) continue;
      fresh = true;
      result = shed_in(thread, plan);
    }
  }
  if (result) shed(plan);
  current_plan.store(nullptr, std::memory_order_release);
  sigaction(plan.signal, &former, nullptr);
  if (const int problem = plan.problem.load(); result && problem != 0) {
    return core::Error{fmt::format("privileges cannot be shed: {}", std::strerror(problem))};
  }
  return result;
}

// A core file would hold the secret, and calls.
core::Status hide_memory() {
  const rlimit none{0, 0};
  if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    return core::Error{fmt::format("memory cannot be hidden from core files and debuggers: {}", std::strerror(errno))};
  }
  return core::Done{};
}

std::string sentence_about(const PrivilegeOptions& options, const Plan& plan) {
  constexpr std::string_view sandboxes[] = {"others than those needed fail and are logged",
                                            "others than those needed are logged", "not filtered"};
  const config::SandboxMode mode = watched ? config::SandboxMode::off : options.sandbox.mode;
  return fmt::format("privileges: user {}, {}, no new ones, {}; system calls: {}",
                     options.account ? options.account->name : fmt::format("{} as started", geteuid()),
                     plan.kept != 0 ? "no capability but net_admin in the control thread" : "no capability",
                     watched ? "a debugging build that can be looked into" : "no core file",
                     sandboxes[static_cast<size_t>(mode)]);
}

}  // namespace

core::Result<Account> find_account(const std::string& name) {
  errno = 0;
  const passwd* entry = getpwnam(name.c_str());
  if (entry == nullptr) {
    return core::Error{
        fmt::format("there is no user '{}' on this machine; `useradd --system {}` makes one", name, name)};
  }
  Account account{.name = name, .user = entry->pw_uid, .group = entry->pw_gid, .groups = {}};
  int count = 64;
  account.groups.resize(static_cast<size_t>(count));
  if (getgrouplist(name.c_str(), account.group, account.groups.data(), &count) < 0) {
    account.groups.resize(static_cast<size_t>(count));
    if (getgrouplist(name.c_str(), account.group, account.groups.data(), &count) < 0) count = 0;
  }
  account.groups.resize(static_cast<size_t>(count));
  return account;
}

core::Result<gid_t> find_group(const std::string& name) {
  const group* entry = getgrnam(name.c_str());
  if (entry != nullptr) return entry->gr_gid;
  return core::Error{
      fmt::format("there is no group '{}' on this machine; `groupadd --system {}` makes one", name, name)};
}

core::Result<std::string> drop_privileges(const PrivilegeOptions& options) {
  const Capabilities own = own_capabilities();
  Plan plan;
  plan.control = static_cast<pid_t>(syscall(SYS_gettid));
  plan.kept = options.net_admin ? own.permitted & capability_bit(CAP_NET_ADMIN) : 0;
  plan.empties_bounding_set = (own.effective & capability_bit(CAP_SETPCAP)) != 0;
  if (options.account && options.account->user != geteuid()) {
    const uint64_t needed = capability_bit(CAP_SETUID) | capability_bit(CAP_SETGID);
    if ((own.effective & needed) != needed) {
      return core::Error{fmt::format(
          "user = \"{}\" in [runtime]: this process may not become another user; start it as root or as that user",
          options.account->name)};
    }
    plan.account = &*options.account;
  }
  if (const core::Status done = shed_everywhere(plan); !done) return core::Error{done.error()};
  if (!watched) {
    if (const core::Status done = hide_memory(); !done) return core::Error{done.error()};
    if (const core::Status done = enter_sandbox(options.sandbox); !done) return core::Error{done.error()};
  }
  return sentence_about(options, plan);
}

}  // namespace viaduct::control
