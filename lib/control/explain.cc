#include "control/explain.h"

#include <memory>
#include <vector>

#include "fmt/format.h"
#include "proxy/decision.h"
#include "sip/message.h"

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

std::string_view text_of(proxy::PoolKey key) {
  switch (key) {
    case proxy::PoolKey::call_id: return "call-id";
    case proxy::PoolKey::branch: return "branch";
    case proxy::PoolKey::from: return "from";
    case proxy::PoolKey::to: return "to";
    case proxy::PoolKey::request_uri: return "request-uri";
    case proxy::PoolKey::source: return "source";
    case proxy::PoolKey::aor: return "aor";
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

}  // namespace

Json explain(const proxy::View& view, std::string_view datagram, const net::Endpoint& source, uint16_t socket) {
  const auto message = std::make_unique<sip::Message>();
  const auto edits = std::make_unique<proxy::Edits>();
  const sip::Datagram kind = sip::parse(datagram, *message);
  const proxy::Decision decision = proxy::decide(kind, *message, {source, socket}, view, *edits);
  const bool is_sip = kind == sip::Datagram::sip;
  const bool forwarded = decision.action == proxy::Action::forward;
  const bool replied = decision.action == proxy::Action::reply;

  std::string result;
  if (forwarded) result = leaving(*message, *edits);
  if (replied) result = edits->text();
  const Texts text(datagram, result);
  const auto or_null = [](bool present, Json value) { return present ? std::move(value) : Json(); };

  Json object;
  object["verdict"] = text_of(decision.action);
  object["kind"] = or_null(is_sip, message->is_request() ? "request" : "response");
  const sip::Slice method = !is_sip                 ? sip::Slice{}
                            : message->is_request() ? message->method_text
                                                    : message->cseq_method;
  object["method"] = or_null(!method.empty(), text(message->text(method)));
  const bool has_call_id = is_sip && !message->call_id.empty();
  object["call_id"] = has_call_id ? text(message->text(message->call_id)) : Json();
  object["key"] = or_null(decision.by_hash && decision.pool != proxy::none,
                          decision.pool == proxy::none ? "" : text_of(view.pools[decision.pool].key));
  object["hash"] = or_null(decision.by_hash, fmt::format("0x{:016x}", decision.hash));
  object["pool"] = decision.pool == proxy::none ? Json() : Json(view.pools[decision.pool].name);
  object["backend"] = decision.backend == proxy::none ? Json() : Json(view.backends[decision.backend].name);
  object["to"] = or_null(forwarded || replied, net::to_string(decision.destination));
  object["rule"] = nullptr;
  object["status"] = or_null(replied, decision.status);
  object["reason"] = or_null(!forwarded, telemetry::text_of(decision.reason).name);
  object["message"] = or_null(forwarded || replied, text(result));
  const bool faulty = is_sip && message->fault != sip::Fault::none;
  object["fault"] = or_null(faulty, faulty ? sip::text_of(message->fault).name : "");
  object["deviations"] = deviations_of(decision.deviations);
  if (!text.utf8()) object["encoding"] = "iso-8859-1";
  return object;
}

}  // namespace viaduct::control
