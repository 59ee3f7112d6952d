#include "control/latency_report.h"

#include <array>
#include <cmath>

#include "control/latency_book.h"
#include "fmt/format.h"
#include "nlohmann/json.hpp"
#include "sip/method.h"

namespace viaduct::control {
namespace {

constexpr std::array latency_bounds_ms{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000};

// With two digits behind the point: the scale has no more to say.
Report quantile(const LatencyTotals::Histogram& histogram, double share) {
  if (latency_count(histogram) == 0) return {};
  return std::round(100 * latency_quantile_ms(histogram, share)) / 100;
}

Report open_percent(const LatencyTotals& row) {
  if (row.requests == 0) return {};
  const uint64_t open = row.requests > row.finals ? row.requests - row.finals : 0;
  return std::round(1000.0 * static_cast<double>(open) / static_cast<double>(row.requests)) / 10;
}

Report whose(const proxy::View& view, const proxy::Backend& backend, uint32_t method) {
  return {{"pool", view.pools[backend.pool].name},
          {"backend", backend.name},
          {"method", sip::text_of(static_cast<sip::Method>(method))}};
}

// What a metrics system wants: how many took no longer than each bound.
void put_histogram(Report& rows, const Report& who, const char* step, const LatencyTotals::Histogram& histogram) {
  Report line = who;
  line["answer"] = step;
  for (const int bound : latency_bounds_ms) {
    line[fmt::format("le_{}ms", bound)] = latency_up_to(histogram, std::chrono::milliseconds(bound));
  }
  line["count"] = latency_count(histogram);
  line["sum_ms"] = std::round(latency_sum_ms(histogram));
  rows.push_back(std::move(line));
}

Report codes_of(const proxy::View& view, const LatencyRows& rows) {
  std::map<uint16_t, std::map<uint16_t, uint64_t>> counted;  // by backend's place and code
  for (const auto& [key, row] : rows) {
    const auto place = view.backend_of_cookie.find(key.first);
    if (place == view.backend_of_cookie.end()) continue;
    for (uint16_t i = 0; i < telemetry::status_count; ++i) {
      if (row.by_status[i] != 0) counted[place->second][telemetry::status_first + i] += row.by_status[i];
    }
  }
  Report codes = Report::array();
  for (const auto& [place, answers] : counted) {
    const proxy::Backend& backend = view.backends[place];
    for (const auto& [code, count] : answers) {
      codes.push_back({{"pool", view.pools[backend.pool].name},
                       {"backend", backend.name},
                       {"class", fmt::format("{}xx", code / 100)},
                       {"code", code},
                       {"answers", count}});
    }
  }
  return codes;
}

Report latency_report(const Status& status, Arguments arguments) {
  const bool histograms = !arguments.empty() && arguments.front() == "histogram";
  if (!arguments.empty() && (!histograms || arguments.size() > 1)) {
    return refusal("'histogram', or nothing, is expected behind 'latency'");
  }
  Report report = {{"latency", Report::array()}, {"answers", Report::array()}};
  if (histograms) report["histograms"] = Report::array();
  uint64_t uncounted = 0;
  for (const dataplane::Watch* watch : status.watches) uncounted += watch->latencies.refused();
  if (status.view == nullptr) return report;
  const proxy::View& view = *status.view->proxy;
  const LatencyBook none;
  const LatencyBook& book = status.latencies == nullptr ? none : *status.latencies;
  const LatencyRows rows = book.rows(status.watches);
  const LatencyRows recent = book.recent(rows);
  for (const proxy::Backend& backend : view.backends) {
    for (auto at = rows.lower_bound({backend.cookie_id, 0}); at != rows.end() && at->first.first == backend.cookie_id;
         ++at) {
      const LatencyTotals& row = at->second;
      const LatencyTotals& lately = recent.at(at->first);
      const Report who = whose(view, backend, at->first.second);
      Report line = who;
      line.update({{"requests", row.requests},
                   {"copies", row.requests_again},
                   {"answered", row.finals},
                   {"open_percent", open_percent(row)},
                   {"first_p50_ms", quantile(lately.first, 0.5)},
                   {"first_p99_ms", quantile(lately.first, 0.99)},
                   {"final_p50_ms", quantile(lately.final, 0.5)},
                   {"final_p99_ms", quantile(lately.final, 0.99)},
                   {"since_start_p50_ms", quantile(row.final, 0.5)},
                   {"since_start_p99_ms", quantile(row.final, 0.99)},
                   {"answer_copies", row.answers_again},
                   {"untimed", row.unmeasured}});
      report["latency"].push_back(std::move(line));
      if (!histograms) continue;
      put_histogram(report["histograms"], who, "first", row.first);
      put_histogram(report["histograms"], who, "final", row.final);
    }
  }
  report["answers"] = codes_of(view, rows);
  report["uncounted"] = uncounted;
  return report;
}

constexpr Column latency_columns[]{
    {"pool", Kind::text, "the backend's pool", true},
    {"backend", Kind::text, "its name", true},
    {"method", Kind::text, "of the requests; of those that nobody knows 'other'", true},
    {"requests", Kind::counter, "requests sent there, copies not counted"},
    {"copies", Kind::counter, "copies of them"},
    {"answered", Kind::counter, "final answers, copies not counted"},
    {"open_percent", Kind::real, "requests without a final answer, those under way too"},
    {"first_p50_ms", Kind::real,
     "half of the requests had their first answer in so many ms, in the last half minute or so"},
    {"first_p99_ms", Kind::real, "and 99 of 100"},
    {"final_p50_ms", Kind::real, "the same for the final answer"},
    {"final_p99_ms", Kind::real, "and 99 of 100"},
    {"since_start_p50_ms", Kind::real, "the same for the final answer, since the start"},
    {"since_start_p99_ms", Kind::real, "and 99 of 100"},
    {"answer_copies", Kind::counter, "copies of final answers"},
    {"untimed", Kind::counter, "answers to requests that another node sent, or that do not tell the time"},
};
constexpr Column answer_columns[]{
    {"pool", Kind::text, "the backend's pool", true},
    {"backend", Kind::text, "its name", true},
    {"class", Kind::text, "1xx to 6xx"},
    {"code", Kind::number, "the status code", true},
    {"answers", Kind::counter, "how often it answered so, copies of final answers not counted"},
};
constexpr Column histogram_columns[]{
    {"pool", Kind::text, "the backend's pool", true},
    {"backend", Kind::text, "its name", true},
    {"method", Kind::text, "of the requests", true},
    {"answer", Kind::text, "first or final", true},
    {"le_1ms", Kind::counter, "answers that took no longer"},
    {"le_2ms", Kind::counter, "answers that took no longer"},
    {"le_5ms", Kind::counter, "answers that took no longer"},
    {"le_10ms", Kind::counter, "answers that took no longer"},
    {"le_20ms", Kind::counter, "answers that took no longer"},
    {"le_50ms", Kind::counter, "answers that took no longer"},
    {"le_100ms", Kind::counter, "answers that took no longer"},
    {"le_200ms", Kind::counter, "answers that took no longer"},
    {"le_500ms", Kind::counter, "answers that took no longer"},
    {"le_1000ms", Kind::counter, "answers that took no longer"},
    {"le_2000ms", Kind::counter, "answers that took no longer"},
    {"le_5000ms", Kind::counter, "answers that took no longer"},
    {"le_10000ms", Kind::counter, "answers that took no longer"},
    {"le_30000ms", Kind::counter, "answers that took no longer"},
    {"count", Kind::counter, "all answers that tell the time"},
    {"sum_ms", Kind::counter, "how long they took together"},
};
constexpr Column room_columns[]{
    {"uncounted", Kind::counter,
     "requests and answers that no row was left for: there are 4,096 a worker, used again for others once their "
     "backend is gone"},
};
static_assert(telemetry::LatencyTable::rows_max == 4096);
constexpr Table latency_tables[]{
    {"latency", Shape::rows, "times to answer, by backend and method", latency_columns},
    {"answers", Shape::rows, "what backends answer", answer_columns},
    {"histograms", Shape::rows, "with 'histogram': times since the start", histogram_columns, true, "histogram"},
    {"room", Shape::members, "what these tables had no room for", room_columns, true},
};

}  // namespace

constinit const Command latency_command{"latency", "how fast every backend answers, and with what", latency_tables,
                                        latency_report, "[histogram]"};

}  // namespace viaduct::control
