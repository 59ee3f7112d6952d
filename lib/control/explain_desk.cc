#include "control/explain_desk.h"

#include <optional>

#include "control/explain.h"
#include "control/json_line.h"
#include "control/words.h"
#include "core/clock.h"
#include "dataplane/policy_stage.h"
#include "fmt/format.h"
#include "net/address.h"
#include "sip/message.h"

namespace viaduct::control {
namespace {

constexpr std::string_view expected = "error: 'explain [from IP:PORT] [to IP:PORT] message HEX' is expected";

std::optional<unsigned> digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

std::optional<std::string> octets_of(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string octets;
  octets.reserve(hex.size() / 2);
  for (size_t i = 0; i < hex.size(); i += 2) {
    const auto high = digit_of(hex[i]), low = digit_of(hex[i + 1]);
    if (!high || !low) return std::nullopt;
    octets += static_cast<char>(*high << 4 | *low);
  }
  return octets;
}

}  // namespace

std::string ExplainDesk::answer(std::string_view words, const dataplane::View& view, const config::Config& config) {
  const proxy::View& proxy = *view.proxy;
  std::optional<net::Endpoint> source = net::parse_endpoint("198.51.100.7:5060");
  uint16_t socket = 0;
  std::optional<std::string> datagram;
  for (auto word = next_word(words); !word.empty(); word = next_word(words)) {
    const std::string_view value = next_word(words);
    if (word == "from") {
      source = net::parse_endpoint(value, sip::default_port);
      if (!source) return fmt::format("error: from '{}' is no address; IP:PORT or [IPv6]:PORT is", printable(value));
    } else if (word == "to") {
      const auto destination = net::parse_endpoint(value, sip::default_port);
      socket = destination ? proxy.socket_of.value_or(*destination, proxy::none) : proxy::none;
      if (socket == proxy::none) {
        return fmt::format("error: to '{}' is no listener's address; there are {}", printable(value),
                           listeners_text(proxy));
      }
    } else if (word == "message") {
      datagram = octets_of(value);
      if (!datagram || datagram->empty()) return "error: the message is no row of pairs of hexadecimal digits";
    } else {
      return std::string(expected);
    }
  }
  if (!datagram) return std::string(expected);
  if (view.policy == nullptr) return json_line(explain(proxy, *datagram, *source, socket));

  // Lists and bans are those of now; who asks them leaves no trace.
  dataplane::PolicyStage stage(0);
  stage.begin(core::SteadyClock().now());
  if (const auto reason = stage.refuse({.source = *source, .socket = socket}, view)) {
    return json_line(explain_dropped(proxy, *datagram, *reason));
  }
  if (policies_ == nullptr) {
    policies_ = std::make_unique<Policies>(1);
    if (const core::Status done = policies_->adopt(config); !done) return "error: " + done.error();
  }
  return json_line(explain(proxy, *datagram, *source, socket, policies_->current().get()));
}

}  // namespace viaduct::control
