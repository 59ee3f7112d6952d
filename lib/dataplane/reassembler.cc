#include "dataplane/reassembler.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "net/checksum.h"
#include "net/udp.h"
#include "proxy/decision.h"

namespace viaduct::dataplane {
namespace {

using telemetry::Reason;
using Result = net::FragmentTable::Result;

template <class... Parts>
uint64_t hash_of(const View& view, const Parts&... parts) {
  std::array<char, (sizeof(Parts) + ...)> bytes;
  char* at = bytes.data();
  ((std::memcpy(at, &parts, sizeof parts), at += sizeof parts), ...);
  return proxy::affinity_hash(std::string_view(bytes.data(), bytes.size()), *view.proxy);
}

uint64_t hash_of(const net::Fragment& fragment, const View& view) {
  return hash_of(view, fragment.source.bytes, fragment.destination.bytes, fragment.identification, fragment.family);
}

Reason reason_of(net::FragmentFault fault) {
  switch (fault) {
    case net::FragmentFault::cut: return Reason::frame_truncated;
    case net::FragmentFault::tiny: return Reason::fragment_tiny;
    default: return Reason::fragment_malformed;
  }
}

// Of one part.
Reason reason_of(Result result) {
  switch (result) {
    case Result::kept:
    case Result::complete: return Reason::fragment_kept;
    case Result::duplicate: return Reason::fragment_repeated;
    case Result::overlap: return Reason::fragment_overlap;
    case Result::impossible: return Reason::fragment_malformed;
    case Result::too_many: return Reason::fragment_too_many;
    case Result::too_large: return Reason::datagram_too_large;
  }
  return Reason::fragment_malformed;
}

// A field of 0 means "none", which only IPv4 may say; that IPv6 may not is the pipeline's to find.
bool is_checksum_right(const Packet& packet, const net::FrameView& frame) {
  const core::ByteView udp{packet.data + frame.l4, packet.length - frame.l4};
  const auto& header = *reinterpret_cast<const net::UdpHeader*>(udp.data());
  if (header.checksum.value() == 0) return true;
  const core::ByteView datagram = udp.first(std::min<size_t>(header.length.value(), udp.size()));
  const uint32_t pseudo =
      net::udp_pseudo_sum(frame.source.address, frame.destination.address, static_cast<uint16_t>(datagram.size()));
  return net::checksum_add(datagram, pseudo) == 0xffff;
}

}  // namespace

uint64_t fragment_hash(const Packet& packet, const net::FrameView& frame, const View& view) {
  net::Fragment fragment;
  const bool read = net::read_fragment({packet.data, packet.length}, frame, fragment) == net::FragmentFault::none;
  return read ? hash_of(fragment, view) : 0;
}

Reassembler::Reassembler(const ReassemblyLimits& limits, telemetry::WorkerCounters& counters) : counters_(counters) {
  if (limits.entries == 0) return;
  table_ = std::make_unique<net::FragmentTable>(
      net::FragmentTable::Limits{.entries = limits.entries, .timeout = limits.timeout});
}

bool Reassembler::take(const Packet& packet, const View& view, core::Instant now) {
  const core::ByteView bytes{packet.data, packet.length};
  net::FrameView frame;
  net::parse_frame(bytes, frame);
  counters_.fragments_of(packet.port).received.add();
  net::Fragment fragment;
  const net::FragmentFault fault = net::read_fragment(bytes, frame, fragment);
  if (fault != net::FragmentFault::none) {
    counters_.count(reason_of(fault));
    return false;
  }
  const net::FragmentTable::Added added =
      table_->add(fragment, bytes, hash_of(fragment, view), hash_of(view, fragment.source.bytes), now);
  counters_.count(reason_of(added.result));
  book_losses();
  whole_ = added.entry;
  return added.result == Result::complete;
}

bool Reassembler::write(Packet& blank, core::Instant now) {
  blank.length = static_cast<uint32_t>(table_->frame_bytes(whole_));
  blank.tailroom = static_cast<uint16_t>(blank.tailroom - blank.length);
  blank.ip_checksum = ChecksumState::good;
  table_->write_frame(whole_, blank.data);
  net::FrameView frame;
  const net::FrameError error = net::parse_frame({blank.data, blank.length}, frame);
  // What else is wrong with it is the pipeline's to say.
  if (error == net::FrameError::none && !is_checksum_right(blank, frame)) {
    refuse(Reason::udp_checksum_bad, now);
    return false;
  }
  blank.udp_checksum = ChecksumState::good;
  counters_.generated.add();
  counters_.fragments_of(blank.port).put_together.add();
  table_->settle(whole_, now);
  return true;
}

void Reassembler::refuse(Reason reason, core::Instant now) {
  give_up(reason);
  table_->settle(whole_, now);
}

void Reassembler::give_up(Reason reason, uint64_t datagrams) {
  counters_.generated.add(datagrams);
  counters_.count(reason, datagrams);
}

void Reassembler::book_losses() {
  const net::FragmentTable::Losses losses = table_->take_losses();
  if (losses.total() == 0) return;
  give_up(Reason::reassembly_timeout, losses.timeout);
  give_up(Reason::reassembly_full, losses.crowded);
  give_up(Reason::reassembly_source, losses.source_share);
}

void Reassembler::expire(core::Instant now) {
  table_->expire(now);
  book_losses();
}

void Reassembler::clear() {
  if (table_ != nullptr) give_up(Reason::shutdown, table_->clear());
}

}  // namespace viaduct::dataplane
