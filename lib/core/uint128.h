// The compiler's 128-bit number under a name of ours, for the upper half of a product.
#pragma once

namespace viaduct::core {

__extension__ using uint128 = unsigned __int128;

}  // namespace viaduct::core
