#include "control/sandbox.h"

#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>

// The macros of <seccomp.h> are compound literals, which clang takes, too, but not without a word.
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wc99-extensions"
#pragma clang diagnostic ignored "-Wmissing-field-initializers"
#endif

namespace viaduct::control {
namespace {

// By what they are for. Numbers below zero are calls that this architecture does not have.
constexpr int files_calls[] = {
    SCMP_SYS(read),       SCMP_SYS(write),     SCMP_SYS(readv),     SCMP_SYS(writev),       SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),   SCMP_SYS(close),     SCMP_SYS(lseek),     SCMP_SYS(fstat),        SCMP_SYS(newfstatat),
    SCMP_SYS(stat),       SCMP_SYS(lstat),     SCMP_SYS(statx),     SCMP_SYS(access),       SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2), SCMP_SYS(open),      SCMP_SYS(openat),    SCMP_SYS(readlink),     SCMP_SYS(readlinkat),
    SCMP_SYS(getdents64), SCMP_SYS(getcwd),    SCMP_SYS(fcntl),     SCMP_SYS(flock),        SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),  SCMP_SYS(ftruncate), SCMP_SYS(fallocate), SCMP_SYS(rename),       SCMP_SYS(renameat),
    SCMP_SYS(renameat2),  SCMP_SYS(unlink),    SCMP_SYS(unlinkat),  SCMP_SYS(fchmod),       SCMP_SYS(fchown),
    SCMP_SYS(mkdir),      SCMP_SYS(mkdirat),   SCMP_SYS(dup),       SCMP_SYS(dup2),         SCMP_SYS(dup3),
    SCMP_SYS(pipe),       SCMP_SYS(pipe2),     SCMP_SYS(eventfd2),  SCMP_SYS(memfd_create), SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),    SCMP_SYS(fadvise64), SCMP_SYS(umask),
};
constexpr int waiting_calls[] = {
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(epoll_create),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(signalfd4),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(timerfd_gettime),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
};
constexpr int sockets_calls[] = {
    SCMP_SYS(connect),     SCMP_SYS(bind),        SCMP_SYS(listen),     SCMP_SYS(accept),
    SCMP_SYS(accept4),     SCMP_SYS(sendto),      SCMP_SYS(recvfrom),   SCMP_SYS(sendmsg),
    SCMP_SYS(recvmsg),     SCMP_SYS(sendmmsg),    SCMP_SYS(recvmmsg),   SCMP_SYS(shutdown),
    SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(setsockopt), SCMP_SYS(getsockopt),
};
constexpr int memory_calls[] = {
    SCMP_SYS(munmap), SCMP_SYS(mremap),        SCMP_SYS(brk),           SCMP_SYS(madvise),
    SCMP_SYS(mlock),  SCMP_SYS(munlock),       SCMP_SYS(mincore),       SCMP_SYS(membarrier),
    SCMP_SYS(mbind),  SCMP_SYS(get_mempolicy), SCMP_SYS(set_mempolicy),
};
constexpr int threads_calls[] = {
    SCMP_SYS(futex),
    SCMP_SYS(sched_yield),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(getcpu),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_setaffinity),
    SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(rt_sigpending),
    SCMP_SYS(sigaltstack),
};
constexpr int questions_calls[] = {
    SCMP_SYS(getuid),  SCMP_SYS(geteuid), SCMP_SYS(getgid),    SCMP_SYS(getegid),   SCMP_SYS(uname),
    SCMP_SYS(sysinfo), SCMP_SYS(times),   SCMP_SYS(getrandom), SCMP_SYS(getrusage), SCMP_SYS(getrlimit),
};
// Nothing here is ever wanted by a balancer that runs.
constexpr int hostile_calls[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(reboot),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
};

class Filter {
 public:
  explicit Filter(uint32_t otherwise) : context_(seccomp_init(otherwise), seccomp_release) {}

  void set(scmp_filter_attr attribute, uint32_t value) {
    if (context_) note(seccomp_attr_set(context_.get(), attribute, value));
  }
  void rule(uint32_t action, int call, std::initializer_list<scmp_arg_cmp> conditions = {}) {
    if (!context_ || call < 0) return;
    note(seccomp_rule_add_array(context_.get(), action, call, static_cast<unsigned>(conditions.size()),
                                conditions.begin()));
  }
  void rules(uint32_t action, std::span<const int> calls) {
    for (const int call : calls) rule(action, call);
  }
  // An ioctl by those bits of its number that `mask` has; the kernel reads 32 of them.
  void allow_ioctl(uint64_t mask, uint64_t value) {
    rule(SCMP_ACT_ALLOW, SCMP_SYS(ioctl), {SCMP_A1(SCMP_CMP_MASKED_EQ, mask, value)});
  }
  int load() {
    if (!context_) return ENOMEM;
    if (problem_ == 0) note(seccomp_load(context_.get()));
    return problem_;
  }

 private:
  void note(int result) {
    if (result < 0 && problem_ == 0) problem_ = -result;
  }
  std::unique_ptr<void, decltype(&seccomp_release)> context_;
  int problem_ = 0;
};

void allow_with_conditions(Filter& filter, const Sandbox& sandbox) {
  constexpr uint64_t low_word = 0xffffffff;  // where the kernel reads an int
  for (const int family : {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK}) {
    filter.rule(SCMP_ACT_ALLOW, SCMP_SYS(socket),
                {SCMP_A0(SCMP_CMP_MASKED_EQ, low_word, static_cast<scmp_datum_t>(family))});
  }
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) {
    filter.rule(SCMP_ACT_ALLOW, call, {SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)});
  }
  // A thread shares everything with the others and stays in its namespaces. The library falls back from clone3, whose
  // flags are out of a filter's sight, to clone.
  constexpr uint64_t namespaces =
      CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
  filter.rule(SCMP_ACT_ALLOW, SCMP_SYS(clone), {SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | namespaces, CLONE_THREAD)});
  filter.rule(SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));
  // Signals to itself, which is how a failed assertion ends.
  filter.rule(SCMP_ACT_ALLOW, SCMP_SYS(tgkill),
              {SCMP_A0(SCMP_CMP_MASKED_EQ, low_word, static_cast<scmp_datum_t>(getpid()))});
  // Limits are read and not set.
  filter.rule(SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), {SCMP_A2(SCMP_CMP_EQ, 0)});
  for (const int what : {PR_SET_NAME, PR_GET_NAME, PR_SET_TIMERSLACK, PR_GET_DUMPABLE, PR_SET_VMA}) {
    filter.rule(SCMP_ACT_ALLOW, SCMP_SYS(prctl),
                {SCMP_A0(SCMP_CMP_MASKED_EQ, low_word, static_cast<scmp_datum_t>(what))});
  }
  for (const unsigned long request : {FIONREAD, FIONBIO, TCGETS, TIOCGWINSZ}) filter.allow_ioctl(low_word, request);
  filter.allow_ioctl(0xffffff00, SIOCGIFNAME & 0xffffff00);  // of network interfaces; changes need CAP_NET_ADMIN
  if (sandbox.pci) {
    filter.allow_ioctl(0xff00, uint64_t{';'} << 8);   // VFIO
    filter.allow_ioctl(0xff00, uint64_t{0x1b} << 8);  // RDMA
  }
}

}  // namespace

core::Status enter_sandbox(const Sandbox& sandbox) {
  if (sandbox.mode == config::SandboxMode::off) return core::Done{};
  const bool enforce = sandbox.mode == config::SandboxMode::enforce;
  Filter filter(enforce ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_LOG);
  filter.set(SCMP_FLTATR_CTL_TSYNC, 1);
  filter.set(SCMP_FLTATR_CTL_LOG, 1);
  filter.set(SCMP_FLTATR_CTL_SSB, 1);  // no code of strangers runs here, so the workers need not be slowed down for it
  filter.set(SCMP_FLTATR_CTL_OPTIMIZE, 2);
  filter.set(SCMP_FLTATR_ACT_BADARCH, enforce ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_LOG);
  for (const std::span<const int> calls :
       {std::span<const int>(files_calls), std::span<const int>(waiting_calls), std::span<const int>(sockets_calls),
        std::span<const int>(memory_calls), std::span<const int>(threads_calls),
        std::span<const int>(questions_calls)}) {
    filter.rules(SCMP_ACT_ALLOW, calls);
  }
  allow_with_conditions(filter, sandbox);
  if (enforce) filter.rules(SCMP_ACT_KILL_PROCESS, hostile_calls);
  if (sandbox.af_xdp) {
    filter.rule(SCMP_ACT_ALLOW, SCMP_SYS(bpf));
  } else if (enforce) {
    filter.rule(SCMP_ACT_KILL_PROCESS, SCMP_SYS(bpf));
  }
  if (const int problem = filter.load(); problem != 0) {
    return core::Error{std::string("system calls cannot be filtered (") + std::strerror(problem) +
                       "); sandbox = \"off\" in [runtime] goes without"};
  }
  return core::Done{};
}

}  // namespace viaduct::control
