#include "sip/shape_cache.h"

#include <algorithm>

namespace viaduct::sip {

struct ShapeCache::Place {
  uint32_t outline = 0;
  uint64_t used = 0;  // 0: free
  Shape shape;
};

ShapeCache::ShapeCache(unsigned learn_each, const ShapeKernel* kernel) : kernel_(kernel), learn_each_(learn_each) {
  if (kernel_ == nullptr && active_shape_kernel().fits != shape_fits_scalar) kernel_ = &active_shape_kernel();
  if (kernel_ != nullptr) places_ = std::make_unique<Place[]>(shapes_max);
}

ShapeCache::~ShapeCache() = default;

ShapeCache::Place* ShapeCache::pair_of(uint32_t outline) const { return &places_[outline % (shapes_max / 2) * 2]; }

Datagram ShapeCache::parse(std::string_view datagram, Message& message) {
  knew_ = false;
  if (kernel_ == nullptr || datagram.size() < ShapeText::bytes_least) return sip::parse(datagram, message);
  if (looks_ == window) [[unlikely]]
    end_window();
  if (resting_ != 0) {
    --resting_;
    return sip::parse(datagram, message);
  }
  ++looks_;
  const uint32_t outline = kernel_->outline(datagram);
  Place* const pair = pair_of(outline);
  for (Place* place = pair; place != pair + 2; ++place) {
    if (place->outline != outline) continue;
    if (place->shape.recall(*kernel_, datagram, message)) [[likely]] {
      place->used = ++uses_;
      ++known_;
      knew_ = true;
      return Datagram::sip;
    }
    ++in_vain_;
  }
  return parse_unknown(outline, datagram, message);
}

void ShapeCache::end_window() {
  if (known_ < known_least + in_vain_ / 2) {
    resting_ = rest_;
    rest_ = std::min(2 * rest_, rest_most);
  } else {
    rest_ = std::max(rest_ / 2, rest_least);
  }
  looks_ = known_ = in_vain_ = 0;
}

Datagram ShapeCache::parse_unknown(uint32_t outline, std::string_view datagram, Message& message) {
  const Datagram kind = sip::parse(datagram, message);
  uint16_t& missed = missed_[outline % missed_.size()];
  const auto upper = static_cast<uint16_t>(outline >> 16);
  const bool again = missed == upper;
  missed = upper;
  if (++parses_ < learn_each_ || !again || kind != Datagram::sip) return kind;
  Place* const pair = pair_of(outline);
  Place& place = pair[0].used <= pair[1].used ? pair[0] : pair[1];
  if (!place.shape.keep(message)) return kind;  // another one may have the turn, and the place is what it was
  parses_ = 0;
  place.outline = outline;
  place.used = ++uses_;
  return kind;
}

}  // namespace viaduct::sip
