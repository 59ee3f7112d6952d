// The terminal: lines onto it, keys from it. One at a time; thread: the one that opened it.
#pragma once

#include <memory>
#include <span>

#include "core/result.h"
#include "top/keys.h"
#include "top/screen.h"

namespace viaduct::top {

// The environment's locale has UTF-8: what a terminal shows may have more than ASCII.
Glyphs glyphs_of_locale();

class Terminal {
 public:
  // Takes the terminal of stdin and stdout for itself, until destroyed.
  static core::Result<std::unique_ptr<Terminal>> open();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  Size size() const;
  void show(std::span<const Line> lines);
  Key wait(int milliseconds);  // Key::none: nothing was pressed, or the size is another now

 private:
  explicit Terminal(void* screen) : screen_(screen) {}
  void* screen_;
};

}  // namespace viaduct::top
