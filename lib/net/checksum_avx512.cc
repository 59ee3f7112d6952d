// The sum with AVX-512: checksum_bytes512.h says how.
#include "net/checksum_bytes512.h"
#include "net/checksum_lanes.h"

namespace viaduct::net {

uint64_t sum_words_avx512(const uint8_t* at, size_t size) {
  ByteSums sums;
  sums.add_span(at, size);
  return sums.machine_sum();
}

}  // namespace viaduct::net
