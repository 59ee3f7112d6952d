// Shapes by one octet after the other, and one number: what the other kernels must agree with.
#include "sip/digits8.h"
#include "sip/octet_kind.h"
#include "sip/shape_loop.h"

namespace viaduct::sip {

uint32_t shape_outline_scalar(std::string_view text) {
  return outline_of(text, [](const char* p) {
    OutlineBits bits{};
    for (unsigned i = 0; i < 64; ++i) {
      bits.feeds |= uint64_t{p[i] == '\n'} << i;
      bits.ats |= uint64_t{p[i] == '@'} << i;
    }
    return bits;
  });
}

bool shape_fits_scalar(const char* octets, const ShapeText& text, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    if (octets[i] != text.octets[i] && (kind_tables.kind_of(octets[i]) & text.kinds[i]) == 0) return false;
  }
  return true;
}

void shape_copy_scalar(const char* from, size_t blocks, char* to) {
  std::memcpy(to, from, blocks * ShapeKernel::block);
}

bool shape_read_scalar(const char* octets, const ShapeNumbers& numbers, char* fields) {
  return read_numbers(numbers, fields, [&](size_t at, uint64_t* lanes) {
    for (size_t i = 0; i < ShapeNumbers::at_once; ++i) {
      const size_t digits = ShapeNumbers::digits_max - numbers.in_front[at + i] / 8;
      lanes[i] = digits == 0 ? 0 : number_of(octets_before(octets + numbers.end[at + i], digits));
      const auto number = static_cast<int64_t>(lanes[i]);
      if (number < numbers.least[at + i] || number > numbers.most[at + i]) return false;
    }
    return true;
  });
}

}  // namespace viaduct::sip
