// Which kernel scans. A table from narrowest to widest; the widest the CPU can run is taken, unless VIADUCT_SIMD names
// another one (scalar, sse42, avx2, avx512). A name that means nothing here leaves the choice to us.
#include <array>
#include <cstdlib>

#include "sip/scan.h"

namespace viaduct::sip {
namespace {

struct KernelList {
  std::array<ScanKernel, 4> kernels;
  size_t count = 0;
  const ScanKernel* active = nullptr;

  KernelList() {
    add({"scalar", scan_scalar, scan_plain_scalar});
#if VIADUCT_X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("sse4.2")) add({"sse42", scan_sse42, scan_plain_sse42});
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")) {
      add({"avx2", scan_avx2, scan_plain_avx2});
    }
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512vbmi2")) {
      add({"avx512", scan_avx512, scan_plain_avx512});
    }
#endif
    active = &kernels[count - 1];
    const char* wanted = std::getenv("VIADUCT_SIMD");
    for (size_t i = 0; wanted != nullptr && i < count; ++i) {
      if (kernels[i].name == wanted) active = &kernels[i];
    }
  }

  void add(ScanKernel kernel) { kernels[count++] = kernel; }
};

const KernelList& list() {
  static const KernelList instance;
  return instance;
}

}  // namespace

std::span<const ScanKernel> scan_kernels() { return {list().kernels.data(), list().count}; }

const ScanKernel& active_scan_kernel() { return *list().active; }

}  // namespace viaduct::sip
