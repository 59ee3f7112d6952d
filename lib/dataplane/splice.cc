// Which kernel splices, and the one for any machine: one pass after the other.
#include "dataplane/splice.h"

#include "core/kernel_list.h"
#include "net/checksum.h"

namespace viaduct::dataplane {
namespace {

using KernelList = core::KernelList<SpliceKernel, 2>;

KernelList runnable() {
  KernelList list;
  list.add({"plain", splice_plain});
#if VIADUCT_SPLICE_KERNELS
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("bmi2")) {
    list.add({"avx512", splice_avx512});
  }
#endif
  return list;
}

const KernelList& list() {
  static const KernelList instance = runnable();
  return instance;
}

constinit core::KernelInUse<SpliceKernel> splice_in_use(+[]() -> const SpliceKernel& { return list().chosen(); });

}  // namespace

std::span<const SpliceKernel> splice_kernels() { return list().all(); }

uint64_t splice(const proxy::Edits& edits, uint8_t* message, uint16_t from, uint16_t end) {
  return splice_in_use.get().splice(edits, message, from, end);
}

uint64_t splice_plain(const proxy::Edits& edits, uint8_t* message, uint16_t from, uint16_t end) {
  const auto* const begin = reinterpret_cast<uint8_t*>(proxy::apply(edits, reinterpret_cast<char*>(message))) + from;
  return net::machine_sum({begin, static_cast<size_t>(message + end - begin)});
}

}  // namespace viaduct::dataplane
