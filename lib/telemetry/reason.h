// Reasons, made from reasons.def.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace viaduct::telemetry {

// Where the ledger books a message that is not forwarded.
enum class LedgerTerm : uint8_t { dropped, absorbed, replied, punted };

enum class Reason : uint8_t {
#define REASON(symbol, term, sentence, clause) symbol,
#include "telemetry/reasons.def"
#undef REASON
};

inline constexpr size_t reason_count = 0
#define REASON(symbol, term, sentence, clause) +1
#include "telemetry/reasons.def"
#undef REASON
    ;
static_assert(reason_count <= 256, "Reason is one byte");

struct ReasonText {
  std::string_view name;
  LedgerTerm term;
  std::string_view sentence;
  std::string_view clause;
};

inline constexpr ReasonText reason_texts[reason_count] = {
#define REASON(symbol, term, sentence, clause) {#symbol, LedgerTerm::term, sentence, clause},
#include "telemetry/reasons.def"
#undef REASON
};

constexpr const ReasonText& text_of(Reason reason) { return reason_texts[static_cast<size_t>(reason)]; }

}  // namespace viaduct::telemetry
