// From a decision to the bytes that leave, in the buffer in which the message came, or in a place of the port's.
//
//   before   [headroom        ][Eth|tags|IP|UDP][INVITE ...  Via ...  ][ body ][tailroom]
//   after    [   ][Eth|tags|IP|UDP][INVITE ... Via ... Via ... ][ body ]
//
// The pieces between the edits slide toward lower addresses by what is inserted below them; the body stays where it is.
// Then new headers are written in front, whatever family the message came by. The message ends where its Content-Length
// says (Message::end), so what a sender appended is left behind. Nothing below UDP is carried over but the DSCP
// and, on the port where the frame came, its VLAN tags: we are a proxy, and the datagram that leaves is ours.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "dataplane/berths.h"
#include "dataplane/packet.h"
#include "net/address.h"
#include "net/frame.h"
#include "proxy/edits.h"
#include "sip/message.h"
#include "telemetry/reason.h"

namespace viaduct::dataplane {

// What stands on a datagram of ours.
struct Envelope {
  net::Mac destination_mac;
  net::Mac source_mac;
  net::Endpoint source;  // both of one family, which is the datagram's
  net::Endpoint destination;
  uint16_t port = 0;
  uint16_t mtu = 0;             // of the IP packet
  uint16_t identification = 0;  // of an IPv4 datagram
  bool ipv4_checksum_offload = false;
  bool udp_checksum_offload = false;
};

// Makes `packet` the received message with `edits` applied, ready to leave. `frame` and `message` were read from it and
// are stale afterwards. Returns why it cannot be (over_mtu, no_headroom); then the packet is untouched. It is written
// to `berth`, and begins there, if that holds it; then what came stays as it was.
std::optional<telemetry::Reason> rewrite_forwarded(Packet& packet, const net::FrameView& frame,
                                                   const sip::Message& message, const proxy::Edits& edits,
                                                   const Envelope& envelope, const Berth& berth = {});

// Makes `packet` an answer: `text`, which must not lie in the packet, takes the place of the message. `berth` likewise.
std::optional<telemetry::Reason> rewrite_reply(Packet& packet, const net::FrameView& frame, std::string_view text,
                                               const Envelope& envelope, const Berth& berth = {});

}  // namespace viaduct::dataplane
