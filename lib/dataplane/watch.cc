#include "dataplane/watch.h"

#include <cstring>
#include <utility>

#include "core/fnv.h"

namespace viaduct::dataplane {
namespace {

using sip::Deviation;
using sip::Fault;

struct Explained {
  Deviation deviation;
  Fault fault;
};

constexpr Explained explained[] = {
    {Deviation::bare_line_end, Fault::bare_line_end},
    {Deviation::content_length_short, Fault::body_truncated},
    {Deviation::cseq_method_mismatch, Fault::cseq_method_mismatch},
    {Deviation::header_repeated, Fault::call_id_repeated},
    {Deviation::header_repeated, Fault::cseq_repeated},
    {Deviation::header_repeated, Fault::from_repeated},
    {Deviation::header_repeated, Fault::to_repeated},
    {Deviation::header_repeated, Fault::max_forwards_repeated},
    {Deviation::header_repeated, Fault::content_length_repeated},
    {Deviation::ipv6_without_brackets, Fault::via_malformed},
    {Deviation::ipv6_without_brackets, Fault::request_uri_malformed},
    {Deviation::request_line_spaces, Fault::start_line_malformed},
    {Deviation::request_uri_in_brackets, Fault::request_uri_malformed},
    {Deviation::request_uri_with_headers, Fault::request_uri_malformed},
    {Deviation::max_breadth_invalid, Fault::max_breadth_malformed},
    {Deviation::control_before_colon, Fault::header_name_malformed},
};

constexpr uint64_t other_start = 0x9e3779b97f4a7c15;  // for the second half of a name's number

}  // namespace

telemetry::FindingKinds findings_of(sip::Deviations deviations, sip::Fault fault) {
  telemetry::FindingKinds kinds;
  kinds.bits[0] = deviations.bits();
  if (fault == Fault::none) return kinds;
  // Such a Via has not been read to its end, where the branch may be.
  if (fault == Fault::via_malformed) {
    kinds.bits[0] &= ~(uint64_t{1} << static_cast<unsigned>(Deviation::branch_missing));
  }
  for (const Explained& pair : explained) {
    if (pair.fault == fault && deviations.has(pair.deviation)) return kinds;
  }
  kinds.add(fault_kinds + static_cast<size_t>(fault));
  return kinds;
}

Peers::Peers(std::vector<Peer> peers) : peers_(std::move(peers)) {
  std::vector<policy::PrefixSets::Entry> entries;
  for (size_t i = 0; i < peers_.size(); ++i) {
    sources_.push_back(source_named(peers_[i].name));
    for (const net::Prefix& prefix : peers_[i].prefixes) {
      entries.push_back({prefix, static_cast<policy::PrefixSets::List>(i)});
    }
  }
  sets_ = policy::PrefixSets(std::move(entries));
}

telemetry::FindingSource Peers::source_named(std::string_view name) {
  telemetry::FindingSource source;
  source.named = true;
  const uint64_t words[] = {core::fnv1a(name), core::fnv1a(name, other_start)};
  std::memcpy(source.bytes.data(), words, sizeof words);
  return source;
}

Watch::Watch(std::string_view boot) : node(core::fnv1a(boot) >> 20) {}

}  // namespace viaduct::dataplane
