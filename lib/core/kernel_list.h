// The kernels for one job, each for another instruction set, and the one that is used.
//
// That is the widest which the CPU can run. The environment variable VIADUCT_SIMD (scalar, sse42, avx2, avx512) sets a
// bound, so that tests and benches can have the narrower ones: the widest that is not wider than what it names. Another
// name leaves the choice to us.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <span>
#include <string_view>

namespace viaduct::core {

// A `Kernel` has a `name`; one that is not an instruction set's is for any machine. Thread: any, once it is filled.
template <class Kernel, size_t most>
class KernelList {
 public:
  // Narrower ones first, and the first for any machine.
  void add(const Kernel& kernel) {
    kernels_[count_++] = kernel;
    const char* const bound = std::getenv("VIADUCT_SIMD");
    if (bound == nullptr || place_of(kernel.name) % widths.size() <= place_of(bound)) chosen_ = count_ - 1;
  }
  std::span<const Kernel> all() const { return {kernels_.data(), count_}; }
  const Kernel& chosen() const { return kernels_[chosen_]; }

 private:
  static constexpr std::array<std::string_view, 4> widths{"scalar", "sse42", "avx2", "avx512"};

  // Behind all where it is none of them: no bound, and the narrowest of kernels.
  static size_t place_of(std::string_view name) {
    return static_cast<size_t>(std::find(widths.begin(), widths.end(), name) - widths.begin());
  }

  std::array<Kernel, most> kernels_;
  size_t count_ = 0;
  size_t chosen_ = 0;
};

// The kernel of a list that is made at first use, for functions so short that a look at such a list, a static object,
// would cost them ten times this. `choose` says which at the first call. Thread: any.
template <class Kernel>
class KernelInUse {
 public:
  explicit constexpr KernelInUse(const Kernel& (*choose)()) : choose_(choose) {}
  const Kernel& get() {
    const Kernel* const kernel = kernel_.load(std::memory_order_acquire);
    if (kernel == nullptr) [[unlikely]]
      return first();
    return *kernel;
  }

 private:
  [[gnu::noinline, gnu::cold]] const Kernel& first() {
    const Kernel& kernel = choose_();
    kernel_.store(&kernel, std::memory_order_release);
    return kernel;
  }

  const Kernel& (*const choose_)();
  std::atomic<const Kernel*> kernel_{nullptr};
};

}  // namespace viaduct::core
