#include "proxy/stamp.h"

#include <algorithm>
#include <charconv>

#include "proxy/own.h"

namespace viaduct::proxy {
namespace {

constexpr std::string_view rport_name = ";rport=";
constexpr std::string_view received_name = ";received=";

Stamp::Patch rport_patch(sip::Slice at, uint16_t port) {
  Stamp::Patch patch;
  patch.at = at;
  char* out = std::copy(rport_name.begin(), rport_name.end(), patch.text.data());
  out = std::to_chars(out, patch.text.data() + patch.text.size(), port).ptr;
  patch.size = static_cast<uint8_t>(out - patch.text.data());
  return patch;
}

// IPv6 without brackets (IP6-02).
Stamp::Patch received_patch(sip::Slice at, const net::IpAddress& address) {
  static_assert(received_name.size() + net::ip_text_bytes_max <= sizeof(Stamp::Patch::text));
  Stamp::Patch patch;
  patch.at = at;
  char* out = std::copy(received_name.begin(), received_name.end(), patch.text.data());
  out += net::format_ip(address, out);
  patch.size = static_cast<uint8_t>(out - patch.text.data());
  return patch;
}

}  // namespace

Stamp stamp_top_via(const sip::Message& message, const net::Endpoint& source, bool force_rport) {
  Stamp stamp;
  stamp.answer_to = source;
  const sip::Via& top = message.via[0];
  if (message.via_count == 0 || !top.well_formed) return stamp;

  const auto sent_by = literal_endpoint(message.bytes, top.host);
  const bool to_source_port = top.has_rport || force_rport;
  if (!to_source_port) stamp.answer_to.port = top.host.port != 0 ? top.host.port : sip::default_port;

  const sip::Slice end{top.value.end, top.value.end};
  if (to_source_port) {
    stamp.patches[stamp.count++] = rport_patch(top.has_rport ? top.rport_param : end, source.port);
  }
  if (to_source_port || top.has_received || !sent_by || sent_by->address != source.address) {
    stamp.patches[stamp.count++] = received_patch(top.has_received ? top.received_param : end, source.address);
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
