#include "dataplane/overload.h"

#include <algorithm>

#include "dataplane/view.h"

namespace viaduct::dataplane {
namespace {

constexpr uint64_t ns_in_ms = 1'000'000;

// An IPv4 address, or the network of an IPv6 one: who has one address of a /64 has them all.
net::IpAddress answered(const net::IpAddress& source) {
  net::IpAddress network = source;
  if (!source.is_v4()) std::fill(network.bytes.begin() + 8, network.bytes.end(), uint8_t{0});
  return network;
}

}  // namespace

const proxy::Shedding* OverloadStage::begin(const Overload& overload, core::Instant now) {
  now_ns_ = ns_of(now);
  shedding_ = {.percent = flood_.percent(), .feedback = nullptr, .now_ms = 0};
  if (overload.feedback != nullptr) {
    shedding_.now_ms = now_ns_ / ns_in_ms;
    if (!overload.feedback->idle(shedding_.now_ms)) shedding_.feedback = overload.feedback.get();
  }
  return shedding_.percent != 0 || shedding_.feedback != nullptr ? &shedding_ : nullptr;
}

void OverloadStage::hear(const Overload& overload, const View& view, const sip::Message& message,
                         const proxy::Decision& decision) {
  if (decision.backend == proxy::none || !view.proxy->pools[decision.pool].feedback) return;
  const auto report = proxy::read_overload(message.bytes, message.via[0]);
  if (report) overload.feedback->take(decision.backend, *report, now_ns_ / ns_in_ms);
}

bool OverloadStage::is_over_budget(const Overload& overload, const View& view, const net::IpAddress& source) {
  if (overload.answers == nullptr || view.proxy->backend_at.contains(source)) return false;
  if (view.policy != nullptr && view.policy->allows(source)) return false;
  const net::IpAddress key = answered(source);
  const std::string_view bytes(reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size());
  return overload.answers->take({steer::siphash64(view.proxy->keys.shedding, bytes), bytes}, overload.answer_rate,
                                now_ns_);
}

telemetry::Reason OverloadStage::silent(telemetry::Reason reason) {
  const bool shed = reason == telemetry::Reason::shed || reason == telemetry::Reason::shed_for_backend;
  return shed ? telemetry::Reason::shed_silent : telemetry::Reason::answer_over_budget;
}

void OverloadStage::show() {
  if (flood_.flooded() && counters_.flooded.value() == 0) counters_.floods.add();
  counters_.flooded.set(flood_.flooded() ? 1 : 0);
  counters_.shed_percent.set(flood_.percent());
}

}  // namespace viaduct::dataplane
