// What can be told about a pattern from its text, so that one scan over many fields will do.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace viaduct::policy {

// The pattern without the assertions that a field's ends decide (^ $ \A \z \Z): it matches wherever the pattern does,
// and more. Nothing where the text is too odd to tell (verbs, quotes, comments, extended syntax).
std::optional<std::string> without_anchors(std::string_view pattern);

// Whether the pattern has such assertions.
bool has_anchors(std::string_view pattern);

// True only if no match can hold a line feed, so that none crosses from one line into another.
bool stays_in_line(std::string_view pattern);

}  // namespace viaduct::policy
