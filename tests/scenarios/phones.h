// The callers of a scenario: one address each, any number of calls.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/people.h"

namespace viaduct::scenarios {

struct Plan {
  Duration ring = 100ms, hold = 1s;
  std::optional<Duration> cancel_after = std::nullopt;  // since ringing
  bool callee_hangs_up = false;                         // after `hold`
  bool update = false;                                  // in the middle of `hold`
  std::string answer = "200 OK";
};

class Phones;

// One call: an INVITE client transaction, a dialog, requests in it.
class Call {
 public:
  enum class State { calling, ringing, talking, ending, completed, failed };
  Call(Phones& phones, std::string id, std::string address, const Plan& plan);

  void begin() { transact("INVITE"); }
  void receive(const SipText& message);
  void ask(const std::string& method) { ++cseq_, transact(method); }
  void cancel();
  void hang_up();
  // A datagram of it once more, as networks and impatient people do.
  void copy_invite();

  const std::string& id() const { return id_; }
  State state() const { return state_; }
  bool over() const { return state_ == State::completed || state_ == State::failed; }
  const std::string& why() const { return why_; }
  const std::vector<SipText>& got() const { return got_; }
  std::vector<unsigned> statuses(std::string_view method) const {
    std::vector<unsigned> all;
    for (const SipText& message : got_) {
      if (status_of(message) != 0 && method_of(message) == method) all.push_back(status_of(message));
    }
    return all;
  }

 private:
  using Key = std::pair<unsigned, std::string>;
  std::string request(const std::string& method, unsigned cseq, bool in_dialog) const;
  void transact(const std::string& method);
  void repeat(const Key& key, Duration interval, core::Instant end);
  void on_invite_response(const SipText& message);
  void on_request(const SipText& message);
  void learn_dialog(const SipText& ok);
  void talk();
  void end(State state, std::string why) { state_ = state, why_ = std::move(why), pending_.clear(); }

  Phones& phones_;
  std::string id_, address_;
  Plan plan_;
  State state_ = State::calling;
  std::string why_;
  unsigned cseq_ = 1;
  std::string to_, uri_;
  std::vector<std::string> routes_;
  bool cancelled_ = false;
  std::map<Key, std::string> pending_;
  std::vector<SipText> got_;
};

class Phones {
 public:
  explicit Phones(World& its_world) : world(its_world) {}

  Call& call(const std::string& id, const Plan& plan = {}) {
    const std::string address = "198.51.100." + std::to_string(2 + calls_.size() % 200) + ":5060";
    listen(address);
    const auto [at, added] = calls_.emplace(id, std::make_unique<Call>(*this, id, address, plan));
    at->second->begin();
    return *at->second;
  }
  Call& at(const std::string& id) { return *calls_.at(id); }
  const std::map<std::string, std::unique_ptr<Call>>& all() const { return calls_; }
  bool all_over() const {
    for (const auto& [id, call] : calls_) {
      if (!call->over()) return false;
    }
    return true;
  }
  std::string failures() const {
    std::string text;
    for (const auto& [id, call] : calls_) {
      if (call->state() == Call::State::failed) text += id + ": " + call->why() + "\n";
    }
    return text;
  }

  // A message that no call sends, and all that came for its Call-ID without a call.
  void send(const SipText& message, const std::string& from = "198.51.100.7:5060") {
    listen(from);
    world.send({from, std::string(outside), message.str()});
  }
  std::vector<SipText> others;

  World& world;

 private:
  void listen(const std::string& address) {
    world.listen(address, [this](const Datagram& datagram) {
      const SipText message(datagram.text);
      const auto found = calls_.find(message.value("Call-ID"));
      if (found != calls_.end()) return found->second->receive(message);
      others.push_back(message);
      if (status_of(message) == 0 && method_of(message) != "ACK") answer(message, datagram);
    });
  }
  void answer(const SipText& request, const Datagram& datagram) {
    std::string text = "SIP/2.0 200 OK\r\n";
    for (const char* name : {"Via", "Record-Route"}) {
      for (const std::string& value : request.values(name)) text += std::string(name) + ": " + value + "\r\n";
    }
    const std::string tag = request.value("To").find(";tag=") == std::string::npos ? ";tag=phone" : "";
    world.send({datagram.destination, datagram.source,
                text + "From: " + request.value("From") + "\r\nTo: " + request.value("To") + tag +
                    "\r\nCall-ID: " + request.value("Call-ID") + "\r\nCSeq: " + request.value("CSeq") +
                    "\r\nContact: <sip:phone@" + datagram.destination + ">\r\nContent-Length: 0\r\n\r\n"});
  }

  std::map<std::string, std::unique_ptr<Call>> calls_;
};

}  // namespace viaduct::scenarios
