#include "top/screen.h"

#include <algorithm>

namespace viaduct::top {
namespace {

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

}  // namespace

size_t width_of(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

size_t width_of(const Line& line) {
  size_t width = 0;
  for (const Piece& piece : line.pieces) width += width_of(piece.text);
  return width;
}

std::string text_of(const Line& line) {
  std::string text;
  for (const Piece& piece : line.pieces) text += piece.text;
  return text;
}

std::string cut(std::string text, size_t columns, const Glyphs& glyphs) {
  if (width_of(text) <= columns) return text;
  if (columns == 0) return {};
  size_t width = 0, end = 0;
  while (end < text.size() && (width += begins_character(text[end]) ? 1 : 0) < columns) ++end;
  text.resize(end);
  return text += glyphs.cut;
}

void cut(Line& line, size_t columns, const Glyphs& glyphs) {
  size_t left = columns;
  for (size_t i = 0; i < line.pieces.size(); ++i) {
    const size_t width = width_of(line.pieces[i].text);
    // Its end is cut as well where it fits, but nothing behind it does.
    const bool more = i + 1 < line.pieces.size() && width == left;
    if (width < left || (width == left && !more)) {
      left -= width;
      continue;
    }
    if (more) line.pieces[i].text += ' ';
    line.pieces[i].text = cut(std::move(line.pieces[i].text), left, glyphs);
    line.pieces.resize(i + 1);
    return;
  }
}

std::string padded(std::string text, size_t columns, bool right) {
  const size_t width = width_of(text);
  if (width >= columns) return text;
  const std::string space(columns - width, ' ');
  return right ? space + text : text + space;
}

std::vector<Line> flowed(const std::vector<Piece>& pieces, size_t columns, size_t lines_max, std::string_view between) {
  std::vector<Line> lines(1);
  for (const Piece& piece : pieces) {
    const size_t needed = width_of(piece.text) + (lines.back().pieces.empty() ? 0 : width_of(between));
    if (width_of(lines.back()) + needed > columns && !lines.back().pieces.empty()) {
      if (lines.size() == lines_max) break;
      lines.emplace_back();
    }
    if (!lines.back().pieces.empty()) lines.back().put(std::string(between));
    lines.back().pieces.push_back(piece);
  }
  return lines;
}

}  // namespace viaduct::top
