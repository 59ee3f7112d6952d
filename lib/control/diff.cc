#include "control/diff.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "config/choices.h"
#include "config/settings.h"
#include "config/values.h"
#include "control/running.h"
#include "fmt/format.h"

namespace viaduct::control {
namespace {

// What somebody has set, or what tells two long contents apart and is derived from them.
struct Field {
  std::string name;
  std::string value;
  bool derived = false;
};
using Fields = std::vector<Field>;

std::string text_of(bool value) { return value ? "true" : "false"; }

template <class T>
std::string word_for(T value) {
  return std::string(config::text_of(value));
}

std::string mode_of(bool enforce) { return std::string(config::word_of(enforce, config::mode_choices)); }

std::string duration_or_off(std::chrono::milliseconds duration) {
  return duration.count() == 0 ? "off" : config::duration_text(duration);
}

template <class T, class Text>
std::string list_of(const std::vector<T>& items, Text text) {
  std::string list;
  for (const T& item : items) list += (list.empty() ? "" : ", ") + text(item);
  return '[' + list + ']';
}

std::string list_of(const std::vector<std::string>& items) {
  return list_of(items, [](const std::string& item) { return item; });
}

std::string endpoints_of(const std::vector<net::Endpoint>& items) {
  return list_of(items, [](const net::Endpoint& item) { return net::to_string(item); });
}

std::string text_of(const config::Sources& sources) {
  std::string text = list_of(sources.lists);
  if (!sources.prefixes.empty()) text += fmt::format(" and {} prefixes", sources.prefixes.size());
  return text;
}

// Long lists are told apart by a number that their content decides.
Field sum_of(std::string name, const std::vector<net::Prefix>& prefixes) {
  uint64_t sum = 0;
  for (const net::Prefix& prefix : prefixes) sum = sum * 31 + net::AddressHash{}(prefix.address) + prefix.length;
  return {std::move(name), fmt::format("{:08x}", sum & 0xffffffff), true};
}

template <class T>
Fields order_of(std::string name, const std::vector<T>& items) {
  return {{std::move(name), list_of(items, [](const T& item) { return item.name; }), true}};
}

Fields fields_of(const config::Access& access) {
  return {{"allow", text_of(access.allow)},
          sum_of("allow sum", access.allow.prefixes),
          {"deny", text_of(access.deny)},
          sum_of("deny sum", access.deny.prefixes)};
}

Fields fields_of(const config::PrefixList& list) {
  return {{"prefixes", std::to_string(list.prefixes.size())}, sum_of("sum", list.prefixes)};
}

Fields fields_of(const config::Rule& rule) {
  const auto patterns = list_of(rule.patterns, [](const auto& p) { return p.field + " = '" + p.text + "'"; });
  std::string deviations;
  for (const sip::Deviation deviation : rule.deviations) {
    deviations += std::string(sip::text_of(deviation).name) + ' ';
  }
  return {{"listener", list_of(rule.listeners)},
          {"source", text_of(rule.sources)},
          sum_of("source sum", rule.sources.prefixes),
          {"method", list_of(rule.methods)},
          {"match", patterns},
          {"present", list_of(rule.present)},
          {"absent", list_of(rule.absent)},
          {"size", fmt::format("{}..{}", rule.size_min, rule.size_max)},
          {"in_dialog", rule.in_dialog ? text_of(*rule.in_dialog) : ""},
          {"deviation", deviations},
          {"action", config::action_text(rule.action, rule.target, rule.status, rule.phrase)},
          {"mode", mode_of(rule.enforce)}};
}

Fields fields_of(const config::Limit& limit) {
  return {{"by", by_text(limit)},
          {"prefix_v6", std::to_string(limit.prefix_v6)},
          {"rate", rate_text(limit)},
          {"burst", std::to_string(limit.burst)},
          {"of", word_for(limit.of)},
          {"action", action_text(limit)},
          {"exempt", text_of(limit.exempt)},
          sum_of("exempt sum", limit.exempt.prefixes),
          {"entries", std::to_string(limit.entries)},
          {"mode", mode_of(limit.enforce)}};
}

Fields fields_of(const config::Backend& backend) {
  return {{"address", net::to_string(backend.address)},
          {"weight", std::to_string(backend.weight)},
          {"priority", backend.priority == 0 ? "" : std::to_string(backend.priority)},
          {"state", word_for(backend.state)}};
}

Fields fields_of(const config::Health& health) {
  return {{"enabled", text_of(health.enabled)},
          {"method", health.method},
          {"interval", config::duration_text(health.interval)},
          {"timeout", config::duration_text(health.timeout)},
          {"rise", std::to_string(health.rise)},
          {"fall", std::to_string(health.fall)},
          {"accept", list_of(health.accept)},
          {"from", health.from},
          {"to", health.to},
          {"max_forwards", std::to_string(health.max_forwards)},
          {"silence", duration_or_off(health.silence)}};
}

Fields fields_of(const config::Pool& pool) {
  Fields fields{{"key", word_for(pool.key)},
                {"table", word_for(pool.table)},
                {"failover", word_for(pool.failover)},
                {"slow_start", duration_or_off(pool.slow_start)},
                {"backup", pool.backup},
                {"feedback", std::string(config::word_of(pool.feedback, config::feedback_choices))}};
  for (Field& field : fields_of(pool.health)) fields.push_back({"health." + field.name, std::move(field.value)});
  return fields;
}

// `REGISTER a.example to registrars`
std::string text_of(const config::ListenerRoute& route) {
  std::string text;
  for (const auto* words : {&route.methods, &route.domains}) {
    for (const std::string& word : *words) text += (text.empty() ? "" : " ") + word;
  }
  return text + " to " + route.pool;
}

Fields fields_of(const config::Listener& listener) {
  return {{"pool", listener.pool},
          {"routes", list_of(listener.routes, [](const config::ListenerRoute& route) { return text_of(route); })},
          {"record_route", text_of(listener.record_route)},
          {"force_rport", text_of(listener.force_rport)},
          {"aliases", list_of(listener.aliases)},
          {"domains", list_of(listener.domains)},
          {"path", word_for(listener.path)},
          {"require_path", text_of(listener.require_path)},
          {"strip_headers", list_of(listener.strip_headers)}};
}

Fields fields_of(const config::Sip& sip) {
  return {{"message_bytes_max", std::to_string(sip.message_bytes_max)},
          {"request_uri_bytes_max", std::to_string(sip.request_uri_bytes_max)},
          {"max_breadth", std::to_string(sip.max_breadth)},
          {"answer_incomplete", text_of(sip.answer_incomplete)},
          {"rewrite_503", text_of(sip.rewrite_503)},
          {"time_responses", text_of(sip.time_responses)},
          {"retry_after", fmt::format("{}s", sip.retry_after_s)},
          {"server", sip.server},
          {"extensions", list_of(sip.extensions)}};
}

Fields fields_of(const config::Peer& peer) {
  return {{"prefixes", list_of(peer.prefixes, [](const net::Prefix& prefix) { return net::to_string(prefix); })}};
}

// Whose password is never shown.
Fields fields_of(const config::Hep& hep) {
  return {{"collector", hep.collector ? net::to_string(*hep.collector) : ""},
          {"capture_id", std::to_string(hep.capture_id)},
          {"node", hep.node},
          {"password", hep.password.empty() ? "" : "(set)"},
          {"sample", std::to_string(hep.sample)},
          {"filter", hep.filter}};
}

Fields fields_of(const config::Overload& overload) {
  const std::string rate = config::rate_text({overload.answers, overload.answers_interval});
  return {{"answers", overload.answers == 0 ? "off" : rate},
          {"answers_burst", std::to_string(overload.answers_burst)},
          {"answers_entries", std::to_string(overload.answers_entries)},
          {"shed", std::to_string(overload.shed)},
          {"shed_max", std::to_string(overload.shed_max)},
          {"flood_after", config::duration_text(overload.flood_after)},
          {"flood_calm", config::duration_text(overload.flood_calm)}};
}

Fields secrets_of(const config::Runtime& runtime) {
  const auto path = [](const config::SecretFile& file) { return file.path; };
  return {{"secret_file", runtime.secret_file ? runtime.secret_file->path : ""},
          {"old_secret_files", list_of(runtime.old_secret_files, path)}};
}

Fields fields_of(const config::Runtime& runtime) {
  return {{"workers", list_of(runtime.workers, [](unsigned core) { return std::to_string(core); })},
          {"control_core", std::to_string(runtime.control_core)},
          {"hugepages", text_of(runtime.hugepages)},
          {"memory_mb", std::to_string(runtime.memory_mb)},
          {"affinity", word_for(runtime.affinity)},
          {"idle", word_for(runtime.idle)},
          {"user", runtime.user},
          {"sandbox", word_for(runtime.sandbox)},
          {"dpdk_telemetry", text_of(runtime.dpdk_telemetry)},
          {"reassembly", std::to_string(runtime.reassembly.entries) + " datagrams for " +
                             std::to_string(runtime.reassembly.timeout.count()) + "ms"}};
}

Fields fields_of(const config::Control& control) {
  return {{"socket", control.socket},
          {"mode", fmt::format("{:04o}", control.mode)},
          {"owner", control.owner},
          {"group", control.group},
          {"state_file", control.state_file}};
}

Fields fields_of(const config::Resolver& resolver) {
  return {{"servers", list_of(resolver.servers)}, {"timeout", config::duration_text(resolver.timeout)}};
}

Fields fields_of(const config::Port& port) {
  const auto ip = [](const std::optional<net::IpAddress>& address) { return address ? net::to_string(*address) : ""; };
  return {{"device", port.device.text},
          {"addresses", list_of(port.addresses, [](const net::Prefix& prefix) { return net::to_string(prefix); })},
          {"gateway", ip(port.gateway)},
          {"gateway6", ip(port.gateway6)},
          {"neighbors", list_of(port.neighbors,
                                [](const config::Neighbor& neighbor) {
                                  return net::to_string(neighbor.address) + " " + net::to_string(neighbor.mac);
                                })},
          {"twin", port.twin},
          {"mtu", std::to_string(port.mtu)}};
}

Fields place_of(const config::Listener& listener) {
  return {{"address", endpoints_of(listener.addresses)}, {"side", word_for(listener.side)}};
}

// A thousand patterns are shown where they differ.
constexpr size_t shown_max = 160, shown_before = 24;

std::string shown(const std::string& text, size_t difference) {
  if (text.empty()) return "-";
  if (text.size() <= shown_max) return text;
  const size_t begin = std::min(difference - std::min(difference, shown_before), text.size() - shown_max);
  return fmt::format("{}{}{} ({} characters)", begin == 0 ? "" : "...", text.substr(begin, shown_max),
                     begin + shown_max == text.size() ? "" : "...", text.size());
}

// Empty: nothing differs. The fields are those of one section, before and after.
std::string detail_of(const Fields& before, const Fields& after) {
  std::string detail;
  for (size_t i = 0; i < before.size(); ++i) {
    const std::string &was = before[i].value, &is = after[i].value;
    if (was == is) continue;
    const auto parting = std::mismatch(was.begin(), was.end(), is.begin(), is.end()).first;
    const auto difference = static_cast<size_t>(parting - was.begin());
    detail += fmt::format("{}{}: {} -> {}", detail.empty() ? "" : "; ", before[i].name, shown(was, difference),
                          shown(is, difference));
  }
  return detail;
}

std::string summary(const Fields& fields) {
  std::string text;
  for (const Field& field : fields) {
    if (field.value.empty() || field.value == "[]") continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", field.name, shown(field.value, 0));
  }
  return text;
}

// A part of the file that changes as a whole: what of a section a reload can change, or what it cannot.
struct Part {
  std::string section;
  config::Change change;
  Fields fields;
};

// All that counts of a configuration, in the order in which people are shown it. A section's name is there once for
// each kind of change.
std::vector<Part> parts_of(const config::Config& config) {
  using enum config::Change;
  std::vector<Part> parts;
  const auto put = [&parts](std::string section, config::Change change, Fields fields) {
    parts.push_back({std::move(section), change, std::move(fields)});
  };
  put("[runtime]", restart, fields_of(config.runtime));
  put("[runtime]", reload, secrets_of(config.runtime));
  put("[control]", restart, fields_of(config.control));
  put("[resolver]", restart, fields_of(config.resolver));
  put("[sip]", reload, fields_of(config.sip));
  put("[overload]", reload, fields_of(config.overload));
  put("[hep]", reload, fields_of(config.hep));
  put("[access]", reload, fields_of(config.rules.access));
  for (const config::PrefixList& list : config.rules.lists) put("list " + list.name, reload, fields_of(list));
  for (const config::Peer& peer : config.peers) put("peer " + peer.name, reload, fields_of(peer));
  put("the order of [[port]]", restart, order_of("ports", config.ports));
  for (const config::Port& port : config.ports) put("port " + port.name, restart, fields_of(port));
  put("the order of [[listener]]", restart, order_of("listeners", config.listeners));
  for (const config::Listener& listener : config.listeners) {
    put("listener " + listener.name, restart, place_of(listener));
    put("listener " + listener.name, reload, fields_of(listener));
  }
  for (const config::Limit& limit : config.rules.limits) put("limit " + limit.name, reload, fields_of(limit));
  put("[[rule]]", reload, order_of("order", config.rules.rules));
  for (const config::Rule& rule : config.rules.rules) put("rule " + rule.name, reload, fields_of(rule));
  for (const config::Pool& pool : config.pools) {
    put("pool " + pool.name, reload, fields_of(pool));
    for (const config::Backend& backend : pool.backends) {
      put("backend " + backend_key(pool.name, backend.name), reload, fields_of(backend));
    }
  }
  return parts;
}

// What has gone, then what is another or new, each in the order of the parts.
std::vector<Difference> compare(const config::Config& before, const config::Config& after, config::Change change) {
  using Index = std::unordered_map<std::string_view, const Part*>;
  const std::vector<Part> old = parts_of(before), now = parts_of(after);
  const auto index_of = [change](const std::vector<Part>& parts) {
    Index index;
    for (const Part& part : parts) {
      if (part.change == change) index.emplace(part.section, &part);
    }
    return index;
  };
  const Index was = index_of(old), is = index_of(now);
  std::vector<Difference> out;
  for (const Part& part : old) {
    if (part.change == change && !is.contains(part.section)) {
      out.push_back({Difference::Kind::removed, part.section, ""});
    }
  }
  for (const Part& part : now) {
    if (part.change != change) continue;
    const auto known = was.find(part.section);
    if (known == was.end()) {
      out.push_back({Difference::Kind::added, part.section, summary(part.fields)});
    } else if (std::string detail = detail_of(known->second->fields, part.fields); !detail.empty()) {
      out.push_back({Difference::Kind::changed, part.section, std::move(detail)});
    }
  }
  return out;
}

}  // namespace

std::string_view text_of(Difference::Kind kind) {
  switch (kind) {
    case Difference::Kind::added: return "added";
    case Difference::Kind::removed: return "removed";
    case Difference::Kind::changed: return "changed";
  }
  return "";
}

std::vector<Difference> differences(const config::Config& before, const config::Config& after) {
  std::vector<Difference> out = compare(before, after, config::Change::reload);
  if (!before.hep.password.empty() && !after.hep.password.empty() && before.hep.password != after.hep.password) {
    out.push_back({Difference::Kind::changed, "[hep]", "another password"});
  }
  return out;
}

std::vector<Difference> fixed_differences(const config::Config& before, const config::Config& after) {
  return compare(before, after, config::Change::restart);
}

std::vector<Setting> settings(const config::Config& config) {
  std::vector<Setting> out;
  for (Part& part : parts_of(config)) {
    for (Field& field : part.fields) {
      if (!field.derived) out.push_back({part.section, std::move(field.name), std::move(field.value)});
    }
  }
  return out;
}

}  // namespace viaduct::control
