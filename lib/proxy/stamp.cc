#include "proxy/stamp.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "proxy/own.h"

namespace viaduct::proxy {
namespace {

constexpr std::string_view rport_name = ";rport=";
constexpr std::string_view received_name = ";received=";

void put_rport(Stamp::Patch& patch, sip::Slice at, uint16_t port) {
  patch.at = at;
  std::memcpy(patch.text.data(), rport_name.data(), rport_name.size());
  char* const end = patch.text.data() + patch.text.size();
  patch.size = static_cast<uint8_t>(std::to_chars(patch.text.data() + rport_name.size(), end, port).ptr -
                                    patch.text.data());
}

// IPv6 without brackets (IP6-02).
void put_received(Stamp::Patch& patch, sip::Slice at, const net::IpAddress& address) {
  static_assert(received_name.size() + net::ip_text_bytes_max <= sizeof(Stamp::Patch::text));
  patch.at = at;
  std::memcpy(patch.text.data(), received_name.data(), received_name.size());
  patch.size = static_cast<uint8_t>(received_name.size() +
                                    net::format_ip(address, patch.text.data() + received_name.size()));
}

}  // namespace

net::Endpoint answer_address(const sip::Message& message, const net::Endpoint& source, bool force_rport) {
  net::Endpoint address = source;
  const sip::Via& top = message.via[0];
  if (message.via_count == 0 || !top.well_formed || top.has_rport || force_rport) return address;
  address.port = top.host.port != 0 ? top.host.port : sip::default_port;
  return address;
}

Stamp stamp_top_via(const sip::Message& message, const net::Endpoint& source, bool force_rport) {
  Stamp stamp;
  stamp.answer_to = answer_address(message, source, force_rport);
  const sip::Via& top = message.via[0];
  if (message.via_count == 0 || !top.well_formed) return stamp;

  const auto sent_by = literal_endpoint(message.bytes, top.host);
  const bool to_source_port = top.has_rport || force_rport;
  const sip::Slice end{top.value.end, top.value.end};
  if (to_source_port) {
    put_rport(stamp.patches[stamp.count++], top.has_rport ? top.rport_param : end, source.port);
  }
  if (to_source_port || top.has_received || !sent_by || sent_by->address != source.address) {
    put_received(stamp.patches[stamp.count++], top.has_received ? top.received_param : end, source.address);
  }
  if (stamp.count == 2 && stamp.patches[1].at.begin < stamp.patches[0].at.begin) {
    std::swap(stamp.patches[0], stamp.patches[1]);
  }
  return stamp;
}

std::optional<net::Endpoint> response_destination(std::string_view bytes, const sip::Via& via) {
  if (!via.well_formed) return std::nullopt;
  net::Endpoint destination;
  destination.port = via.rport != 0 ? via.rport : via.host.port != 0 ? via.host.port : sip::default_port;
  if (via.has_received) {
    std::string_view text = bytes.substr(via.received.begin, via.received.size());
    if (text.size() > 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
    const auto address = net::parse_ip(text);
    if (!address) return std::nullopt;
    destination.address = *address;
    return destination;
  }
  const auto literal = literal_endpoint(bytes, via.host);
  if (!literal) return std::nullopt;
  destination.address = literal->address;
  return destination;
}

}  // namespace viaduct::proxy
