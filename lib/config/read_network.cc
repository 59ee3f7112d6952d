// [[port]] and [[listener]].
#include <algorithm>

#include "config/draft.h"
#include "config/section.h"
#include "config/values.h"
#include "sip/charset.h"

namespace viaduct::config {
namespace {

constexpr int64_t mtu_min = 576;  // RFC 791: what every host must be able to take
constexpr int64_t mtu_max = 9216;

void read_device(Section& section, Device& out, Problems& problems) {
  std::string text;
  section.require("device", "one such as \"af_packet:eth0\" or \"pci:0000:3b:00.0\"");
  if (!section.read("device", text)) return;
  core::Result<Device> device = parse_device(text);
  if (device) {
    out = std::move(*device);
  } else {
    problems.error(section.place_of("device"), "device is " + device.error());
  }
}

void read_port_addresses(Section& section, Port& port, Problems& problems) {
  std::vector<PlacedText> texts;
  section.read_strings("addresses", texts);
  for (const PlacedText& text : texts) {
    if (const auto prefix = net::parse_prefix(text.text)) {
      port.addresses.push_back(*prefix);
    } else {
      problems.error(text.place, "address " + quoted(text.text) +
                                     " of a port; an address with its prefix length is expected, such as "
                                     "\"10.77.0.1/24\" or \"fd77::1/64\"");
    }
  }
}

bool is_one_host(const net::IpAddress& address) {
  return !address.is_unspecified() && !address.is_multicast() && !address.is_broadcast() && !address.is_loopback();
}

void read_gateway(Section& section, std::string_view key, net::Family family, std::optional<net::IpAddress>& out) {
  std::string text;
  if (!section.read(key, text)) return;
  const auto address = net::parse_ip(text);
  if (address && address->family() == family && !is_one_host(*address)) {
    section.wrong(key, section.find(key)->value, "the address of one router, a neighbour,");
  } else if (address && address->family() == family) {
    out = *address;
  } else {
    section.wrong(key, section.find(key)->value,
                  family == net::Family::ipv4 ? "an IPv4 address, such as \"10.77.0.254\", (gateway6 is IPv6's)"
                                              : "an IPv6 address, such as \"fd77::fe\",");
  }
}

void read_neighbor(const Node& node, Port& port, Problems& problems) {
  constexpr std::string_view example = "{ address = \"10.77.0.2\", mac = \"02:00:00:00:00:02\" }";
  if (node.kind != NodeKind::table) {
    problems.error(node.place,
                   "a neighbour is " + describe(node) + "; a table is expected, such as " + std::string(example));
    return;
  }
  Section section(node, "a neighbour", problems);
  section.require("address", example);
  section.require("mac", example);
  std::string address_text, mac_text;
  std::optional<net::IpAddress> address;
  std::optional<net::Mac> mac;
  if (section.read("address", address_text) && !(address = net::parse_ip(address_text))) {
    section.wrong("address", section.find("address")->value, "an IP address without port");
  }
  if (section.read("mac", mac_text) && !(mac = net::parse_mac(mac_text))) {
    section.wrong("mac", section.find("mac")->value, "six octets, such as \"02:00:00:00:00:02\",");
  }
  if (mac && (*mac == net::Mac{} || (mac->bytes[0] & 1) != 0)) {  // nobody's, or a group's
    section.wrong("mac", section.find("mac")->value, "the address of one interface, such as \"02:00:00:00:00:02\",");
    mac.reset();
  }
  section.report_unknown();
  if (!address || !mac) return;
  const bool twice = std::any_of(port.neighbors.begin(), port.neighbors.end(),
                                 [&](const Neighbor& other) { return other.address == *address; });
  if (twice) {
    problems.error(section.place_of("address"), "neighbour " + address_text + " is named twice at this port");
  } else {
    port.neighbors.push_back({*address, *mac});
  }
}

void read_neighbors(Section& section, Port& port, Problems& problems) {
  const Member* member = section.find("neighbors");
  if (member == nullptr) return;
  if (member->value.kind != NodeKind::array) {
    section.wrong("neighbors", member->value, "an array of tables with address and mac");
    return;
  }
  for (const Node& node : member->value.items) read_neighbor(node, port, problems);
}

void read_twin(Section& section, Port& port, Problems& problems) {
  if (!section.read("twin", port.twin)) return;
  const DeviceKind kind = port.device.kind;
  const bool is_template = port.twin.find_first_of("%,") != std::string::npos;  // to whoever makes a TAP
  if (!is_interface_name(port.twin) || is_template) {
    section.wrong("twin", section.find("twin")->value,
                  "a name of 1 to 15 characters for an interface, such as \"sip0\",");
  } else if (!port.device.text.empty() && kind != DeviceKind::pci && kind != DeviceKind::memif) {
    problems.error(section.place_of("twin"),
                   section.title() + " has a twin, but its device is " + quoted(port.device.text) +
                       "; only pci: and memif: ports have no interface of the kernel and can have one");
  }
}

void read_hosts(Section& section, std::string_view key, std::vector<std::string>& out, Problems& problems) {
  std::vector<PlacedText> texts;
  section.read_string_or_strings(key, texts);
  for (const PlacedText& text : texts) {
    if (const auto host = parse_host(text.text)) {
      if (std::find(out.begin(), out.end(), *host) == out.end()) out.push_back(*host);
    } else {
      problems.error(text.place,
                     quoted(text.text) + " in " + std::string(key) +
                         "; a host name or IP address without port is expected, such as \"sip.example.com\"");
    }
  }
}

// Headers that a proxy itself reads or writes are not the operator's to take off.
void read_strip_headers(Section& section, std::vector<std::string>& out, Problems& problems) {
  static constexpr std::string_view kept[] = {
      "via",          "from",  "to",           "call-id", "cseq",    "max-forwards", "max-breadth",   "content-length",
      "content-type", "route", "record-route", "path",    "contact", "require",      "proxy-require", "supported"};
  std::vector<PlacedText> texts;
  section.read_strings("strip_headers", texts);
  for (const PlacedText& text : texts) {
    std::string name = sip::lowered(text.text);
    const bool is_name = name.size() > 1 && name.size() <= 64 && sip::all(name, sip::host_name_char);
    const bool is_kept = std::find(std::begin(kept), std::end(kept), name) != std::end(kept);
    if (is_name && !is_kept) {
      out.push_back(std::move(name));
    } else {
      problems.error(text.place, quoted(text.text) + " in strip_headers; the full name of a header that is none of " +
                                     "the proxy's own business is expected, such as \"P-Asserted-Identity\"");
    }
  }
}

void read_listener_addresses(Section& section, Listener& listener, ListenerPlaces& places, Problems& problems) {
  section.require("address", "an address with port, or an array of them,");
  std::vector<PlacedText> texts;
  if (!section.read_string_or_strings("address", texts)) return;
  if (texts.empty()) {
    problems.error(section.place_of("address"),
                   section.title() + " has no address; one such as \"192.0.2.10:5060\" is expected");
  }
  for (const PlacedText& text : texts) {
    const core::Result<net::Endpoint> endpoint = parse_socket_address(text.text);
    if (endpoint) {
      listener.addresses.push_back(*endpoint);
      places.addresses.push_back(text.place);
    } else {
      problems.error(text.place, "address is " + endpoint.error());
    }
  }
}

}  // namespace

void read_port(const Node& table, Draft& draft, Problems& problems) {
  Port port;
  Section section(table, "[[port]]", problems);
  section.require("name", "a name such as \"edge\"");
  if (section.read_name("name", port.name)) section.set_title("[[port]] \"" + port.name + '"');
  read_device(section, port.device, problems);
  read_port_addresses(section, port, problems);
  read_gateway(section, "gateway", net::Family::ipv4, port.gateway);
  read_gateway(section, "gateway6", net::Family::ipv6, port.gateway6);
  read_neighbors(section, port, problems);
  read_twin(section, port, problems);
  section.read_number("mtu", port.mtu, mtu_min, mtu_max);
  section.report_unknown();

  const bool names_nobody = port.addresses.empty() && port.neighbors.empty() && !port.gateway && !port.gateway6;
  if (!port.device.text.empty() && !has_kernel(port) && names_nobody) {
    problems.warn(section.place(), section.title() +
                                       " has no kernel behind it and names no addresses, gateway or neighbors; nothing "
                                       "can be sent through it");
  }
  draft.ports.push_back({section.place_of("name"), section.place_of("device"), section.place_of("addresses"),
                         section.place_of("gateway"), section.place_of("gateway6"), section.place_of("twin")});
  draft.config.ports.push_back(std::move(port));
}

void read_listener(const Node& table, Draft& draft, Problems& problems) {
  Listener listener;
  ListenerPlaces places;
  Section section(table, "[[listener]]", problems);
  section.require("name", "a name such as \"public\"");
  if (section.read_name("name", listener.name)) section.set_title("[[listener]] \"" + listener.name + '"');
  read_listener_addresses(section, listener, places, problems);
  const bool side_wrong = !section.read_choice("side", listener.side) && section.find("side") != nullptr;
  section.read_name("pool", listener.pool);
  read_listener_routes(section, listener, places, problems);
  section.read("record_route", listener.record_route);
  section.read("force_rport", listener.force_rport);
  read_hosts(section, "aliases", listener.aliases, problems);
  read_hosts(section, "domains", listener.domains, problems);
  section.read_choice("path", listener.path);
  if (section.read("require_path", listener.require_path) && listener.require_path && listener.path == PathMode::off) {
    problems.warn(section.place_of("require_path"),
                  "require_path has no effect without path; path = \"auto\" or \"force\" beside it would have one");
  }
  read_strip_headers(section, listener.strip_headers, problems);
  section.report_unknown();

  if (section.find("pool") == nullptr && listener.side == Side::outside && !side_wrong) {
    problems.error(section.place(),
                   section.title() +
                       " has no \"pool\"; the name of a [[pool]] is expected, or side = \"inside\" for the "
                       "side on which the backends are");
  }
  places.table = section.place();
  places.pool = section.place_of("pool");
  draft.listener_names.push_back(section.place_of("name"));
  draft.listeners.push_back(std::move(places));
  draft.config.listeners.push_back(std::move(listener));
}

}  // namespace viaduct::config
