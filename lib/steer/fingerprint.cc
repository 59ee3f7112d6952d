#include "steer/fingerprint.h"

#include <string_view>
#include <vector>

#include "steer/seed.h"

namespace viaduct::steer {

uint64_t fingerprint_of(std::span<const uint16_t> slots, std::span<const Member> members, TableKind kind) {
  std::vector<uint64_t> digests;
  for (const Member& member : members) digests.push_back(seed_of(member.name).low);
  std::vector<uint64_t> owners;
  owners.reserve(slots.size());
  for (uint16_t member : slots) owners.push_back(member == no_member ? 0 : digests[member]);
  return siphash64(kind == TableKind::maglev ? public_key : rendezvous_key,
                   {reinterpret_cast<const char*>(owners.data()), owners.size() * sizeof(uint64_t)});
}

}  // namespace viaduct::steer
