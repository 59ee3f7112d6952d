#include "dataplane/pipeline.h"

#include <string_view>

#include "dataplane/admission.h"
#include "dataplane/egress.h"
#include "dataplane/handoff.h"
#include "dataplane/rewrite.h"
#include "net/frame.h"
#include "proxy/own.h"

namespace viaduct::dataplane {
namespace {

using telemetry::Reason;

// While one packet is judged, the headers of the one after next come into the cache.
constexpr size_t prefetch_packets = 2;
constexpr size_t prefetch_bytes = 256;  // Ethernet to the first lines of SIP; then the hardware sees the stream
constexpr size_t line_bytes = core::cache_line_bytes;

void prefetch(const Packet& packet) {
  for (size_t at = 0; at < prefetch_bytes; at += line_bytes) __builtin_prefetch(packet.data + at, 1);
}

std::string_view payload_of(const Packet& packet, const net::FrameView& frame) {
  return {reinterpret_cast<const char*>(packet.data) + frame.payload, frame.payload_bytes};
}

}  // namespace

void Pipeline::process(std::span<Packet> burst, Origin origin, const View& view, Sorted& sorted) {
  for (size_t i = 0; i < burst.size(); ++i) {
    if (i + prefetch_packets < burst.size()) prefetch(burst[i + prefetch_packets]);
    process(burst[i], origin, view, sorted);
  }
}

void Pipeline::process(Packet& packet, Origin origin, const View& view, Sorted& sorted) {
  net::FrameView frame;
  const Admission admission = admit(packet, view, frame);
  if (!admission.ours) return settle(packet, admission.reason, sorted);

  const sip::Datagram kind = sip::parse(payload_of(packet, frame), message_);
  if (const size_t owner = owner_of_message(kind, origin, view); owner != worker_) {
    sorted.handed[owner].add(packet);
    ++sorted.handed_count;
    return;
  }

  const proxy::Arrival arrival{.source = frame.source, .socket = admission.socket};
  const proxy::Decision decision = proxy::decide(kind, message_, arrival, *view.proxy, edits_);
  if (!decision.unresolved_host.empty()) want_name(decision);
  switch (decision.action) {
    case proxy::Action::forward:
    case proxy::Action::reply:
      return depart(packet, frame, decision, view, sorted);
    case proxy::Action::absorb:
    case proxy::Action::drop:
      return settle(packet, decision.reason, sorted);
  }
}

// What has no Call-ID belongs to no call: keep-alives, junk, messages too faulty to be followed by others.
size_t Pipeline::owner_of_message(sip::Datagram kind, Origin origin, const View& view) const {
  const bool stays = origin == Origin::worker || worker_count_ == 1 || view.affinity == Affinity::queue ||
                     kind != sip::Datagram::sip || message_.call_id.empty();
  return stays ? worker_ : owner_of(proxy::affinity_hash(message_, *view.proxy), worker_count_);
}

// The sender's next attempt finds the answer in the View (TGT-10).
void Pipeline::want_name(const proxy::Decision& decision) {
  if (names_ == nullptr) return;
  const std::string_view host = message_.text(decision.unresolved_host);
  names_->want(proxy::LowerName(host, decision.unresolved_port).text());
}

// Ends a packet that is not sent.
void Pipeline::settle(const Packet& packet, Reason reason, Sorted& sorted) {
  counters_.count(reason);
  const bool punted = telemetry::text_of(reason).term == telemetry::LedgerTerm::punted;
  (punted ? sorted.punted : sorted.released).add(packet);
}

// Readies a packet that is.
void Pipeline::depart(Packet& packet, const net::FrameView& frame, const proxy::Decision& decision, const View& view,
                      Sorted& sorted) {
  Egress egress = find_egress(view, decision);
  if (egress.refused) {
    if (*egress.refused == Reason::no_neighbor && wanted_ != nullptr) {
      wanted_->want(egress.wanted.port, egress.wanted.address);
    }
    return settle(packet, *egress.refused, sorted);
  }
  egress.envelope.identification = datagram_id_;
  datagram_id_ = static_cast<uint16_t>(datagram_id_ + worker_count_);

  const bool reply = decision.action == proxy::Action::reply;
  const std::optional<Reason> refused = reply ? rewrite_reply(packet, frame, edits_.text(), egress.envelope)
                                              : rewrite_forwarded(packet, frame, message_, edits_, egress.envelope);
  if (refused) return settle(packet, *refused, sorted);

  packet.note = static_cast<uint16_t>(sorted.leaving.size());
  sorted.departures[packet.note] = {.kind = reply                   ? Departure::Kind::reply
                                            : message_.is_request() ? Departure::Kind::request
                                                                    : Departure::Kind::response,
                                    .reason = decision.reason,
                                    .backend = decision.backend};
  sorted.leaving.add(packet);
}

}  // namespace viaduct::dataplane
