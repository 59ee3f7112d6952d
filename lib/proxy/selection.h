// Which fields of a message choose its backend.
//
// Only what a CANCEL and the ACK for a non-2xx have in common with their INVITE may count (TGT-04), else they reach
// another backend than it did.
#pragma once

#include <cstdint>

#include "proxy/decision.h"
#include "proxy/view.h"

namespace viaduct::proxy {

// The pool for a new request at `listener`; `none` if it has none. All of a transaction go to one: a CANCEL and the ACK
// for a non-2xx have their INVITE's Request-URI (RFC 3261 sections 9.1 and 17.1.1.3) and count as INVITE; so does every
// request `as_invite`.
uint16_t routed_pool(const Listener& listener, const sip::Message& message, const sip::Uri& request_uri,
                     bool as_invite);
inline uint16_t pool_of(const Listener& listener, const sip::Message& message, const sip::Uri& request_uri,
                        bool as_invite = false) {
  return listener.routes.empty() ? listener.pool : routed_pool(listener, message, request_uri, as_invite);
}

// The same, unless a rule of the operator has chosen another one.
inline uint16_t pool_of(const Arrival& arrival, const Listener& listener, const sip::Message& message,
                        const sip::Uri& request_uri, const View& view, bool as_invite = false) {
  if (arrival.ruling == nullptr || arrival.ruling->pool >= view.pools.size()) [[likely]]
    return pool_of(listener, message, request_uri, as_invite);
  const uint16_t chosen = arrival.ruling->pool;
  return view.pools[chosen].serving == none ? chosen : view.pools[chosen].serving;
}

uint64_t selection_hash(const sip::Message& message, const Arrival& arrival, PoolKey key, const Keys& keys);

}  // namespace viaduct::proxy
