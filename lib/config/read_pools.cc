// [[pool]], [pool.health] and [[pool.backend]].
#include <algorithm>

#include "config/dispatcher.h"
#include "config/draft.h"
#include "config/section.h"
#include "config/values.h"

namespace viaduct::config {
namespace {

using std::chrono::milliseconds;

constexpr int64_t priority_max = 65535;
constexpr milliseconds interval_min{100};
constexpr milliseconds interval_max = std::chrono::hours(1);
constexpr milliseconds timeout_min{10};
constexpr int64_t streak_max = 1000;  // of rise and fall

// Answers that show a SIP server which is alive and merely does not want to speak with a probe.
constexpr std::string_view default_accept[] = {"2xx", "403", "404", "405", "483", "501"};

// `2xx` .. `6xx`, or one final status.
bool is_status_pattern(std::string_view text) {
  if (text.size() != 3 || text[0] < '2' || text[0] > '6') return false;
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return text.substr(1) == "xx" || (digit(text[1]) && digit(text[2]));
}

bool is_method(std::string_view text) {
  return !text.empty() && text.size() <= 32 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'A' && c <= 'Z') || c == '-' || c == '_'; });
}

// A sip: URI that may stand in `<>` of a From or To: a user or none, a host, a port or none, no parameters.
bool is_plain_sip_uri(std::string_view text) {
  constexpr size_t uri_bytes_max = 256;
  if (!text.starts_with("sip:") || text.size() > uri_bytes_max) return false;
  text.remove_prefix(4);
  if (const size_t at = text.find('@'); at != std::string_view::npos) {
    const std::string_view user = text.substr(0, at);
    const bool right = !user.empty() && std::all_of(user.begin(), user.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             std::string_view("-_.!~*'()&=+$,").find(c) != std::string_view::npos;
    });
    if (!right) return false;
    text.remove_prefix(at + 1);
  }
  if (net::parse_endpoint(text, 1)) return true;
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || text.back() == ']') return parse_host(text).has_value();
  return parse_host(text.substr(0, colon)) && net::parse_endpoint("0.0.0.1" + std::string(text.substr(colon)));
}

void read_uri(Section& section, std::string_view key, std::string& out) {
  std::string text;
  if (!section.read(key, text)) return;
  if (is_plain_sip_uri(text)) {
    out = std::move(text);
  } else {
    section.wrong(key, section.find(key)->value, "a SIP URI without parameters such as \"sip:probe@example.com\"");
  }
}

// "off", or how long a backend that has come up takes to its full share.
void read_slow_start(Section& section, Pool& pool) {
  const Member* member = section.find("slow_start");
  if (member != nullptr && member->value.kind == NodeKind::string && member->value.text == "off") return;
  section.read("slow_start", pool.slow_start, std::chrono::seconds(1), interval_max);
}

// "off", or how long requests may stay without any response before an extra probe is sent.
void read_silence(Section& section, Health& health) {
  const Member* member = section.find("silence");
  if (member != nullptr && member->value.kind == NodeKind::string && member->value.text == "off") {
    health.silence = milliseconds(0);
  } else {
    section.read("silence", health.silence, std::chrono::seconds(1), interval_max);
  }
}

void read_accept(Section& section, Health& health, Problems& problems) {
  if (section.find("accept") == nullptr) {
    health.accept.assign(std::begin(default_accept), std::end(default_accept));
    return;
  }
  std::vector<PlacedText> texts;
  if (section.read_strings("accept", texts) && texts.empty()) {
    problems.error(section.place_of("accept"),
                   "accept is empty, so no probe could ever succeed; statuses such as "
                   "[\"2xx\", \"404\"] are expected");
  }
  for (PlacedText& text : texts) {
    if (is_status_pattern(text.text)) {
      health.accept.push_back(std::move(text.text));
    } else {
      problems.error(text.place, quoted(text.text) +
                                     " in accept; a class from \"2xx\" to \"6xx\" or a status from \"200\" "
                                     "to \"699\" is expected");
    }
  }
}

void read_health(const Member& member, Health& health, Problems& problems) {
  if (member.value.kind != NodeKind::table) {
    problems.error(member.value.place, "health is " + describe(member.value) + "; a table [pool.health] is expected");
    return;
  }
  Section section(member.value, "[pool.health]", problems);
  health.enabled = true;
  std::string method;
  if (section.read("method", method)) {
    if (is_method(method) && method != "ACK" && method != "CANCEL" && method != "INVITE") {
      health.method = std::move(method);
    } else {
      section.wrong("method", section.find("method")->value,
                    "a method in upper case that starts a transaction and no call, such as \"OPTIONS\",");
    }
  }
  section.read("interval", health.interval, interval_min, interval_max);
  if (section.find("timeout") == nullptr) health.timeout = std::min(health.timeout, health.interval);
  section.read("timeout", health.timeout, timeout_min, interval_max);
  section.read_number("rise", health.rise, 1, streak_max);
  section.read_number("fall", health.fall, 1, streak_max);
  read_accept(section, health, problems);
  read_uri(section, "from", health.from);
  read_uri(section, "to", health.to);
  section.read_number("max_forwards", health.max_forwards, 0, 255);
  read_silence(section, health);
  section.report_unknown();
  if (health.timeout > health.interval) {
    problems.error(section.place_of("timeout"), "timeout is " + duration_text(health.timeout) +
                                                    ", longer than the interval of " + duration_text(health.interval) +
                                                    "; at most the interval is expected");
  }
}

void read_backend_address(Section& section, Backend& backend, BackendPlaces& places, Problems& problems) {
  section.require("address", "one such as \"10.78.0.11:5060\"");
  std::string text;
  if (!section.read("address", text)) return;
  const core::Result<BackendAddress> address = parse_backend_address(text);
  if (!address) {
    problems.error(section.place_of("address"), "address is " + address.error());
    return;
  }
  backend.address = address->endpoint;
  backend.host = address->host;
  places.has_address = backend.host.empty();
}

// Requests reach a backend past its Request-URI, which only a loose router takes (RFC 3261 section 16.6(6), rule
// TGT-08).
void check_router(Section& section, Problems& problems) {
  const Member* member = section.find("router");
  if (member == nullptr) return;
  if (member->value.kind == NodeKind::string && member->value.text == "strict") {
    problems.error(member->value.place,
                   section.title() +
                       " is declared a strict router, which would take the Request-URI for its own; only "
                       "loose routers (RFC 3261 section 16.6) can be balanced: router = \"loose\"");
  } else if (member->value.kind != NodeKind::string || member->value.text != "loose") {
    section.wrong("router", member->value, "\"loose\"");
  }
}

void read_backend(const Node& node, Pool& pool, PoolPlaces& pool_places, Problems& problems) {
  Backend backend;
  BackendPlaces places;
  Section section(node, "[[pool.backend]]", problems);
  section.require("name", "a name such as \"p1\"");
  if (section.read_name("name", backend.name)) section.set_title("[[pool.backend]] \"" + backend.name + '"');
  read_backend_address(section, backend, places, problems);
  section.read_number("weight", backend.weight, 0, weight_max);
  section.read_number("priority", backend.priority, 0, priority_max);
  section.read_choice("state", backend.state);
  check_router(section, problems);
  section.report_unknown();
  places.name = backend.place = section.place_of("name");
  places.address = section.place_of("address");
  pool.backends.push_back(std::move(backend));
  pool_places.backends.push_back(places);
}

void read_backends(Section& section, Pool& pool, PoolPlaces& places, Problems& problems) {
  const Member* member = section.find("backend");
  if (member == nullptr) return;
  if (member->value.kind != NodeKind::array) {
    problems.error(member->place, "[pool.backend] is one table; an array of tables, [[pool.backend]], is expected");
    return;
  }
  for (const Node& node : member->value.items) {
    if (node.kind == NodeKind::table) {
      read_backend(node, pool, places, problems);
    } else {
      section.wrong("an element of backend", node, "a table [[pool.backend]]");
    }
  }
}

}  // namespace

void read_pool(const Node& table, Draft& draft, Problems& problems) {
  Pool pool;
  PoolPlaces places;
  Section section(table, "[[pool]]", problems);
  section.require("name", "a name such as \"proxies\"");
  if (section.read_name("name", pool.name)) section.set_title("[[pool]] \"" + pool.name + '"');
  section.read_choice("key", pool.key);
  section.read_choice("table", pool.table);
  section.read_choice("failover", pool.failover);
  read_slow_start(section, pool);
  section.read_name("backup", pool.backup);
  section.read_choice<bool>("feedback", pool.feedback, feedback_choices);
  if (const Member* member = section.find("health")) read_health(*member, pool.health, problems);
  read_backends(section, pool, places, problems);
  read_dispatcher(section, pool, places, draft, problems);
  section.report_unknown();

  if (pool.backends.empty() && section.find("dispatcher") == nullptr &&
      (section.find("backend") == nullptr || section.find("backend")->value.kind == NodeKind::array)) {
    problems.error(section.place(), section.title() + " has no backend; at least one [[pool.backend]] is expected");
  }
  places.table = section.place();
  places.name = section.place_of("name");
  places.backup = section.place_of("backup");
  draft.pools.push_back(std::move(places));
  draft.config.pools.push_back(std::move(pool));
}

}  // namespace viaduct::config
