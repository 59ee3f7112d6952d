#include "config/values.h"

#include <algorithm>
#include <array>
#include <bit>
#include <filesystem>
#include <set>

#include "config/problems.h"
#include "core/number.h"
#include "sip/charset.h"
#include "sip/message.h"

namespace viaduct::config {
namespace {

constexpr size_t name_bytes_max = 63;
constexpr size_t interface_name_bytes_max = 15;  // IFNAMSIZ without its zero
constexpr size_t socket_path_bytes_max = 107;    // sun_path without its zero
constexpr size_t host_name_bytes_max = 253;      // RFC 1035 section 2.3.4
constexpr size_t host_label_bytes_max = 63;

bool is_digit(char c) { return sip::is(c, sip::digit_char); }
bool is_letter(char c) { return sip::to_lower(c) >= 'a' && sip::to_lower(c) <= 'z'; }

struct Unit {
  std::string_view name;
  int64_t milliseconds;
};
constexpr Unit units[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};

// DDDD:BB:DD.F, the domain may be left out.
bool is_pci_address(std::string_view text) {
  constexpr std::string_view shape = "xxxx:xx:xx.o";
  constexpr size_t domain_bytes = 5;
  std::string_view wanted = shape;
  if (text.size() == shape.size() - domain_bytes) wanted.remove_prefix(domain_bytes);
  if (text.size() != wanted.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (wanted[i] == 'x'   ? !sip::is(text[i], sip::hex_char)
        : wanted[i] == 'o' ? text[i] < '0' || text[i] > '7'
                           : text[i] != wanted[i]) {
      return false;
    }
  }
  return true;
}

core::Error about(std::string_view text, std::string_view rest) { return {quoted(text) + ": " + std::string(rest)}; }

// Commas separate what drivers are told, and cannot be quoted.
bool has_comma(std::string_view text) { return text.find(',') != std::string_view::npos; }

core::Result<Device> with_interface(Device device) {
  if (!is_interface_name(device.target) || has_comma(device.target)) {
    return about(device.text, quoted(device.target) +
                                  " is no name of an interface; up to 15 characters without blanks, commas, '/' "
                                  "and ':' are expected, such as \"eth0\"");
  }
  return device;
}

bool read_memif_option(std::string_view option, Device& device) {
  constexpr uint32_t ring_min = 64, ring_max = 16384;
  if (option == "role=client" || option == "role=server") {
    device.memif_server = option == "role=server";
    return true;
  }
  constexpr std::string_view ring = "ring=";
  if (!option.starts_with(ring)) return false;
  const auto frames = core::whole_number<uint32_t>(option.substr(ring.size()));
  if (!frames || !std::has_single_bit(*frames) || *frames < ring_min || *frames > ring_max) return false;
  device.memif_ring = *frames;
  return true;
}

core::Result<Device> with_memif_socket(Device device) {
  const size_t question = device.target.find('?');
  if (question != std::string::npos) {
    const std::string options = device.target.substr(question + 1);
    device.target.resize(question);
    std::set<std::string_view> given;
    for (size_t at = 0; at <= options.size();) {
      const size_t end = std::min(options.find('&', at), options.size());
      const std::string_view option = std::string_view(options).substr(at, end - at);
      const std::string_view key = option.substr(0, option.find('='));
      if (!given.insert(key).second) return about(device.text, quoted(key) + " is there twice; once is expected");
      if (!read_memif_option(option, device)) {
        return about(device.text, quoted(option) +
                                      " is no option of memif; \"role=client\" or \"role=server\", and "
                                      "behind an '&' \"ring=N\" with a power of two from 64 to 16384 are "
                                      "expected");
      }
      at = end + 1;
    }
  }
  if (device.target.empty() || device.target.size() > socket_path_bytes_max) {
    return about(device.text,
                 "the path of a socket of at most 107 bytes is expected after \"memif:\", such as "
                 "\"memif:/run/viaduct/memif.sock?role=client\"");
  }
  if (!device.target.starts_with('/') || has_comma(device.target)) {
    return about(device.text, quoted(device.target) +
                                  " is no path of a socket; an absolute one without commas is expected, such as "
                                  "\"/run/viaduct/memif.sock\"");
  }
  device.target = std::filesystem::path(device.target).lexically_normal().string();
  return device;
}

core::Result<Device> with_capture_files(Device device) {
  const size_t comma = device.target.find(',');
  const bool two = comma != std::string::npos && device.target.find(',', comma + 1) == std::string::npos;
  if (!two || comma == 0 || comma + 1 == device.target.size()) {
    return about(device.text,
                 "two capture files are expected, one to read and one to write, such as "
                 "\"pcap:in.pcap,out.pcap\"");
  }
  device.output = device.target.substr(comma + 1);
  device.target.resize(comma);
  return device;
}

core::Result<Device> with_pci_address(Device device) {
  if (!is_pci_address(device.target)) {
    return about(device.text, quoted(device.target) +
                                  " is no PCI address; one as lspci prints it is expected, such as "
                                  "\"pci:0000:3b:00.0\"");
  }
  for (char& c : device.target) c = sip::to_lower(c);
  constexpr std::string_view first_domain = "0000:";
  if (std::count(device.target.begin(), device.target.end(), ':') == 1) device.target.insert(0, first_domain);
  return device;
}

struct DeviceSyntax {
  std::string_view kind;
  DeviceKind value;
  core::Result<Device> (*finish)(Device);
};
constexpr DeviceSyntax device_syntaxes[] = {
    {"af_packet", DeviceKind::af_packet, with_interface}, {"af_xdp", DeviceKind::af_xdp, with_interface},
    {"memif", DeviceKind::memif, with_memif_socket},      {"tap", DeviceKind::tap, with_interface},
    {"pcap", DeviceKind::pcap, with_capture_files},       {"pci", DeviceKind::pci, with_pci_address},
};

std::string what_is_wrong_with_address(std::string_view text) {
  if (net::parse_ip(text) && text.find(':') != std::string_view::npos) return "IPv6 needs brackets";
  const size_t colon = text.rfind(':');
  const std::string_view port = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  const bool digits = !port.empty() && std::all_of(port.begin(), port.end(), is_digit);
  const std::string_view host = text.substr(0, std::min(colon, text.size()));
  if (digits && net::parse_endpoint(host, sip::default_port)) return "the port is out of range";
  if (std::any_of(host.begin(), host.end(), is_letter) && parse_host(host)) return "host names are not resolved here";
  return "";
}

}  // namespace

bool is_name(std::string_view text) {
  if (text.empty() || text.size() > name_bytes_max) return false;
  if (!is_letter(text.front()) && !is_digit(text.front())) return false;
  return sip::all(text, sip::host_name_char);
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto digits_end = static_cast<size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
  const auto number = core::whole_number<uint64_t>(text.substr(0, digits_end));
  constexpr uint64_t number_max = 1'000'000'000;  // far above every limit, and no product overflows
  if (!number || *number > number_max) return std::nullopt;
  for (const Unit& unit : units) {
    if (text.substr(digits_end) == unit.name) {
      return std::chrono::milliseconds(static_cast<int64_t>(*number) * unit.milliseconds);
    }
  }
  return std::nullopt;
}

std::optional<Rate> parse_rate(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto count = core::whole_number<uint32_t>(text.substr(0, slash));
  const std::string_view unit = text.substr(slash + 1);
  if (!count || *count == 0 || *count > rate_count_max) return std::nullopt;
  if (unit != "s" && unit != "m" && unit != "h") return std::nullopt;
  const std::chrono::milliseconds interval(unit == "s" ? 1000 : unit == "m" ? 60'000 : 3'600'000);
  return Rate{*count, interval};
}

std::string rate_text(const Rate& rate) {
  return std::to_string(rate.count) + '/' + duration_text(rate.interval).substr(1);  // `1s`, `1m` or `1h`
}

std::string duration_text(std::chrono::milliseconds duration) {
  const Unit* best = &units[0];
  for (const Unit& unit : units) {
    if (duration.count() != 0 && duration.count() % unit.milliseconds == 0) best = &unit;
  }
  return std::to_string(duration.count() / best->milliseconds) + std::string(best->name);
}

bool is_interface_name(std::string_view text) {
  if (text.empty() || text.size() > interface_name_bytes_max || text == "." || text == "..") return false;
  return std::none_of(text.begin(), text.end(), [](char c) { return c == '/' || c == ':' || c <= ' ' || c == 0x7f; });
}

core::Result<Device> parse_device(std::string_view text) {
  const size_t colon = text.find(':');
  for (const DeviceSyntax& syntax : device_syntaxes) {
    if (colon == std::string_view::npos || text.substr(0, colon) != syntax.kind) continue;
    Device device;
    device.kind = syntax.value;
    device.text = text;
    device.target = text.substr(colon + 1);
    return syntax.finish(std::move(device));
  }
  return about(text,
               "no kind of device that is known; af_packet:IFACE, af_xdp:IFACE, memif:SOCKET?role=client|server, "
               "tap:NAME, pcap:IN,OUT or pci:ADDRESS is expected");
}

core::Result<net::Endpoint> parse_socket_address(std::string_view text) {
  const std::optional<net::Endpoint> endpoint = net::parse_endpoint(text, sip::default_port);
  if (!endpoint) {
    const std::string reason = what_is_wrong_with_address(text);
    return about(text, (reason.empty() ? "" : reason + "; ") +
                           "an IP address with a port from 1 to 65535 is expected, such as \"192.0.2.10:5060\" or "
                           "\"[2001:db8::10]:5060\"");
  }
  const net::IpAddress& address = endpoint->address;
  if (address.is_unspecified() || address.is_multicast() || address.is_broadcast()) {
    return about(text,
                 "an address of one host is expected: it is written into every message (Via), so no wildcard, "
                 "multicast or broadcast address will do");
  }
  return *endpoint;
}

core::Result<BackendAddress> parse_backend_address(std::string_view text) {
  constexpr std::string_view srv = "_sip._udp.";
  const size_t colon = text.rfind(':');
  const std::optional<std::string> host = parse_host(text.substr(0, std::min(colon, text.size())));
  if (!host || net::parse_ip(*host)) {
    if (!net::parse_endpoint(text, sip::default_port)) {
      const std::string reason = what_is_wrong_with_address(text);
      return about(text, (reason.empty() ? "" : reason + "; ") +
                             "an IP address or a host name, with or without a port from 1 to 65535, is expected, such "
                             "as \"192.0.2.10:5060\", \"[2001:db8::10]:5060\" or \"sip.example.net\"");
    }
    const core::Result<net::Endpoint> endpoint = parse_socket_address(text);
    if (!endpoint) return core::Error{endpoint.error()};
    return BackendAddress{*endpoint, ""};
  }
  BackendAddress address{{}, *host};
  if (host->starts_with('_') && !(host->starts_with(srv) && host->size() > srv.size())) {
    return about(text, "of SRV records those of SIP over UDP are expected, such as \"_sip._udp.example.net\"");
  }
  if (colon == std::string_view::npos) return address;
  if (host->starts_with('_')) return about(text, "SRV records say the port; the name alone is expected");
  const auto any = net::parse_endpoint("0.0.0.0" + std::string(text.substr(colon)));
  if (!any || any->port == 0) return about(text, "the port is out of range; one from 1 to 65535 is expected");
  address.endpoint.port = any->port;
  return address;
}

std::optional<std::string> parse_host(std::string_view text) {
  std::string_view inside = text;
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') inside = text.substr(1, text.size() - 2);
  if (const auto address = net::parse_ip(inside)) {
    if (inside.size() != text.size() && inside.find(':') == std::string_view::npos) return std::nullopt;
    return net::to_string(*address);
  }
  std::string_view name = text.ends_with('.') ? text.substr(0, text.size() - 1) : text;
  if (name.empty() || name.size() > host_name_bytes_max) return std::nullopt;
  std::string host;
  size_t label = 0;
  for (size_t i = 0; i <= name.size(); ++i) {
    if (i == name.size() || name[i] == '.') {
      if (label == 0 || label > host_label_bytes_max || name[i - 1] == '-') return std::nullopt;
      label = 0;
    } else if (is_letter(name[i]) || is_digit(name[i]) || name[i] == '_' || (name[i] == '-' && label > 0)) {
      ++label;
    } else {
      return std::nullopt;
    }
    if (i < name.size()) host += sip::to_lower(name[i]);
  }
  // A toplabel starts with a letter (RFC 3261 section 25.1); `1.2.3.256` is no name.
  const size_t last = host.rfind('.') == std::string::npos ? 0 : host.rfind('.') + 1;
  if (!is_letter(host[last])) return std::nullopt;
  return host;
}

}  // namespace viaduct::config
