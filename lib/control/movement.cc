#include "control/movement.h"

#include <map>
#include <string_view>
#include <utility>

namespace viaduct::control {
namespace {

std::string_view name_at(const proxy::View& view, const proxy::Pool& pool, size_t slot) {
  const uint16_t member = pool.overlay.slots()[slot];
  return member == steer::no_member ? std::string_view() : view.backends[pool.first_backend + member].name;
}

double moved_share(const proxy::View& before, const proxy::Pool& old, const proxy::View& after,
                   const proxy::Pool& now) {
  const bool same_hash = old.key == now.key && before.keys.selection == after.keys.selection;
  size_t moved = 0;
  std::map<std::string_view, std::pair<double, double>> shares;
  for (size_t slot = 0; slot < steer::table_slots; ++slot) {
    const std::string_view was = name_at(before, old, slot), is = name_at(after, now, slot);
    if (was != is) ++moved;
    if (!same_hash) shares[was].first += 1.0 / steer::table_slots;
    if (!same_hash) shares[is].second += 1.0 / steer::table_slots;
  }
  if (same_hash) return static_cast<double>(moved) / steer::table_slots;
  double stay = 0;
  for (const auto& [name, share] : shares) stay += share.first * share.second;
  return 1 - stay;
}

}  // namespace

std::vector<Movement> movements(const proxy::View& before, const proxy::View& after) {
  std::vector<Movement> out;
  for (const proxy::Pool& now : after.pools) {
    for (const proxy::Pool& old : before.pools) {
      if (old.name == now.name) out.push_back({now.name, moved_share(before, old, after, now)});
    }
  }
  return out;
}

}  // namespace viaduct::control
