// Which kernel scans.
#include "core/kernel_list.h"
#include "sip/scan.h"

namespace viaduct::sip {
namespace {

using KernelList = core::KernelList<ScanKernel, 4>;

KernelList runnable() {
  KernelList list;
  list.add({"scalar", scan_scalar, scan_plain_scalar});
#if VIADUCT_X86
  __builtin_cpu_init();
  if (__builtin_cpu_supports("sse4.2")) list.add({"sse42", scan_sse42, scan_plain_sse42});
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")) {
    list.add({"avx2", scan_avx2, scan_plain_avx2});
  }
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512vbmi2")) {
    list.add({"avx512", scan_avx512, scan_plain_avx512});
  }
#endif
  return list;
}

const KernelList& list() {
  static const KernelList instance = runnable();
  return instance;
}

}  // namespace

std::span<const ScanKernel> scan_kernels() { return list().all(); }

const ScanKernel& active_scan_kernel() { return list().chosen(); }

}  // namespace viaduct::sip
