// The keyed hashes that decisions will ask for, computed side by side.
//
// A request that is balanced wants the hash that picks a backend, then the branch, the cookie and the flow token, then
// the MAC over the branch; a response wants one MAC. Most of what goes into them is known before anything is decided.
// So for a group of messages they are computed in advance, in lanes (steer/hash_lanes.h), in three steps: what needs
// nothing but the message, what needs the backend that was picked, what needs the branch.
//
// Nothing depends on a guess: beside each value stands what it was computed for, and a decision that turns out to need
// another one (a Route, a cookie, a sender that is a backend) computes it itself. With foresight and without, a
// decision is the same to the last bit.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "net/address.h"
#include "proxy/branch.h"
#include "proxy/decision.h"
#include "proxy/flow_token.h"
#include "proxy/hash_input.h"
#include "proxy/via_mac.h"
#include "proxy/view.h"
#include "sip/message.h"
#include "steer/hash_lanes.h"

namespace viaduct::proxy {

// About one message and one View.
class Foresight {
 public:
  struct Answer {
    ViaMac claim;
    std::optional<net::Endpoint> destination;
  };

  // Each: the value for these inputs, or nullptr if that is not what was foreseen.
  const uint64_t* selection() const { return has_selection_ ? &selection_ : nullptr; }
  const Branch* branch(const net::Endpoint& next_hop) const {
    return has_branch_ && next_hop == next_hop_ ? &branch_ : nullptr;
  }
  // Of the branch above (Branch::mark_of).
  std::optional<uint64_t> mark() const {
    return has_branch_ ? std::optional(Branch::mark_of(branch_.text())) : std::nullopt;
  }
  const uint64_t* cookie(uint16_t backend) const { return has_cookie_ && backend == backend_ ? &cookie_ : nullptr; }
  const steer::Hash128* flow(uint16_t socket, const net::Endpoint& remote) const {
    return has_flow_ && socket == socket_ && remote == source_ ? &flow_ : nullptr;
  }
  // What the Vias of a response say: whose answer it claims to be, and where it goes.
  const Answer* answer() const { return has_answer_ ? &answer_ : nullptr; }
  // Of the branch above in a request, of the top Via's in a response.
  const uint64_t* via(uint16_t socket, const net::Endpoint& destination) const {
    return has_via_ && socket == via_socket_ && destination == via_destination_ ? &via_ : nullptr;
  }

 private:
  friend class Foreseer;
  void forget() { has_answer_ = has_selection_ = has_branch_ = has_cookie_ = has_flow_ = has_via_ = false; }

  bool has_answer_ = false, has_selection_ = false, has_branch_ = false, has_cookie_ = false, has_flow_ = false,
       has_via_ = false;
  Answer answer_;
  uint16_t pool_ = none, backend_ = none, socket_ = none, via_socket_ = none;
  uint64_t selection_ = 0, cookie_ = 0, via_ = 0;
  Branch branch_;
  steer::Hash128 flow_;
  net::Endpoint next_hop_, source_, via_destination_;
};

// Room to compute in, some 100 KiB of which a few are touched: one a worker, reused.
class Foreseer {
 public:
  static constexpr size_t group_max = 16;

  // What is asked about: a message as `sip::parse` has left it, being `Datagram::sip`, and where it came from.
  struct Question {
    const sip::Message* message = nullptr;
    Arrival arrival;
  };

  // Answers in the order of `questions`, at most `group_max`, good until the next call. Thread: one; no allocation.
  std::span<const Foresight> foresee(std::span<const Question> questions, const View& view);

 private:
  // Messages that ask for a hash of one kind, in the order of their jobs.
  struct Askers {
    std::array<uint8_t, group_max> messages;
    size_t count = 0;
    void add(size_t message) { messages[count++] = static_cast<uint8_t>(message); }
    std::span<const uint8_t> all() const { return std::span(messages).first(count); }
  };
  // Each message has at most one input of a kind under way in one step, three in the second.
  static constexpr size_t jobs_max = 3 * group_max;

  HashInput input() { return HashInput(room_end_); }
  void take(HashInput& input, bool wide);
  void hash();
  steer::Hash128 next_hash() {
    const size_t job = next_answer_++;
    return groups_[job / steer::LaneGroup::width].hash(job % steer::LaneGroup::width);
  }

  bool ask_request(size_t i, const Question& question, const View& view);
  bool ask_response(size_t i, const Question& question, const View& view);
  bool ask_with_backend(size_t i, const Question& question, const View& view);
  void ask_cookie(size_t i, const Question& question, const View& view);
  void ask_flow(const Question& question, const View& view);
  void ask_with_branch(size_t i, const Question& question, const View& view);

  std::array<Foresight, group_max> foresights_;
  size_t job_count_ = 0;
  size_t next_answer_ = 0;
  std::array<steer::LaneGroup, jobs_max / steer::LaneGroup::width> groups_;
  char* room_end_ = nullptr;  // where the next input begins: they lie one behind the other
  std::array<char, jobs_max * HashInput::bytes_max> room_;
};

}  // namespace viaduct::proxy
