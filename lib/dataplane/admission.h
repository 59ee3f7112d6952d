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

// One word: a struct of three small fields would be put together on the stack and wait for that when it is returned.
class Admission {
 public:
  constexpr Admission() = default;
  static constexpr Admission to(uint16_t socket) { return Admission(is_ours | socket); }
  static constexpr Admission refused(telemetry::Reason reason) { return Admission(static_cast<uint32_t>(reason)); }

  constexpr bool ours() const { return (code_ & is_ours) != 0; }
  // Of ours: index into proxy::View::sockets.
  constexpr uint16_t socket() const { return ours() ? static_cast<uint16_t>(code_) : proxy::none; }
  // Of what is not.
  constexpr telemetry::Reason reason() const { return static_cast<telemetry::Reason>(code_); }

 private:
  static constexpr uint32_t is_ours = uint32_t{1} << 31;
  explicit constexpr Admission(uint32_t code) : code_(code) {}

  uint32_t code_ = 0;
};

// Fills `frame` as far as it can be read. `packet.port` must be an index into `view.ports`. Thread: any.
Admission admit(const Packet& packet, const View& view, net::FrameView& frame);

}  // namespace viaduct::dataplane
