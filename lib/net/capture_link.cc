#include "net/capture_link.h"

#include "net/ethernet.h"

namespace viaduct::net {
namespace {

// What precedes the network packet, and where in it the EtherType stands.
struct CookedHeader {
  size_t bytes;
  size_t ethertype_at;
};
constexpr CookedHeader cooked{16, 14};
constexpr CookedHeader cooked2{20, 0};

int replace_header(std::vector<uint8_t>& buffer, size_t old_bytes, uint16_t ethertype) {
  EthernetHeader header;
  header.type.set(ethertype);
  const auto* const raw = reinterpret_cast<const uint8_t*>(&header);
  buffer.erase(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(old_bytes));
  buffer.insert(buffer.begin(), raw, raw + sizeof header);
  return static_cast<int>(sizeof header) - static_cast<int>(old_bytes);
}

std::optional<int> uncook(std::vector<uint8_t>& buffer, const CookedHeader& header) {
  if (buffer.size() < header.bytes) return std::nullopt;
  const auto ethertype = static_cast<uint16_t>(buffer[header.ethertype_at] << 8 | buffer[header.ethertype_at + 1]);
  return replace_header(buffer, header.bytes, ethertype);
}

}  // namespace

bool is_known_link(uint32_t link) {
  return link == link_ethernet || link == link_raw_ip || link == link_linux_cooked || link == link_linux_cooked2;
}

std::string unknown_link(uint32_t link) {
  return "link type " + std::to_string(link) +
         "; Ethernet (1), raw IP (101) and Linux cooked capture (113, 276) are accepted";
}

std::optional<int> make_ethernet(std::vector<uint8_t>& buffer, uint32_t link) {
  if (link == link_linux_cooked) return uncook(buffer, cooked);
  if (link == link_linux_cooked2) return uncook(buffer, cooked2);
  if (link == link_raw_ip) {
    if (buffer.empty()) return std::nullopt;
    return replace_header(buffer, 0, buffer[0] >> 4 == 6 ? ethertype_ipv6 : ethertype_ipv4);
  }
  return 0;
}

}  // namespace viaduct::net
