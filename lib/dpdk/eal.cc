#include "dpdk/eal.h"

#include <fmt/format.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "dpdk/log.h"

namespace viaduct::dpdk {
namespace {

namespace fs = std::filesystem;

// "0-1,4"
std::string list_of(const cpu_set_t& cores) {
  std::string text;
  for (unsigned core = 0; core < CPU_SETSIZE; ++core) {
    if (!CPU_ISSET(core, &cores)) continue;
    unsigned last = core;
    while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, &cores)) ++last;
    text += fmt::format("{}{}", text.empty() ? "" : ",", core);
    if (last != core) text += fmt::format("-{}", last);
    core = last;
  }
  return text;
}

core::Status check_cores(const config::Runtime& runtime) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return core::Error{"cannot ask for this process's cores"};
  const auto check = [&](unsigned core, const char* key) -> core::Status {
    if (core < CPU_SETSIZE && CPU_ISSET(core, &allowed)) return core::Done{};
    return core::Error{
        fmt::format("[runtime] {} names core {}, which this machine does not have or this process may not use; "
                    "there are {}",
                    key, core, list_of(allowed))};
  };
  for (const unsigned core : runtime.workers) {
    if (core::Status status = check(core, "workers"); !status) return status;
  }
  if (runtime.workers.empty() || runtime.workers.size() >= RTE_MAX_LCORE) {
    return core::Error{fmt::format("[runtime] workers names {} cores; between 1 and {} are possible",
                                   runtime.workers.size(), RTE_MAX_LCORE - 1)};
  }
  return check(runtime.control_core, "control_core");
}

struct Hugepages {
  uint64_t free_mb = 0;
  uint64_t total_mb = 0;
};

uint64_t number_in(const fs::path& path) {
  uint64_t number = 0;
  std::ifstream(path) >> number;
  return number;
}

Hugepages count_hugepages() {
  Hugepages count;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/sys/kernel/mm/hugepages", ignored)) {
    const std::string name = entry.path().filename();  // hugepages-2048kB
    constexpr std::string_view prefix = "hugepages-";
    if (!name.starts_with(prefix)) continue;
    const uint64_t page_kb = std::strtoull(name.c_str() + prefix.size(), nullptr, 10);
    count.free_mb += number_in(entry.path() / "free_hugepages") * page_kb / 1024;
    count.total_mb += number_in(entry.path() / "nr_hugepages") * page_kb / 1024;
  }
  return count;
}

// Never silently without: a machine that was promised hugepages and has none forwards at a fraction of its rate.
core::Status check_memory(const config::Runtime& runtime) {
  if (!runtime.hugepages) return core::Done{};
  const Hugepages pages = count_hugepages();
  if (pages.free_mb >= runtime.memory_mb) return core::Done{};
  const std::string found = pages.total_mb == 0 ? std::string("there are none")
                                                : fmt::format("{} MB of {} MB are free", pages.free_mb, pages.total_mb);
  return core::Error{
      fmt::format("[runtime] hugepages = true with memory_mb = {} needs as much in free hugepages, but {}; "
                  "reserve them (`sysctl vm.nr_hugepages={}`) or set hugepages = false",
                  runtime.memory_mb, found, (runtime.memory_mb + 1) / 2)};
}

// Where EAL makes the directory of its telemetry socket. It would try 32,768 names there before it goes without.
core::Status check_telemetry(const config::Runtime& runtime) {
  if (!runtime.dpdk_telemetry) return core::Done{};
  const char* base = std::getenv("RUNTIME_DIRECTORY");
  if (base == nullptr) base = getuid() == 0 ? "/var/run" : std::getenv("XDG_RUNTIME_DIR");
  if (base == nullptr) base = "/tmp";
  const fs::path folder = fs::path(base) / "dpdk";
  std::error_code ignored;
  const fs::path needed = fs::is_directory(folder, ignored) ? folder : folder.parent_path();
  if (access(needed.c_str(), W_OK | X_OK) == 0) return core::Done{};
  return core::Error{
      fmt::format("[runtime] dpdk_telemetry = true needs a directory below '{}', where this process may "
                  "not make one ({}); RUNTIME_DIRECTORY names another place",
                  needed.string(), std::strerror(errno))};
}

std::vector<std::string> arguments_for(const config::Config& config) {
  const config::Runtime& runtime = config.runtime;
  std::string lcores = fmt::format("0@{}", runtime.control_core);
  for (size_t worker = 0; worker < runtime.workers.size(); ++worker) {
    lcores += fmt::format(",{}@{}", Eal::lcore_of(worker), runtime.workers[worker]);
  }
  // Nothing on disk and nothing shared: two processes never meet, and a crash leaves nothing behind.
  std::vector<std::string> arguments = {
      "viaduct",     "--lcores", lcores, "--main-lcore", "0", "-m", fmt::format("{}", runtime.memory_mb),
      "--log-level", "warning"};
  // The prefix names the directory of the telemetry socket, which clients want to find after a restart, too.
  if (runtime.dpdk_telemetry) {
    arguments.insert(arguments.end(), {"--file-prefix", "viaduct", "--log-level", "lib.telemetry:error"});
  } else {
    arguments.insert(arguments.end(), {"--no-telemetry", "--file-prefix", fmt::format("viaduct-{}", getpid())});
  }
  if (runtime.hugepages) {
    arguments.emplace_back("--in-memory");
  } else {
    arguments.insert(arguments.end(), {"--no-huge", "--no-shconf"});
  }

  bool pci = false;
  for (const config::Port& port : config.ports) {
    if (port.device.kind != config::DeviceKind::pci) continue;
    pci = true;
    arguments.insert(arguments.end(), {"-a", port.device.target});  // only these: the others stay with whoever has them
  }
  // Without a device that does DMA there is no need for physical addresses, which only root may ask for.
  if (!pci) arguments.insert(arguments.end(), {"--no-pci", "--iova-mode", "va"});
  return arguments;
}

}  // namespace

core::Result<std::unique_ptr<Eal>> Eal::start(const config::Config& config) {
  if (core::Status status = check_cores(config.runtime); !status) return core::Error{status.error()};
  if (core::Status status = check_memory(config.runtime); !status) return core::Error{status.error()};
  if (core::Status status = check_telemetry(config.runtime); !status) return core::Error{status.error()};
  take_over_log();
  forget_complaints();

  cpu_set_t control;
  CPU_ZERO(&control);
  CPU_SET(config.runtime.control_core, &control);
  if (sched_setaffinity(0, sizeof(control), &control) != 0) {
    return core::Error{
        fmt::format("cannot move to the control core {}: {}", config.runtime.control_core, std::strerror(errno))};
  }

  std::vector<std::string> arguments = arguments_for(config);
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  if (rte_eal_init(static_cast<int>(arguments.size()), pointers.data()) < 0) {
    return core::Error{fmt::format("DPDK does not start: {}{}", rte_strerror(rte_errno), complaints())};
  }
  // EAL makes a directory for what it shares; we share nothing, and it would stay behind. Not if it holds something.
  if (!config.runtime.dpdk_telemetry) (void)rmdir(rte_eal_get_runtime_dir());
  return std::unique_ptr<Eal>(new Eal);
}

Eal::~Eal() { rte_eal_cleanup(); }

}  // namespace viaduct::dpdk
