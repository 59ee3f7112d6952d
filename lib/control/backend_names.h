// Backends' names, looked up again and again (RFC 3263 section 4.2, RFC 2782).
//
// `_sip._udp.example.net` is asked for SRV and then for the addresses of every target, `sip.example.net:5070` for
// addresses, `sip.example.net` for SRV and, where there is none, for addresses at port 5060. An answer is good for its
// smallest TTL, within bounds; a lookup that fails changes nothing but is told. Of a set of targets, one whose
// addresses cannot be had now keeps those that it had. Thread: control; nothing waits.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "control/dns.h"
#include "control/targets.h"
#include "core/result.h"

namespace viaduct::control {

class BackendNames {
 public:
  using Time = std::chrono::steady_clock::time_point;

  struct Options {
    Dns::Options dns;
    std::chrono::seconds ttl_min{5};
    std::chrono::seconds ttl_max{3600};
    std::chrono::seconds retry{5};  // after a failure
  };
  static core::Result<std::unique_ptr<BackendNames>> open(const Options& options);

  int fd() const { return dns_->fd(); }

  // The names to know from now on. What is known of those that stay is kept.
  void set(const std::set<BackendName>& names);

  // Takes in answers, starts what is due. True if an answer differs from the one before.
  bool turn(Time now = std::chrono::steady_clock::now());
  // True once every name has been answered or has failed.
  bool settled() const;

  Answers answers() const;

  // A name that has begun to fail, or answers again.
  struct News {
    std::string name;
    std::string what;
    bool trouble = false;
  };
  std::vector<News> take_news() { return std::exchange(news_, {}); }

  struct Entry {
    std::string name;
    std::vector<net::Endpoint> addresses;  // of the last answer
    bool known = false;
    bool asking = false;
    uint32_t failures = 0;        // in a row
    std::string problem;          // of the last failed lookup
    std::chrono::seconds due{0};  // until the next lookup
  };
  std::vector<Entry> entries(Time now = std::chrono::steady_clock::now()) const;

 private:
  struct Lookup;
  struct Name {
    std::vector<Target> targets;
    bool known = false;
    std::shared_ptr<Lookup> lookup;  // under way
    Time due{};
    uint32_t failures = 0;
    std::string problem;
  };

  BackendNames(const Options& options, std::unique_ptr<Dns> dns) : options_(options), dns_(std::move(dns)) {}
  void ask(const BackendName& key, Name& name);
  void ask_srv(const std::shared_ptr<Lookup>& lookup, const std::string& service);
  void ask_addresses(const std::shared_ptr<Lookup>& lookup);
  void answered(const std::shared_ptr<Lookup>& lookup, size_t target, const Dns::Addresses& answer);
  void finish(const std::shared_ptr<Lookup>& lookup);
  void failed(const std::shared_ptr<Lookup>& lookup, const std::string& why);
  Name* of(const std::shared_ptr<Lookup>& lookup);

  const Options options_;
  const std::unique_ptr<Dns> dns_;
  std::map<BackendName, Name> names_;
  std::vector<News> news_;
  Time now_{};
  bool changed_ = false;
};

}  // namespace viaduct::control
