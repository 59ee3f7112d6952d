#include "dataplane/tap.h"

#include <algorithm>
#include <string_view>

#include "net/udp.h"

namespace viaduct::dataplane {
namespace {

using telemetry::Reason;

// More cannot be named by the offsets of a record.
constexpr size_t frame_bytes_max = UINT16_MAX;

core::ByteView frame_of(const Packet& packet) {
  return {packet.data, std::min<size_t>(packet.length, frame_bytes_max)};
}

capture::Verdict verdict_of(proxy::Action action) {
  switch (action) {
    case proxy::Action::forward: return capture::Verdict::forward;
    case proxy::Action::reply: return capture::Verdict::reply;
    case proxy::Action::absorb: return capture::Verdict::absorb;
    case proxy::Action::drop: return capture::Verdict::drop;
  }
  return capture::Verdict::drop;
}

// What is known of it apart from its fate.
capture::Seen seen_of(const TapStage::Subject& subject, const View& view, uint16_t worker) {
  const net::FrameView& frame = subject.frame;
  capture::Seen seen;
  seen.message = subject.message;
  seen.worker = worker;
  if (frame.has_addresses) {
    seen.source = frame.source;
    seen.destination = frame.destination;
  }
  if (frame.payload != 0) {
    seen.datagram = {reinterpret_cast<const char*>(subject.packet.data) + frame.payload, frame.payload_bytes};
  }
  if (subject.message != nullptr && !subject.message->is_request()) seen.status = subject.message->status;
  if (subject.arrival != nullptr && subject.arrival->ruling != nullptr && view.policy != nullptr) {
    const policy::Ruling& ruling = *subject.arrival->ruling;
    const uint16_t rule = ruling.rule != policy::none ? ruling.rule : ruling.tag;
    if (rule != policy::none) seen.rule = view.policy->rules()[rule].name;
  }
  if (subject.decision != nullptr) {
    const proxy::Decision& decision = *subject.decision;
    uint16_t pool = decision.pool;
    if (decision.backend != proxy::none) {
      const proxy::Backend& backend = view.proxy->backends[decision.backend];
      seen.backend = backend.name;
      pool = backend.pool;
    }
    if (pool != proxy::none) seen.pool = view.proxy->pools[pool].name;
    if (decision.action == proxy::Action::reply) seen.status = decision.status;
  }
  return seen;
}

}  // namespace

// Whether somebody wants it; then `head` says all but the lengths of names.
bool TapStage::take(const Subject& subject, const capture::Seen& seen, capture::RecordHead& head) {
  const uint8_t wanted_by = taps_->who_wants(seen, hash_);
  if (wanted_by == 0) return false;
  const net::FrameView& frame = subject.frame;
  head = {.time_ns = time_ns_,
          .source = seen.source,
          .destination = seen.destination,
          .wanted_by = wanted_by,
          .direction = capture::Direction::in,
          .verdict = seen.verdict,
          .has_reason = seen.reason.has_value(),
          .reason = seen.reason.value_or(Reason{}),
          .status = seen.status,
          .worker = worker_,
          .port = subject.packet.port,
          .l3 = frame.l3,
          .l4 = frame.l4,
          .payload = frame.payload,
          .payload_bytes = frame.payload_bytes};
  return true;
}

// Writes what is not yet to be seen by the reader.
bool TapStage::write(const capture::RecordHead& head, const capture::RecordNames& names, core::ByteView frame) {
  uint8_t* const room = tap_->ring.reserve(capture::record_bytes(names, frame.size()));
  if (room == nullptr) {
    tap_->lost.add();
    return false;
  }
  capture::write_record(room, head, names, frame);
  return true;
}

void TapStage::commit() {
  tap_->ring.commit();
  tap_->copied.add();
}

void TapStage::ended(const Subject& subject, Reason reason, const View& view) {
  pending_.wanted_by = 0;
  capture::Seen seen = seen_of(subject, view, worker_);
  seen.verdict = capture::verdict_of(reason);
  seen.reason = reason;
  capture::RecordHead head;
  if (!take(subject, seen, head)) return;
  if (write(head, {seen.pool, seen.backend, seen.rule}, frame_of(subject.packet))) commit();
}

void TapStage::arrived(const Subject& subject, bool waits, const View& view) {
  const proxy::Decision& decision = *subject.decision;
  capture::Seen seen = seen_of(subject, view, worker_);
  seen.verdict = verdict_of(decision.action);
  if (decision.action != proxy::Action::forward) {
    seen.reason = decision.reason;
  } else if (waits) {
    seen.reason = Reason::no_neighbor;
  }
  seen.sent_to = decision.destination;
  if (!take(subject, seen, pending_)) return;
  names_ = {seen.pool, seen.backend, seen.rule};
  is_written_ = write(pending_, names_, frame_of(subject.packet));
}

void TapStage::commit_departed(const Packet& packet, const proxy::Decision& decision, const View& view) {
  if (is_written_) commit();
  capture::RecordHead head = pending_;
  pending_.wanted_by = 0;
  head.direction = capture::Direction::out;
  head.source = view.proxy->sockets[decision.socket].address;
  head.destination = decision.destination;
  head.port = packet.port;
  head.ip_checksum_left = packet.ip_checksum != ChecksumState::good;
  head.udp_checksum_left = packet.udp_checksum != ChecksumState::good;
  head.l3 = packet.l2_bytes;
  head.l4 = static_cast<uint16_t>(packet.l2_bytes + packet.l3_bytes);
  head.payload = static_cast<uint16_t>(head.l4 + sizeof(net::UdpHeader));
  const core::ByteView frame = frame_of(packet);
  head.payload_bytes = static_cast<uint16_t>(frame.size() - head.payload);
  if (write(head, names_, frame)) commit();
}

}  // namespace viaduct::dataplane
