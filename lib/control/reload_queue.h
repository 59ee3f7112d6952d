// Reloads, one after the other, each made easy before it is made.
//
// A reload is one step of the control thread: all of the file, or nothing. Nearly all of the time that it can take goes
// to patterns, seconds for 1,000 of them, and meanwhile nobody would probe backends, ask for neighbours or carry a
// twin's frames. So a thread reads the file first and compiles its patterns. Nothing comes of that but that they, or
// what is wrong with them, are known (policy/matchers.h) when the step is made, which then takes milliseconds. If the
// file has changed once more in between, the step takes what it finds, and as long as that takes.
//
// Other orders that must not overtake a reload can stand in line, too: what an operator says of a backend after asking
// for a reload is meant to outlast it.
//
// The thread is there from the start, so that it sheds its privileges with all others (control/privileges.h).
// Thread: control, but for what is said to be otherwise.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "core/result.h"

namespace viaduct::control {

class ReloadQueue {
 public:
  // An order as it was said.
  struct Request {
    std::string line;    // "reload", perhaps with words behind it, or another order
    uint64_t later = 0;  // the client that waits for the answer (Server::Reply::later); 0: none, a signal
  };

  // `file`: the configuration.
  static core::Result<std::unique_ptr<ReloadQueue>> open(std::string file);
  ~ReloadQueue();  // waits for the thread, if it is at work
  ReloadQueue(const ReloadQueue&) = delete;
  ReloadQueue& operator=(const ReloadQueue&) = delete;

  // A signal while another one still waits its turn says nothing new.
  void add(Request request);
  bool empty() const { return waiting_.empty(); }

  int fd() const { return ready_; }  // readable: call `take`
  // The one whose turn it is, if all is ready for it. The next one's preparation begins.
  std::optional<Request> take();

  // Nobody's turn comes any more, and nobody is added: all who wait.
  std::deque<Request> close();
  // The thread reads or compiles.
  bool at_work() const { return at_work_; }

 private:
  ReloadQueue(std::string file, int ready);
  void prepare_next();
  void work();              // thread: its own
  void tell_ready() const;  // thread: any

  const std::string file_;
  const int ready_;  // eventfd
  std::deque<Request> waiting_;
  bool at_work_ = false;  // for the first of them

  std::mutex mutex_;
  std::condition_variable changed_;
  bool wanted_ = false, over_ = false;  // with `mutex_`
  std::thread thread_;
};

}  // namespace viaduct::control
