// Of a transmit queue that workers share, on a cache line of its own.
#pragma once

#include <rte_spinlock.h>

namespace viaduct::dpdk {

struct alignas(64) TransmitLock {
  rte_spinlock_t spinlock = RTE_SPINLOCK_INITIALIZER;
};

}  // namespace viaduct::dpdk
