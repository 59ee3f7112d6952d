#include "dataplane/observer.h"

#include <algorithm>
#include <cstring>

namespace viaduct::dataplane {
namespace {

using telemetry::Answered;
using telemetry::LatencyRow;
using telemetry::LatencyScale;
static_assert(LatencyScale::tick_shift == proxy::SendTime::tick_shift);
static_assert(Answered::time_bits == proxy::SendTime::tick_bits);
static_assert(proxy::SendTime::age_max < uint64_t{1} << LatencyScale::value_bits);

uint64_t source_hash(const telemetry::FindingSource& source) {
  uint64_t words[2];
  std::memcpy(words, source.bytes.data(), sizeof words);
  return ((words[0] ^ words[1] * 0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd) >> 32;
}

}  // namespace

// Only the first answer to a request that is remembered is known to be the first; every final one that is not known to
// be a copy counts.
void Observer::write(const Note& note) {
  LatencyRow* const row = watch_->latencies.row(note.backend, note.method);
  if (row == nullptr) [[unlikely]]
    return;
  if (note.status == 0) {
    const uint64_t time = proxy::SendTime::ticks_of(now_) & proxy::SendTime::tick_mask;
    const uint64_t known = answered_.add(note.key, Answered::asked, time);
    return telemetry::bump(known & Answered::asked ? row->requests_again : row->requests);
  }
  const bool final = note.status >= 200;
  const uint64_t known = answered_.add(note.key, final ? Answered::first | Answered::final : uint64_t{Answered::first});
  if (final && (known & Answered::final)) return telemetry::bump(row->answers_again);
  telemetry::bump(row->by_status[note.status - telemetry::status_first]);
  if (final) telemetry::bump(row->finals);
  if (note.method == static_cast<uint16_t>(sip::Method::cancel)) return;
  const auto age = proxy::SendTime::age(note.sent, watch_->node, now_);
  if (!age) return telemetry::bump(row->unmeasured);
  const size_t bucket = LatencyScale::bucket_of(*age);
  if (final) telemetry::bump(row->final[bucket]);
  if ((known & (Answered::asked | Answered::first)) == Answered::asked) telemetry::bump(row->first[bucket]);
}

void Observer::deviated(const sip::Message& message, const proxy::Decision& decision, const proxy::Arrival& arrival,
                        const Peers* peers) {
  const net::IpAddress& address = arrival.source.address;
  const telemetry::FindingSource source =
      peers != nullptr ? peers->source_of(address) : telemetry::FindingSource{address.bytes, false};
  const telemetry::FindingKinds kinds = findings_of(decision.deviations, message.fault);
  const auto now_s = static_cast<uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(now_).count());
  const telemetry::FindingKinds wanted = watch_->findings.note(source, source_hash(source), kinds, now_s);
  if (wanted.empty()) [[likely]]
    return;
  FindingSample sample;
  sample.source = source;
  sample.kinds = wanted;
  sample.from = arrival.source;
  sample.socket = arrival.socket;
  sample.bytes = static_cast<uint16_t>(std::min<size_t>(message.bytes.size(), UINT16_MAX));
  sample.kept = static_cast<uint16_t>(std::min(message.bytes.size(), FindingSample::bytes_max));
  sample.at_s = now_s;
  std::copy_n(message.bytes.data(), sample.kept, sample.text.data());
  if (watch_->samples.push({&sample, 1}) == 1) watch_->findings.sampled(wanted);
}

}  // namespace viaduct::dataplane
