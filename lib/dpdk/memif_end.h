// One end of a memif: a socket to listen at, or to connect to again and again, and the link that stands, if one does.
//
// A thread of its own keeps the conversations. Workers learn of a link, and of its end, by one pointer, `offered`. Each
// says in `held` which link it uses, and looks at the pointer again after it has said so (a hazard pointer: M. Michael,
// "Hazard Pointers: Safe Memory Reclamation for Lock-Free Objects", 2004); memory goes back once nobody holds it.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/result.h"
#include "dpdk/memif_channel.h"
#include "dpdk/memif_link.h"

namespace viaduct::dpdk {

class MemifEnd {
 public:
  struct Settings {
    std::string path;  // of the socket
    bool server = false;
    MemifChannel::Terms terms;
    size_t workers = 1;
  };
  // A worker's sight of the link.
  struct alignas(64) Sight {
    std::atomic<MemifLink*> held{nullptr};
  };

  // A server listens from now on; a client tries to connect. Thread: control, as all that follows.
  static core::Result<std::unique_ptr<MemifEnd>> open(Settings settings);
  ~MemifEnd();  // no worker runs
  MemifEnd(const MemifEnd&) = delete;
  MemifEnd& operator=(const MemifEnd&) = delete;

  bool connected() const { return offered_.load(std::memory_order_relaxed) != nullptr; }
  // Until it is connected; false: not in time. Then `trouble` says what came between; nothing: nobody listens.
  bool wait(std::chrono::milliseconds patience) const;
  std::string trouble() const;

  const std::atomic<MemifLink*>& offered() const { return offered_; }
  size_t workers() const { return sights_.size(); }
  Sight& sight_of(size_t worker) { return sights_[worker]; }

 private:
  using Clock = std::chrono::steady_clock;
  explicit MemifEnd(Settings settings);
  core::Status listen();
  void run();
  void accept();
  void connect();
  void talk();
  void end(const std::string& reason);
  void note(const std::string& reason);
  void offer(std::unique_ptr<MemifLink> link);
  void let_go();
  std::chrono::milliseconds patience() const;

  const Settings settings_;
  File listener_;
  std::pair<dev_t, ino_t> socket_file_{};  // that it made
  File stop_;                              // an eventfd
  std::unique_ptr<MemifChannel> channel_;
  Clock::time_point deadline_;  // of its conversation
  bool modest_ = false;         // a client whose pairs were refused asks for one
  Clock::time_point next_attempt_, next_accept_;
  std::unique_ptr<MemifLink> link_;
  std::vector<std::unique_ptr<MemifLink>> old_;  // that a worker may still use
  std::atomic<MemifLink*> offered_{nullptr};
  std::vector<Sight> sights_;
  bool met_ = false;  // was connected once
  mutable std::mutex mutex_;
  std::string trouble_;
  std::thread thread_;
};

}  // namespace viaduct::dpdk
