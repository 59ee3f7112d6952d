#include "proxy/shedding.h"

#include <algorithm>

#include "proxy/branch.h"

namespace viaduct::proxy {
namespace {

using telemetry::Reason;

// A rule of the operator lets it through whatever happens: emergency calls, say.
bool is_let_through(const Arrival& arrival) {
  return arrival.ruling != nullptr && arrival.ruling->rule != policy::none &&
         arrival.ruling->action == policy::Ruling::Action::pass;
}

}  // namespace

bool is_under_way(const Request& request) {
  if (request.arrival.transactions == nullptr) return false;
  const Branch branch(request.message, request.target.next_hop, request.view.keys);
  return request.arrival.transactions->knows(branch.hash());
}

uint32_t place_of_transaction(const sip::Message& message, const Keys& keys) {
  LoneHashInput input;
  put_transaction_input(input, message, {}, keys.shedding);
  return static_cast<uint32_t>(input.hash64() >> 48);
}

bool is_new_work(const sip::Message& message) {
  if (message.has_to_tag) return false;
  switch (message.method) {
    case sip::Method::ack:
    case sip::Method::cancel:
    case sip::Method::bye:
    case sip::Method::prack:
    case sip::Method::update:
    case sip::Method::info: return false;
    default: return true;
  }
}

std::optional<Refusal> shed(const Request& request) {
  const Target& target = request.target;
  if (target.backend == none || request.from_inside || !is_new_work(request.message)) return std::nullopt;
  const Shedding* const state = request.arrival.shedding;
  const uint32_t own = std::max<uint32_t>(request.view.policy.shed_percent, state == nullptr ? 0 : state->percent);
  uint32_t backends = 0;
  if (state != nullptr && state->feedback != nullptr) {
    backends = state->feedback->percent(target.backend, state->now_ms);
  }
  const uint32_t percent = std::max(own, backends);
  if (percent == 0 || !is_shed(place_of_transaction(request.message, request.view.keys), percent)) return std::nullopt;
  if (is_let_through(request.arrival) || is_under_way(request)) return std::nullopt;
  return refusal_for(backends > own ? Reason::shed_for_backend : Reason::shed);
}

}  // namespace viaduct::proxy
