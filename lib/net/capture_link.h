// Link types of captures, all turned into Ethernet.
//
// `tcpdump -i any`, which is what people type on a server with two networks, does not record Ethernet but "cooked"
// headers. Their frames get an Ethernet header without addresses, so that everything behind needs to know one link.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/bytes.h"

namespace viaduct::net {

// LINKTYPE_ values, https://www.tcpdump.org/linktypes.html.
inline constexpr uint32_t link_ethernet = 1;
inline constexpr uint32_t link_raw_ip = 101;
inline constexpr uint32_t link_linux_cooked = 113;
inline constexpr uint32_t link_linux_cooked2 = 276;

bool is_known_link(uint32_t link);

// The sentence for a link type that is not.
std::string unknown_link(uint32_t link);

// Makes the captured bytes in `buffer` an Ethernet frame and says by how much they grew (or, below 0, shrank). Nothing:
// too short for its link header. `link` is a known one.
std::optional<int> make_ethernet(std::vector<uint8_t>& buffer, uint32_t link);

}  // namespace viaduct::net
