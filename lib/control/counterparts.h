// Values for which the file and the decision have an enum each: from one to the other.
//
// The words are the file's (config/choices.h); who has the decision's value asks for its counterpart's word.
#pragma once

#include "config/choices.h"
#include "proxy/view.h"

namespace viaduct::control {

constexpr proxy::OperatorState counterpart(config::BackendState state) {
  switch (state) {
    case config::BackendState::up: return proxy::OperatorState::up;
    case config::BackendState::drain: return proxy::OperatorState::drain;
    case config::BackendState::down: return proxy::OperatorState::down;
  }
  return proxy::OperatorState::up;
}

constexpr proxy::PoolKey counterpart(config::PoolKey key) {
  switch (key) {
    case config::PoolKey::call_id: return proxy::PoolKey::call_id;
    case config::PoolKey::branch: return proxy::PoolKey::branch;
    case config::PoolKey::from: return proxy::PoolKey::from;
    case config::PoolKey::to: return proxy::PoolKey::to;
    case config::PoolKey::request_uri: return proxy::PoolKey::request_uri;
    case config::PoolKey::source: return proxy::PoolKey::source;
    case config::PoolKey::aor: return proxy::PoolKey::aor;
  }
  return proxy::PoolKey::call_id;
}

// The value of the file that has `value` as its counterpart.
template <class Written, class Value>
constexpr Written written_as(Value value) {
  for (const auto& [word, written] : config::choices<Written>) {
    if (counterpart(written) == value) return written;
  }
  return {};
}
constexpr config::BackendState counterpart(proxy::OperatorState state) {
  return written_as<config::BackendState>(state);
}
constexpr config::PoolKey counterpart(proxy::PoolKey key) { return written_as<config::PoolKey>(key); }

}  // namespace viaduct::control
