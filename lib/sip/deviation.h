// Departures from the standard, noticed while reading; made from deviations.def.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace viaduct::sip {

enum class Deviation : uint8_t {
#define DEVIATION(symbol, section, sentence) symbol,
#include "sip/deviations.def"
#undef DEVIATION
};

inline constexpr size_t deviation_count = 0
#define DEVIATION(symbol, section, sentence) +1
#include "sip/deviations.def"
#undef DEVIATION
    ;
static_assert(deviation_count <= 64, "the set is one 64-bit word");

struct DeviationText {
  std::string_view name;      // the symbol
  std::string_view section;   // "3261-8.1.1.7"
  std::string_view sentence;  // "branch without magic cookie"
};
const DeviationText& text_of(Deviation deviation);

// A set of deviations: one word, so that noting one costs an OR.
class Deviations {
 public:
  void note(Deviation deviation) { bits_ |= uint64_t{1} << static_cast<unsigned>(deviation); }
  bool has(Deviation deviation) const { return (bits_ >> static_cast<unsigned>(deviation)) & 1; }
  uint64_t bits() const { return bits_; }

 private:
  uint64_t bits_ = 0;
};

}  // namespace viaduct::sip
