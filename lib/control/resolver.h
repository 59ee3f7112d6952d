// Names in requests that go outward, looked up aside (RFC 3263 as a stateless proxy needs it, conformance rule TGT-10).
//
// The data path never waits for DNS: a request whose next hop is an unknown name is answered 500, the name is wanted
// here, and the sender's next attempt finds the answer in the View. For `example.com` (no port) the order is SRV
// `_sip._udp.example.com`, then AAAA and A with port 5060; for `example.com:5080` only AAAA and A (RFC 3263
// section 4.2). All requests of a transaction must reach one server and no state says which, so the choice is
// deterministic (section 4.4): of the SRV records the lowest priority, then the highest weight, then the name; of the
// addresses the lowest, IPv4 first. An answer stays pinned while it is still among the answers; a failed lookup keeps
// the last one.
//
// Names come from requests, so strangers can think up more than there is room for. One without an answer is forgotten
// when nobody has wanted it for an hour. One with an answer is found in the View, so whether it is in use nobody knows:
// it stays until the room is needed, and whoever still goes there wants it again.
//
// Thread: control.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/dns.h"
#include "core/result.h"
#include "net/address.h"

namespace viaduct::control {

class Resolver {
 public:
  using Time = std::chrono::steady_clock::time_point;

  struct Options {
    std::string servers;  // "127.0.0.1:5353,..."; empty: as the system is configured
    std::chrono::milliseconds timeout{2000};
    std::chrono::seconds ttl_min{30};  // a TTL below this is taken as this, against lookup storms
    std::chrono::seconds ttl_max{3600};
    std::chrono::seconds retry{10};   // after a failure
    size_t names_max = 4096;          // wishes beyond are refused and counted
    std::chrono::seconds kept{3600};  // after the last wish for it
  };
  static core::Result<std::unique_ptr<Resolver>> open(const Options& options);

  // Readable when `turn` has something to do; `turn` wants to be called every second at least besides, for timeouts.
  int fd() const { return dns_->fd(); }

  // Asks for `name`, a host name in lower case or `host:port`, and keeps its answer fresh from now on. A name that is
  // known or under way costs nothing. False if there is no room.
  bool want(std::string_view name, Time now = std::chrono::steady_clock::now());

  // Takes in answers, starts what is due, forgets. True if an address changed or went since the last call.
  bool turn(Time now = std::chrono::steady_clock::now());

  // What is known, for View::names.
  std::map<std::string, net::Endpoint, std::less<>> answers() const;

  struct Entry {
    std::string name;
    net::Endpoint endpoint;
    bool known = false;
    bool asking = false;
    uint32_t failures = 0;  // in a row
    std::string problem;    // of the last failed lookup
  };
  std::vector<Entry> entries() const;
  // How much room there is, and how many wishes there was none for.
  struct Room {
    size_t names = 0, names_max = 0;
    uint64_t refused = 0;
  };
  Room room() const { return {names_.size(), options_.names_max, refused_}; }

 private:
  struct Name {
    net::Endpoint endpoint;
    bool known = false;
    bool asking = false;
    Time wanted{};         // the last time
    Time due{};            // when to ask again
    uint32_t srv_ttl = 0;  // of the lookup under way; 0: no SRV answer
    uint32_t failures = 0;
    std::string problem;
  };

  Resolver(const Options& options, std::unique_ptr<Dns> dns) : options_(options), dns_(std::move(dns)) {}
  void forget(Time now);
  void ask(const std::string& key, Name& name);
  void ask_addresses(const std::string& key, const std::string& host, uint16_t port);
  void answered_srv(const std::string& key, const Dns::Srvs& answer);
  void answered_addresses(const std::string& key, uint16_t port, const Dns::Addresses& answer);
  void failed(const std::string& key, const Dns::Failure& failure);

  const Options options_;
  const std::unique_ptr<Dns> dns_;
  std::map<std::string, Name, std::less<>> names_;
  Time now_{};
  uint64_t refused_ = 0;
  bool changed_ = false;
};

}  // namespace viaduct::control
