// [runtime], [control], [resolver], [sip].
#include <algorithm>
#include <array>

#include "config/draft.h"
#include "config/section.h"
#include "core/number.h"
#include "sip/charset.h"

namespace viaduct::config {
namespace {

constexpr int64_t lcore_max = 127;  // RTE_MAX_LCORE of Debian's DPDK, less one
constexpr int64_t memory_mb_min = 64;
constexpr int64_t memory_mb_max = 1 << 20;
constexpr size_t control_path_bytes_max = 107;
constexpr uint32_t reassembly_entries_min = 64;
constexpr int64_t reassembly_entries_max = 1 << 20;
constexpr int64_t message_bytes_min = 1300;  // RFC 3261 section 18.1.1: what everybody must be able to take
constexpr int64_t message_bytes_max = 65507;

void read_workers(Section& section, std::vector<unsigned>& out, Problems& problems) {
  constexpr std::string_view expectation =
      "an array of core numbers from 0 to 127, one for each worker, such as [2, 3],";
  const Member* member = section.find("workers");
  if (member == nullptr) return;
  if (member->value.kind != NodeKind::array || member->value.items.empty()) {
    section.wrong("workers", member->value, expectation);
    return;
  }
  std::vector<unsigned> workers;
  bool all_right = true;
  for (const Node& item : member->value.items) {
    const bool right = item.kind == NodeKind::integer && item.integer >= 0 && item.integer <= lcore_max;
    const auto core = static_cast<unsigned>(item.integer);
    if (!right) {
      section.wrong("an element of workers", item, "a core number from 0 to 127");
    } else if (std::find(workers.begin(), workers.end(), core) != workers.end()) {
      problems.error(item.place, "core " + std::to_string(core) + " is named twice; each core can hold one worker");
    } else {
      workers.push_back(core);
      continue;
    }
    all_right = false;
  }
  if (all_right) out = std::move(workers);
}

void read_secret_files(Section& section, Runtime& runtime) {
  SecretFile secret;
  if (section.read("secret_file", secret.path)) {
    secret.place = section.place_of("secret_file");
    runtime.secret_file = std::move(secret);
  }
  std::vector<PlacedText> old;
  if (!section.read_strings("old_secret_files", old)) return;
  for (PlacedText& file : old) runtime.old_secret_files.push_back({std::move(file.text), file.place});
}

void read_reassembly(Section& runtime, Reassembly& out, Problems& problems) {
  const Member* member = runtime.find("reassembly");
  if (member == nullptr) return;
  if (member->value.kind != NodeKind::table) {
    runtime.wrong("reassembly", member->value, "a table such as { entries = 4096, timeout = \"2s\" }");
    return;
  }
  Section section(member->value, "reassembly", problems);
  section.read_number("entries", out.entries, 0, reassembly_entries_max);
  if (out.entries != 0 && out.entries < reassembly_entries_min) {
    problems.error(section.place_of("entries"),
                   "entries is " + std::to_string(out.entries) + "; 0 for none, or at least 64, is expected");
  }
  section.read("timeout", out.timeout, std::chrono::milliseconds(100), std::chrono::seconds(60));
  section.report_unknown();
}

// File permissions: three or four octal digits in a string, as chmod takes them.
void read_mode(Section& section, uint32_t& out) {
  const Member* member = section.find("mode");
  if (member == nullptr) return;
  const Node& value = member->value;
  const auto mode = core::whole_number<uint32_t>(value.text, 8);
  if (value.kind == NodeKind::string && value.text.size() >= 3 && value.text.size() <= 4 && mode && *mode <= 0777) {
    out = *mode;
  } else {
    section.wrong("mode", value, "a string of octal digits up to \"0777\", such as \"0660\",");
  }
}

// Of users and groups, as useradd takes them. Whether they exist is a matter of the machine that will run this.
void read_account(Section& section, std::string_view key, std::string& out) {
  constexpr std::string_view expectation = "the name of a user or group of this system, such as \"viaduct\",";
  const Member* member = section.find(key);
  if (member == nullptr) return;
  const std::string& name = member->value.text;
  const bool right = member->value.kind == NodeKind::string && !name.empty() && name.size() <= 32 &&
                     name.front() != '-' && sip::all(name, sip::host_name_char);
  if (right) {
    out = name;
  } else {
    section.wrong(key, member->value, expectation);
  }
}

// A path, or "" where nothing is to survive a restart.
void read_state_file(Section& section, Control& control) {
  const Member* member = section.find("state_file");
  if (member == nullptr) return;
  if (member->value.kind != NodeKind::string) {
    section.wrong("state_file", member->value, "a path in quotes, or \"\" for none,");
    return;
  }
  control.state_file = member->value.text;
  control.state_file_named = true;
}

}  // namespace

void read_runtime(const Node& table, Draft& draft, Problems& problems) {
  Section section(table, "[runtime]", problems);
  Runtime& runtime = draft.config.runtime;
  read_workers(section, runtime.workers, problems);
  section.read_number("control_core", runtime.control_core, 0, lcore_max);
  section.read("hugepages", runtime.hugepages);
  section.read_number("memory_mb", runtime.memory_mb, memory_mb_min, memory_mb_max);
  section.read_choice("affinity", runtime.affinity);
  section.read_choice("idle", runtime.idle);
  read_reassembly(section, runtime.reassembly, problems);
  read_account(section, "user", runtime.user);
  section.read_choice("sandbox", runtime.sandbox);
  section.read("dpdk_telemetry", runtime.dpdk_telemetry);
  read_secret_files(section, runtime);
  section.report_unknown();

  const bool shared =
      std::find(runtime.workers.begin(), runtime.workers.end(), runtime.control_core) != runtime.workers.end();
  if (shared && runtime.idle == IdleMode::poll) {
    problems.warn(section.place_of("control_core"),
                  "core " + std::to_string(runtime.control_core) +
                      " is both control core and worker, and a polling worker leaves it no time; another core, or "
                      "idle = \"adaptive\", is better");
  }
}

void read_control(const Node& table, Draft& draft, Problems& problems) {
  Section section(table, "[control]", problems);
  Control& control = draft.config.control;
  if (section.read("socket", control.socket) && control.socket.size() > control_path_bytes_max) {
    problems.error(section.place_of("socket"), "socket is a path of " + std::to_string(control.socket.size()) +
                                                   " bytes; at most 107 are possible for a Unix socket");
  }
  read_mode(section, control.mode);
  read_account(section, "owner", control.owner);
  read_account(section, "group", control.group);
  read_state_file(section, control);
  section.report_unknown();
}

void read_resolver(const Node& table, Draft& draft, Problems& problems) {
  constexpr uint16_t dns_port = 53;
  Section section(table, "[resolver]", problems);
  Resolver& resolver = draft.config.resolver;
  std::vector<PlacedText> servers;
  if (section.read_string_or_strings("servers", servers) && servers.empty()) {
    section.wrong("servers", section.find("servers")->value, "an array with an address, such as [\"192.0.2.53\"],");
  }
  for (const PlacedText& text : servers) {
    if (const auto server = net::parse_endpoint(text.text, dns_port); server && server->port != 0) {
      resolver.servers.push_back(net::to_string(*server));
    } else {
      problems.error(text.place, "name server " + quoted(text.text) +
                                     "; an IP address with or without port is expected, such as \"192.0.2.53\"");
    }
  }
  section.read("timeout", resolver.timeout, std::chrono::milliseconds(100), std::chrono::seconds(30));
  section.report_unknown();
}

void read_sip(const Node& table, Draft& draft, Problems& problems) {
  Section section(table, "[sip]", problems);
  Sip& sip = draft.config.sip;
  section.read_number("message_bytes_max", sip.message_bytes_max, message_bytes_min, message_bytes_max);
  section.read_number("request_uri_bytes_max", sip.request_uri_bytes_max, 64, 16384);
  section.read_number("max_breadth", sip.max_breadth, 0, 1'000'000);
  section.read("answer_incomplete", sip.answer_incomplete);
  section.read("rewrite_503", sip.rewrite_503);
  section.read("time_responses", sip.time_responses);
  std::chrono::milliseconds retry_after = std::chrono::seconds(sip.retry_after_s);
  if (section.read("retry_after", retry_after, std::chrono::seconds(1), std::chrono::hours(1))) {
    sip.retry_after_s = static_cast<uint16_t>(std::chrono::ceil<std::chrono::seconds>(retry_after).count());
  }
  std::string server;
  if (section.read("server", server)) {
    const bool printable =
        server.size() <= 64 && std::all_of(server.begin(), server.end(), [](char c) { return c >= ' ' && c <= '~'; });
    if (printable) {
      sip.server = std::move(server);
    } else {
      section.wrong("server", section.find("server")->value, "a header value of at most 64 printable ASCII characters");
    }
  }
  std::vector<PlacedText> extensions;
  section.read_strings("extensions", extensions);
  for (PlacedText& extension : extensions) {
    if (!extension.text.empty() && sip::all(extension.text, sip::token_char)) {
      sip.extensions.push_back(std::move(extension.text));
    } else {
      problems.error(extension.place, "extension " + quoted(extension.text) +
                                          " is no option tag; a token such as \"privacy\" is expected");
    }
  }
  section.report_unknown();
}

}  // namespace viaduct::config
