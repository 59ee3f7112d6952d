// viablast: SIP calls at line rate, and the reflector that answers them.
//
// The flow of data, first to last:
//
//   options     the command line, checked                                                     options.h
//   bench       EAL, ports, links up, next hop's link address, guard sockets: once            trial.h
//   trial       callers, reflector, schedule and a station for each port, made anew           blast/uac.h, uas.h
//
//     each core, until stopped, for each of its stations:                                     blast/station.h
//       pacer     how many calls are due now                                                  blast/pacer.h
//       uac       start: a pre-rendered frame is copied and patched: number, time, source     blast/message_template.h
//       burst     received frames are taken apart; responses to the uac, requests to the uas
//       uac       the response's branch says which call and when; two bits say whether it
//                 is the first answer; ACK, BYE, CANCEL are written from it                   blast/dialog.h
//       uas       100, 180, 200 from the request's own rows                                   blast/answer.cc
//       outbox    everything leaves in order, in bursts                                       blast/outbox.h
//
//     the control thread meanwhile: a line a second; the end of the schedule, then the drain
//   report      summary, JSON; in a search, the next trial                                    report.h, blast/search.h
//
// Blanks from the mempool go into the outbox's stock, are written, sent, and freed by the driver; what is received is
// freed at the end of its burst. Between the two nothing allocates, locks or enters the kernel (a packet socket's
// driver apart). The callers' and the reflector's code knows no DPDK: over blast::MemoryWire it is tested without.
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <utility>

#include "control/privileges.h"
#include "options.h"
#include "report.h"
#include "spdlog/sinks/stdout_color_sinks.h"
#include "spdlog/spdlog.h"
#include "trial.h"

namespace {

using namespace viaduct;
using namespace viaduct::viablast;

constexpr int exit_fine = 0;
constexpr int exit_failed = 1;
constexpr int exit_ended = 97;
constexpr int exit_no_calls = 99;
constexpr double achieved_enough = 0.98;

std::atomic<int> interrupts{0};

void on_signal(int) { interrupts.fetch_add(1); }

int fail(const std::string& sentence) {
  std::fprintf(stderr, "viablast: %s\n", sentence.c_str());
  return exit_failed;
}

int judge(const Trial& trial) {
  const bool astray = trial.misrouted() != 0 || trial.bad_checksums() != 0 || !trial.closes();
  if (trial.uac) {
    if (trial.interrupted) return exit_ended;
    if (trial.started() == 0) return exit_no_calls;
    const bool failed =
        trial.lost() != 0 || trial.refused() != 0 || astray || trial.uac->counters().via_left.value() != 0;
    return failed ? exit_failed : exit_fine;
  }
  // A reflector alone is stopped by a signal as a matter of course.
  if (trial.sink) return trial.uas_station()->sunk.value() == 0 ? exit_no_calls : exit_fine;
  if (trial.uas->counters().received.value() == 0) return exit_no_calls;
  return astray ? exit_failed : exit_fine;
}

// The exit code: that of figures which could not be written is another one.
int end(const Options& options, const Trial& trial, nlohmann::ordered_json json, int code) {
  if (!options.quiet) print_summary(trial);
  if (options.json) {
    json["exit_code"] = code;
    // A device's name is any octets.
    const std::string text = json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    std::printf("%s\n", text.c_str());
  }
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  return fail(std::string("the figures cannot be written: ") + std::strerror(errno));
}

int run_once(const Options& options, Bench& bench) {
  LiveLine line;
  const bool show = !options.quiet && isatty(STDERR_FILENO) != 0;
  Bench::Live live;
  if (show) live = [&](const Trial& trial, double seconds) { line.print(trial, seconds); };
  core::Result<Trial> trial = bench.run(options.schedule, interrupts, live);
  if (!trial) return fail(trial.error());
  return end(options, *trial, to_json(options, *trial, bench.wire()), judge(*trial));
}

// One trial of a search: a warm-up that does not count, then the trial.
core::Result<Trial> run_trial(const Options& options, Bench& bench, double rate, double seconds) {
  blast::Schedule schedule;
  schedule.rate = schedule.rate_end = rate;
  if (options.warm_up_s > 0) {
    schedule.duration_ns = static_cast<uint64_t>(options.warm_up_s * 1e9);
    if (core::Result<Trial> warm_up = bench.run(schedule, interrupts, {}); !warm_up || warm_up->interrupted) {
      return warm_up;
    }
  }
  schedule.duration_ns = static_cast<uint64_t>(seconds * 1e9);
  return bench.run(schedule, interrupts, {});
}

// Why the lowest rate tried was too high.
std::string no_rate_passed(const Trial& last, double rate, bool lossless) {
  if (lossless) {
    return fmt::format(
        "no rate passed: {:.0f} calls a second were ordered, and the generator started {:.0f}; a core of its "
        "own, or a lower --search-start, may help",
        rate, last.rate());
  }
  return fmt::format(
      "no rate passed: at {:.3g} calls a second, of {} requests {} were lost and {} refused; is the other end "
      "there?",
      rate, last.sent(), last.lost(), last.refused());
}

int run_search(const Options& options, Bench& bench) {
  blast::RateSearch search(options.search_options);
  std::vector<SearchStep> steps;
  std::optional<Trial> best, last;
  bool at_limit = false, astray = false, lossless = false;
  double rate = 0;
  while (!search.finished()) {
    rate = search.rate();
    const double seconds = search.confirming() ? options.confirm_s : options.trial_s;
    core::Result<Trial> trial = run_trial(options, bench, rate, seconds);
    if (!trial) return fail(trial.error());
    last = std::move(*trial);
    if (last->interrupted) break;
    lossless = last->loss() <= options.search_loss;
    // The schedule's end may come a moment before its last call.
    const bool kept_up = static_cast<double>(last->started() + 1) >= achieved_enough * rate * last->seconds;
    at_limit = at_limit || (lossless && !kept_up);
    astray = astray || last->misrouted() != 0 || last->bad_checksums() != 0 ||
             last->uac->counters().via_left.value() != 0 || !last->closes();
    const bool passed = lossless && kept_up;
    steps.push_back({rate, last->rate(), last->loss(), last->misrouted(), passed});
    if (!options.quiet) {
      std::fprintf(stderr, "trial %2u  %11.0f calls/s  loss %.6f  %s\n", search.trials() + 1, rate, last->loss(),
                   passed     ? "passed"
                   : lossless ? "failed: the generator did not keep up"
                              : "failed");
    }
    search.report(passed);
    if (passed) best = std::exchange(last, std::nullopt);
  }
  const bool interrupted = last && last->interrupted;
  const bool found = search.result() > 0;
  const int code = interrupted ? exit_ended : found && !astray ? exit_fine : exit_failed;
  if (!interrupted && !best) fail(no_rate_passed(*last, rate, lossless));
  if (!interrupted && best && !found) fail("no rate passed a second time");
  if (!interrupted && astray)
    fail("in a trial messages came astray, or a ledger did not close: see search.trials of --json");
  if (found && !options.quiet) {
    std::printf("\nhighest rate with a loss of at most %g: %.0f calls/s\n", options.search_loss, search.result());
  }
  const Trial& shown = best ? *best : *last;
  nlohmann::ordered_json json = to_json(options, shown, bench.wire());
  json["search"] = {{"rate", search.result()},
                    {"loss_allowed", options.search_loss},
                    {"trials", to_json(steps)},
                    {"generator_limited", at_limit},
                    {"interrupted", interrupted}};
  return end(options, shown, std::move(json), code);
}

// Its ports are open and its neighbours known: nothing of root's is needed to send and to read.
control::PrivilegeOptions privileges_for(const Options& options) {
  control::PrivilegeOptions privileges;
  privileges.net_admin = false;
  for (const auto& device : {options.uac_device, options.uas_device}) {
    if (!device) continue;
    privileges.sandbox.pci |= device->kind == config::DeviceKind::pci;
    privileges.sandbox.af_xdp |= device->kind == config::DeviceKind::af_xdp;
  }
  return privileges;
}

}  // namespace

int main(int argc, char** argv) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("viablast"));
  spdlog::set_pattern("%^%l%$ %v");
  const Parsed parsed = parse_command_line(argc, argv);
  if (!parsed.options) return parsed.exit_code;
  // Until there are calls, a signal ends it as it ends any program: there is nothing to be told.
  auto bench = Bench::open(*parsed.options);
  if (!bench) return fail(bench.error());
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  if (const auto dropped = control::drop_privileges(privileges_for(*parsed.options)); !dropped) {
    return fail(dropped.error());
  }
  return parsed.options->search ? run_search(*parsed.options, **bench) : run_once(*parsed.options, **bench);
}
