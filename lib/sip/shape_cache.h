// Messages of a shape that was there before, known without being parsed.
//
// Shapes lie by their outline, in pairs, so that two that share one find room. Of a pair the one that was used longer
// ago gives way. Making a shape takes as long as some parses, so it is made of a message whose outline was not known
// the time before, either, and at most of one in so many.
//
// What is gained by those that are known must pay for the others: an outline costs a little, and a shape of that
// outline that does not fit after all half of what a parse does. So messages come in windows, and after one that did
// not pay the next ones are parsed without a look: longer each time, lest messages that are never like another cost
// more than without all this, and shorter after each window that did pay, lest a few of those take it from all the
// others.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "sip/shape.h"

namespace viaduct::sip {

// Of one worker.
class ShapeCache {
 public:
  static constexpr size_t shapes_max = 512;
  // Of a window of messages so many must be known, and half as many more as shapes were looked at in vain.
  static constexpr unsigned window = 256, known_least = window / 8;
  static constexpr unsigned rest_least = window, rest_most = 16 * window;

  // Of the parses at most one in `learn_each` makes a shape. Without a kernel the widest; where that is slower than a
  // parse, all is parsed.
  explicit ShapeCache(unsigned learn_each = 32, const ShapeKernel* kernel = nullptr);
  ~ShapeCache();

  // As sip::parse, with the same result. No allocation. Thread: one at a time.
  Datagram parse(std::string_view datagram, Message& message);

  // Whether the last one was known. Thread: that of parse.
  bool knew() const { return knew_; }

 private:
  struct Place;

  void end_window();
  Datagram parse_unknown(uint32_t outline, std::string_view datagram, Message& message);
  Place* pair_of(uint32_t outline) const;

  const ShapeKernel* kernel_;  // nullptr: nothing is kept
  const unsigned learn_each_;
  unsigned parses_ = 0;             // since a shape was made
  unsigned looks_ = 0, known_ = 0;  // of the window
  unsigned in_vain_ = 0;            // shapes of the window that did not fit
  unsigned rest_ = rest_least;      // the next one
  unsigned resting_ = 0;            // messages until the next window
  uint64_t uses_ = 0;
  bool knew_ = false;
  std::unique_ptr<Place[]> places_;  // pairs
  // The outlines that were not known last: by their lower bits, the upper ones.
  std::array<uint16_t, 1024> missed_{};
};

}  // namespace viaduct::sip
