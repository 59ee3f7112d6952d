#include "control/capabilities.h"

#include <sys/syscall.h>
#include <unistd.h>

namespace viaduct::control {
namespace {

uint64_t word_of(const __user_cap_data_struct (&data)[2], uint32_t __user_cap_data_struct::*set) {
  return data[0].*set | uint64_t{data[1].*set} << 32;
}

}  // namespace

Capabilities own_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  if (syscall(SYS_capget, &header, data) != 0) return {};
  return {word_of(data, &__user_cap_data_struct::effective), word_of(data, &__user_cap_data_struct::permitted)};
}

}  // namespace viaduct::control
