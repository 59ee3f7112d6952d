#include "dataplane/policy_stage.h"

#include "proxy/own.h"
#include "proxy/selection.h"

namespace viaduct::dataplane {

static_assert(burst_max <= policy::Ruleset::group_max);

void PolicyStage::ask(const sip::Message& message, proxy::Arrival& arrival, const View& view) {
  const uint16_t number = view.proxy->sockets[arrival.socket].listener;
  const proxy::Listener& listener = view.proxy->listeners[number];
  bool from_backend = false;
  if (!view.policy->limits().empty()) {
    const uint16_t known = proxy::known_source(arrival, *view.proxy);
    from_backend = proxy::sending_backend(*view.proxy, arrival.source, known, listener) != proxy::none;
  }
  questions_[count_] = {&message, arrival.source, number, proxy::pool_of(listener, message, message.request_uri),
                        from_backend};
  arrivals_[count_++] = &arrival;
}

void PolicyStage::judge(const View& view, telemetry::WorkerCounters& counters) {
  if (count_ == 0) return;
  auto care = policy::Ruleset::Care::all;
  if (!telemetry::optional_work(counters)) [[unlikely]] {
    care = policy::Ruleset::Care::decisions;
    if (view.policy->has_optional()) counters.optional_skipped.add(count_);
  }
  view.policy->judge(std::span(questions_).first(count_), worker_, now_ns_, std::span(rulings_).first(count_), care);
  for (size_t i = 0; i < count_; ++i) arrivals_[i]->ruling = &rulings_[i];
  count_ = 0;
}

}  // namespace viaduct::dataplane
