// Publication of Views: one pointer that every worker reads once a burst, and freeing what it pointed to before.
//
// Quiescent-state based reclamation (rte_rcu_qsbr; Desnoyers et al., "User-level implementations of read-copy update",
// 2012, section 5.1). A worker reports once a loop that it holds no pointer into any View: one load and one store on a
// cache line of its own. Control puts the replaced View on a list with a token, and lets go of it when all workers have
// reported since. Nobody ever waits for anybody. A worker with nothing to do stays in: it sleeps for a tenth of a
// millisecond at most.
#pragma once

#include <rte_rcu_qsbr.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>

#include "core/result.h"
#include "dataplane/view.h"

namespace viaduct::dpdk {

// Thread: control, unless said otherwise.
class Publisher {
 public:
  static core::Result<std::unique_ptr<Publisher>> create(size_t workers);
  ~Publisher();  // no worker runs any more
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  const std::atomic<const dataplane::View*>& current() const { return current_; }
  void publish(std::shared_ptr<const dataplane::View> view);
  // Lets go of the Views that no worker can see any more; true if none is left waiting.
  bool reclaim();

  // A worker's life, called by that worker's thread: before it reads `current`, once a loop, and after its last look.
  void enter(size_t worker) { rte_rcu_qsbr_thread_online(state_, static_cast<unsigned>(worker)); }
  void leave(size_t worker) { rte_rcu_qsbr_thread_offline(state_, static_cast<unsigned>(worker)); }
  struct Report {
    rte_rcu_qsbr* state;
    unsigned worker;
    void operator()() const { rte_rcu_qsbr_quiescent(state, worker); }
  };
  Report report_of(size_t worker) const { return {state_, static_cast<unsigned>(worker)}; }

 private:
  struct Retired {
    uint64_t token;
    std::shared_ptr<const dataplane::View> view;
  };
  Publisher() = default;

  rte_rcu_qsbr* state_ = nullptr;
  std::shared_ptr<const dataplane::View> owner_;  // of what `current_` points to
  std::deque<Retired> retired_;
  std::atomic<const dataplane::View*> current_{nullptr};
};

}  // namespace viaduct::dpdk
