#include "dataplane/pipeline.h"

#include <algorithm>
#include <cassert>
#include <string_view>

#include "core/cache_line.h"
#include "dataplane/admission.h"
#include "dataplane/call_key.h"
#include "dataplane/cutter.h"
#include "dataplane/handoff.h"
#include "dataplane/reassembler.h"
#include "dataplane/rewrite.h"
#include "net/frame.h"
#include "proxy/own.h"

namespace viaduct::dataplane {
namespace {

using telemetry::Reason;

// While one packet's headers are read, those of another come into the cache.
constexpr size_t prefetch_ahead = 8;
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
  assert(burst.size() <= burst_max);
  tell_time(view, burst.size());
  exits_.begin(view);
  coming_berth_.is_unknown();
  frame(burst, origin, view, sorted);
  if (view.policy != nullptr) screen(view, sorted);
  clock_.lap(telemetry::Stage::frame);
  parse(origin, view, sorted);
  if (view.policy != nullptr && view.policy->judges()) judge(view);
  clock_.lap(telemetry::Stage::parse);
  foresee(view);
  clock_.lap(telemetry::Stage::hash);
  for (size_t i = 0; i < count_; ++i) decide(i, view, sorted);
  observer_.settle();
}

// Reads the clock, if anybody wants to know what time it is.
void Pipeline::tell_time(const View& view, size_t packets) {
  shedding_ = nullptr;
  tap_.rest();
  hears_ = view.overload != nullptr && view.overload->feedback != nullptr;
  if (!observer_.on() && view.policy == nullptr && view.overload == nullptr && view.taps == nullptr) return;
  const core::Instant now = time();
  if (observer_.on()) observer_.begin(now);
  if (view.policy != nullptr) policy_.begin(now);
  if (view.overload != nullptr) shedding_ = overload_.begin(*view.overload, now);
  if (view.taps != nullptr) tap_.begin(*view.taps, now, counters_, packets);
}

// Gives a place to each packet that is for us.
void Pipeline::frame(std::span<Packet> burst, Origin origin, const View& view, Sorted& sorted) {
  count_ = 0;
  const bool timed = observer_.on() && view.proxy->policy.time_responses;
  for (const Packet& packet : burst.first(std::min(burst.size(), prefetch_ahead))) prefetch(packet);
  for (size_t i = 0; i < burst.size(); ++i) {
    if (i + prefetch_ahead < burst.size()) prefetch(burst[i + prefetch_ahead]);
    Packet& packet = burst[i];
    Place& place = places_[count_];
    const Admission admission = admit(packet, view, place.frame);
    if (!admission.ours()) {
      refuse(packet, place.frame, admission.reason(), origin, view, sorted);
      continue;
    }
    const uint16_t known = view.proxy->known_at.value_or(place.frame.source.address, 0);
    if ((known & proxy::address_of_backend) && !comes_from_there(packet.port, place.frame.source.address, view)) {
      refuse(packet, place.frame, Reason::source_invalid, origin, view, sorted);
      continue;
    }
    place.packet = &packet;
    place.arrival.source = place.frame.source;
    place.arrival.known = known;
    place.arrival.socket = admission.socket();
    place.arrival.transactions = &transactions_;
    place.arrival.ruling = nullptr;
    place.arrival.now = 0;
    place.arrival.shedding = shedding_;
    if (timed) observer_.tell_time(place.arrival);
    ++count_;
  }
}

// What claims to come from a backend comes by a port that leads to it (SEC-04; strict reverse path, RFC 3704
// section 2.2): else whoever can reach the inside's address from outside could have requests routed on as a backend
// may.
bool Pipeline::comes_from_there(uint16_t port, const net::IpAddress& source, const View& view) {
  if (view.ports.size() == 1) return true;
  const NextHop* const way = exits_.way(source);
  return way != nullptr && way->port == port ? true : view.adjacency->leads_by(port, source);
}

// Fragments go aside, at the worker at which all of their datagram meet; the rest ends here, and ICMP errors are heard.
void Pipeline::refuse(const Packet& packet, const net::FrameView& frame, Reason reason, Origin origin, const View& view,
                      Sorted& sorted) {
  if (reason == Reason::fragment && sorted.keeps_fragments) {
    // Its datagram can become whole at its owner only.
    if (origin == Origin::kept) return settle(packet, Reason::handoff_full, sorted);
    const bool spread = origin == Origin::port && worker_count_ > 1;
    const uint64_t hash = spread ? fragment_hash(packet, frame, view) : 0;
    if (hash != 0 && hand_over(owner_of(hash, worker_count_), packet, sorted)) return;
    return sorted.fragments.add(packet);
  }
  if (reason == Reason::left_to_kernel || reason == Reason::not_for_us) icmp_.hear(packet, frame, view);
  if (telemetry::text_of(reason).term == telemetry::LedgerTerm::dropped && tap_.samples(nullptr)) {
    tap_.ended({packet, frame}, reason, view);
  }
  settle(packet, reason, sorted);
}

// Takes the place from what comes from a source that is denied or banned.
void Pipeline::screen(const View& view, Sorted& sorted) {
  size_t kept = 0;
  for (size_t i = 0; i < count_; ++i) {
    if (const auto reason = policy_.refuse(places_[i].arrival, view)) {
      if (tap_.samples(nullptr)) tap_.ended({*places_[i].packet, places_[i].frame}, *reason, view);
      settle(*places_[i].packet, *reason, sorted);
    } else {
      if (kept != i) places_[kept] = places_[i];
      ++kept;
    }
  }
  count_ = kept;
}

// What the operator's rules say about the requests of the burst.
void Pipeline::judge(const View& view) {
  for (size_t i = 0; i < count_; ++i) {
    if (places_[i].kind == sip::Datagram::sip && messages_[i].is_request()) {
      policy_.ask(messages_[i], places_[i].arrival, view);
    }
  }
  policy_.judge(view, counters_);
}

// Parses what is this worker's; the rest loses its place. What has no Call-ID belongs to no call and stays:
// keep-alives, junk, messages too faulty to be followed by others.
void Pipeline::parse(Origin origin, const View& view, Sorted& sorted) {
  const bool spread = origin == Origin::port && worker_count_ > 1 && view.affinity == Affinity::transaction;
  size_t kept = 0, known = 0;
  for (size_t i = 0; i < count_; ++i) {
    Place& place = places_[kept];
    if (kept != i) place = places_[i];
    // Once more: at like places of their pages, the headers of a burst push each other out of the nearest cache.
    if (i + 1 < count_) prefetch(*places_[i + 1].packet);
    const std::string_view payload = payload_of(*place.packet, place.frame);
    const std::string_view key = spread ? find_call_id(payload) : std::string_view();
    const auto owner = [&](std::string_view id) {
      return owner_of(proxy::affinity_hash(id, *view.proxy), worker_count_);
    };
    if (!key.empty() && hand_over(owner(key), *place.packet, sorted)) continue;
    sip::Message& message = messages_[kept];
    place.kind = shapes_.parse(payload, message);
    const bool unread = spread && key.empty() && place.kind == sip::Datagram::sip && !message.call_id.empty();
    if (unread && hand_over(owner(message.text(message.call_id)), *place.packet, sorted)) continue;
    known += shapes_.knew() ? 1 : 0;
    ++kept;
  }
  count_ = kept;
  counters_.known_shapes.add(known);
}

// False: it is this worker's own.
bool Pipeline::hand_over(size_t owner, const Packet& packet, Sorted& sorted) {
  if (owner == worker_) return false;
  sorted.handed[owner].add(packet);
  ++sorted.handed_count;
  return true;
}

void Pipeline::foresee(const View& view) {
  std::array<uint8_t, burst_max> askers;
  size_t asked = 0;
  static const proxy::Foresight nothing;
  for (size_t i = 0; i < count_; ++i) {
    foresights_[i] = &nothing;
    if (places_[i].kind != sip::Datagram::sip) continue;
    askers[asked] = static_cast<uint8_t>(i);
    proxy::Foreseer::Question& question = questions_[asked++];
    question.message = &messages_[i];
    question.arrival = &places_[i].arrival;
  }
  if (asked < few) return;
  const auto answers = foreseer_.foresee(std::span(questions_).first(asked), *view.proxy);
  for (size_t i = 0; i < asked; ++i) {
    foresights_[askers[i]] = &answers[i];
    if (questions_[i].arrival->now != 0) observer_.expect(answers[i], questions_[i].message->method);
  }
}

void Pipeline::decide(size_t index, const View& view, Sorted& sorted) {
  const Place& place = places_[index];
  const sip::Message& message = messages_[index];
  coming_berth_.warm<2>();
  const proxy::Decision decision =
      proxy::decide(place.kind, message, place.arrival, *view.proxy, edits_, *foresights_[index]);
  coming_berth_.warm<3>();
  if (!decision.unresolved_host.empty()) want_name(message, decision);
  if (decision.transaction != 0) transactions_.remember(decision.transaction);
  if (observer_.on()) watch(place, message, decision, view);
  clock_.lap(telemetry::Stage::decide);
  switch (decision.action) {
    case proxy::Action::forward:
      if (hears_ && !message.is_request()) overload_.hear(*view.overload, view, message, decision);
      depart(place, message, decision, view, sorted);
      break;
    case proxy::Action::reply:
      if (view.overload != nullptr && overload_.is_over_budget(*view.overload, view, place.arrival.source.address)) {
        end(place, message, decision, OverloadStage::silent(decision.reason), view, sorted);
        break;
      }
      depart(place, message, decision, view, sorted);
      break;
    case proxy::Action::absorb:
    case proxy::Action::drop: end(place, message, decision, decision.reason, view, sorted); break;
  }
  coming_berth_.warm<1>();
  clock_.lap(telemetry::Stage::rewrite);
}

void Pipeline::watch(const Place& place, const sip::Message& message, const proxy::Decision& decision,
                     const View& view) {
  if (decision.action == proxy::Action::forward && view.proxy->policy.time_responses) {
    observer_.forwarded(message, decision, *view.proxy);
  }
  const bool clean = decision.deviations.bits() == 0 && message.fault == sip::Fault::none;
  if (!clean && place.kind == sip::Datagram::sip) [[unlikely]]
    observer_.deviated(message, decision, place.arrival, view.peers.get());
}

// The sender's next attempt finds the answer in the View (TGT-10).
void Pipeline::want_name(const sip::Message& message, const proxy::Decision& decision) {
  if (names_ == nullptr) return;
  const std::string_view host = message.text(decision.unresolved_host);
  names_->want(proxy::LowerName(host, decision.unresolved_port).text());
}

// Ends a message that is not sent, or not answered.
void Pipeline::end(const Place& place, const sip::Message& message, const proxy::Decision& decision, Reason reason,
                   const View& view, Sorted& sorted) {
  if (tap_.samples(sip_of(place, message))) tap_.ended(subject_of(place, message, decision), reason, view);
  settle(*place.packet, reason, sorted);
}

const sip::Message* Pipeline::sip_of(const Place& place, const sip::Message& message) {
  return place.kind == sip::Datagram::sip ? &message : nullptr;
}

TapStage::Subject Pipeline::subject_of(const Place& place, const sip::Message& message,
                                       const proxy::Decision& decision) {
  return {*place.packet, place.frame, sip_of(place, message), &place.arrival, &decision};
}

// Ends a packet.
void Pipeline::settle(const Packet& packet, Reason reason, Sorted& sorted) {
  counters_.count(reason);
  const bool punted = telemetry::text_of(reason).term == telemetry::LedgerTerm::punted;
  (punted ? sorted.punted : sorted.released).add(packet);
}

// Readies a packet that is.
void Pipeline::depart(const Place& place, const sip::Message& message, const proxy::Decision& decision,
                      const View& view, Sorted& sorted) {
  const net::FrameView& frame = place.frame;
  coming_berth_.warm<4>();
  const bool reply = decision.action == proxy::Action::reply;
  const bool request = !reply && message.is_request();
  Egress& egress = exits_.find(view, decision, request);
  if (egress.lacks_neighbor) [[unlikely]] {
    if (wanted_ == nullptr) {
      egress.refused = Reason::no_neighbor;
    } else {
      wanted_->want(egress.wanted.port, egress.wanted.address);
    }
  }
  if (egress.refused) return end(place, message, decision, *egress.refused, view, sorted);
  const bool sampled = tap_.samples(sip_of(place, message));
  if (sampled) [[unlikely]]
    tap_.arrived(subject_of(place, message, decision), egress.lacks_neighbor, view);
  egress.envelope.identification = datagram_id_;
  datagram_id_ = static_cast<uint16_t>(datagram_id_ + worker_count_);
  uint16_t mtu = std::min(egress.port_mtu, egress.way_mtu);
  if (path_mtus_ != nullptr) mtu = path_mtus_->toward(decision.destination.address, mtu);

  // What waits for its neighbour may find the place gone.
  Berth berth;
  if (berths_ != nullptr && !egress.lacks_neighbor) berth = berths_->next(egress.envelope.port);
  berth.mtu = mtu;

  // It is changed where it will stand: a copy of what has just been written would wait for it.
  sorted.leaving.add(*place.packet);
  Packet& packet = sorted.leaving.last();
  const std::optional<Reason> refused = reply
                                            ? rewrite_reply(packet, frame, edits_.text(), egress.envelope, berth)
                                            : rewrite_forwarded(packet, frame, message, edits_, egress.envelope, berth);
  if (refused) {
    sorted.leaving.remove_last();
    return end(place, message, decision, *refused, view, sorted);
  }
  if (berth.data != nullptr) {
    if (packet.data == berth.data) {
      coming_berth_.is_at(berths_->take(packet.port), packet.length);
    } else {
      berths_->close(packet.port);
    }
  }
  coming_berth_.warm<0>();
  if (sampled) [[unlikely]]
    tap_.departed(packet, decision, view);
  if (mtu != egress.port_mtu) [[unlikely]]
    mtu = std::min(egress.port_mtu, std::max(mtu, Cutter::least_mtu(packet.length - packet.l2_bytes)));

  const Departure departure{.kind = reply     ? Departure::Kind::reply
                                    : request ? Departure::Kind::request
                                              : Departure::Kind::response,
                            .reason = decision.reason,
                            .backend = decision.backend,
                            .mtu = mtu};
  if (egress.lacks_neighbor) [[unlikely]] {
    sorted.let_wait(departure, egress.wanted.address);
  } else {
    sorted.let_leave(departure);
  }
}

}  // namespace viaduct::dataplane
