// Is this frame ours?
//
// Ours is UDP for the address and port of a listener. Everything else belongs to the kernel behind the port, ill or
// not: a fragment, a wrong checksum or a strange source of somebody else's packet is the kernel's to judge. Only what
// is for us, as far as can be told, is dropped with the name of its fault.
#pragma once

#include <cstdint>

#include "dataplane/packet.h"
#include "dataplane/view.h"
#include "net/frame.h"
#include "telemetry/reason.h"

namespace viaduct::dataplane {

struct Admission {
  bool ours = false;
  uint16_t socket = proxy::none;  // of ours: index into proxy::View::sockets
  telemetry::Reason reason{};     // of what is not

  static Admission to(uint16_t socket) { return {true, socket, {}}; }
  static Admission refused(telemetry::Reason reason) { return {false, proxy::none, reason}; }
};

// Fills `frame` as far as it can be read. `packet.port` must be an index into `view.ports`. Thread: any.
Admission admit(const Packet& packet, const View& view, net::FrameView& frame);

}  // namespace viaduct::dataplane
