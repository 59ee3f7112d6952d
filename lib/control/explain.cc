#include "control/explain.h"

#include <memory>
#include <vector>

#include "control/counterparts.h"
#include "core/clock.h"
#include "dataplane/policy_stage.h"
#include "fmt/format.h"
#include "net/ipv4.h"
#include "net/ipv6.h"
#include "net/udp.h"
#include "proxy/decision.h"
#include "proxy/send_time.h"
#include "sip/message.h"
#include "telemetry/counters.h"

namespace viaduct::control {
namespace {

using Json = nlohmann::ordered_json;

std::string_view text_of(proxy::Action action) {
  switch (action) {
    case proxy::Action::forward: return "forward";
    case proxy::Action::reply: return "reply";
    case proxy::Action::absorb: return "absorb";
    case proxy::Action::drop: return "drop";
  }
  return "";
}

// RFC 3629: shortest forms only, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<uint8_t>(text[i]);
    const size_t length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (length == 0 || text.size() - i < length) return false;
    for (size_t k = 1; k < length; ++k) {
      if ((static_cast<uint8_t>(text[i + k]) & 0xc0) != 0x80) return false;
    }
    const auto second = length > 1 ? static_cast<uint8_t>(text[i + 1]) : uint8_t{0};
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) || (lead == 0xf0 && second < 0x90) ||
        (lead == 0xf4 && second > 0x8f)) {
      return false;
    }
    i += length;
  }
  return true;
}

std::string latin1(std::string_view text) {
  std::string utf8;
  for (const char c : text) {
    const auto octet = static_cast<uint8_t>(c);
    if (octet < 0x80) {
      utf8 += c;
    } else {
      utf8 += static_cast<char>(0xc0 | octet >> 6);
      utf8 += static_cast<char>(0x80 | (octet & 0x3f));
    }
  }
  return utf8;
}

// Puts texts of the message into the object, all in one encoding.
class Texts {
 public:
  Texts(std::string_view datagram, std::string_view result) : utf8_(is_utf8(datagram) && is_utf8(result)) {}
  Json operator()(std::string_view text) const { return utf8_ ? std::string(text) : latin1(text); }
  bool utf8() const { return utf8_; }

 private:
  bool utf8_;
};

// The message as it leaves: applied to a copy, with what Content-Length leaves over cut off.
std::string leaving(const sip::Message& message, const proxy::Edits& edits) {
  const int growth = edits.growth();
  const size_t room = growth > 0 ? static_cast<size_t>(growth) : 0;
  std::vector<char> buffer(room + message.end);
  std::copy_n(message.bytes.data(), message.end, buffer.data() + room);
  const char* const begin = proxy::apply(edits, buffer.data() + room);
  return {begin, static_cast<size_t>(buffer.data() + buffer.size() - begin)};
}

Json deviations_of(const sip::Deviations& deviations) {
  Json list = Json::array();
  for (size_t i = 0; i < sip::deviation_count; ++i) {
    const auto deviation = static_cast<sip::Deviation>(i);
    if (!deviations.has(deviation)) continue;
    const sip::DeviationText& text = sip::text_of(deviation);
    list.push_back(fmt::format("{} {}", text.section, text.sentence));
  }
  return list;
}

// The rule or the limit that has decided, by its name.
Json rule_of(const policy::Ruleset& rules, const policy::Ruling& ruling) {
  if (ruling.rule != policy::none) return rules.rules()[ruling.rule].name;
  return ruling.limit == policy::none ? Json() : Json("limit " + rules.limits()[ruling.limit].config.name);
}

// Whether a datagram can be so large (PAR-28). What a port makes of it besides is not asked here.
bool is_sendable(size_t message_bytes, const net::Endpoint& to) {
  const size_t headers = to.address.is_v4() ? sizeof(net::Ipv4Header) : sizeof(net::Ipv6Header);
  return headers + sizeof(net::UdpHeader) + message_bytes <= UINT16_MAX;
}

// Members of the object, in the manual's order.
Json describe(const proxy::View& view, const sip::Message* message, const proxy::Decision& decision, const Texts& text,
              std::string_view result) {
  const bool forwarded = decision.action == proxy::Action::forward;
  const bool replied = decision.action == proxy::Action::reply;
  const auto slice = [&](sip::Slice where) { return where.empty() ? Json() : text(message->text(where)); };

  Json object;
  object["verdict"] = text_of(decision.action);
  object["kind"] = message == nullptr ? Json() : Json(message->is_request() ? "request" : "response");
  object["method"] =
      message == nullptr ? Json() : slice(message->is_request() ? message->method_text : message->cseq_method);
  object["call_id"] = message == nullptr ? Json() : slice(message->call_id);
  const bool keyed = decision.by_hash && decision.pool != proxy::none;
  object["key"] = keyed ? Json(config::text_of(counterpart(view.pools[decision.pool].key))) : Json();
  object["hash"] = decision.by_hash ? Json(fmt::format("0x{:016x}", decision.hash)) : Json();
  object["pool"] = decision.pool == proxy::none ? Json() : Json(view.pools[decision.pool].name);
  object["backend"] = decision.backend == proxy::none ? Json() : Json(view.backends[decision.backend].name);
  object["to"] = forwarded || replied ? Json(net::to_string(decision.destination)) : Json();
  object["rule"] = nullptr;
  object["status"] = replied ? Json(decision.status) : Json();
  object["reason"] = forwarded ? Json() : Json(telemetry::text_of(decision.reason).name);
  object["message"] = forwarded || replied ? text(result) : Json();
  const bool parsed_badly = message != nullptr && message->fault != sip::Fault::none;
  const sip::Fault fault = parsed_badly ? message->fault : decision.fault;
  object["fault"] = fault != sip::Fault::none ? Json(sip::text_of(fault).name) : Json();
  object["deviations"] = deviations_of(decision.deviations);
  if (!text.utf8()) object["encoding"] = "iso-8859-1";
  return object;
}

}  // namespace

Json explain(const proxy::View& view, std::string_view datagram, const net::Endpoint& source, uint16_t socket,
             const policy::Ruleset* rules) {
  dataplane::PolicyStage stage(0);
  dataplane::View around;
  around.proxy = std::shared_ptr<const proxy::View>(std::shared_ptr<const proxy::View>(), &view);
  around.policy = std::shared_ptr<const policy::Ruleset>(std::shared_ptr<const policy::Ruleset>(), rules);
  proxy::Arrival arrival{.source = source, .socket = socket};
  // No clock here: where workers write the time, it is the beginning of time.
  if (view.policy.time_responses) arrival.now = proxy::SendTime::text_of(0, {});
  stage.begin(core::SteadyClock().now());
  if (rules != nullptr) {
    if (const auto reason = stage.refuse(arrival, around)) return explain_dropped(view, datagram, *reason);
  }
  const auto message = std::make_unique<sip::Message>();
  const auto edits = std::make_unique<proxy::Edits>();
  const sip::Datagram kind = sip::parse(datagram, *message);
  if (rules != nullptr && kind == sip::Datagram::sip && message->is_request()) {
    stage.ask(*message, arrival, around);
    const auto counters = std::make_unique<telemetry::WorkerCounters>();
    stage.judge(around, *counters);
  }
  proxy::Decision decision = proxy::decide(kind, *message, arrival, view, *edits);
  std::string result;
  if (decision.action == proxy::Action::forward) {
    result = leaving(*message, *edits);
    if (!is_sendable(result.size(), decision.destination)) {
      decision.action = proxy::Action::drop;
      decision.reason = telemetry::Reason::over_mtu;
    }
  }
  if (decision.action == proxy::Action::reply) result = edits->text();
  Json object =
      describe(view, kind == sip::Datagram::sip ? message.get() : nullptr, decision, Texts(datagram, result), result);
  if (arrival.ruling != nullptr) object["rule"] = rule_of(*rules, *arrival.ruling);
  return object;
}

Json explain_dropped(const proxy::View& view, std::string_view datagram, telemetry::Reason reason) {
  const auto message = std::make_unique<sip::Message>();
  const bool is_sip = sip::parse(datagram, *message) == sip::Datagram::sip;
  proxy::Decision decision;
  decision.reason = reason;
  if (is_sip) decision.deviations = message->deviations;
  return describe(view, is_sip ? message.get() : nullptr, decision, Texts(datagram, ""), "");
}

std::string listeners_text(const proxy::View& view) {
  std::string list;
  for (const proxy::Socket& own : view.sockets) list += (list.empty() ? "" : ", ") + net::to_string(own.address);
  return list;
}

}  // namespace viaduct::control
