// What a screen is made of: lines of pieces of text, each with a style; how they look is the terminal's matter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace viaduct::top {

enum class Style : uint8_t { plain, faint, title, good, warning, bad };

struct Piece {
  std::string text;  // printable ASCII and glyphs, each one column wide
  Style style = Style::plain;
};

struct Line {
  std::vector<Piece> pieces;
  bool selected = false;  // shown as the one that Enter opens

  Line& put(std::string text, Style style = Style::plain) {
    pieces.push_back({std::move(text), style});
    return *this;
  }
};

struct Size {
  size_t rows = 24, columns = 80;
};

// What an ASCII terminal lacks has a stand-in.
struct Glyphs {
  std::string_view cut, up, down, full, half;
};
inline constexpr Glyphs ascii_glyphs{"~", "^", "v", "#", "-"};
inline constexpr Glyphs unicode_glyphs{"\u2026", "\u25b2", "\u25bc", "\u2588", "\u258c"};

size_t width_of(std::string_view text);  // in columns
size_t width_of(const Line& line);
std::string text_of(const Line& line);

// At most `columns` wide; what was longer ends with the sign for that.
std::string cut(std::string text, size_t columns, const Glyphs& glyphs);
void cut(Line& line, size_t columns, const Glyphs& glyphs);

// Spaces before or behind it, up to `columns`.
std::string padded(std::string text, size_t columns, bool right);

// What of `line` does not fit goes on in further lines, whole pieces at a time.
std::vector<Line> flowed(const std::vector<Piece>& pieces, size_t columns, size_t lines_max, std::string_view between);

}  // namespace viaduct::top
