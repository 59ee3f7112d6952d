// The built-in calls, as templates.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace viaduct::blast {

// A call of one kind. Its letter stands in the Call-ID, so that a reflector knows a call that it must not pick up.
enum class Kind : uint8_t { options, register_, invite, cancel, user };
inline constexpr size_t kind_count = 5;

constexpr char letter_of(Kind kind) { return "oricu"[static_cast<size_t>(kind)]; }
inline constexpr char cancel_letter = letter_of(Kind::cancel);

std::string_view name_of(Kind kind);

// Texts of the first request, the fullest first; those for small sizes follow. None for `user`.
std::vector<std::string_view> texts_of(Kind kind);

// Which kinds a scenario has, in the order of its calls, repeated; empty: no such scenario.
std::vector<Kind> kinds_of(std::string_view scenario);
inline constexpr size_t kinds_max = 16;
inline constexpr std::string_view scenario_names = "options, register, invite, cancel, mixed";

}  // namespace viaduct::blast
