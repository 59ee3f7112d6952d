#include "proxy/overload.h"

#include <algorithm>

#include "core/number.h"
#include "core/relaxed.h"
#include "sip/charset.h"

namespace viaduct::proxy {
namespace {

using core::relaxed;
constexpr uint64_t sequence_unit = 100'000;  // RFC 7339 section 9: up to five digits behind the dot
// A number that is lower by so much is no late response but a counter that has begun anew (section 4.4).
constexpr uint64_t sequence_far = 3600 * sequence_unit;

enum class OverloadParam : uint8_t { other, oc, algorithm, validity, sequence };

OverloadParam param_named(std::string_view name) {
  if (sip::equals_ignoring_case(name, "oc")) return OverloadParam::oc;
  if (sip::equals_ignoring_case(name, "oc-algo")) return OverloadParam::algorithm;
  if (sip::equals_ignoring_case(name, "oc-validity")) return OverloadParam::validity;
  if (sip::equals_ignoring_case(name, "oc-seq")) return OverloadParam::sequence;
  return OverloadParam::other;
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Calls `each(OverloadParam, value, slice with its semicolon)` for the parameters of a Via that has been found
// well-formed: quotes are closed, and a semicolon within them separates nothing.
template <class Each>
void walk_params(std::string_view bytes, const sip::Via& via, Each&& each) {
  size_t at = via.sent_by.end;
  const size_t end = via.value.end;
  while (at < end && bytes[at] != ';') ++at;
  while (at < end) {
    const size_t begin = at++;
    bool quoted = false;
    size_t equals = 0;
    for (; at < end && (quoted || bytes[at] != ';'); ++at) {
      if (bytes[at] == '"') quoted = !quoted;
      if (bytes[at] == '\\' && quoted && at + 1 < end) ++at;
      if (bytes[at] == '=' && !quoted && equals == 0) equals = at;
    }
    const size_t name_end = equals == 0 ? at : equals;
    const OverloadParam param = param_named(trimmed(bytes.substr(begin + 1, name_end - begin - 1)));
    if (param == OverloadParam::other) continue;
    const size_t value_begin = equals == 0 ? at : equals + 1;
    const std::string_view value = trimmed(bytes.substr(value_begin, at - value_begin));
    each(param, value, sip::Slice{static_cast<uint16_t>(begin), static_cast<uint16_t>(at)});
  }
}

// `1282321615.782`, up to twelve digits and five; a whole number too.
std::optional<uint64_t> sequence_in(std::string_view text) {
  constexpr size_t whole_max = 12, fraction_max = 5;
  const size_t dot = std::min(text.find('.'), text.size());
  const auto whole = core::whole_number<uint64_t>(text.substr(0, dot));
  if (!whole || dot > whole_max) return std::nullopt;
  if (dot == text.size()) return *whole * sequence_unit;
  const std::string_view digits = text.substr(dot + 1);
  auto fraction = core::whole_number<uint64_t>(digits);
  if (!fraction || digits.size() > fraction_max) return std::nullopt;
  for (size_t i = digits.size(); i < fraction_max; ++i) *fraction *= 10;
  return *whole * sequence_unit + *fraction;
}

bool is_loss(std::string_view value) {
  return sip::equals_ignoring_case(value, "\"loss\"") || sip::equals_ignoring_case(value, "loss");
}

}  // namespace

std::optional<OverloadReport> read_overload(std::string_view bytes, const sip::Via& own) {
  OverloadReport report;
  bool has_percent = false, understood = true, stops = false;
  walk_params(bytes, own, [&](OverloadParam param, std::string_view value, sip::Slice) {
    const auto number = core::whole_number<uint64_t>(value);
    switch (param) {
      case OverloadParam::oc:  // without a value it is our own offer, come back
        has_percent = number && *number <= 100;
        if (has_percent) report.percent = static_cast<uint32_t>(*number);
        understood &= has_percent || value.empty();
        break;
      case OverloadParam::algorithm: understood &= is_loss(value); break;
      case OverloadParam::validity:
        understood &= number.has_value();
        stops = number == 0;
        report.validity_ms =
            static_cast<uint32_t>(std::min<uint64_t>(number.value_or(0), OverloadReport::validity_max_ms));
        break;
      case OverloadParam::sequence:
        report.sequence = sequence_in(value);
        understood &= report.sequence.has_value();
        break;
      case OverloadParam::other: break;
    }
  });
  if (!understood || (!has_percent && !stops)) return std::nullopt;
  if (stops) report.percent = 0;
  return report;
}

void strip_overload(std::string_view bytes, const sip::Via& via, Edits& edits) {
  if (!via.well_formed) return;
  walk_params(bytes, via, [&](OverloadParam, std::string_view, sip::Slice slice) { edits.remove(slice); });
}

Feedback::Feedback(const View& view, const Feedback* previous)
    : size_(view.backends.size()),
      wishes_(std::make_unique<Wish[]>(size_)),
      addresses_(std::make_unique<net::Endpoint[]>(size_)) {
  for (size_t i = 0; i < size_; ++i) {
    addresses_[i] = view.backends[i].address;
    if (previous == nullptr) continue;
    const auto* const known = previous->addresses_.get();
    const auto* const found = std::find(known, known + previous->size_, addresses_[i]);
    if (found == known + previous->size_) continue;
    const Wish& wish = previous->wishes_[static_cast<size_t>(found - known)];
    wishes_[i].wish.store(wish.wish.load(relaxed), relaxed);
    wishes_[i].sequence.store(wish.sequence.load(relaxed), relaxed);
    wishes_[i].reports.store(wish.reports.load(relaxed), relaxed);
  }
  if (previous != nullptr) last_end_ms_.store(previous->last_end_ms_.load(relaxed), relaxed);
}

bool Feedback::fits(const View& view) const {
  const auto same = [](const Backend& backend, const net::Endpoint& address) { return backend.address == address; };
  return std::equal(view.backends.begin(), view.backends.end(), addresses_.get(), addresses_.get() + size_, same);
}

bool Feedback::take(uint16_t backend, const OverloadReport& report, uint64_t now_ms) {
  if (backend >= size_) return false;
  Wish& wish = wishes_[backend];
  uint64_t known = wish.sequence.load(relaxed);
  const uint64_t sequence = report.sequence.value_or(known);
  do {
    // What has expired is forgotten with its number (RFC 7339 section 5.4).
    const bool live = wish.wish.load(relaxed) >> percent_bits > now_ms;
    if (!live || !report.sequence) continue;
    if (sequence <= known && known - sequence < sequence_far) return false;
  } while (!wish.sequence.compare_exchange_weak(known, sequence, relaxed));
  // Of a word of relief the number is remembered, so that a late response does not revoke it.
  const uint64_t validity = report.validity_ms == 0 ? OverloadReport::validity_default_ms : report.validity_ms;
  const uint64_t end_ms = now_ms + validity;
  wish.wish.store(end_ms << percent_bits | report.percent, relaxed);
  wish.reports.store(wish.reports.load(relaxed) + 1, relaxed);
  if (report.percent != 0 && last_end_ms_.load(relaxed) < end_ms) last_end_ms_.store(end_ms, relaxed);
  return true;
}

Feedback::Row Feedback::row(uint16_t backend, uint64_t now_ms) const {
  Row row{.backend = backend, .percent = percent(backend, now_ms), .left_ms = 0, .reports = 0};
  if (backend >= size_) return row;
  row.reports = wishes_[backend].reports.load(relaxed);
  const uint64_t end_ms = wishes_[backend].wish.load(relaxed) >> percent_bits;
  if (row.percent != 0) row.left_ms = end_ms > now_ms ? end_ms - now_ms : 0;
  return row;
}

}  // namespace viaduct::proxy
