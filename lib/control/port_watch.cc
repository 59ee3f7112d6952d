#include "control/port_watch.h"

#include <fmt/format.h>

#include <string>

namespace viaduct::control {
namespace {

void tell(std::string_view port, const std::string& what, spdlog::level::level_enum level, Events& events) {
  events.add(EventKind::port, std::string(port), what, {fmt::format("port {}: {}", port, what), level});
}

std::string gone(const PortWatch::Sight& port) {
  return fmt::format("interface {} is gone; {}", port.interface,
                     port.ours ? "a restart makes it anew" : "nothing comes or leaves there until it is back");
}

}  // namespace

core::Status PortWatch::turn(std::span<const Sight> ports, Events& events) {
  using namespace spdlog::level;
  core::Status verdict = core::Done{};
  const bool first = known_.empty();
  known_.resize(ports.size());
  for (size_t i = 0; i < ports.size(); ++i) {
    const Sight& port = ports[i];
    Known& known = known_[i];
    if (first) known.incarnation = port.incarnation;
    const bool lost = known.incarnation != port.incarnation;
    if (lost && port.incarnation != 0 && port.link_up) {
      verdict = core::Error{fmt::format("port {}: interface {} was deleted and made anew", port.name, port.interface)};
    }
    if (lost && !known.lost) tell(port.name, gone(port), err, events);
    if (!lost && known.lost) tell(port.name, fmt::format("interface {} is back", port.interface), info, events);
    known.lost = lost;
    if (lost || port.link_up == known.link_up) continue;
    known.link_up = port.link_up;
    tell(port.name, port.link_up ? "the link is up" : "the link is down", port.link_up ? info : warn, events);
  }
  return verdict;
}

}  // namespace viaduct::control
