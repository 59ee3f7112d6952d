#include "proxy/stamp.h"

#include <cstring>

#include "net/dotted_quad.h"
#include "proxy/own.h"

namespace viaduct::proxy {
namespace {

constexpr std::string_view rport_name = ";rport=";
constexpr std::string_view received_name = ";received=";

char* write_rport(char* out, uint16_t port) {
  std::memcpy(out, rport_name.data(), rport_name.size());
  out += rport_name.size();
  return out + net::format_port(port, out);
}

// IPv6 without brackets (IP6-02).
char* write_received(char* out, const net::IpAddress& address) {
  std::memcpy(out, received_name.data(), received_name.size());
  out += received_name.size();
  return out + net::format_ip(address, out);
}

static_assert(rport_name.size() + net::port_text_bytes_max + received_name.size() + net::ip_text_bytes_max <=
              Stamp::patch_bytes_max);

// Whether the sent-by says where the message came from. Asked of every request without rport, so with no detour for the
// usual address.
bool is_sent_by(const sip::Message& message, const net::IpAddress& address) {
  const sip::Host& host = message.via[0].host;
  if (host.kind != sip::HostKind::ipv4) return literal_address(message.bytes, host) == address;
  uint32_t named = 0, own = 0;
  std::memcpy(&own, address.v4_bytes(), sizeof own);
  return net::read_dotted_quad(message.text(host.text), named) && named == own && address.is_v4();
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
  const sip::Via& top = message.via[0];
  if (message.via_count == 0 || !top.well_formed) return stamp;

  const bool rport = top.has_rport || force_rport;
  const bool received = rport || top.has_received || !is_sent_by(message, source.address);
  const sip::Slice end{top.value.end, top.value.end};
  const sip::Slice rport_at = top.has_rport ? top.rport_param : end;
  const sip::Slice received_at = top.has_received ? top.received_param : end;
  const bool received_first = rport && received_at.begin < rport_at.begin;
  Stamp::Patch* patch = nullptr;
  // Takes the place of `at`, with the one before it if they touch.
  const auto patch_for = [&](sip::Slice at) -> Stamp::Patch& {
    if (stamp.count != 0 && patch->at.end == at.begin) {
      patch->at.end = at.end;
    } else {
      patch = &stamp.patches[stamp.count++];
      patch->at = at;
    }
    return *patch;
  };
  if (received_first) patch_for(received_at).received_before = true;
  if (rport) patch_for(rport_at).rport = true;
  if (received && !received_first) patch_for(received_at).received = true;
  return stamp;
}

char* Stamp::write(const Patch& patch, const net::Endpoint& source, char* out) {
  if (patch.received_before) out = write_received(out, source.address);
  if (patch.rport) out = write_rport(out, source.port);
  if (patch.received) out = write_received(out, source.address);
  return out;
}

bool response_destination(std::string_view bytes, const sip::Via& via, net::Endpoint& destination) {
  if (!via.well_formed) return false;
  std::string_view received = bytes.substr(via.received.begin, via.received.size());
  if (received.size() > 2 && received.front() == '[' && received.back() == ']') {
    received = received.substr(1, received.size() - 2);
  }
  const auto address = via.has_received ? net::parse_ip(received) : literal_address(bytes, via.host);
  if (!address) return false;
  destination.address = *address;
  destination.port = via.rport != 0 ? via.rport : via.host.port != 0 ? via.host.port : sip::default_port;
  return true;
}

}  // namespace viaduct::proxy
