#include "control/findings.h"

#include <algorithm>
#include <array>
#include <set>

#include "control/running.h"
#include "fmt/format.h"
#include "sip/charset.h"

namespace viaduct::control {
namespace {

using telemetry::FindingSource;

std::set<FindingSource> sources_in(std::span<dataplane::Watch* const> watches) {
  std::set<FindingSource> known;
  for (const dataplane::Watch* watch : watches) {
    for (size_t i = 0; i < telemetry::FindingsTable::rows_max; ++i) {
      if (const auto row = watch->findings.row(i)) known.insert(row->source);
    }
  }
  return known;
}

}  // namespace

FindingText finding_text(size_t kind) {
  if (kind < dataplane::fault_kinds) {
    const sip::DeviationText& text = sip::text_of(static_cast<sip::Deviation>(kind));
    const size_t dash = text.section.find('-');
    return {text.name, fmt::format("RFC {} section {}", text.section.substr(0, dash), text.section.substr(dash + 1)),
            text.sentence, false};
  }
  const sip::FaultText& text = sip::text_of(static_cast<sip::Fault>(kind - dataplane::fault_kinds));
  std::string section(text.clause);  // "RFC 3261 7.1, 7.2"
  if (const size_t space = section.find(' ', 4); space != std::string::npos) section.insert(space, " section");
  return {text.name, std::move(section), text.reason_phrase, true};
}

std::string without_credentials(std::string_view message) {
  std::string kept;
  bool secret = false;
  while (!message.empty()) {
    const std::string_view line = message.substr(0, std::min(message.find('\n'), message.size() - 1) + 1);
    message.remove_prefix(line.size());
    const bool folded = line.front() == ' ' || line.front() == '\t';
    if (secret && folded) continue;
    const auto begins_with = [line](std::string_view name) {
      return sip::equals_ignoring_case(line.substr(0, name.size()), name);
    };
    secret = begins_with("authorization") || begins_with("proxy-authorization");
    if (secret) {
      kept += line.substr(0, std::min(line.find(':'), line.size()));
      kept += ": (taken out)\r\n";
    } else {
      kept += line;
    }
    if (line == "\r\n" || line == "\n") return kept += message;
  }
  return kept;
}

std::string shown_message(std::string_view message) {
  std::string shown;
  for (size_t i = 0; i < message.size(); ++i) {
    const char c = message[i];
    if (c == '\r' && i + 1 < message.size() && message[i + 1] == '\n') {
      shown += '\n';
      ++i;
    } else if (c == '\n' || c == '\r') {
      shown += c == '\n' ? "<LF>\n" : "<CR>\n";
    } else if (c >= ' ' && c < 0x7f) {
      shown += c;
    } else {
      shown += fmt::format("\\x{:02x}", static_cast<uint8_t>(c));
    }
  }
  return shown;
}

// Samples of sources that are not counted any longer go.
void Findings::make_room(std::span<dataplane::Watch* const> watches) {
  const std::set<FindingSource> known = sources_in(watches);
  std::erase_if(samples_, [&](const auto& entry) { return !known.contains(entry.first.first); });
}

void Findings::take(std::span<dataplane::Watch* const> watches) {
  static constexpr size_t at_once = 4;
  auto taken = std::make_unique<std::array<dataplane::FindingSample, at_once>>();
  for (dataplane::Watch* watch : watches) {
    while (const size_t count = watch->samples.pop(*taken)) {
      for (const dataplane::FindingSample& from : std::span(*taken).first(count)) {
        auto sample = std::make_shared<Sample>();
        sample->from = from.from;
        sample->socket = from.socket;
        sample->at_s = from.at_s;
        sample->bytes = from.bytes;
        sample->text = without_credentials({from.text.data(), from.kept});
        from.kinds.each([&](size_t kind) {
          if (samples_.size() >= samples_max) make_room(watches);
          if (samples_.size() < samples_max) samples_.try_emplace({from.source, kind}, sample);
        });
      }
    }
  }
}

std::vector<Findings::Row> Findings::rows(std::span<const dataplane::Watch* const> watches) const {
  std::map<Key, Row> all;
  for (const dataplane::Watch* watch : watches) {
    for (size_t i = 0; i < telemetry::FindingsTable::rows_max; ++i) {
      const auto from = watch->findings.row(i);
      if (!from) continue;
      for (size_t kind = 0; kind < telemetry::finding_kinds_max; ++kind) {
        if (from->count[kind] == 0) continue;
        const auto [at, is_new] = all.try_emplace({from->source, kind}, Row{});
        Row& row = at->second;
        row.source = from->source;
        row.kind = kind;
        row.messages += from->count[kind];
        row.since_s = is_new ? from->since[kind] : std::min(row.since_s, from->since[kind]);
        row.last_s = std::max(row.last_s, from->last[kind]);
      }
    }
  }
  std::vector<Row> rows;
  for (auto& [key, row] : all) {
    const auto sample = samples_.find(key);
    if (sample != samples_.end()) row.sample = sample->second.get();
    rows.push_back(row);
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return a.source != b.source ? a.source < b.source : a.messages > b.messages;
  });
  return rows;
}

std::map<size_t, Findings::Total> Findings::totals(std::span<const dataplane::Watch* const> watches) {
  std::map<size_t, Total> totals;
  for (const dataplane::Watch* watch : watches) {
    for (size_t kind = 0; kind < telemetry::finding_kinds_max; ++kind) {
      if (watch->findings.total(kind) == 0) continue;
      totals[kind].messages += watch->findings.total(kind);
      totals[kind].others += watch->findings.others(kind);
    }
  }
  return totals;
}

std::string finding_source_name(const FindingSource& source, const dataplane::View& view) {
  if (source.named) {
    if (view.peers != nullptr) {
      for (const dataplane::Peers::Peer& peer : view.peers->all()) {
        if (dataplane::Peers::source_named(peer.name) == source) return peer.name;
      }
    }
    return "a former [[peer]]";
  }
  const net::IpAddress address{source.bytes};
  const uint16_t backend = view.proxy->backend_at.value_or(address, proxy::none);
  if (backend == proxy::none) return net::to_string(address);
  const proxy::Backend& of = view.proxy->backends[backend];
  return backend_key(view.proxy->pools[of.pool].name, of.name);
}

}  // namespace viaduct::control
