// What would become of this message, and why: the decision that workers make, offline.
//
// The same `sip::parse`, `proxy::decide` and `proxy::apply`, so the answer is the worker's answer, given the same View.
#pragma once

#include <string>
#include <string_view>

#include "net/address.h"
#include "nlohmann/json.hpp"
#include "policy/ruleset.h"
#include "proxy/view.h"
#include "telemetry/reason.h"

namespace viaduct::control {

// One object, with the members and in the order of the manual: verdict, kind, method, call_id, key, hash, pool,
// backend, to, rule, status, reason, message; then fault (of syntax, or null) and deviations.
//
// Texts of the message that are not UTF-8 are given with each octet as the character of that number (ISO 8859-1), and
// "encoding" says so; nothing is lost. `socket` is an index into `view.sockets`; `rules`, if any,
// are asked as a worker asks them. Works for any bytes. Thread: any; allocates.
nlohmann::ordered_json explain(const proxy::View& view, std::string_view datagram, const net::Endpoint& source,
                               uint16_t socket, const policy::Ruleset* rules = nullptr);

// The same object for a datagram that is dropped before anybody decides, because of the frame that it came in.
nlohmann::ordered_json explain_dropped(const proxy::View& view, std::string_view datagram, telemetry::Reason reason);

// `192.0.2.10:5060, [2001:db8::10]:5060`: where listeners are, for the sentence about one that is not.
std::string listeners_text(const proxy::View& view);

}  // namespace viaduct::control
