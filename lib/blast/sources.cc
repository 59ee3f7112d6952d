#include "blast/sources.h"

#include <string>

#include "blast/partial_sum.h"

namespace viaduct::blast {
namespace {

constexpr uint32_t sources_max = 1u << 20;

// The address behind `address`; false at the end of the last 32 bits.
bool advance(net::IpAddress& address) {
  for (size_t i = 16; i-- > 12;) {
    if (++address.bytes[i] != 0) return true;
  }
  return false;
}

}  // namespace

core::Result<Sources> Sources::make(const net::Endpoint& first, uint32_t addresses, uint32_t ports) {
  if (addresses == 0 || ports == 0 || uint64_t{addresses} * ports > sources_max) {
    return core::Error{std::to_string(addresses) + " addresses with " + std::to_string(ports) +
                       " ports each are asked for; between 1 and " + std::to_string(sources_max) +
                       " sources are possible"};
  }
  if (uint32_t{first.port} + ports - 1 > 65535) {
    return core::Error{std::to_string(ports) + " ports from " + std::to_string(first.port) +
                       " on are asked for; the last port is 65535"};
  }
  Sources sources;
  sources.ports_ = ports;
  sources.all_.reserve(size_t{addresses} * ports);
  net::IpAddress address = first.address;
  for (uint32_t i = 0; i < addresses; ++i) {
    for (uint32_t port = 0; port < ports; ++port) {
      Source source;
      source.endpoint = {address, static_cast<uint16_t>(first.port + port)};
      source.text_bytes = static_cast<uint8_t>(net::format_endpoint(source.endpoint, source.text.data()));
      source.text_sum = folded_sum(source.text.data(), source.text_bytes);
      const bool v4 = address.is_v4();
      source.address_sum = folded_sum(address.bytes.data() + (v4 ? 12 : 0), v4 ? 4 : 16);
      sources.all_.push_back(source);
    }
    if (i + 1 < addresses && !advance(address)) {
      return core::Error{std::to_string(addresses) + " addresses from " + net::to_string(first.address) +
                         " on are asked for; there are not so many"};
    }
  }
  return sources;
}

}  // namespace viaduct::blast
