// Reloads, one after the other, each made easy before it is made.
//
// A reload is one step of the control thread: all of the file, or nothing. Nearly all of the time that it can take goes
// to patterns, seconds for 1,000 of them, and meanwhile nobody would probe backends, ask for neighbours or carry a
// twin's frames. So a thread reads the file first and compiles its patterns. Nothing comes of that but that they are
// known (policy/matchers.h) when the step is made, which then takes milliseconds. If the file has changed once more in
// between, the step takes what it finds, and as long as that takes.
//
// Thread: control, but for what is said to be otherwise.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "core/result.h"

namespace viaduct::control {

class ReloadQueue {
 public:
  // `reload`, perhaps with words behind it, as it was said.
  struct Request {
    std::string line;
    uint64_t later = 0;  // the client that waits for the answer (Server::Reply::later); 0: none, a signal
  };

  // `file`: the configuration.
  static core::Result<std::unique_ptr<ReloadQueue>> open(std::string file);
  ~ReloadQueue();  // waits for the thread, if one is at work
  ReloadQueue(const ReloadQueue&) = delete;
  ReloadQueue& operator=(const ReloadQueue&) = delete;

  // A signal while another one still waits its turn says nothing new.
  void add(Request request);

  int fd() const { return ready_; }  // readable: call `take`
  // The one whose turn it is, if its preparation is over. The next one's begins.
  std::optional<Request> take();

 private:
  ReloadQueue(std::string file, int ready) : file_(std::move(file)), ready_(ready) {}
  void prepare_next();
  void tell_ready() const;  // thread: any

  const std::string file_;
  const int ready_;  // eventfd
  std::deque<Request> waiting_;
  std::thread thread_;  // at work for the first of them
};

}  // namespace viaduct::control
