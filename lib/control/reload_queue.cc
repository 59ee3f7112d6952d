#include "control/reload_queue.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "config/config.h"
#include "control/policies.h"
#include "core/log.h"
#include "fmt/format.h"

namespace viaduct::control {

core::Result<std::unique_ptr<ReloadQueue>> ReloadQueue::open(std::string file) {
  const int ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (ready < 0) return core::Error{fmt::format("eventfd: {}", std::strerror(errno))};
  return std::unique_ptr<ReloadQueue>(new ReloadQueue(std::move(file), ready));
}

ReloadQueue::~ReloadQueue() {
  if (thread_.joinable()) thread_.join();
  close(ready_);
}

void ReloadQueue::add(Request request) {
  const auto waits = [](const Request& other) { return other.later == 0; };
  const bool same =
      request.later == 0 && waiting_.size() > 1 && std::any_of(waiting_.begin() + 1, waiting_.end(), waits);
  if (same) return;
  waiting_.push_back(std::move(request));
  if (waiting_.size() == 1) prepare_next();
}

std::optional<ReloadQueue::Request> ReloadQueue::take() {
  uint64_t count;
  if (read(ready_, &count, sizeof count) != sizeof count) return std::nullopt;
  if (thread_.joinable()) thread_.join();
  Request request = std::move(waiting_.front());
  waiting_.pop_front();
  if (!waiting_.empty()) prepare_next();
  return request;
}

void ReloadQueue::prepare_next() {
  try {
    thread_ = std::thread([this] {
      const config::Loaded loaded = config::load(file_);
      if (loaded.config) static_cast<void>(policy_problems(*loaded.config));
      tell_ready();
    });
  } catch (const std::system_error& problem) {
    core::log_warning("reload: no thread to prepare it ({}), so everything else waits meanwhile", problem.what());
    tell_ready();
  }
}

void ReloadQueue::tell_ready() const {
  const uint64_t one = 1;
  (void)!write(ready_, &one, sizeof one);
}

}  // namespace viaduct::control
