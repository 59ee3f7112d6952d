// Which kernel looks at shapes.
#include "core/kernel_list.h"
#include "sip/shape.h"

namespace viaduct::sip {
namespace {

using ShapeKernelList = core::KernelList<ShapeKernel, 3>;

ShapeKernelList shapes_runnable() {
  ShapeKernelList list;
  list.add({"scalar", shape_outline_scalar, shape_fits_scalar, shape_copy_scalar, shape_read_scalar});
#if VIADUCT_X86
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")) {
    list.add({"avx2", shape_outline_avx2, shape_fits_avx2, shape_copy_avx2, shape_read_avx2});
  }
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2")) {
    list.add({"avx512", shape_outline_avx512, shape_fits_avx512, shape_copy_avx512, shape_read_avx2});
  }
#endif
  return list;
}

const ShapeKernelList& shape_list() {
  static const ShapeKernelList instance = shapes_runnable();
  return instance;
}

}  // namespace

std::span<const ShapeKernel> shape_kernels() { return shape_list().all(); }

const ShapeKernel& active_shape_kernel() { return shape_list().chosen(); }

}  // namespace viaduct::sip
