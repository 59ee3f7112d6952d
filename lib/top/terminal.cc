#include "top/terminal.h"

#include <langinfo.h>

#include <algorithm>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#define NCURSES_NOMACROS
#include <ncurses.h>

namespace viaduct::top {
namespace {

constexpr int escape_key = 27, escape_delay_ms = 25;
constexpr short good_pair = 1, warning_pair = 2, bad_pair = 3, title_pair = 4;

// Where there are no colours, trouble is bold.
attr_t attributes_of(Style style) {
  const bool colours = has_colors();
  switch (style) {
    case Style::plain: return A_NORMAL;
    case Style::faint: return colours ? A_DIM : A_NORMAL;
    case Style::title: return A_BOLD | (colours ? COLOR_PAIR(title_pair) : A_NORMAL);
    case Style::good: return colours ? COLOR_PAIR(good_pair) : A_NORMAL;
    case Style::warning: return A_BOLD | (colours ? COLOR_PAIR(warning_pair) : A_NORMAL);
    case Style::bad: return A_BOLD | (colours ? COLOR_PAIR(bad_pair) : A_STANDOUT);
  }
  return A_NORMAL;
}

void start_colours() {
  if (std::getenv("NO_COLOR") != nullptr || start_color() != OK) return;
  const short behind = use_default_colors() == OK ? -1 : COLOR_BLACK;
  init_pair(good_pair, COLOR_GREEN, behind);
  init_pair(warning_pair, COLOR_YELLOW, behind);
  init_pair(bad_pair, COLOR_RED, behind);
  init_pair(title_pair, COLOR_CYAN, behind);
}

}  // namespace

Glyphs glyphs_of_locale() {
  std::setlocale(LC_CTYPE, "");
  return std::strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? unicode_glyphs : ascii_glyphs;
}

core::Result<std::unique_ptr<Terminal>> Terminal::open() {
  std::setlocale(LC_CTYPE, "");
  SCREEN* screen = newterm(nullptr, stdout, stdin);
  if (screen == nullptr) {
    const char* name = std::getenv("TERM");
    return core::Error{std::string("TERM is '") + (name == nullptr ? "" : name) +
                       "', which is no terminal that is known here; another TERM or --plain will do"};
  }
  set_term(screen);
  set_escdelay(escape_delay_ms);
  start_colours();
  cbreak();
  noecho();
  nonl();
  curs_set(0);
  keypad(stdscr, TRUE);
  return std::unique_ptr<Terminal>(new Terminal(screen));
}

Terminal::~Terminal() {
  endwin();
  delscreen(static_cast<SCREEN*>(screen_));
}

Size Terminal::size() const {
  return {static_cast<size_t>(std::max(1, getmaxy(stdscr))), static_cast<size_t>(std::max(1, getmaxx(stdscr)))};
}

void Terminal::show(std::span<const Line> lines) {
  const Size size = this->size();
  erase();
  for (size_t row = 0; row < std::min(lines.size(), size.rows); ++row) {
    move(static_cast<int>(row), 0);
    const Line& line = lines[row];
    for (const Piece& piece : line.pieces) {
      attrset(static_cast<int>(attributes_of(piece.style) | (line.selected ? A_REVERSE : A_NORMAL)));
      addstr(piece.text.c_str());
    }
    for (size_t column = width_of(line); line.selected && column < size.columns; ++column) addch(' ');
  }
  attrset(A_NORMAL);
  refresh();
}

Key Terminal::wait(int milliseconds) {
  timeout(milliseconds);
  const int key = getch();
  switch (key) {
    case KEY_UP: return {Key::up};
    case KEY_DOWN: return {Key::down};
    case KEY_LEFT: return {Key::left};
    case KEY_RIGHT: return {Key::right};
    case KEY_PPAGE: return {Key::page_up};
    case KEY_NPAGE: return {Key::page_down};
    case KEY_HOME: return {Key::home};
    case KEY_END: return {Key::end};
    case KEY_ENTER:
    case '\r':
    case '\n': return {Key::enter};
    case KEY_BACKSPACE:
    case 127:
    case '\b':
    case escape_key: return {Key::back};
    case '\t': return {Key::tab};
    case KEY_BTAB: return {Key::back_tab};
    default: break;
  }
  if (key >= ' ' && key < 127) return {Key::character, static_cast<char>(key)};
  return {};
}

}  // namespace viaduct::top
