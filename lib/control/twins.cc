#include "control/twins.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

namespace viaduct::control {
namespace {

constexpr long look_after_ns = 1'000'000;  // a frame for the kernel waits that long at the most

}  // namespace

core::Status give_addresses(std::span<const config::Port> ports, KernelTwin& kernel) {
  bool any = false;
  for (size_t i = 0; i < ports.size(); ++i) {
    const config::Port& port = ports[i];
    if (port.twin.empty()) continue;
    for (const net::Prefix& address : port.addresses) {
      any = true;
      if (const core::Status done = kernel.add_address(static_cast<uint16_t>(i), address); !done) {
        return core::Error{"[[port]] \"" + port.name + "\": its twin " + port.twin + " does not get " + done.error()};
      }
    }
  }
  if (!any) return core::Done{};
  const auto read = kernel.read_changes();
  return read ? core::Status(core::Done{}) : core::Status(core::Error{read.error()});
}

TwinCarrier::~TwinCarrier() {
  if (clock_ >= 0) close(clock_);
}

core::Status TwinCarrier::open() {
  sources_ = runtime_.twins();
  if (sources_.empty()) return core::Done{};
  clock_ = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  if (clock_ < 0) return core::Error{std::string("a clock for the ports' twins: ") + std::strerror(errno)};
  itimerspec interval{};
  interval.it_interval.tv_nsec = interval.it_value.tv_nsec = look_after_ns;
  timerfd_settime(clock_, 0, &interval, nullptr);
  sources_.push_back(clock_);
  return core::Done{};
}

void TwinCarrier::serve(int fd) {
  if (std::find(sources_.begin(), sources_.end(), fd) == sources_.end()) return;
  if (uint64_t times = 0; fd == clock_) (void)!read(clock_, &times, sizeof times);
  if (runtime_.serve_twins() + 1 == sources_.size()) return;  // and the clock
  sources_ = runtime_.twins();
  sources_.push_back(clock_);
}

}  // namespace viaduct::control
