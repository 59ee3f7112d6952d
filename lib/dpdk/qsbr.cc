#include "dpdk/qsbr.h"

#include <rte_malloc.h>

#include <utility>

namespace viaduct::dpdk {

core::Result<std::unique_ptr<Publisher>> Publisher::create(size_t workers) {
  std::unique_ptr<Publisher> publisher(new Publisher);
  const auto threads = static_cast<uint32_t>(workers);
  const size_t bytes = rte_rcu_qsbr_get_memsize(threads);
  publisher->state_ = static_cast<rte_rcu_qsbr*>(rte_zmalloc("qsbr", bytes, RTE_CACHE_LINE_SIZE));
  if (publisher->state_ == nullptr || rte_rcu_qsbr_init(publisher->state_, threads) != 0) {
    return core::Error{"no memory for the publication of views; a larger [runtime] memory_mb would help"};
  }
  for (uint32_t worker = 0; worker < threads; ++worker) rte_rcu_qsbr_thread_register(publisher->state_, worker);
  return publisher;
}

Publisher::~Publisher() { rte_free(state_); }

void Publisher::publish(std::shared_ptr<const dataplane::View> view) {
  current_.store(view.get(), std::memory_order_release);
  std::shared_ptr<const dataplane::View> replaced = std::exchange(owner_, std::move(view));
  if (replaced) retired_.push_back({rte_rcu_qsbr_start(state_), std::move(replaced)});
  reclaim();
}

bool Publisher::reclaim() {
  while (!retired_.empty() && rte_rcu_qsbr_check(state_, retired_.front().token, false) == 1) retired_.pop_front();
  return retired_.empty();
}

}  // namespace viaduct::dpdk
