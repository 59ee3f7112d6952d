// Which kernel splices, and the one for any machine: one pass after the other.
#include "dataplane/splice.h"

#include <array>
#include <cstdlib>

#include "net/checksum.h"

namespace viaduct::dataplane {
namespace {

struct KernelList {
  std::array<SpliceKernel, 2> kernels;
  size_t count = 0;
  const SpliceKernel* active = nullptr;

  KernelList() {
    add({"plain", splice_plain});
#if VIADUCT_SPLICE_KERNELS
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("bmi2")) {
      add({"avx512", splice_avx512});
    }
#endif
    const char* wanted = std::getenv("VIADUCT_SIMD");
    const bool narrow = wanted != nullptr && std::string_view(wanted) != kernels[count - 1].name;
    active = narrow ? &kernels[0] : &kernels[count - 1];
  }
  void add(const SpliceKernel& kernel) { kernels[count++] = kernel; }
};

const KernelList& list() {
  static const KernelList instance;
  return instance;
}

}  // namespace

std::span<const SpliceKernel> splice_kernels() { return {list().kernels.data(), list().count}; }

uint64_t splice(const proxy::Edits& edits, uint8_t* message, uint16_t from, uint16_t end) {
  static const auto kernel = list().active->splice;
  return kernel(edits, message, from, end);
}

uint64_t splice_plain(const proxy::Edits& edits, uint8_t* message, uint16_t from, uint16_t end) {
  const auto* const begin = reinterpret_cast<uint8_t*>(proxy::apply(edits, reinterpret_cast<char*>(message))) + from;
  return net::machine_sum({begin, static_cast<size_t>(message + end - begin)});
}

}  // namespace viaduct::dataplane
