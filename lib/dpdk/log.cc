#include "dpdk/log.h"

#include <rte_log.h>

#include <cstdio>
#include <deque>
#include <mutex>
#include <string_view>

#include "core/log.h"

namespace viaduct::dpdk {
namespace {

constexpr size_t remembered_max = 3;

// Written by any thread of DPDK's, so locked; nothing here is on a worker's way.
struct Log {
  std::mutex mutex;
  std::string line;  // not yet ended
  std::deque<std::string> errors;
};

Log& log() {
  static Log instance;
  return instance;
}

void take_line(Log& log, std::string_view line, int level) {
  while (!line.empty() && line.back() == ' ') line.remove_suffix(1);
  if (line.empty()) return;
  if (level <= static_cast<int>(RTE_LOG_ERR)) {
    core::log_error("dpdk: {}", line);
    log.errors.emplace_back(line);
    if (log.errors.size() > remembered_max) log.errors.pop_front();
  } else if (level == static_cast<int>(RTE_LOG_WARNING)) {
    core::log_warning("dpdk: {}", line);
  } else {
    core::log_debug("dpdk: {}", line);
  }
}

// A cookie stream's write function: whatever was printed, in any pieces.
ssize_t write_log(void*, const char* text, size_t size) {
  Log& target = log();
  const std::lock_guard lock(target.mutex);
  target.line.append(text, size);
  const int level = rte_log_cur_msg_loglevel();
  size_t begin = 0;
  for (size_t end; (end = target.line.find('\n', begin)) != std::string::npos; begin = end + 1) {
    take_line(target, std::string_view(target.line).substr(begin, end - begin), level);
  }
  target.line.erase(0, begin);
  return static_cast<ssize_t>(size);
}

}  // namespace

void take_over_log() {
  rte_log_set_global_level(RTE_LOG_WARNING);
  cookie_io_functions_t functions{};
  functions.write = write_log;
  if (FILE* stream = fopencookie(nullptr, "w", functions)) rte_openlog_stream(stream);
}

void forget_complaints() {
  const std::lock_guard lock(log().mutex);
  log().errors.clear();
}

std::string complaints() {
  const std::lock_guard lock(log().mutex);
  if (log().errors.empty()) return {};
  std::string all = " (DPDK says: ";
  for (size_t i = 0; i < log().errors.size(); ++i) all += (i == 0 ? "" : "; ") + log().errors[i];
  return all + ")";
}

}  // namespace viaduct::dpdk
