// A request while it is being decided: what its pieces found out, in one place on the stack.
#pragma once

#include "proxy/decision.h"
#include "proxy/foresight.h"
#include "proxy/route.h"
#include "proxy/stamp.h"

namespace viaduct::proxy {

// Where it goes.
struct Target {
  net::Endpoint next_hop;
  uint16_t socket = none;  // of ours, from which it leaves
  uint16_t pool = none;
  uint16_t backend = none;  // that next_hop is
  bool by_hash = false;
  uint64_t hash = 0;
};

struct Request {
  Request(const sip::Message& of, const Arrival& at, const View& under, const Foresight& ahead, uint16_t backend)
      : message(of),
        arrival(at),
        view(under),
        foresight(ahead),
        listener(listener_of(under, at.socket)),
        from_inside(backend != none),
        sender(backend),
        answer_to(answer_address(of, at.source, listener.force_rport)),
        route(of.request_uri) {}

  const sip::Message& message;
  const Arrival& arrival;
  const View& view;
  const Foresight& foresight;
  const Listener& listener;  // on which it arrived
  const bool from_inside;    // a backend sent it:
  const uint16_t sender;     // this one
  const net::Endpoint answer_to;
  Route route;  // after preprocessing
  Target target;
  sip::Slice unresolved_host;    // if the target is a name that nobody has resolved yet
  uint16_t unresolved_port = 0;  // its port; 0: none named

  std::string_view text(sip::Slice slice) const { return message.text(slice); }
};

}  // namespace viaduct::proxy
