#include "proxy/stamp.h"

#include <cstring>

#include "net/dotted_quad.h"
#include "proxy/own.h"
#include "proxy/phrase.h"

namespace viaduct::proxy {
namespace {

constexpr std::string_view rport_name = ";rport=";
constexpr std::string_view received_name = ";received=";

char* write_rport(char* out, uint16_t port) {
  out = write_text(rport_name, out);
  return out + net::format_port(port, out);
}

// IPv6 without brackets (IP6-02).
char* write_received(char* out, const net::IpAddress& address) {
  out = write_text(received_name, out);
  return out + net::format_ip(address, out);
}

static_assert(rport_name.size() + net::port_text_bytes_max + received_name.size() + net::ip_text_bytes_max <=
              stamp_bytes_max);

}  // namespace

// Asked of every request without rport, so with no detour for the usual address.
bool is_sent_by(const sip::Message& message, const net::IpAddress& address) {
  const sip::Host& host = message.via[0].host;
  if (host.kind != sip::HostKind::ipv4) return literal_address(message.bytes, host) == address;
  uint32_t named = 0, own = 0;
  std::memcpy(&own, address.v4_bytes(), sizeof own);
  return net::read_dotted_quad(message.text(host.text), named) && named == own && address.is_v4();
}

net::Endpoint answer_address(const sip::Message& message, const net::Endpoint& source, bool force_rport) {
  net::Endpoint address = source;
  const sip::Via& top = message.via[0];
  if (message.via_count == 0 || !top.well_formed || top.has_rport || force_rport) return address;
  address.port = top.host.port != 0 ? top.host.port : sip::default_port;
  return address;
}

char* write_stamp(Stamp stamp, const net::Endpoint& source, char* out) {
  if (stamp == Stamp::received || stamp == Stamp::received_rport) out = write_received(out, source.address);
  if (stamp != Stamp::received) out = write_rport(out, source.port);
  if (stamp == Stamp::rport_received) out = write_received(out, source.address);
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
