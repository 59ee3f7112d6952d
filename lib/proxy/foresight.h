// The keyed hashes that decisions will ask for, computed side by side.
//
// A request that is balanced wants the hash that picks a backend, then the branch, the cookie and the flow token,
// then the MAC over the branch; one inside a dialog wants the cookie and the flow token of its Route verified, then
// the branch and the MAC over it; a response wants one MAC. Most of what goes into them is known before anything is
// decided. So for a group of messages they are computed in advance, in lanes (steer/hash_lanes.h), in three steps:
// what needs nothing but the message, what needs the next hop, what needs the branch. What was read and verified for
// that (the Vias of a response, values of a Route that are written as we write them) is not read again.
//
// Nothing depends on a guess: beside each value stands what it was computed for, and a decision that turns out to need
// another one computes it itself. With foresight and without, a decision is the same to the last bit.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "net/address.h"
#include "proxy/branch.h"
#include "proxy/cookie.h"
#include "proxy/decision.h"
#include "proxy/flow_token.h"
#include "proxy/hash_input.h"
#include "proxy/own_value.h"
#include "proxy/via_mac.h"
#include "proxy/view.h"
#include "sip/message.h"
#include "steer/hash_lanes.h"

namespace viaduct::proxy {

// About one message and one View.
class Foresight {
 public:
  static constexpr size_t own_values_max = 2;  // of one pass, and of those that prove nothing (RTE-06)
  struct Answer {
    ViaMac claim;
    bool has_destination = false;
    net::Endpoint destination;
  };

  // Each: the value for these inputs, or nullptr if that is not what was foreseen.
  const uint64_t* selection() const { return has_selection_ ? &selection_ : nullptr; }
  // What that selects in a pool, steer::no_member perhaps. Its slot is as far away again by the time of the decision.
  const uint16_t* member(uint16_t pool) const { return has_selection_ && pool == pool_ ? &member_ : nullptr; }
  const Branch* branch(const net::Endpoint& next_hop) const {
    return has_branch_ && next_hop == next_hop_ ? &branch_ : nullptr;
  }
  // Of the branch above (Branch::mark_of).
  std::optional<uint64_t> mark() const {
    return has_branch_ ? std::optional(Branch::mark_of(branch_.text())) : std::nullopt;
  }
  // In this call; `id` is Backend::cookie_id.
  const uint64_t* cookie(uint32_t id) const { return has_cookie_ && id == cookie_id_ ? &cookie_ : nullptr; }
  const steer::Hash128* flow(uint16_t socket, const net::Endpoint& remote) const {
    return has_flow_ && socket == flow_socket_ && remote == flow_remote_ ? &flow_ : nullptr;
  }
  // Of a Route: a value of ours, what is true of the cookie at this place, and of the flow token at that.
  const OwnValue* own_value(sip::Slice text) const {
    for (size_t i = 0; i < own_count_; ++i) {
      if (own_values_[i].text == text) return &own_values_[i];
    }
    return nullptr;
  }
  const Cookie* route_cookie(sip::Slice vd) const { return !vd.empty() && vd == route_vd_ ? &route_cookie_ : nullptr; }
  const Flow* route_flow(sip::Slice user) const {
    return !user.empty() && user == route_user_ ? &route_flow_ : nullptr;
  }
  // What the Vias of a response say: whose answer it claims to be, and where it goes.
  const Answer* answer() const { return has_answer_ ? &answer_ : nullptr; }
  // Of the branch above in a request, of the top Via's in a response.
  const uint64_t* via(uint16_t socket, const net::Endpoint& destination) const {
    return has_via_ && socket == via_socket_ && destination == via_destination_ ? &via_ : nullptr;
  }

 private:
  friend class Foreseer;
  void forget() {
    has_answer_ = has_selection_ = has_branch_ = has_cookie_ = has_flow_ = has_via_ = false;
    own_count_ = 0;
    route_vd_ = route_user_ = {};
  }

  bool has_answer_ = false, has_selection_ = false, has_branch_ = false, has_cookie_ = false, has_flow_ = false,
       has_via_ = false;
  uint8_t own_count_ = 0;
  uint16_t pool_ = none, member_ = steer::no_member, flow_socket_ = none, via_socket_ = none;
  uint32_t cookie_id_ = 0;
  sip::Slice route_vd_, route_user_;  // empty: none
  uint64_t selection_ = 0, cookie_ = 0, via_ = 0;
  Branch branch_;
  steer::Hash128 flow_;
  net::Endpoint next_hop_, flow_remote_, via_destination_;
  Answer answer_;
  std::array<OwnValue, own_values_max> own_values_;
  Cookie route_cookie_;
  Flow route_flow_;
};

// Reads the two topmost Vias of a response, which has as many.
void read_answer(const sip::Message& message, Foresight::Answer& answer);

// Room to compute in, some 340 KiB of which a tenth is touched: one a worker, reused.
class Foreseer {
 public:
  static constexpr size_t group_max = 64;

  // What is asked about: a message as `sip::parse` has left it, being `Datagram::sip`, and where it came from.
  struct Question {
    const sip::Message* message = nullptr;
    const Arrival* arrival = nullptr;
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
  // Each message has at most one input of a kind under way in one step, three in the second at most.
  static constexpr size_t jobs_max = 3 * group_max;
  static_assert(jobs_max <= steer::LaneBatch::capacity);

  HashInput input() { return HashInput(room_end_); }
  // `input` is complete: it gets the next lane.
  void take(HashInput input);
  // Those taken since the last call were of one kind, which has a key and a width of its own.
  void seal(bool wide);
  void hash();

  bool ask_request(size_t i, const Question& question, const View& view);
  bool ask_response(size_t i, const Question& question, const View& view);
  void read_route(size_t i, const Question& question, const View& view);
  bool pick_backend(size_t i, const Question& question, const View& view);
  bool follow_route(size_t i, const Question& question, const View& view);
  void ask_branch(size_t i, const Question& question, const View& view);
  void ask_cookies(const Askers& askers, std::span<const Question> questions, const View& view);
  void ask_flows(const Askers& askers, const View& view);
  void ask_with_branch(size_t i, const Question& question, const View& view);
  // Answers, in the order in which they were asked for: `note(foresight, lane)` for each.
  template <class Note>
  void take_answers(const Askers& askers, Note note) {
    size_t lane = next_answer_;
    for (const size_t i : askers.all()) note(foresights_[i], lane++);
    next_answer_ = lane;
  }
  void take_cookies(const Askers& askers);
  void take_flows(const Askers& askers);
  void take_vias(const Askers& askers);

  std::array<Foresight, group_max> foresights_;
  size_t next_answer_ = 0;
  steer::LaneBatch batch_;
  const steer::HashKey* key_ = nullptr;  // of what was taken last
  char* room_end_ = nullptr;             // where the next input begins: they lie one behind the other
  std::array<char, jobs_max * HashInput::bytes_max + steer::LaneBatch::words_behind * sizeof(uint64_t)> room_;
};

}  // namespace viaduct::proxy
