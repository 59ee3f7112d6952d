#include "control/reload_queue.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "config/config.h"
#include "control/policies.h"
#include "control/words.h"
#include "fmt/format.h"

namespace viaduct::control {
namespace {

bool is_reload(std::string_view line) { return next_word(line) == "reload"; }

}  // namespace

core::Result<std::unique_ptr<ReloadQueue>> ReloadQueue::open(std::string file) {
  const int ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (ready < 0) return core::Error{fmt::format("eventfd: {}", std::strerror(errno))};
  return std::unique_ptr<ReloadQueue>(new ReloadQueue(std::move(file), ready));
}

ReloadQueue::ReloadQueue(std::string file, int ready)
    : file_(std::move(file)), ready_(ready), thread_([this] { work(); }) {}

ReloadQueue::~ReloadQueue() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_one();
  thread_.join();
  ::close(ready_);
}

void ReloadQueue::add(Request request) {
  const auto is_signal = [](const Request& other) { return other.later == 0; };
  if (is_signal(request) && waiting_.size() > 1 && std::any_of(waiting_.begin() + 1, waiting_.end(), is_signal)) return;
  waiting_.push_back(std::move(request));
  if (waiting_.size() == 1 && !at_work_) prepare_next();
}

std::optional<ReloadQueue::Request> ReloadQueue::take() {
  uint64_t count;
  if (read(ready_, &count, sizeof count) != sizeof count) return std::nullopt;
  at_work_ = false;
  if (waiting_.empty()) return std::nullopt;
  Request request = std::move(waiting_.front());
  waiting_.pop_front();
  if (!waiting_.empty()) prepare_next();
  return request;
}

std::deque<ReloadQueue::Request> ReloadQueue::close() { return std::exchange(waiting_, {}); }

void ReloadQueue::prepare_next() {
  if (!is_reload(waiting_.front().line)) return tell_ready();
  at_work_ = true;
  {
    const std::lock_guard lock(mutex_);
    wanted_ = true;
  }
  changed_.notify_one();
}

void ReloadQueue::work() {
  pthread_setname_np(pthread_self(), "reload");
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return wanted_ || over_; });
    if (over_) return;
    wanted_ = false;
    lock.unlock();
    const config::Loaded loaded = config::load(file_);
    static_cast<void>(policy_problems(loaded));
    tell_ready();
    lock.lock();
  }
}

void ReloadQueue::tell_ready() const {
  const uint64_t one = 1;
  (void)!write(ready_, &one, sizeof one);
}

}  // namespace viaduct::control
