// Which fields of a message choose its backend.
//
// Only what a CANCEL and the ACK for a non-2xx have in common with their INVITE may count (TGT-04), else they reach
// another backend than it did.
#pragma once

#include <cstdint>

#include "proxy/decision.h"
#include "proxy/view.h"

namespace viaduct::proxy {

uint64_t selection_hash(const sip::Message& message, const Arrival& arrival, PoolKey key, const Keys& keys);

}  // namespace viaduct::proxy
