#include "trial.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "dataplane/idle.h"
#include "network.h"
#include "spdlog/spdlog.h"

namespace viaduct::viablast {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto link_patience = 20s;
constexpr auto tick = 20ms;
constexpr auto after_settling = 100ms;  // ACKs are on their way, for which nobody waits

uint64_t now_ns() {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count());
}

double seconds_between(uint64_t begin_ns, uint64_t end_ns) { return static_cast<double>(end_ns - begin_ns) * 1e-9; }

config::Port port_of(const char* name, const config::Device& device, uint16_t mtu) {
  config::Port port;
  port.name = name;
  port.device = device;
  port.mtu = mtu;
  return port;
}

}  // namespace

uint64_t Trial::sent() const {
  if (!uac) return 0;
  if (flood) return uac_station()->sent.value();
  uint64_t sum = 0;
  for (const blast::Counter& counter : uac->counters().requests) sum += counter.value();
  return sum;
}

uint64_t Trial::answered() const {
  if (!uac) return 0;
  if (flood) return sink ? uas_station()->sunk.value() : 0;
  uint64_t sum = 0;
  for (const blast::Counter& counter : uac->counters().answered) sum += counter.value();
  return sum;
}

uint64_t Trial::lost() const {
  if (!uac) return 0;
  if (flood) return sink && sent() > answered() ? sent() - answered() : 0;
  uint64_t sum = 0;
  for (const blast::Counter& counter : uac->counters().lost) sum += counter.value();
  return sum;
}

uint64_t Trial::misrouted() const {
  return (uac ? uac->counters().misrouted.value() : 0) + (uas ? uas->counters().misrouted.value() : 0);
}

uint64_t Trial::bad_checksums() const {
  uint64_t sum = 0;
  for (const auto& station : stations) sum += station->counters().bad_checksum.value();
  return sum;
}

double Trial::loss() const {
  return sent() == 0 ? 0 : static_cast<double>(lost() + refused()) / static_cast<double>(sent());
}

bool Trial::closes() const { return (!uac || flood || uac->counters().closes()) && (!uas || uas->counters().closes()); }

// What the cores and control tell each other.
struct Bench::Shared {
  std::atomic<bool> stop{false};
  std::atomic<bool> no_more{false};   // the schedule is to end
  std::atomic<bool> sent_all{false};  // the schedule has ended
  std::atomic<bool> settled{false};   // and nothing is waited for
  std::atomic<uint64_t> begin_ns{0}, end_ns{0};
};

core::Result<std::unique_ptr<Bench>> Bench::open(const Options& options) {
  std::unique_ptr<Bench> bench(new Bench(options));
  // Before EAL moves this thread to the control core, and starts threads of its own.
  if (core::Status status = bench->open_wire(); !status) return core::Error{status.error()};
  if (core::Status status = bench->guard_ports(); !status) return core::Error{status.error()};
  if (core::Status status = bench->await_links(); !status) return core::Error{status.error()};
  if (core::Status status = bench->find_neighbors(); !status) return core::Error{status.error()};
  bench->opened_ns_ = now_ns();
  bench->run_ = static_cast<uint32_t>(bench->opened_ns_ >> 20) ^ static_cast<uint32_t>(getpid()) << 16;
  return bench;
}

core::Status Bench::open_wire() {
  config::Config config;
  config.runtime.workers = options_.cores;
  config.runtime.control_core = options_.control_core;
  config.runtime.hugepages = options_.hugepages;
  if (options_.calls()) config.ports.push_back(port_of("uac", *options_.uac_device, options_.mtu));
  if (options_.reflects() && !options_.one_device()) {
    config.ports.push_back(port_of("uas", *options_.uas_device, options_.mtu));
  }
  uint32_t buffers = blast::Outbox::stock_max + blast::Outbox::ready_max;
  uint32_t memory_mb = 256;
  const auto hold = [&](uint32_t frames) {
    buffers += frames;
    // A buffer at each of two ports, with what comes with it.
    memory_mb +=
        64 + static_cast<uint32_t>(uint64_t{frames} * 2 * (std::max<uint32_t>(options_.mtu, 2048) + 2048) >> 20);
  };
  if (options_.uas.delay_ns != 0) hold(options_.uas.held_max);
  if (options_.uac.hold_ns != 0) hold(options_.uac.held_max);
  config.runtime.memory_mb = options_.memory_mb != 0 ? options_.memory_mb : memory_mb;
  auto wire = dpdk::Wire::open(config, buffers);
  if (!wire) {
    // It speaks of viaduct's configuration, of which we have none.
    constexpr std::pair<std::string_view, std::string_view> keys[]{
        {"[runtime] memory_mb =", "--memory"}, {"[[port]] \"uac\"", "--uac-port"}, {"[[port]] \"uas\"", "--uas-port"}};
    std::string sentence = wire.error();
    for (const auto& [key, option] : keys) {
      if (sentence.starts_with(key)) sentence.replace(0, key.size(), option);
    }
    return core::Error{sentence};
  }
  wire_ = std::move(*wire);
  return core::Done{};
}

core::Status Bench::await_links() {
  const auto deadline = Clock::now() + link_patience;
  for (size_t port = 0; port < wire_->ports().size(); ++port) {
    while (!wire_->port_statistics(port).link_up) {
      if (Clock::now() > deadline) {
        return core::Error{fmt::format("{}: the other end does not come up within {} s", wire_->ports()[port].device,
                                       link_patience / 1s)};
      }
      std::this_thread::sleep_for(tick);
    }
  }
  return core::Done{};
}

core::Status Bench::find_neighbors() {
  if (!options_.calls()) return core::Done{};
  const dpdk::PortInfo& port = wire_->ports()[0];
  own_mac_ = options_.own_mac.value_or(port.mac);
  if (options_.gateway_mac) {
    gateway_mac_ = *options_.gateway_mac;
    return core::Done{};
  }
  if (port.kernel_interface.empty()) {
    return core::Error{
        fmt::format("{} has no kernel behind it that knows neighbours; --gateway-mac names the next "
                    "hop's link address",
                    port.device)};
  }
  const core::Result<net::Mac> found = next_hop_mac(port.kernel_interface, options_.uac.target.address);
  if (!found) return core::Error{found.error()};
  gateway_mac_ = *found;
  return core::Done{};
}

core::Status Bench::guard_ports() {
  std::vector<net::Endpoint> wanted;
  if (options_.calls() && !wire_->ports()[0].kernel_interface.empty()) {
    core::Result<blast::Sources> sources = blast::Sources::make(options_.from, options_.sources, options_.source_ports);
    if (!sources) return core::Error{sources.error()};
    for (size_t i = 0; i < sources->size(); ++i) wanted.push_back((*sources)[i].endpoint);
  }
  if (options_.reflects() && !wire_->ports()[uas_port()].kernel_interface.empty()) {
    std::vector<net::Endpoint> own = options_.uas_addresses;
    if (own.empty()) {
      for (const net::IpAddress& address : addresses_of(wire_->ports()[uas_port()].kernel_interface)) {
        if (!address.is_link_local()) own.push_back({address, 5060});
      }
    }
    for (const net::Endpoint& endpoint : own) {
      if (std::find(wanted.begin(), wanted.end(), endpoint) == wanted.end()) wanted.push_back(endpoint);
    }
  }
  core::Result<std::vector<control::GuardSocket>> guards = guard(wanted);
  if (!guards) return core::Error{guards.error()};
  guards_ = std::move(*guards);
  filter_ingress(wanted);
  return core::Done{};
}

// Without it the kernel processes what comes back, too, and viablast is slower for it.
void Bench::filter_ingress(std::span<const net::Endpoint> endpoints) {
  std::vector<std::string> interfaces;
  for (const auto& device : {options_.uac_device, options_.uas_device}) {
    if (!device || device->kind != config::DeviceKind::af_packet) continue;
    if (interfaces.empty() || interfaces[0] != device->target) interfaces.push_back(device->target);
  }
  if (interfaces.empty()) return;
  auto filter = control::IngressFilter::open(interfaces, endpoints);
  if (filter) {
    ingress_filter_.emplace(std::move(*filter));
  } else {
    spdlog::warn("the kernel goes on to process what comes back on af_packet ports: {}", filter.error());
  }
}

core::Result<Trial> Bench::prepare(const blast::Schedule& schedule) {
  Trial trial;
  trial.flood = options_.uac.flood;
  trial.sink = options_.sink;
  trial.wanted_rate = schedule.as_fast_as_possible ? 0 : (schedule.rate + schedule.rate_end) / 2;
  if (options_.calls()) {
    blast::UacPlan plan = options_.uac;
    plan.source_mac = own_mac_, plan.destination_mac = gateway_mac_;
    plan.run = ++run_;
    plan.earlier_runs = runs_++;
    plan.begin_ns = opened_ns_;
    plan.shares_host = !wire_->ports()[0].kernel_interface.empty();
    plan.retransmission.frame_bytes = wire_->ports()[0].mtu + 64u;
    core::Result<blast::Sources> sources = blast::Sources::make(options_.from, options_.sources, options_.source_ports);
    if (!sources) return core::Error{sources.error()};
    auto uac = blast::Uac::make(plan, std::move(*sources));
    if (!uac) return core::Error{uac.error()};
    trial.uac = std::move(*uac);
    const size_t packet = trial.uac->frame_bytes_max() - sizeof(net::EthernetHeader);
    if (packet > wire_->ports()[0].mtu) {
      return core::Error{
          fmt::format("messages make packets of {} bytes, but {} takes {}; a larger --mtu (or one of the "
                      "interface), or a smaller --size, is needed",
                      packet, wire_->ports()[0].device, wire_->ports()[0].mtu)};
    }
    trial.pacer = std::make_unique<blast::Pacer>(schedule);
  }
  if (options_.reflects() && !options_.sink) trial.uas = std::make_unique<blast::Uas>(options_.uas);
  for (size_t port = 0; port < wire_->ports().size(); ++port) {
    auto station = std::make_unique<Station>(wire_->io(port), !wire_->ports()[port].kernel_interface.empty());
    const bool calls_here = options_.calls() && port == 0, answers_here = options_.reflects() && port == uas_port();
    const bool waits_for_nothing = calls_here && options_.uac.flood && !(answers_here && trial.uas);
    const bool unread = waits_for_nothing || (answers_here && options_.sink);
    station->set(calls_here ? trial.uac.get() : nullptr, calls_here ? trial.pacer.get() : nullptr,
                 answers_here ? trial.uas.get() : nullptr, unread);
    trial.stations.push_back(std::move(station));
  }
  return trial;
}

// With two cores the second has the last port, the reflector's.
void Bench::work(Trial& trial, size_t core, Shared& shared) {
  std::vector<Station*> stations;
  const bool apart = options_.cores.size() > 1 && trial.stations.size() > 1;
  for (size_t port = 0; port < trial.stations.size(); ++port) {
    if (!apart || port == core) stations.push_back(trial.stations[port].get());
  }
  if (stations.empty() || (core != 0 && !apart)) return;
  blast::Uac* uac = core == 0 ? trial.uac.get() : nullptr;
  dataplane::IdleLadder idle(options_.idle_sleeps ? dataplane::Idle::adaptive : dataplane::Idle::poll);
  if (options_.idle_sleeps) dataplane::allow_short_sleeps();
  if (uac != nullptr) {
    const uint64_t begin_ns = now_ns();
    shared.begin_ns.store(begin_ns);
    trial.pacer->begin(begin_ns);
  }
  bool sending = uac != nullptr;
  while (!shared.stop.load(std::memory_order_relaxed)) {
    bool busy = false;
    const uint64_t now = now_ns();
    for (Station* station : stations) busy |= station->turn(now, now_ns);
    if (sending) {
      if (trial.pacer->over(now) || shared.no_more.load(std::memory_order_relaxed)) {
        sending = false;
        shared.end_ns.store(now);
        trial.pacer->close();
        uac->counters().skipped.add(trial.pacer->skipped());
        shared.sent_all.store(true);
      }
    } else if (uac != nullptr && uac->settled()) {
      const auto drained = [](const Station* station) { return station->drained(); };
      shared.settled.store(std::all_of(stations.begin(), stations.end(), drained), std::memory_order_relaxed);
    }
    if (busy) {
      idle.busy();
    } else {
      idle.empty();
    }
  }
  for (Station* station : stations) station->discard();
}

void Bench::wait(Trial& trial, const blast::Schedule& schedule, Shared& shared, const std::atomic<int>& interrupts,
                 const Live& live) {
  const uint64_t begin_ns = now_ns();
  uint64_t next_line_ns = begin_ns + 1'000'000'000;
  double quiet_since = 0;
  uint64_t last_sunk = 0;
  for (;;) {
    std::this_thread::sleep_for(tick);
    const uint64_t now = now_ns();
    const double seconds = seconds_between(begin_ns, now);
    if (now >= next_line_ns) {
      next_line_ns += 1'000'000'000;
      if (live) live(trial, seconds);
    }
    const bool out_of_time = options_.time_limit_s > 0 && seconds_between(first_begin_ns_, now) > options_.time_limit_s;
    if (interrupts.load() != 0 || out_of_time) {
      trial.interrupted = true;
      shared.no_more.store(true);
      if (!trial.uac || interrupts.load() > 1) return;
    }
    if (!trial.uac) {
      if (schedule.duration_ns != 0 && now - begin_ns >= schedule.duration_ns) return;
      continue;
    }
    if (!shared.sent_all.load()) continue;
    const double patience = options_.drain_s + static_cast<double>(options_.uac.hold_ns) * 1e-9;
    if (seconds_between(shared.end_ns.load(), now) > patience) return;
    if (trial.flood) {
      // What is on its way has arrived when the sink has had nothing for a while.
      const uint64_t sunk = trial.sink ? trial.uas_station()->sunk.value() : 0;
      if (sunk != last_sunk) quiet_since = seconds;
      last_sunk = sunk;
      if (seconds - quiet_since > 0.2 && shared.settled.load()) return;
    } else if (shared.settled.load()) {
      std::this_thread::sleep_for(after_settling);
      return;
    }
  }
}

core::Result<Trial> Bench::run(const blast::Schedule& schedule, const std::atomic<int>& interrupts, const Live& live) {
  core::Result<Trial> prepared = prepare(schedule);
  if (!prepared) return prepared;
  Trial& trial = *prepared;
  Shared shared;
  for (size_t port = 0; port < wire_->ports().size(); ++port) trial.devices.push_back(wire_->port_statistics(port));
  for (size_t core = options_.cores.size(); core-- > 0;) {
    core::Status status = wire_->launch(core, [this, &trial, &shared, core] { work(trial, core, shared); });
    if (!status) return core::Error{status.error()};
  }
  const uint64_t begin_ns = now_ns();
  if (first_begin_ns_ == 0) first_begin_ns_ = begin_ns;
  wait(trial, schedule, shared, interrupts, live);
  const uint64_t end_ns = now_ns();
  shared.stop.store(true);
  wire_->join();
  if (trial.uac) trial.uac->close();
  for (size_t port = 0; port < wire_->ports().size(); ++port) {
    trial.devices[port] = wire_->port_statistics(port).since(trial.devices[port]);
  }
  const bool ended = shared.sent_all.load();
  trial.ended_by_number = ended && trial.uac && trial.started() >= schedule.calls;
  trial.seconds = trial.uac && ended ? seconds_between(shared.begin_ns.load(), shared.end_ns.load())
                                     : seconds_between(begin_ns, end_ns);
  return prepared;
}

}  // namespace viaduct::viablast
