// A table on a screen: which columns have room, how wide they are, and in what order the rows come.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "top/screen.h"

namespace viaduct::top {

struct Cell {
  std::string text;
  Style style = Style::plain;
  std::optional<double> rank = {};  // what rows are sorted by, where it is not the text
};

struct Column {
  std::string title;
  bool number;        // to the right; sorted downward first
  uint8_t keep;       // where room is short, columns with less of it go first
  size_t narrow = 0;  // what it may shrink to; 0: it keeps its width
};

// By column; rows that are equal stay as they came.
struct Sort {
  size_t column = 0;
  bool descending = false;
};

struct Row {
  std::string key = {};  // of its table, the same as long as it is there
  std::vector<Cell> cells = {};
  std::vector<std::pair<std::string_view, std::string>> where =
      {};  // columns and their values that are this row's alone
};

struct Grid {
  std::string_view name = {};
  std::vector<Column> columns = {};
  std::vector<Row> rows = {};
  std::string_view empty = {};  // a sentence, where there are no rows
  std::optional<Sort> sort = {};
};

void put_in_order(Grid& grid, std::optional<Sort> wanted);

// How a grid is laid out for a screen so wide.
class Layout {
 public:
  Layout(const Grid& grid, size_t columns, const Glyphs& glyphs);
  Line heading(std::optional<Sort> sort) const;
  Line row(const Row& row) const;

 private:
  struct Placed {
    size_t column, width;
  };
  const Grid& grid_;
  const Glyphs& glyphs_;
  std::vector<Placed> placed_;
  std::string gap_;
};

}  // namespace viaduct::top
