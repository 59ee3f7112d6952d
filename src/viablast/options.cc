#include "options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "../manual.h"
#include "CLI/CLI.hpp"
#include "config/values.h"
#include "core/number.h"

namespace viaduct::viablast {
namespace {

constexpr int exit_usage = 2;
constexpr double second_ns = 1e9;
constexpr double year_s = 365 * 86400.0;
constexpr double rate_max = 1e9;
constexpr uint32_t held_max = 1u << 18;  // BYEs on hold: each has a buffer

constexpr const char* about =
    "viablast: SIP calls at line rate, and the reflector that answers them.\n"
    "\n"
    "An open loop: calls start when they are due, whether or not anything answers. What an answer needs is in the\n"
    "message, so that nothing is kept for a call but a few bits, at any rate. Devices as in viaduct's configuration:\n"
    "af_packet:IFACE  memif:SOCKET?role=client|server  tap:NAME  pcap:IN,OUT  af_xdp:IFACE  pci:ADDRESS";

constexpr const char* footer =
    "Examples:\n"
    "  through a balancer with memif ports, callers and reflector on one core, 100,000 calls a second:\n"
    "    viablast --uac-port 'memif:/run/a.sock?role=client' --uas-port 'memif:/run/b.sock?role=client' \\\n"
    "      --gateway-mac 02:00:00:00:00:01 --from 10.77.1.1 --sources 200 --to 10.77.0.1:5060 \\\n"
    "      --scenario invite --rate 100000 --duration 10\n"
    "  an OPTIONS a millisecond to any SIP server, from this host's own address:\n"
    "    viablast --uac-port af_packet:eth0 --from 192.0.2.5:5066 --to 192.0.2.10:5060 --rate 1000 --duration 5\n"
    "  the highest rate that the server takes without loss:\n"
    "    viablast ... --scenario options --search 0\n"
    "  a reflector that is busy for one call in ten, and takes 20 ms to say so:\n"
    "    viablast --uas-port af_packet:eth0 --answer 486:0.1 --delay 20\n"
    "  forwarding alone: send what can be sent, count what arrives:\n"
    "    viablast ... --flood --sink --rate max --duration 5\n"
    "\n"
    "Exit codes, as SIPp's: 0 all calls went well; 1 at least one failed, was lost or came astray; 97 ended by a "
    "signal "
    "or --time-limit;\n"
    "99 ended as ordered, but there was no call; and 2 wrong usage. docs/viablast.md explains every figure.";

// What is text on the command line and something else afterwards.
struct Texts {
  std::string uac_port, uas_port, to, from, rate = "1000", gateway_mac, own_mac, template_file, search;
  std::string provisional = "both";
  std::vector<std::string> answers, uas_addresses;
  std::vector<unsigned> accepted;
  double duration_s = 0, delay_ms = 0, hold_ms = 0, t1_ms = 500;
  uint64_t calls = 0;
  bool no_checksum = false;
  std::string idle = "poll";
};

core::Error refuse(const std::string& option, const std::string& found, const std::string& accepted) {
  return {fmt::format("{} is \"{}\"; {}", option, found, accepted)};
}

std::optional<double> number_of(const std::string& text) {
  size_t used = 0;
  try {
    const double number = std::stod(text, &used);
    if (used == text.size() && std::isfinite(number) && number >= 0) return number;
  } catch (const std::exception&) {
  }
  return std::nullopt;
}

core::Status read_rate(const std::string& text, blast::Schedule& schedule) {
  const core::Error wrong =
      refuse("--rate", text, "calls a second, up to 1000000000, \"max\", or \"ramp:FROM-TO\" is accepted");
  if (text == "max") {
    schedule.as_fast_as_possible = true;
    return core::Done{};
  }
  constexpr std::string_view ramp = "ramp:";
  if (text.starts_with(ramp)) {
    const size_t dash = text.find('-');
    if (dash == std::string::npos) return wrong;
    const auto begin = number_of(text.substr(ramp.size(), dash - ramp.size()));
    const auto end = number_of(text.substr(dash + 1));
    if (!begin || !end || std::max(*begin, *end) > rate_max || *begin + *end <= 0) return wrong;
    if (schedule.duration_ns == 0) return core::Error{"--rate ramp needs --duration, the time in which it rises"};
    schedule.rate = *begin, schedule.rate_end = *end;
    return core::Done{};
  }
  const auto rate = number_of(text);
  if (!rate || *rate <= 0 || *rate > rate_max) return wrong;
  schedule.rate = schedule.rate_end = *rate;
  return core::Done{};
}

core::Status read_devices(const Texts& texts, Options& options) {
  const auto read = [](const char* name, const std::string& text, std::optional<config::Device>& out) -> core::Status {
    if (text.empty()) return core::Done{};
    core::Result<config::Device> device = config::parse_device(text);
    if (!device) return core::Error{std::string(name) + " is " + device.error()};
    out = std::move(*device);
    return core::Done{};
  };
  if (core::Status status = read("--uac-port", texts.uac_port, options.uac_device); !status) return status;
  if (core::Status status = read("--uas-port", texts.uas_port, options.uas_device); !status) return status;
  if (!options.calls() && !options.reflects()) {
    return core::Error{"--uac-port, --uas-port or both are needed: where calls start, where they are answered"};
  }
  return core::Done{};
}

core::Status read_callers(const Texts& texts, Options& options) {
  if (!options.calls()) return core::Done{};
  const auto target = net::parse_endpoint(texts.to, 5060);
  if (!target) return refuse("--to", texts.to, "the address (and port) that calls are sent to is needed");
  const auto from = net::parse_endpoint(texts.from, 5060);
  if (!from) return refuse("--from", texts.from, "the (first) address, and port, that calls come from is needed");
  if (from->address.family() != target->address.family()) {
    return core::Error{"--from and --to are of different families; both IPv4, or both IPv6, are needed"};
  }
  options.uac.target = *target;
  options.from = *from;
  const auto read_mac = [](const char* name, const std::string& text, std::optional<net::Mac>& out) -> core::Status {
    if (text.empty()) return core::Done{};
    out = net::parse_mac(text);
    if (!out) return refuse(name, text, "a link address such as 02:00:00:00:00:01 is accepted");
    return core::Done{};
  };
  if (core::Status status = read_mac("--gateway-mac", texts.gateway_mac, options.gateway_mac); !status) return status;
  if (core::Status status = read_mac("--own-mac", texts.own_mac, options.own_mac); !status) return status;
  if (!texts.template_file.empty()) {
    std::ifstream file(texts.template_file, std::ios::binary);
    std::ostringstream content;
    content << file.rdbuf();
    options.uac.text = content.str();
    if (!file || options.uac.text.empty()) {
      return core::Error{"--template " + texts.template_file + " cannot be read, or is empty"};
    }
  }
  for (const unsigned code : texts.accepted) {
    if (code < 200 || code > 699) {
      return refuse("--accept", std::to_string(code), "a final answer's code, 200 to 699, is accepted");
    }
    options.uac.accepted.set(code);
  }
  options.uac.hold_ns = static_cast<uint64_t>(texts.hold_ms * 1e6);
  options.uac.retransmission.t1_ns = static_cast<uint64_t>(texts.t1_ms * 1e6);
  options.schedule.duration_ns = static_cast<uint64_t>(texts.duration_s * second_ns);
  if (texts.calls != 0) options.schedule.calls = texts.calls;
  if (core::Status status = read_rate(texts.rate, options.schedule); !status) return status;
  if (texts.duration_s <= 0 && texts.calls == 0 && texts.search.empty()) {
    return core::Error{"--duration or --calls is needed: when to stop calling"};
  }
  return core::Done{};
}

core::Status read_reflector(const Texts& texts, Options& options) {
  double shares = 0;
  for (const std::string& text : texts.answers) {
    const size_t colon = text.find(':');
    const auto code = core::whole_number<uint16_t>(std::string_view(text).substr(0, colon));
    const auto share = colon == std::string::npos ? std::optional(1.0) : number_of(text.substr(colon + 1));
    if (!code || *code < 200 || *code > 699 || !share || (shares += *share) > 1 + 1e-9) {
      return refuse("--answer", text, "CODE:SHARE such as 486:0.1 is accepted, all shares together at most 1");
    }
    options.uas.answers.push_back({*code, *share});
  }
  for (const std::string& text : texts.uas_addresses) {
    const auto endpoint = net::parse_endpoint(text, 5060);
    if (!endpoint) return refuse("--uas-address", text, "an address, and port, such as 10.78.0.11:5060 is accepted");
    options.uas_addresses.push_back(*endpoint);
  }
  options.uas.delay_ns = static_cast<uint64_t>(texts.delay_ms * 1e6);
  options.uas.send_trying = texts.provisional == "both" || texts.provisional == "100";
  options.uas.send_ringing = texts.provisional == "both" || texts.provisional == "180";
  if (!options.calls()) options.schedule.duration_ns = static_cast<uint64_t>(texts.duration_s * second_ns);
  return core::Done{};
}

// Also refuses what is no number: "nan" is one to the parser.
core::Status check_ranges(const Texts& texts, const Options& options) {
  struct Range {
    const char* option;
    double value, least, most;
    bool may_be_absent = false;  // and is 0 then
  };
  const auto real = [](auto number) { return static_cast<double>(number); };
  const Range ranges[] = {
      {"--sources", real(options.sources), 1, 1 << 20},
      {"--source-ports", real(options.source_ports), 1, 65535},
      {"--users", real(options.uac.users), 1, 1e8},
      {"--size", real(options.uac.size), 200, 9188, true},
      {"--window", real(options.uac.window), 1, 1 << 28},
      {"--retransmit", real(options.uac.retransmission.times), 0, blast::Retransmitter::times_max},
      {"--t1", texts.t1_ms, 1, 60'000},
      {"--duration", texts.duration_s, 0, year_s},
      {"--calls", real(texts.calls), 0, 1e15},
      {"--hold", texts.hold_ms, 0, 3'600'000},
      {"--drain", options.drain_s, 0, 3600},
      {"--delay", texts.delay_ms, 0, 60'000},
      {"--loss", options.uas.loss, 0, 1},
      {"--search-start", options.search_options.start, 0.001, rate_max},
      {"--search-max", options.search_options.ceiling, 0.001, rate_max},
      {"--resolution", options.search_options.resolution, 0.0001, 1},
      {"--repeats", real(options.search_options.repeats), 0, 20},
      {"--trial", options.trial_s, 0.01, year_s},
      {"--confirm", options.confirm_s, 0.01, year_s, true},
      {"--warm-up", options.warm_up_s, 0, 3600},
      {"--time-limit", options.time_limit_s, 0, year_s},
      {"--mtu", real(options.mtu), 576, 9216},
      {"--memory", real(options.memory_mb), 64, 1 << 20, true},
  };
  for (const Range& range : ranges) {
    const bool absent = range.may_be_absent && range.value == 0;
    if (absent || (range.value >= range.least && range.value <= range.most)) continue;
    return refuse(range.option, fmt::format("{}", range.value),
                  fmt::format("{} to {} is accepted", range.least, static_cast<uint64_t>(range.most)));
  }
  return core::Done{};
}

core::Status check_cores(const Options& options) {
  if (options.cores.size() > 2 || (options.cores.size() == 2 && options.cores[0] == options.cores[1])) {
    return refuse("--core", fmt::format("{}", fmt::join(options.cores, ",")),
                  "one core, or two different ones, are accepted");
  }
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return core::Done{};
  const auto check = [&](const char* option, unsigned core) -> core::Status {
    if (core < CPU_SETSIZE && CPU_ISSET(core, &allowed)) return core::Done{};
    std::string usable;
    for (unsigned other = 0; other < CPU_SETSIZE; ++other) {
      if (CPU_ISSET(other, &allowed)) usable += fmt::format("{}{}", usable.empty() ? "" : ", ", other);
    }
    return refuse(option, std::to_string(core), "this process may run on " + usable);
  };
  for (const unsigned core : options.cores) {
    if (core::Status status = check("--core", core); !status) return status;
  }
  return check("--control-core", options.control_core);
}

// Room for as many BYEs as are on hold at a time, and a window that still has their calls when they leave.
core::Status make_room_to_hold(Options& options) {
  blast::UacPlan& uac = options.uac;
  const blast::Schedule& schedule = options.schedule;
  // With neither rate nor number known the room is what it is, and what finds none is counted.
  const bool open_end = options.search || (schedule.as_fast_as_possible && schedule.calls > uac.held_max);
  if (uac.hold_ns == 0 || uac.flood || open_end) return core::Done{};
  const double rate = std::max(schedule.rate, schedule.rate_end),
               seconds = static_cast<double>(uac.hold_ns) / second_ns;
  const auto most = static_cast<double>(schedule.calls);
  const double held = schedule.as_fast_as_possible ? most : std::min(rate * seconds, most);
  if (held > held_max) {
    return core::Error{fmt::format("--hold {} at --rate {} keeps {:.0f} calls at a time; up to {} are possible",
                                   seconds * 1000, rate, held, held_max)};
  }
  // Answers come unevenly.
  uac.held_max = std::min(static_cast<uint32_t>(held * 1.25) + 1024, held_max);
  uac.window = std::max(uac.window, size_t{4} * uac.held_max);
  return core::Done{};
}

// What is wrong with the sources or a template is found before a device is opened.
core::Status try_callers(const Options& options, const std::string& template_file) {
  core::Result<blast::Sources> sources = blast::Sources::make(options.from, options.sources, options.source_ports);
  if (!sources) return core::Error{"--sources, --source-ports: " + sources.error()};
  blast::UacPlan plan = options.uac;
  plan.window = 1, plan.hold_ns = 0, plan.retransmission.times = 0;
  const auto uac = blast::Uac::make(plan, std::move(*sources));
  if (uac) return core::Done{};
  const std::string& problem = uac.error();
  if (template_file.empty()) return core::Error{problem};
  const bool has_place = problem[0] >= '0' && problem[0] <= '9';
  return core::Error{template_file + (has_place ? ":" : ": ") + problem};
}

core::Status finish(const Texts& texts, Options& options) {
  if (core::Status status = check_ranges(texts, options); !status) return status;
  if (core::Status status = check_cores(options); !status) return status;
  if (core::Status status = read_devices(texts, options); !status) return status;
  if (core::Status status = read_callers(texts, options); !status) return status;
  if (core::Status status = read_reflector(texts, options); !status) return status;
  if (texts.no_checksum) options.uac.checksum = options.uas.checksum = blast::UdpChecksum::none;
  options.idle_sleeps = texts.idle == "adaptive";
  if (!texts.search.empty()) {
    const auto loss = number_of(texts.search.starts_with("loss=") ? texts.search.substr(5) : texts.search);
    if (!loss || *loss >= 1) return refuse("--search", texts.search, "the loss that is borne is accepted: 0, or 0.001");
    if (!options.calls()) return core::Error{"--search needs --uac-port: there is nothing to search for without calls"};
    options.search = true;
    options.search_loss = *loss;
    if (options.confirm_s == 0) options.confirm_s = options.trial_s;
  }
  if (options.search && options.search_options.start > options.search_options.ceiling) {
    return core::Error{"--search-start is above --search-max"};
  }
  if (options.uac.flood && !options.calls()) return core::Error{"--flood needs --uac-port"};
  if (options.sink && !options.reflects()) return core::Error{"--sink needs --uas-port"};
  if (options.search && options.uac.flood && !options.sink) {
    return core::Error{"--flood with --search needs --sink: what arrives must be counted somewhere"};
  }
  if (!options.calls()) return core::Done{};
  if (core::Status status = make_room_to_hold(options); !status) return status;
  return try_callers(options, texts.template_file);
}

unsigned first_core() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return 0;
  for (unsigned core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &allowed)) return core;
  }
  return 0;
}

void add_machine_options(CLI::App& app, Texts& texts, Options& options) {
  constexpr const char* group = "Devices and cores";
  app.add_option("--uac-port", texts.uac_port, "Where calls start")->type_name("DEVICE")->group(group);
  app.add_option("--uas-port", texts.uas_port, "Where they are answered; may be the same")
      ->type_name("DEVICE")
      ->group(group);
  app.add_option("--core", options.cores, "The core that does it all, or two: callers', reflector's")
      ->type_name("N[,M]")
      ->delimiter(',')
      ->group(group);
  app.add_option("--control-core", options.control_core, "The core for the rest (default: the first)")
      ->type_name("N")
      ->group(group);
  app.add_flag("--hugepages", options.hugepages, "Use huge pages")->group(group);
  app.add_option("--memory", options.memory_mb, "MB for packets (default: 256, and what --hold and --delay want)")
      ->group(group);
  app.add_option("--mtu", options.mtu, "Of ports without a kernel")->capture_default_str()->group(group);
  app.add_option("--idle", texts.idle, "adaptive: sleep some µs when there is nothing to do")
      ->check(CLI::IsMember({"poll", "adaptive"}))
      ->capture_default_str()
      ->group(group);
}

void add_caller_options(CLI::App& app, Texts& texts, Options& options) {
  constexpr const char* group = "Callers";
  app.add_option("--to", texts.to, "Where every request goes")->type_name("IP[:PORT]")->group(group);
  app.add_option("--from", texts.from, "Where calls come from, the first of")->type_name("IP[:PORT]")->group(group);
  app.add_option("--sources", options.sources, "so many addresses in a row, and")->capture_default_str()->group(group);
  app.add_option("--source-ports", options.source_ports, "so many ports on each")->capture_default_str()->group(group);
  app.add_option("--gateway-mac", texts.gateway_mac, "Link address of the next hop (af_packet: asked of the kernel)")
      ->type_name("MAC")
      ->group(group);
  app.add_option("--own-mac", texts.own_mac, "Link address of the callers (default: the port's)")
      ->type_name("MAC")
      ->group(group);
  CLI::Option* const scenario =
      app.add_option("--scenario", options.uac.scenario, "options, register, invite, cancel or mixed")
          ->check(CLI::IsMember({"options", "register", "invite", "cancel", "mixed"}))
          ->capture_default_str()
          ->group(group);
  app.add_option("--template", texts.template_file, "The first request, from a file with placeholders")
      ->excludes(scenario)
      ->type_name("FILE")
      ->group(group);
  app.add_option("--size", options.uac.size, "Bytes of the first request, up to 9188 (default: as it comes)")
      ->type_name("BYTES")
      ->group(group);
  app.add_option("--users", options.uac.users, "Different users called")->capture_default_str()->group(group);
  app.add_option("--rate", texts.rate, "Calls a second; max; ramp:FROM-TO within --duration")
      ->type_name("N|max|ramp:A-B")
      ->capture_default_str()
      ->group(group);
  app.add_option("--duration", texts.duration_s, "Seconds to start calls for")->type_name("S")->group(group);
  app.add_option("--calls", texts.calls, "Calls to start")->type_name("N")->group(group);
  app.add_option("--hold", texts.hold_ms, "Milliseconds from ACK to BYE")->type_name("MS")->group(group);
  app.add_option("--drain", options.drain_s, "Seconds to wait for missing answers afterwards")
      ->capture_default_str()
      ->group(group);
  app.add_option("--accept", texts.accepted, "Final answers that are fine too")
      ->type_name("CODE")
      ->delimiter(',')
      ->group(group);
  CLI::Option* const retransmit =
      app.add_option("--retransmit", options.uac.retransmission.times, "Repeat an unanswered request so often")
          ->type_name("N")
          ->group(group);
  app.add_option("--t1", texts.t1_ms, "Milliseconds before the first repetition")->capture_default_str()->group(group);
  app.add_option("--window", options.uac.window, "Calls remembered at a time")->capture_default_str()->group(group);
  app.add_flag("--flood", options.uac.flood, "Only send; no answer is waited for")->excludes(retransmit)->group(group);
  app.add_flag("--no-udp-checksum", texts.no_checksum, "IPv4: send without UDP checksums")->group(group);
}

void add_reflector_options(CLI::App& app, Texts& texts, Options& options) {
  constexpr const char* group = "Reflector";
  app.add_flag("--sink", options.sink, "Count what comes and free it, answer nothing")->group(group);
  app.add_option("--uas-address", texts.uas_addresses, "Its addresses (af_packet: the kernel is kept from them)")
      ->type_name("IP[:PORT]")
      ->delimiter(',')
      ->group(group);
  app.add_option("--provisional", texts.provisional, "Before the answer to an INVITE")
      ->check(CLI::IsMember({"none", "100", "180", "both"}))
      ->capture_default_str()
      ->group(group);
  app.add_flag("--ring-only", options.uas.ring_only, "Never pick up")->group(group);
  app.add_option("--answer", texts.answers, "This answer to this share of calls, such as 486:0.1,503:0.01")
      ->type_name("CODE:SHARE")
      ->delimiter(',')
      ->group(group);
  app.add_option("--delay", texts.delay_ms, "Milliseconds before each answer")->type_name("MS")->group(group);
  app.add_option("--loss", options.uas.loss, "Share of requests that are dropped")
      ->check(CLI::Range(0.0, 1.0))
      ->type_name("SHARE")
      ->group(group);
}

void add_run_options(CLI::App& app, Texts& texts, Options& options) {
  constexpr const char* group = "Search and output";
  app.add_option("--search", texts.search, "Find the highest rate with at most this loss: 0, 0.001")
      ->type_name("LOSS")
      ->group(group);
  app.add_option("--search-start", options.search_options.start, "First rate tried")
      ->capture_default_str()
      ->group(group);
  app.add_option("--search-max", options.search_options.ceiling, "Highest rate tried")->group(group);
  app.add_option("--resolution", options.search_options.resolution, "When to stop, as a share of the rate")
      ->capture_default_str()
      ->group(group);
  app.add_option("--repeats", options.search_options.repeats,
                 "How often a trial that failed is repeated before it counts")
      ->capture_default_str()
      ->group(group);
  app.add_option("--trial", options.trial_s, "Seconds of a trial")->capture_default_str()->group(group);
  app.add_option("--confirm", options.confirm_s, "Seconds of the trials that confirm it (default: as --trial)")
      ->type_name("S")
      ->group(group);
  app.add_option("--warm-up", options.warm_up_s, "Seconds before it that do not count")
      ->capture_default_str()
      ->group(group);
  app.add_option("--time-limit", options.time_limit_s, "Start no calls after so many seconds, and end")
      ->type_name("S")
      ->group(group);
  app.add_flag("--json", options.json, "All figures as one JSON object on the last line")->group(group);
  app.add_flag("--quiet", options.quiet, "No live line, no summary")->group(group);
}

}  // namespace

Parsed parse_command_line(int argc, char** argv) {
  Texts texts;
  Options options;
  options.control_core = first_core();
  options.search_options.ceiling = 20e6;
  CLI::App app(about, "viablast");
  app.footer(footer);
  app.get_formatter()->column_width(34);
  app.set_version_flag("--version", std::string("viablast ") + VIADUCT_VERSION);
  add_machine_options(app, texts, options);
  add_caller_options(app, texts, options);
  add_reflector_options(app, texts, options);
  add_run_options(app, texts, options);
  manual::add_manual_flag(app, VIADUCT_VERSION, 1, "viaduct(8), viaductctl(1)");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    if (problem.get_exit_code() == 0) return {std::nullopt, app.exit(problem)};
    std::fprintf(stderr, "viablast: %s; --help lists what there is\n", problem.what());
    return {std::nullopt, exit_usage};
  }
  if (options.cores.empty()) options.cores = {first_core()};
  if (core::Status status = finish(texts, options); !status) {
    std::fprintf(stderr, "viablast: %s\n", status.error().c_str());
    return {std::nullopt, exit_usage};
  }
  return {std::move(options), 0};
}

}  // namespace viaduct::viablast
