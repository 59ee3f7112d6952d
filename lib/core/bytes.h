// Raw memory, named.
//
// Text of a message is `std::string_view`; frames are `ByteView` and `ByteSpan`. Neither owns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace viaduct::core {

using ByteView = std::span<const uint8_t>;
using ByteSpan = std::span<uint8_t>;

inline ByteView bytes_of(std::string_view text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

inline std::string_view text_of(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

}  // namespace viaduct::core
