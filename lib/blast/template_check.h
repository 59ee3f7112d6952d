// What is wrong with a request of the user's own, told before it is sent: sent, it would be lost, or come astray, and
// the system under test would seem to be at fault. What may be sent on purpose, as a client of RFC 2543 does that has
// no From tag, is not wrong.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "blast/sources.h"

namespace viaduct::blast {

// `message` as it leaves from `source`. The first mistake, "LINE:COLUMN: what, and what is needed"; nothing: there is
// none. Thread: any.
std::optional<std::string> mistake_in(std::string_view message, const Source& source);

// "LINE:COLUMN: " of what begins at `at` in `text`, both counted from 1.
std::string place_in(std::string_view text, size_t at);

}  // namespace viaduct::blast
