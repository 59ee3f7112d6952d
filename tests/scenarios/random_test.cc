// Anything in any order. A seed says what happens; a failure names it, and VIADUCT_SEED runs that one alone.
//
// What must hold whatever happens: no transaction has parts at two servers, unless one of them was dead or a process
// began anew after a change and so had forgotten; requests of a dialog reach the server that has it; every ledger
// closes; and where nobody dies, no call fails.
#include <cstdlib>

#include "scenarios/scenario.h"
#include "support/effort.h"

namespace viaduct::scenarios {
namespace {

class Random : public Scenario {
 protected:
  // The seeds to run, or the one that was asked for.
  static std::vector<uint64_t> seeds(uint64_t first, uint64_t count) {
    if (const char* one = std::getenv("VIADUCT_SEED")) return {std::strtoull(one, nullptr, 10)};
    std::vector<uint64_t> all;
    for (uint64_t i = 0; i < count; ++i) all.push_back(first + i);
    return all;
  }
  uint64_t pick(uint64_t count) { return world->random() % count; }

  void begin(uint64_t seed) {
    open(Site::of(3 + seed % 4), 1 + seed % 3, seed);
    state.clear();
    mourned.clear(), forgotten.clear();
    unsafe = false;
    happened.clear();
  }

  void call_now_and_then(int left) {
    if (left == 0) return;
    Plan plan;
    plan.ring = std::chrono::milliseconds(pick(3000));
    plan.hold = std::chrono::milliseconds(pick(8000));
    plan.callee_hangs_up = pick(3) == 0;
    plan.update = pick(3) == 0;
    if (pick(4) == 0) plan.ring = 1h, plan.cancel_after = std::chrono::milliseconds(pick(4000));
    if (pick(8) == 0) plan.answer = "486 Busy Here";
    const std::string id = "c" + std::to_string(left);
    phones->call(id, plan);
    for (uint64_t copies = pick(4); copies > 0; --copies) {
      world->after(std::chrono::microseconds(pick(5'000'000)), [this, id] { phones->at(id).copy_invite(); });
    }
    world->after(std::chrono::microseconds(pick(200'000)), [this, left] { call_now_and_then(left - 1); });
  }

  std::string any_name() { return site.backends[pick(site.backends.size())].name; }
  bool configured(const std::string& name) const {
    return std::any_of(site.backends.begin(), site.backends.end(),
                       [&](const Site::Backend& backend) { return backend.name == name; });
  }
  size_t serving() const {
    size_t count = 0;
    for (const proxy::Backend& backend : node->view().backends) count += backend.takes_new() && backend.weight > 0;
    return count;
  }
  void said(const std::string& what) {
    happened += std::to_string((world->now().time_since_epoch() - 1h) / 1us) + " us: " + what + "\n";
  }

  // What an operator does, and nobody notices.
  void operate() {
    const std::string name = any_name();
    switch (pick(6)) {
      case 0: {
        const bool out = state[name] == "drain";
        if (!out && serving() < 2) return;
        state[name] = out ? "up" : "drain";
        said(state[name] + " " + name);
        return order("backend " + state[name] + " proxies/" + name);
      }
      case 1: {
        const std::string weight = std::to_string(1 + pick(200));
        said("weight " + name + " " + weight);
        return order("backend weight proxies/" + name + " " + weight);
      }
      case 2: {
        if (site.backends.size() < 3) return;
        std::erase_if(site.backends, [&](const Site::Backend& backend) { return backend.name == name; });
        return reload("without " + name);
      }
      case 3: {
        for (size_t i = 1; i <= machines; ++i) {
          const std::string fresh = "p" + std::to_string(i);
          if (configured(fresh) || pick(3) != 0) continue;
          site.backends.insert(site.backends.begin() + static_cast<std::ptrdiff_t>(pick(site.backends.size())),
                               {fresh});
          return reload("with " + fresh);
        }
        return;
      }
      case 4:
        site.at(name).weight = static_cast<unsigned>(1 + pick(200));
        return reload("weight of " + name + " in the file");
      default: rotate();
    }
  }
  void reload(const std::string& what) {
    said("reload " + what);
    state.clear();  // the operator's words are not in the file
    node->reload(site);
  }
  // As the manual has it, but for the last step, which moves calls: the oldest secret goes on choosing.
  void rotate() {
    if (site.secrets.size() > 3) return;
    site.secrets.insert(site.secrets.begin(), std::string(64, static_cast<char>('2' + site.secrets.size())));
    reload("with a new secret");
  }

  // What hurts: a death, a return, a process that begins anew.
  void harm() {
    const std::string name = any_name();
    switch (pick(4)) {
      case 0:
        if (!server(name).alive() || serving() < 2) return;
        said("death of " + name);
        mourned.insert(name);
        server(name).die();
        return world->after(std::chrono::milliseconds(pick(3000)), [this, name] {
          if (!server(name).alive()) node->judge(name, false);
        });
      case 1:
        if (server(name).alive()) return;
        said("return of " + name);
        server(name).come();
        return node->judge(name, true);
      case 2:
        said("restart");
        unsafe = true;
        // Who had left the file is unknown to a new process, and so are its dialogs.
        for (const auto& [other, its_server] : servers) {
          if (!configured(other)) forgotten.insert(other);
        }
        return node->restart();
      default:
        said("restart of a worker");
        unsafe = true;
        return node->restart_worker(0);
    }
  }

  std::map<std::string, std::string> state;  // the operator's words
  std::set<std::string> mourned;             // who was dead once
  std::set<std::string> forgotten;           // who had left the file when a process began
  bool unsafe = false;                       // some process began anew
  std::string happened;
};

// LBG-01, LBG-03, LBG-08, LBG-18, TXN-19
TEST_F(Random, WhatOperatorsDoIsNeverNoticed) {
  for (const uint64_t seed : seeds(1, test::rounds(16))) {
    SCOPED_TRACE("VIADUCT_SEED=" + std::to_string(seed));
    begin(seed);
    if (seed % 2 == 0) world->loss_percent = 3, world->duplicate_percent = 5;
    call_now_and_then(80);
    // A call lives for some 12 s, and the past of a pool is eight tables.
    for (int i = 0; i < 8; ++i)
      world->after(std::chrono::microseconds(i * 1'800'000 + pick(1'500'000)), [this] { operate(); });
    world->run(16s);
    finish();
    expect_nothing_split();
    expect_calls_whole();
    if (HasFailure()) FAIL() << happened;
  }
}

// LBG-04, LBG-06, LBG-16, LBG-17
TEST_F(Random, WhatHurtsHurtsNobodyElse) {
  for (const uint64_t seed : seeds(1001, test::rounds(10))) {
    SCOPED_TRACE("VIADUCT_SEED=" + std::to_string(seed));
    begin(seed);
    call_now_and_then(80);
    for (int i = 0; i < 9; ++i) {
      world->after(std::chrono::microseconds(i * 1'600'000 + pick(1'500'000)),
                   [this] { pick(2) == 0 ? operate() : harm(); });
    }
    world->run(16s);
    world->run_until([&] { return phones->all_over(); }, 120s);
    for (const auto& [transaction, at] : account.transactions()) {
      const bool dead =
          std::any_of(at.begin(), at.end(), [&](const std::string& name) { return mourned.contains(name); });
      if (at.size() > 1 && !dead && !unsafe)
        ADD_FAILURE() << transaction.first << " has two servers, none of them dead";
    }
    // Dialogs survive everything but the death of their own server.
    for (const auto& [id, call] : phones->all()) {
      const std::string home = account.at(id, "BYE");
      if (home.empty() || mourned.contains(home)) continue;
      const std::vector<Arrival> invites = account.of(id, "INVITE");
      const bool lost = std::any_of(invites.begin(), invites.end(), [&](const Arrival& invite) {
        return mourned.contains(invite.server) || forgotten.contains(invite.server);
      });
      if (lost) continue;
      EXPECT_TRUE(server(home).dialogs().contains(id)) << id << " hung up at " << home << ", which does not have it";
    }
    if (HasFailure()) FAIL() << happened;
  }
}

}  // namespace
}  // namespace viaduct::scenarios
