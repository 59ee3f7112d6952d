#include "proxy/foresight.h"

#include <cassert>

#include "proxy/branch.h"
#include "proxy/cookie.h"
#include "proxy/own.h"
#include "proxy/record_route.h"
#include "proxy/selection.h"
#include "proxy/stamp.h"
#include "proxy/via_mac.h"

namespace viaduct::proxy {

void read_answer(const sip::Message& message, Foresight::Answer& answer) {
  read_via_mac(message.text(message.via[0].vd), answer.claim);
  answer.has_destination = response_destination(message.bytes, message.via[1], answer.destination);
}

void Foreseer::take(HashInput input) {
  assert(batch_.sealed == batch_.count || key_ == &input.key());
  const uint32_t words = input.pad();
  batch_.add(input.data(), words);
  room_end_ += size_t{8} * words;
  key_ = &input.key();
}

void Foreseer::seal(bool wide) {
  if (batch_.sealed != batch_.count) batch_.seal(*key_, wide);
}

void Foreseer::hash() {
  steer::siphash_lanes(batch_);
  batch_.clear();
  next_answer_ = 0;
  room_end_ = room_.data();
}

// A request that will be balanced by its Call-ID, as far as can be seen.
bool Foreseer::ask_request(size_t i, const Question& question, const View& view) {
  const sip::Message& message = *question.message;
  const Listener& listener = listener_of(view, question.arrival->socket);
  if (listener.side != Side::outside) return false;
  const uint16_t pool = pool_of(*question.arrival, listener, message, message.request_uri, view);
  const bool balanced = pool != none && view.pools[pool].key == PoolKey::call_id;
  const std::string_view call_id = message.text(message.call_id);
  if (!balanced || !HashInput::takes_whole(call_id)) return false;
  HashInput in = input();
  in.begin(view.keys.selection).last_text(call_id);
  take(in);
  foresights_[i].has_selection_ = true;
  foresights_[i].pool_ = pool;
  return true;
}

// What the values on top of a Route say, if they are ours, and which MACs would make it true.
void Foreseer::read_route(size_t i, const Question& question, const View& view) {
  const sip::Message& message = *question.message;
  Foresight& foresight = foresights_[i];
  const sip::Row* const first = message.row_of(sip::Header::route);
  for (const sip::Row& row : std::span(first, message.rows.data() + message.row_count)) {
    if (row.header != sip::Header::route) continue;
    if (foresight.own_count_ == Foresight::own_values_max) return;
    OwnValue& own = foresight.own_values_[foresight.own_count_];
    if (!read_own_value(message.bytes, row.value, view, own)) return;
    ++foresight.own_count_;
    if (!own.vd.empty() && !foresight.has_cookie_) {
      foresight.has_cookie_ = true;
      foresight.cookie_id_ = own.cookie.id;
      foresight.route_vd_ = own.vd;
    }
    const uint16_t socket = own.user.empty() || foresight.has_flow_ ? none : socket_of(own.flow, view);
    if (socket != none) {
      foresight.has_flow_ = true;
      foresight.flow_socket_ = socket;
      foresight.flow_remote_ = own.flow.remote;
      foresight.route_user_ = own.user;
    }
    if (own.text != row.value) return;  // another one in the same row
  }
}

bool Foreseer::ask_response(size_t i, const Question& question, const View& view) {
  const sip::Message& message = *question.message;
  if (message.via_count < 2) return false;
  const sip::Via& own = message.via[0];
  Foresight& foresight = foresights_[i];
  Foresight::Answer& answer = foresight.answer_;
  read_answer(message, answer);
  foresight.has_answer_ = true;
  if (answer.claim.socket >= view.sockets.size() || !answer.has_destination) return false;
  HashInput in = input();
  put_via_input(in, view.keys, message.text(own.branch), answer.claim.socket, answer.destination);
  take(in);
  foresight.has_via_ = true;
  foresight.via_socket_ = answer.claim.socket;
  foresight.via_destination_ = answer.destination;
  return true;
}

bool Foreseer::pick_backend(size_t i, const Question& question, const View& view) {
  Foresight& foresight = foresights_[i];
  const Arrival& arrival = *question.arrival;
  const Listener& listener = listener_of(view, arrival.socket);
  const Pool& pool = view.pools[foresight.pool_];
  const uint16_t member = foresight.member_ = pool.overlay.pick(foresight.selection_);
  if (member == steer::no_member) return false;
  const Backend& backend = view.backends[pool.first_backend + member];
  foresight.next_hop_ = backend.address;
  const auto family = static_cast<size_t>(backend.address.address.family());
  const uint16_t egress = view.sockets[arrival.socket].toward_backends[family];
  const Records records = records_of(*question.message, view, listener, egress);
  foresight.has_cookie_ = records.cookie;
  foresight.cookie_id_ = backend.cookie_id;
  foresight.has_flow_ = records.flow;
  foresight.flow_socket_ = arrival.socket;
  foresight.flow_remote_ = arrival.source;
  return true;
}

// Where what is true of a Route leads: from a backend to the client, else to the dialog's backend.
bool Foreseer::follow_route(size_t i, const Question& question, const View& view) {
  Foresight& foresight = foresights_[i];
  for (const OwnValue& own : std::span(foresight.own_values_).first(foresight.own_count_)) {
    if (!own.vd.empty() && own.vd == foresight.route_vd_) {
      const std::string_view call_id = question.message->text(question.message->call_id);
      foresight.route_cookie_ = verify_cookie(own.cookie, view, call_id, &foresight.cookie_);
    }
    if (!own.user.empty() && own.user == foresight.route_user_) {
      verify_flow_token(own.flow, view, foresight.route_flow_, &foresight.flow_);
    }
  }
  const Arrival& arrival = *question.arrival;
  const uint16_t known = known_source(arrival, view);
  if (sending_backend(view, arrival.source, known, listener_of(view, arrival.socket)) != none) {
    if (foresight.route_user_.empty() || !foresight.route_flow_.known()) return false;
    foresight.next_hop_ = foresight.route_flow_.remote;
    return true;
  }
  if (foresight.route_vd_.empty() || foresight.route_cookie_.backend == none) return false;
  foresight.next_hop_ = view.backends[foresight.route_cookie_.backend].address;
  return true;
}

// Toward the next hop.
void Foreseer::ask_branch(size_t i, const Question& question, const View& view) {
  foresights_[i].has_branch_ = true;
  HashInput in = input();
  put_branch_input(in, *question.message, foresights_[i].next_hop_, view.keys);
  take(in);
}

void Foreseer::ask_cookies(const Askers& askers, std::span<const Question> questions, const View& view) {
  for (const size_t i : askers.all()) {
    const sip::Message& message = *questions[i].message;
    HashInput in = input();
    put_cookie_input(in, view.keys, message.text(message.call_id), foresights_[i].cookie_id_);
    take(in);
  }
  seal(false);
}

void Foreseer::ask_flows(const Askers& askers, const View& view) {
  for (const size_t i : askers.all()) {
    const Foresight& foresight = foresights_[i];
    HashInput in = input();
    put_flow_input(in, view.keys, view.sockets[foresight.flow_socket_].address, foresight.flow_remote_);
    take(in);
  }
  seal(true);
}

void Foreseer::ask_with_branch(size_t i, const Question& question, const View& view) {
  Foresight& foresight = foresights_[i];
  const Arrival& arrival = *question.arrival;
  foresight.has_via_ = true;
  foresight.via_socket_ = arrival.socket;
  foresight.via_destination_ =
      answer_address(*question.message, arrival.source, listener_of(view, arrival.socket).force_rport);
  HashInput in = input();
  put_via_input(in, view.keys, foresight.branch_.text(), arrival.socket, foresight.via_destination_);
  take(in);
}

void Foreseer::take_flows(const Askers& askers) {
  take_answers(askers, [&](Foresight& foresight, size_t lane) { foresight.flow_ = batch_.hash(lane); });
}

void Foreseer::take_vias(const Askers& askers) {
  take_answers(askers, [&](Foresight& foresight, size_t lane) { foresight.via_ = batch_.low[lane]; });
}

void Foreseer::take_cookies(const Askers& askers) {
  take_answers(askers, [&](Foresight& foresight, size_t lane) { foresight.cookie_ = batch_.low[lane]; });
}

// Inputs of one kind are about as long as each other, so they are made neighbours.
std::span<const Foresight> Foreseer::foresee(std::span<const Question> questions, const View& view) {
  Askers requests, responses, routed, balanced, answers, forwarded, flows, cookies;
  room_end_ = room_.data();
  for (size_t i = 0; i < questions.size(); ++i) {
    foresights_[i].forget();
    const sip::Message& message = *questions[i].message;
    if (message.fault != sip::Fault::none) continue;
    (!message.is_request() ? responses : message.has(sip::Header::route) ? routed : requests).add(i);
  }
  for (const size_t i : routed.all()) {
    read_route(i, questions[i], view);
    if (foresights_[i].has_flow_) flows.add(i);
    if (foresights_[i].has_cookie_) cookies.add(i);
    // An outbound proxy's name, say: it leads nowhere else.
    if (!foresights_[i].has_flow_ && !foresights_[i].has_cookie_) requests.add(i);
  }
  for (const size_t i : requests.all()) {
    if (ask_request(i, questions[i], view)) balanced.add(i);
  }
  seal(false);
  for (const size_t i : responses.all()) {
    if (ask_response(i, questions[i], view)) answers.add(i);
  }
  seal(false);
  ask_flows(flows, view);
  ask_cookies(cookies, questions, view);
  hash();
  // Slots of a table are far away: all are asked for before the first is read.
  take_answers(balanced, [&](Foresight& foresight, size_t lane) {
    foresight.selection_ = batch_.low[lane];
    const steer::Table& table = view.pools[foresight.pool_].overlay;
    __builtin_prefetch(table.slots().data() + steer::Table::slot_of(foresight.selection_));
  });
  take_vias(answers);
  take_flows(flows);
  take_cookies(cookies);

  flows.count = cookies.count = 0;
  for (const size_t i : balanced.all()) {
    if (!pick_backend(i, questions[i], view)) continue;
    forwarded.add(i);
    if (foresights_[i].has_flow_) flows.add(i);
    if (foresights_[i].has_cookie_) cookies.add(i);
  }
  for (const size_t i : routed.all()) {
    if (follow_route(i, questions[i], view)) forwarded.add(i);
  }
  for (const size_t i : forwarded.all()) ask_branch(i, questions[i], view);
  seal(true);
  ask_flows(flows, view);
  ask_cookies(cookies, questions, view);
  hash();
  take_answers(forwarded, [&](Foresight& foresight, size_t lane) { foresight.branch_ = Branch(batch_.hash(lane)); });
  take_flows(flows);
  take_cookies(cookies);

  for (const size_t i : forwarded.all()) ask_with_branch(i, questions[i], view);
  seal(false);
  hash();
  take_vias(forwarded);
  return std::span(foresights_).first(questions.size());
}

}  // namespace viaduct::proxy
