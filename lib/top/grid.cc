#include "top/grid.h"

#include <algorithm>

namespace viaduct::top {
namespace {

// "p10" behind "p9": digits are compared as the number that they are.
bool text_less(std::string_view a, std::string_view b) {
  const auto digits = [](std::string_view text) { return std::min(text.find_first_not_of("0123456789"), text.size()); };
  while (!a.empty() && !b.empty()) {
    const size_t in_a = digits(a), in_b = digits(b);
    if (in_a != 0 && in_b != 0) {
      if (in_a != in_b) return in_a < in_b;
      if (const int order = a.substr(0, in_a).compare(b.substr(0, in_b))) return order < 0;
      a.remove_prefix(in_a);
      b.remove_prefix(in_b);
      continue;
    }
    if (a.front() != b.front()) return a.front() < b.front();
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  return a.size() < b.size();
}

// What says nothing comes last, whichever way.
bool comes_before(const Cell& a, const Cell& b, bool number, bool descending) {
  if (!number && !a.rank && !b.rank) return descending ? text_less(b.text, a.text) : text_less(a.text, b.text);
  if (!a.rank || !b.rank) return a.rank.has_value() && !b.rank.has_value();
  return descending ? *a.rank > *b.rank : *a.rank < *b.rank;
}

}  // namespace

void put_in_order(Grid& grid, std::optional<Sort> wanted) {
  if (wanted) grid.sort = wanted;
  if (!grid.sort || grid.sort->column >= grid.columns.size()) return;
  const Sort by = *grid.sort;
  std::stable_sort(grid.rows.begin(), grid.rows.end(), [&](const Row& a, const Row& b) {
    return comes_before(a.cells[by.column], b.cells[by.column], grid.columns[by.column].number, by.descending);
  });
}

Layout::Layout(const Grid& grid, size_t columns, const Glyphs& glyphs) : grid_(grid), glyphs_(glyphs) {
  for (size_t i = 0; i < grid.columns.size(); ++i) {
    size_t width = width_of(grid.columns[i].title) + (grid.sort && grid.sort->column == i ? 1 : 0);
    for (const Row& row : grid.rows) width = std::max(width, width_of(row.cells[i].text));
    placed_.push_back({i, width});
  }
  const auto narrowest = [&](const Placed& each) {
    const size_t narrow = grid_.columns[each.column].narrow;
    return narrow == 0 ? each.width : std::min(each.width, narrow);
  };
  const auto needed = [&](size_t gap) {
    size_t sum = placed_.empty() ? 0 : (placed_.size() - 1) * gap;
    for (const Placed& each : placed_) sum += narrowest(each);
    return sum;
  };
  while (placed_.size() > 1 && needed(1) > columns) {
    placed_.erase(std::min_element(placed_.begin(), placed_.end(), [&](const Placed& a, const Placed& b) {
      return grid_.columns[a.column].keep < grid_.columns[b.column].keep;
    }));
  }
  gap_ = std::string(needed(2) <= columns ? 2 : 1, ' ');
  // What is left is for those that had to shrink, from the left.
  size_t left = columns - std::min(columns, needed(gap_.size()));
  for (Placed& each : placed_) {
    const size_t shrunk = narrowest(each), more = std::min(each.width - shrunk, left);
    each.width = shrunk + more;
    left -= more;
  }
}

Line Layout::heading(std::optional<Sort> sort) const {
  Line line;
  for (size_t i = 0; i < placed_.size(); ++i) {
    const Column& column = grid_.columns[placed_[i].column];
    std::string title = column.title;
    if (sort && sort->column == placed_[i].column) title += sort->descending ? glyphs_.down : glyphs_.up;
    if (i != 0) line.put(gap_, Style::title);
    line.put(padded(cut(std::move(title), placed_[i].width, glyphs_), placed_[i].width, column.number), Style::title);
  }
  return line;
}

Line Layout::row(const Row& row) const {
  Line line;
  for (size_t i = 0; i < placed_.size(); ++i) {
    const Cell& cell = row.cells[placed_[i].column];
    if (i != 0) line.put(gap_);
    line.put(
        padded(cut(cell.text, placed_[i].width, glyphs_), placed_[i].width, grid_.columns[placed_[i].column].number),
        cell.style);
  }
  return line;
}

}  // namespace viaduct::top
