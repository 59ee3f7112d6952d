// What EAL and the drivers say, told in our log; and remembered, because their functions fail with a number and leave
// the reason to the log.
#pragma once

#include <string>

namespace viaduct::dpdk {

// From now on DPDK's warnings and errors go to our log. Once, before EAL starts.
void take_over_log();

// Forgets what was said so far.
void forget_complaints();

// The latest errors, as the end of a sentence: " (EAL: no hugepages; ...)"; empty if there are none.
std::string complaints();

}  // namespace viaduct::dpdk
