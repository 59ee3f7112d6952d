// How often tests repeat what chance makes. The release build does all of it. Sanitizers, under which everything takes
// several times as long, watch a quarter: they look at each repetition more closely, and it is the same code.
#pragma once

namespace viaduct::test {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
inline constexpr bool sanitized = __has_feature(address_sanitizer);
#else
inline constexpr bool sanitized = false;
#endif

constexpr int rounds(int all) { return sanitized ? (all + 3) / 4 : all; }

}  // namespace viaduct::test
