#include "control/diff.h"

#include <algorithm>
#include <map>
#include <utility>

#include "config/choices.h"
#include "config/values.h"
#include "control/running.h"
#include "fmt/format.h"

namespace viaduct::control {
namespace {

using Fields = std::vector<std::pair<std::string_view, std::string>>;

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
std::string sum_of(const std::vector<net::Prefix>& prefixes) {
  uint64_t sum = 0;
  for (const net::Prefix& prefix : prefixes) sum = sum * 31 + net::AddressHash{}(prefix.address) + prefix.length;
  return fmt::format("{:08x}", sum & 0xffffffff);
}

Fields fields_of(const config::Access& access) {
  return {{"allow", text_of(access.allow)},
          {"allow sum", sum_of(access.allow.prefixes)},
          {"deny", text_of(access.deny)},
          {"deny sum", sum_of(access.deny.prefixes)}};
}

Fields fields_of(const config::PrefixList& list) {
  return {{"prefixes", std::to_string(list.prefixes.size())}, {"sum", sum_of(list.prefixes)}};
}

Fields fields_of(const config::Rule& rule) {
  const auto patterns = list_of(rule.patterns, [](const auto& p) { return p.field + " = '" + p.text + "'"; });
  std::string deviations;
  for (const sip::Deviation deviation : rule.deviations) {
    deviations += std::string(sip::text_of(deviation).name) + ' ';
  }
  return {{"listener", list_of(rule.listeners)},
          {"source", text_of(rule.sources)},
          {"source sum", sum_of(rule.sources.prefixes)},
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
          {"exempt sum", sum_of(limit.exempt.prefixes)},
          {"entries", std::to_string(limit.entries)},
          {"mode", mode_of(limit.enforce)}};
}

std::string order_of(const config::Rules& rules) {
  return list_of(rules.rules, [](const config::Rule& rule) { return rule.name; });
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
  static constexpr std::string_view names[] = {
      "health.enabled", "health.method", "health.interval", "health.timeout",      "health.rise",   "health.fall",
      "health.accept",  "health.from",   "health.to",       "health.max_forwards", "health.silence"};
  const Fields health = fields_of(pool.health);
  for (size_t i = 0; i < health.size(); ++i) fields.emplace_back(names[i], health[i].second);
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

// ---- what cannot change while running

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

void compare(std::string section, const Fields& before, const Fields& after, std::vector<Difference>& out) {
  std::string detail;
  for (size_t i = 0; i < before.size(); ++i) {
    const std::string &was = before[i].second, &is = after[i].second;
    if (was == is) continue;
    const auto parting = std::mismatch(was.begin(), was.end(), is.begin(), is.end()).first;
    const auto difference = static_cast<size_t>(parting - was.begin());
    detail += fmt::format("{}{}: {} -> {}", detail.empty() ? "" : "; ", before[i].first, shown(was, difference),
                          shown(is, difference));
  }
  if (!detail.empty()) out.push_back({Difference::Kind::changed, std::move(section), std::move(detail)});
}

std::string summary(const Fields& fields) {
  std::string text;
  for (const auto& [name, value] : fields) {
    if (!value.empty() && value != "[]")
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, shown(value, 0));
  }
  return text;
}

// Sections with names, which may come and go. `fields` says what of a section counts.
template <class T, class FieldsOf>
void compare_named(const std::string& title, const std::vector<T>& before, const std::vector<T>& after, FieldsOf fields,
                   std::vector<Difference>& out) {
  const auto named = [](const std::vector<T>& list, const std::string& name) {
    const auto found = std::find_if(list.begin(), list.end(), [&](const T& item) { return item.name == name; });
    return found == list.end() ? nullptr : &*found;
  };
  for (const T& old : before) {
    if (const T* now = named(after, old.name)) {
      compare(title + old.name, fields(old), fields(*now), out);
    } else {
      out.push_back({Difference::Kind::removed, title + old.name, ""});
    }
  }
  for (const T& now : after) {
    if (named(before, now.name) == nullptr) {
      out.push_back({Difference::Kind::added, title + now.name, summary(fields(now))});
    }
  }
}

template <class T>
std::string names_of(const std::vector<T>& list) {
  return list_of(list, [](const T& item) { return item.name; });
}

const config::Pool* pool_named(const config::Config& config, const std::string& name) {
  const auto found = std::find_if(config.pools.begin(), config.pools.end(),
                                  [&](const config::Pool& pool) { return pool.name == name; });
  return found == config.pools.end() ? nullptr : &*found;
}

std::string_view name_at(const proxy::View& view, const proxy::Pool& pool, size_t slot) {
  const uint16_t member = pool.overlay.slots()[slot];
  return member == steer::no_member ? std::string_view() : view.backends[pool.first_backend + member].name;
}

double moved_share(const proxy::View& before, const proxy::Pool& old, const proxy::View& after,
                   const proxy::Pool& now) {
  const bool same_hash = old.key == now.key && before.keys.selection == after.keys.selection;
  size_t moved = 0;
  std::map<std::string_view, std::pair<double, double>> shares;
  for (size_t slot = 0; slot < steer::table_slots; ++slot) {
    const std::string_view was = name_at(before, old, slot), is = name_at(after, now, slot);
    if (was != is) ++moved;
    if (!same_hash) shares[was].first += 1.0 / steer::table_slots;
    if (!same_hash) shares[is].second += 1.0 / steer::table_slots;
  }
  if (same_hash) return static_cast<double>(moved) / steer::table_slots;
  double stay = 0;
  for (const auto& [name, share] : shares) stay += share.first * share.second;
  return 1 - stay;
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
  std::vector<Difference> out;
  compare("[runtime]", secrets_of(before.runtime), secrets_of(after.runtime), out);
  compare("[sip]", fields_of(before.sip), fields_of(after.sip), out);
  compare("[overload]", fields_of(before.overload), fields_of(after.overload), out);
  compare("[hep]", fields_of(before.hep), fields_of(after.hep), out);
  if (!before.hep.password.empty() && !after.hep.password.empty() && before.hep.password != after.hep.password) {
    out.push_back({Difference::Kind::changed, "[hep]", "another password"});
  }
  compare("[access]", fields_of(before.rules.access), fields_of(after.rules.access), out);
  compare_named(
      "list ", before.rules.lists, after.rules.lists, [](const config::PrefixList& list) { return fields_of(list); },
      out);
  compare_named(
      "rule ", before.rules.rules, after.rules.rules, [](const config::Rule& rule) { return fields_of(rule); }, out);
  compare_named(
      "limit ", before.rules.limits, after.rules.limits, [](const config::Limit& limit) { return fields_of(limit); },
      out);
  compare_named(
      "peer ", before.peers, after.peers, [](const config::Peer& peer) { return fields_of(peer); }, out);
  compare("[[rule]]", {{"order", order_of(before.rules)}}, {{"order", order_of(after.rules)}}, out);
  compare_named(
      "listener ", before.listeners, after.listeners,
      [](const config::Listener& listener) { return fields_of(listener); }, out);
  compare_named(
      "pool ", before.pools, after.pools, [](const config::Pool& pool) { return fields_of(pool); }, out);
  const auto backend_fields = [](const config::Backend& backend) { return fields_of(backend); };
  static const config::Pool nothing;
  for (const config::Pool& pool : before.pools) {
    const config::Pool* now = pool_named(after, pool.name);
    compare_named("backend " + pool.name + '/', pool.backends, (now != nullptr ? now : &nothing)->backends,
                  backend_fields, out);
  }
  for (const config::Pool& pool : after.pools) {
    if (pool_named(before, pool.name) != nullptr) continue;
    compare_named("backend " + pool.name + '/', nothing.backends, pool.backends, backend_fields, out);
  }
  return out;
}

std::vector<Difference> fixed_differences(const config::Config& before, const config::Config& after) {
  std::vector<Difference> out;
  compare("[runtime]", fields_of(before.runtime), fields_of(after.runtime), out);
  compare("[control]", fields_of(before.control), fields_of(after.control), out);
  compare("[resolver]", fields_of(before.resolver), fields_of(after.resolver), out);
  compare("the order of [[port]]", {{"ports", names_of(before.ports)}}, {{"ports", names_of(after.ports)}}, out);
  compare_named(
      "port ", before.ports, after.ports, [](const config::Port& port) { return fields_of(port); }, out);
  compare("the order of [[listener]]", {{"listeners", names_of(before.listeners)}},
          {{"listeners", names_of(after.listeners)}}, out);
  compare_named(
      "listener ", before.listeners, after.listeners,
      [](const config::Listener& listener) { return place_of(listener); }, out);
  return out;
}

std::vector<Setting> settings(const config::Config& config) {
  std::vector<Setting> out;
  const auto put = [&out](const std::string& section, const Fields& fields) {
    for (const auto& [name, value] : fields) {
      if (!name.ends_with("sum")) out.push_back({section, std::string(name), value});
    }
  };
  put("[runtime]", fields_of(config.runtime));
  put("[runtime]", secrets_of(config.runtime));
  put("[control]", fields_of(config.control));
  put("[resolver]", fields_of(config.resolver));
  put("[sip]", fields_of(config.sip));
  put("[overload]", fields_of(config.overload));
  put("[hep]", fields_of(config.hep));
  put("[access]", fields_of(config.rules.access));
  for (const config::PrefixList& list : config.rules.lists) put("list " + list.name, fields_of(list));
  for (const config::Port& port : config.ports) put("port " + port.name, fields_of(port));
  for (const config::Listener& listener : config.listeners) {
    put("listener " + listener.name, place_of(listener));
    put("listener " + listener.name, fields_of(listener));
  }
  for (const config::Limit& limit : config.rules.limits) put("limit " + limit.name, fields_of(limit));
  for (const config::Rule& rule : config.rules.rules) put("rule " + rule.name, fields_of(rule));
  for (const config::Pool& pool : config.pools) {
    put("pool " + pool.name, fields_of(pool));
    for (const config::Backend& backend : pool.backends) {
      put("backend " + backend_key(pool.name, backend.name), fields_of(backend));
    }
  }
  return out;
}

std::vector<Movement> movements(const proxy::View& before, const proxy::View& after) {
  std::vector<Movement> out;
  for (const proxy::Pool& now : after.pools) {
    for (const proxy::Pool& old : before.pools) {
      if (old.name == now.name) out.push_back({now.name, moved_share(before, old, after, now)});
    }
  }
  return out;
}

}  // namespace viaduct::control
