#include "proxy/foresight.h"

#include "proxy/branch.h"
#include "proxy/cookie.h"
#include "proxy/record_route.h"
#include "proxy/selection.h"
#include "proxy/stamp.h"
#include "proxy/via_mac.h"

namespace viaduct::proxy {
namespace {

const Listener& listener_of(const Arrival& arrival, const View& view) {
  return view.listeners[view.sockets[arrival.socket].listener];
}

}  // namespace

// `input` is complete: it gets the next lane.
void Foreseer::take(HashInput& input, bool wide) {
  constexpr size_t width = steer::LaneGroup::width;
  steer::LaneGroup& group = groups_[job_count_ / width];
  if (job_count_ % width == 0) group.clear();
  ++job_count_;
  const uint32_t words = input.pad();
  group.add(input.key(), input.data(), words, wide);
  room_end_ += size_t{8} * words;
}

void Foreseer::hash() {
  constexpr size_t width = steer::LaneGroup::width;
  steer::siphash_lanes(std::span(groups_).first((job_count_ + width - 1) / width));
  job_count_ = next_answer_ = 0;
  room_end_ = room_.data();
}

// A request that will be balanced by its Call-ID, as far as can be seen.
bool Foreseer::ask_request(size_t i, const Question& question, const View& view) {
  const sip::Message& message = *question.message;
  const Listener& listener = listener_of(question.arrival, view);
  if (listener.side != Side::outside || message.has(sip::Header::route)) return false;
  const uint16_t pool = pool_of(question.arrival, listener, message, message.request_uri, view);
  const bool balanced = pool != none && view.pools[pool].key == PoolKey::call_id;
  const std::string_view call_id = message.text(message.call_id);
  if (!balanced || !HashInput::takes_whole(call_id)) return false;
  HashInput in = input();
  in.begin_raw(view.keys.selection, call_id);
  take(in, false);
  foresights_[i].has_selection_ = true;
  foresights_[i].pool_ = pool;
  return true;
}

bool Foreseer::ask_response(size_t i, const Question& question, const View& view) {
  const sip::Message& message = *question.message;
  if (message.via_count < 2) return false;
  const sip::Via& own = message.via[0];
  Foresight& foresight = foresights_[i];
  Foresight::Answer& answer = foresight.answer_;
  read_via_mac(message.text(own.vd), answer.claim);
  answer.destination = response_destination(message.bytes, message.via[1]);
  foresight.has_answer_ = true;
  if (answer.claim.socket >= view.sockets.size() || !answer.destination) return false;
  HashInput in = input();
  put_via_input(in, view.keys, message.text(own.branch), answer.claim.socket, *answer.destination);
  take(in, false);
  foresight.has_via_ = true;
  foresight.via_socket_ = answer.claim.socket;
  foresight.via_destination_ = *answer.destination;
  return true;
}

bool Foreseer::ask_with_backend(size_t i, const Question& question, const View& view) {
  Foresight& foresight = foresights_[i];
  const Arrival& arrival = question.arrival;
  const Listener& listener = listener_of(arrival, view);
  const Pool& pool = view.pools[foresight.pool_];
  const uint16_t member = pool.overlay.pick(foresight.selection_);
  if (member == steer::no_member) return false;
  const sip::Message& message = *question.message;
  foresight.backend_ = static_cast<uint16_t>(pool.first_backend + member);
  const Backend& backend = view.backends[foresight.backend_];
  foresight.next_hop_ = backend.address;
  foresight.has_branch_ = true;
  HashInput in = input();
  put_branch_input(in, message, backend.address, view.keys);
  take(in, true);
  const uint16_t egress = listener.toward_backends[static_cast<size_t>(backend.address.address.family())];
  const Records records = records_of(message, view, listener, egress);
  foresight.has_cookie_ = records.cookie;
  foresight.has_flow_ = records.flow;
  foresight.socket_ = arrival.socket;
  foresight.source_ = arrival.source;
  return true;
}

void Foreseer::ask_cookie(size_t i, const Question& question, const View& view) {
  const sip::Message& message = *question.message;
  HashInput in = input();
  put_cookie_input(in, view.keys, message.text(message.call_id), view.backends[foresights_[i].backend_].cookie_id);
  take(in, false);
}

void Foreseer::ask_flow(const Question& question, const View& view) {
  const Arrival& arrival = question.arrival;
  HashInput in = input();
  put_flow_input(in, view.keys, view.sockets[arrival.socket].address, arrival.source);
  take(in, true);
}

void Foreseer::ask_with_branch(size_t i, const Question& question, const View& view) {
  Foresight& foresight = foresights_[i];
  const Arrival& arrival = question.arrival;
  foresight.has_via_ = true;
  foresight.via_socket_ = arrival.socket;
  foresight.via_destination_ =
      answer_address(*question.message, arrival.source, listener_of(arrival, view).force_rport);
  HashInput in = input();
  put_via_input(in, view.keys, foresight.branch_.text(), arrival.socket, foresight.via_destination_);
  take(in, false);
}

// Inputs of one kind are about as long as each other, so they are made neighbours.
std::span<const Foresight> Foreseer::foresee(std::span<const Question> questions, const View& view) {
  Askers requests, responses, balanced, answers, forwarded, flows, cookies;
  room_end_ = room_.data();
  for (size_t i = 0; i < questions.size(); ++i) {
    foresights_[i].forget();
    const sip::Message& message = *questions[i].message;
    if (message.fault == sip::Fault::none) (message.is_request() ? requests : responses).add(i);
  }
  for (const size_t i : requests.all()) {
    if (ask_request(i, questions[i], view)) balanced.add(i);
  }
  for (const size_t i : responses.all()) {
    if (ask_response(i, questions[i], view)) answers.add(i);
  }
  hash();
  // Slots of a table are far away: all are asked for before the first is read.
  for (const size_t i : balanced.all()) {
    Foresight& foresight = foresights_[i];
    foresight.selection_ = next_hash().low;
    const steer::Table& table = view.pools[foresight.pool_].overlay;
    __builtin_prefetch(table.slots().data() + steer::Table::slot_of(foresight.selection_));
  }
  for (const size_t i : answers.all()) foresights_[i].via_ = next_hash().low;

  for (const size_t i : balanced.all()) {
    if (ask_with_backend(i, questions[i], view)) forwarded.add(i);
    if (foresights_[i].has_flow_) flows.add(i);
    if (foresights_[i].has_cookie_) cookies.add(i);
  }
  for (const size_t i : flows.all()) ask_flow(questions[i], view);
  for (const size_t i : cookies.all()) ask_cookie(i, questions[i], view);
  hash();
  for (const size_t i : forwarded.all()) foresights_[i].branch_ = Branch(next_hash());
  for (const size_t i : flows.all()) foresights_[i].flow_ = next_hash();
  for (const size_t i : cookies.all()) foresights_[i].cookie_ = next_hash().low;

  for (const size_t i : forwarded.all()) ask_with_branch(i, questions[i], view);
  hash();
  for (const size_t i : forwarded.all()) foresights_[i].via_ = next_hash().low;
  return std::span(foresights_).first(questions.size());
}

}  // namespace viaduct::proxy
