// What was in force in the last minutes, for what is older than the last change.
//
// RFC 3261 section 16.11 wants a transaction to stay where it is while the set of backends changes (conformance rules
// LBG-01, LBG-03): a copy of an INVITE, its CANCEL, its ACK. So after every change the tables from before are kept for
// 300 s beside the new ones (proxy::Pool::previous), and a backend that has left the configuration stays in the View
// for as long, `departing`: it gets no new calls, and its dialogs still reach it (LBG-08). Workers know which
// transactions are older than the change (proxy/transactions.h). Thread: control.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "proxy/view.h"
#include "steer/table.h"

namespace viaduct::control {

class Past {
 public:
  static constexpr std::chrono::seconds kept{300};
  static constexpr size_t tables_max = 8;  // of one pool; each costs a new call one look while it is kept

  // `replaced` was in force until now.
  void note(const proxy::View& replaced, core::Instant now);
  // What is kept of a pool is kept longer: it is changing still, in steps that are no past of their own (warm_up.h).
  void prolong(std::string_view pool, core::Instant now);
  // Forgets what is old enough. True if that was anything.
  bool expire(core::Instant now);

  // `compiled`, and behind each pool's backends those that have left it lately; the same one if there are none.
  std::shared_ptr<const proxy::View> with_departing(std::shared_ptr<const proxy::View> compiled) const;
  // Fills Pool::previous of a View that is otherwise complete.
  void add_tables(proxy::View& view);

 private:
  // A pool as it was. The table counts members by `numbering`, and is renumbered when they are.
  struct Snapshot {
    core::Instant until{};
    std::vector<std::string> numbering;
    steer::Table table;
  };
  struct Departed {
    proxy::Backend backend;
    core::Instant until{};
  };
  static void renumber(Snapshot& snapshot, std::vector<std::string> numbering);

  std::map<std::string, std::deque<Snapshot>, std::less<>> snapshots_;  // by pool, the newest first
  std::map<std::pair<std::string, std::string>, Departed> departed_;    // by pool and name: whoever was there
};

}  // namespace viaduct::control
