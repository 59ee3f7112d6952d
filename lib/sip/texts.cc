// The texts of faults and deviations, from their .def files.
#include <array>

#include "sip/deviation.h"
#include "sip/fault.h"

namespace viaduct::sip {
namespace {

constexpr std::array fault_texts{
    FaultText{"", 0, "", ""},
#define FAULT(symbol, status, reason_phrase, clause) FaultText{#symbol, status, reason_phrase, clause},
#include "sip/faults.def"
#undef FAULT
};

constexpr std::array deviation_texts{
#define DEVIATION(symbol, section, sentence) DeviationText{#symbol, section, sentence},
#include "sip/deviations.def"
#undef DEVIATION
};

}  // namespace

const FaultText& text_of(Fault fault) { return fault_texts[static_cast<size_t>(fault)]; }
const DeviationText& text_of(Deviation deviation) { return deviation_texts[static_cast<size_t>(deviation)]; }

}  // namespace viaduct::sip
