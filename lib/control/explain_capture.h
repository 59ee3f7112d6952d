// What would have become of the datagrams of a capture file: each is explained with the addresses that it had.
//
// Admission comes first, as in a worker (dataplane::admit): a datagram that no listener would have got is `drop` with
// `not_for_us`, a cut or forged one has the name of its fault. What has nothing to do with a listener's port is left
// out.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/result.h"
#include "nlohmann/json.hpp"
#include "policy/ruleset.h"
#include "proxy/view.h"

namespace viaduct::control {

// Calls `each` for every UDP datagram to or from a port of a listener, in the order of the file. `to`, an index into
// `view->sockets`, takes what was sent to nobody we are as if it had been sent there: for captures from another
// machine. An error says where reading stopped; what came before has been explained.
core::Status explain_capture(std::shared_ptr<const proxy::View> view, const std::string& path,
                             std::optional<uint16_t> to, const std::function<void(const nlohmann::ordered_json&)>& each,
                             const policy::Ruleset* rules = nullptr);

}  // namespace viaduct::control
