#include "dpdk/memif_port.h"

#include <fmt/format.h>

#include <bit>

namespace viaduct::dpdk {

MemifPort::MemifPort(const config::Port& config, DevicePlan plan, size_t workers)
    : Port(config, std::move(plan), workers) {
  is_ours("memif");
}

core::Status MemifPort::set_up(rte_mempool* frames) {
  const bool server = config_.device.memif_server;
  auto end = MemifEnd::open(
      {.path = config_.device.target,
       .server = server,
       .terms = {.name = config_.name,
                 .shape = {.pairs = plan_.queue_pairs,
                           .log2_slots = static_cast<uint8_t>(std::countr_zero(config_.device.memif_ring)),
                           .buffer_bytes = plan_.frame_bytes}},
       .workers = workers_});
  if (!end) return core::Error{fmt::format("[[port]] \"{}\": {}", config_.name, end.error())};
  end_ = std::move(*end);
  for (size_t worker = 0; worker < workers_; ++worker) {
    queues_.push_back(std::make_unique<MemifQueue>(*end_, worker, frames));
  }
  if (!server) {
    if (const core::Status met = meet(); !met) return met;
  }
  if (const core::Status status = open_exception_path(frames, true); !status) return status;

  const std::string queues = std::to_string(workers_);
  const std::string got =
      server ? "as many as the other end makes, up to " + queues : queues + " if the other end takes as many";
  add("rx queues", queues, workers_ == 1 ? queues : got);
  add("tx queues", queues, workers_ == 1 ? queues : got);
  add("spreading over rx queues", workers_ > 1 ? "by addresses and ports" : "-",
      workers_ > 1 ? "as the other end does" : "-");
  add_no_checksums();
  add("largest IP packet", std::to_string(plan_.mtu), std::to_string(info_.mtu));
  return core::Done{};
}

core::Status MemifPort::meet() const {
  constexpr std::chrono::milliseconds patience{5000};
  if (end_->wait(patience)) return core::Done{};
  const std::string trouble = end_->trouble();
  if (trouble.empty()) {
    return core::Error{
        fmt::format("[[port]] \"{}\": nobody listens at \"{}\"; start the other end first, or take role=server",
                    config_.name, config_.device.target)};
  }
  return core::Error{fmt::format("[[port]] \"{}\": the other end of \"{}\" does not take the connection: {}",
                                 config_.name, config_.device.target, trouble)};
}

BufferNeed MemifPort::need() const { return {.frame_bytes = plan_.frame_bytes, .descriptors = excepted_frames()}; }

PortStatistics MemifPort::statistics() const {
  PortStatistics sum;
  for (const auto& queue : queues_) sum += queue->statistics();
  add_twin(sum);
  sum.link_up = end_->connected();
  return sum;
}

PortQueue MemifPort::queue_of(size_t worker) {
  return {.memif = queues_[worker].get(), .exception_path = exception_path(), .worker = static_cast<uint16_t>(worker)};
}

}  // namespace viaduct::dpdk
