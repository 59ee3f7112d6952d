// Which kernel splices, and the one for any machine: one pass after the other.
#include "dataplane/splice.h"

#include <cstring>

#include "core/kernel_list.h"
#include "net/checksum.h"

namespace viaduct::dataplane {
namespace {

using KernelList = core::KernelList<SpliceKernel, 2>;

KernelList runnable() {
  KernelList list;
  list.add({"plain", splice_plain, splice_to_plain});
#if VIADUCT_SPLICE_KERNELS
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("bmi2")) {
    list.add({"avx512", splice_avx512, splice_to_avx512});
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

uint64_t splice_to(const proxy::Edits& edits, const uint8_t* message, uint16_t from, uint16_t end, uint8_t* to) {
  return splice_in_use.get().splice_to(edits, message, from, end, to);
}

uint64_t splice_plain(const proxy::Edits& edits, uint8_t* message, uint16_t from, uint16_t end) {
  const auto* const begin = reinterpret_cast<uint8_t*>(proxy::apply(edits, reinterpret_cast<char*>(message))) + from;
  return net::machine_sum({begin, static_cast<size_t>(message + end - begin)});
}

uint64_t splice_to_plain(const proxy::Edits& edits, const uint8_t* message, uint16_t from, uint16_t end, uint8_t* to) {
  uint8_t* at = to;
  const auto put = [&at](const void* octets, size_t size) {
    if (size != 0) std::memcpy(at, octets, size);
    at += size;
  };
  const uint8_t* piece = message + from;
  for (size_t i = 0; i < edits.count(); ++i) {
    const std::string_view text = edits.text_of(edits[i]);
    put(piece, static_cast<size_t>(message + edits[i].begin - piece));
    put(text.data(), text.size());
    piece = message + edits[i].end;
  }
  put(piece, static_cast<size_t>(message + end - piece));
  return net::machine_sum({to, static_cast<size_t>(at - to)});
}

}  // namespace viaduct::dataplane
