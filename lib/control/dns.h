// Questions to name servers, asked aside: the only door to c-ares.
//
// Every question is answered once, by its callback out of `turn`, at the latest when its servers have had their time.
// Nothing waits. Thread: control.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "net/address.h"

struct ares_channeldata;

namespace viaduct::control {

class Dns {
 public:
  struct Options {
    std::string servers;  // "127.0.0.1:5353,..."; empty: as the system is configured
    std::chrono::milliseconds timeout{2000};
  };
  static core::Result<std::unique_ptr<Dns>> open(const Options& options);
  ~Dns();  // questions under way get no answer any more
  Dns(const Dns&) = delete;
  Dns& operator=(const Dns&) = delete;

  // Readable when `turn` has something to do; `turn` wants to be called every second at least besides, for timeouts.
  int fd() const { return epoll_; }
  void turn();

  struct Srv {
    uint16_t priority = 0, weight = 0, port = 0;
    std::string host;  // as the server writes it
  };
  // Why there is no answer, or nothing.
  struct Failure {
    std::string sentence;  // empty: none
    bool absent = false;   // the server has no such record, so that another kind may be asked for; else it may be there
    explicit operator bool() const { return !sentence.empty(); }
  };
  template <class Record>
  struct Answer {
    Failure failure;
    std::vector<Record> records;  // some, if there is no failure
    uint32_t ttl = 0;             // the smallest, in seconds
  };
  using Srvs = Answer<Srv>;
  using Addresses = Answer<net::IpAddress>;
  void ask_srv(const std::string& name, std::function<void(const Srvs&)> answered);
  void ask_addresses(const std::string& host, std::function<void(const Addresses&)> answered);

 private:
  Dns() = default;
  void watch(int socket, bool readable, bool writable);

  int epoll_ = -1;
  ares_channeldata* channel_ = nullptr;
  bool closing_ = false;
};

// IPv4 before IPv6, then by value: the same order on every node, whatever order the servers rotate to.
bool comes_before(const net::IpAddress& a, const net::IpAddress& b);

}  // namespace viaduct::control
