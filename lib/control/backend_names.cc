#include "control/backend_names.h"

#include <algorithm>
#include <tuple>

#include "fmt/format.h"
#include "sip/charset.h"
#include "sip/message.h"

namespace viaduct::control {
namespace {

constexpr size_t targets_max = 64;  // of one name

std::string lower(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return sip::lowered(host);
}

}  // namespace

// All questions that one name leads to.
struct BackendNames::Lookup {
  BackendName key;
  std::vector<Target> targets;
  size_t open = 0;  // questions without an answer yet
  uint32_t ttl = UINT32_MAX;
  std::string problem;  // of one of the targets
};

core::Result<std::unique_ptr<BackendNames>> BackendNames::open(const Options& options) {
  auto dns = Dns::open(options.dns);
  if (!dns) return core::Error{dns.error()};
  return std::unique_ptr<BackendNames>(new BackendNames(options, std::move(*dns)));
}

void BackendNames::set(const std::set<BackendName>& names) {
  std::erase_if(names_, [&](const auto& entry) { return !names.contains(entry.first); });
  for (const BackendName& name : names) names_.try_emplace(name);
}

bool BackendNames::turn(Time now) {
  now_ = now;
  dns_->turn();
  for (auto& [key, name] : names_) {
    if (name.lookup == nullptr && now >= name.due) ask(key, name);
  }
  return std::exchange(changed_, false);
}

bool BackendNames::settled() const {
  return std::all_of(names_.begin(), names_.end(),
                     [](const auto& entry) { return entry.second.known || entry.second.failures != 0; });
}

void BackendNames::ask(const BackendName& key, Name& name) {
  const auto lookup = std::make_shared<Lookup>();
  lookup->key = key;
  name.lookup = lookup;
  if (key.host.starts_with('_')) return ask_srv(lookup, key.host);
  if (key.port == 0) return ask_srv(lookup, "_sip._udp." + key.host);
  lookup->targets.push_back({.host = {}, .port = key.port, .priority = 0, .weight = 0, .addresses = {}});
  ask_addresses(lookup);
}

void BackendNames::ask_srv(const std::shared_ptr<Lookup>& lookup, const std::string& service) {
  dns_->ask_srv(service, [this, lookup](const Dns::Srvs& answer) {
    const bool demanded = lookup->key.host.starts_with('_');
    // A server that does not answer at all is not a "no": the next lookup may say otherwise, so no fall back to A. Nor
    // is there one where it says that the service is not available (RFC 2782).
    if (answer.failure && (demanded || !answer.failure.absent)) return failed(lookup, answer.failure.sentence);
    if (answer.failure) {
      lookup->targets.push_back({.host = {}, .port = sip::default_port, .priority = 0, .weight = 0, .addresses = {}});
      return ask_addresses(lookup);
    }
    lookup->ttl = answer.ttl;
    for (const Dns::Srv& srv : answer.records) {
      lookup->targets.push_back({lower(srv.host), srv.port, srv.priority, srv.weight, {}});
    }
    std::vector<Target>& targets = lookup->targets;
    const auto order = [](const Target& t) { return std::tie(t.priority, t.host, t.port, t.weight); };
    std::sort(targets.begin(), targets.end(), [&](const Target& a, const Target& b) { return order(a) < order(b); });
    const auto same = [](const Target& a, const Target& b) { return a.host == b.host && a.port == b.port; };
    for (size_t i = 0; i < targets.size(); ++i) {  // a target twice: the earlier one counts
      targets.erase(std::remove_if(targets.begin() + static_cast<ptrdiff_t>(i) + 1, targets.end(),
                                   [&](const Target& other) { return same(targets[i], other); }),
                    targets.end());
    }
    if (targets.size() > targets_max) targets.resize(targets_max);
    ask_addresses(lookup);
  });
}

void BackendNames::ask_addresses(const std::shared_ptr<Lookup>& lookup) {
  lookup->open = lookup->targets.size();
  for (size_t i = 0; i < lookup->targets.size(); ++i) {
    const std::string& host = lookup->targets[i].host;
    dns_->ask_addresses(host.empty() ? lookup->key.host : host,
                        [this, lookup, i](const Dns::Addresses& answer) { answered(lookup, i, answer); });
  }
}

void BackendNames::answered(const std::shared_ptr<Lookup>& lookup, size_t index, const Dns::Addresses& answer) {
  Target& target = lookup->targets[index];
  if (!answer.failure) {
    target.addresses = answer.records;
    lookup->ttl = std::min(lookup->ttl, answer.ttl);
  } else {
    lookup->problem =
        target.host.empty() ? answer.failure.sentence : fmt::format("{}: {}", target.host, answer.failure.sentence);
  }
  if (--lookup->open == 0) finish(lookup);
}

void BackendNames::finish(const std::shared_ptr<Lookup>& lookup) {
  Name* const name = of(lookup);
  if (name == nullptr) return;
  std::vector<Target>& targets = lookup->targets;
  const bool answered =
      std::any_of(targets.begin(), targets.end(), [](const Target& target) { return !target.addresses.empty(); });
  if (!answered) return failed(lookup, lookup->problem);
  for (Target& target : targets) {
    if (!target.addresses.empty()) continue;
    for (const Target& last : name->targets) {
      if (last.host == target.host && last.port == target.port) target.addresses = last.addresses;
    }
  }
  std::erase_if(targets, [](const Target& target) { return target.addresses.empty(); });
  const auto ttl = std::clamp(std::chrono::seconds(lookup->ttl), options_.ttl_min, options_.ttl_max);
  name->due = now_ + (lookup->problem.empty() ? ttl : std::min(ttl, options_.retry));
  if (name->failures != 0 && lookup->problem.empty()) {
    news_.push_back(
        {text_of(lookup->key), fmt::format("is answered again after {} failed lookups", name->failures), false});
  } else if (!lookup->problem.empty() && lookup->problem != name->problem) {
    news_.push_back(
        {text_of(lookup->key), fmt::format("one of its targets cannot be looked up: {}", lookup->problem), true});
  }
  name->failures = lookup->problem.empty() ? 0 : name->failures + 1;
  name->problem = lookup->problem;
  if (!name->known || name->targets != targets) changed_ = true;
  name->known = true;
  name->targets = std::move(targets);
  name->lookup.reset();
}

void BackendNames::failed(const std::shared_ptr<Lookup>& lookup, const std::string& why) {
  Name* const name = of(lookup);
  if (name == nullptr) return;
  if (name->problem != why) {
    news_.push_back({text_of(lookup->key),
                     fmt::format("cannot be looked up: {}; {}", why,
                                 name->known ? "its last answer stays in force" : "it has no backends until it can be"),
                     true});
  }
  ++name->failures;
  name->problem = why;
  name->due = now_ + options_.retry;
  name->lookup.reset();
}

// Nobody, if the name has gone from the configuration meanwhile.
BackendNames::Name* BackendNames::of(const std::shared_ptr<Lookup>& lookup) {
  const auto found = names_.find(lookup->key);
  return found == names_.end() || found->second.lookup != lookup ? nullptr : &found->second;
}

Answers BackendNames::answers() const {
  Answers answers;
  for (const auto& [key, name] : names_) {
    if (name.known) answers.emplace(key, name.targets);
  }
  return answers;
}

std::vector<BackendNames::Entry> BackendNames::entries(Time now) const {
  std::vector<Entry> list;
  for (const auto& [key, name] : names_) {
    Entry entry;
    entry.name = text_of(key);
    for (const Target& target : name.targets) {
      for (const net::IpAddress& address : target.addresses) entry.addresses.push_back({address, target.port});
    }
    entry.known = name.known;
    entry.asking = name.lookup != nullptr;
    entry.failures = name.failures;
    entry.problem = name.problem;
    if (name.due > now) entry.due = std::chrono::duration_cast<std::chrono::seconds>(name.due - now);
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace viaduct::control
