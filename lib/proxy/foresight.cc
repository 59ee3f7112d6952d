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

// The input to fill for this hash, the key and the domain of which are the caller's.
HashInput& Foreseer::add(size_t message, Job::What what, bool wide) {
  lanes_[job_count_].wide = wide;
  jobs_[job_count_] = {static_cast<uint8_t>(message), what};
  return inputs_[job_count_++];
}

void Foreseer::hash() {
  for (size_t i = 0; i < job_count_; ++i) inputs_[i].lay_out(lanes_[i]);
  steer::siphash_lanes(std::span(lanes_).first(job_count_));
  for (size_t i = 0; i < job_count_; ++i) {
    Foresight& foresight = foresights_[jobs_[i].message];
    const steer::Hash128& hash = lanes_[i].hash;
    switch (jobs_[i].what) {
      case Job::What::selection: foresight.selection_ = hash.low; break;
      case Job::What::branch: foresight.branch_ = Branch(hash); break;
      case Job::What::cookie: foresight.cookie_ = hash.low; break;
      case Job::What::flow: foresight.flow_ = hash; break;
      case Job::What::via: foresight.via_ = hash.low; break;
    }
  }
  job_count_ = 0;
}

// A request that will be balanced by its Call-ID, as far as can be seen.
void Foreseer::ask_request(size_t i, const Question& question, const View& view) {
  const sip::Message& message = *question.message;
  const Listener& listener = listener_of(question.arrival, view);
  if (listener.side != Side::outside || message.has(sip::Header::route)) return;
  const uint16_t pool = pool_of(listener, message, message.request_uri);
  const bool balanced = pool != none && view.pools[pool].key == PoolKey::call_id;
  const std::string_view call_id = message.text(message.call_id);
  if (!balanced || !HashInput::takes_whole(call_id)) return;
  add(i, Job::What::selection, false).begin_raw(view.keys.selection, call_id);
  foresights_[i].has_selection_ = true;
  foresights_[i].pool_ = pool;
}

void Foreseer::ask_response(size_t i, const Question& question, const View& view) {
  const sip::Message& message = *question.message;
  if (message.via_count < 2) return;
  const sip::Via& own = message.via[0];
  const ViaMac claim = read_via_mac(message.text(own.vd));
  const auto destination = response_destination(message.bytes, message.via[1]);
  Foresight& foresight = foresights_[i];
  foresight.has_answer_ = true;
  foresight.answer_ = {claim, destination};
  if (claim.socket >= view.sockets.size() || !destination) return;
  put_via_input(add(i, Job::What::via, false), view.keys, message.text(own.branch), claim.socket, *destination);
  foresight.has_via_ = true;
  foresight.via_socket_ = claim.socket;
  foresight.via_destination_ = *destination;
}

void Foreseer::ask_with_backend(size_t i, const Question& question, const View& view) {
  Foresight& foresight = foresights_[i];
  const Arrival& arrival = question.arrival;
  const Listener& listener = listener_of(arrival, view);
  const Pool& pool = view.pools[foresight.pool_];
  const uint16_t member = pool.overlay.pick(foresight.selection_);
  if (member == steer::no_member) return;
  const sip::Message& message = *question.message;
  foresight.backend_ = static_cast<uint16_t>(pool.first_backend + member);
  const Backend& backend = view.backends[foresight.backend_];
  foresight.next_hop_ = backend.address;
  foresight.has_branch_ = true;
  put_branch_input(add(i, Job::What::branch, true), message, backend.address, view.keys);
  const uint16_t egress = listener.toward_backends[static_cast<size_t>(backend.address.address.family())];
  const Records records = records_of(message, view, listener, egress);
  foresight.has_cookie_ = records.cookie;
  foresight.has_flow_ = records.flow;
  foresight.socket_ = arrival.socket;
  foresight.source_ = arrival.source;
}

void Foreseer::ask_cookie(size_t i, const Question& question, const View& view) {
  const sip::Message& message = *question.message;
  put_cookie_input(add(i, Job::What::cookie, false), view.keys, message.text(message.call_id),
                   view.backends[foresights_[i].backend_].cookie_id);
}

void Foreseer::ask_flow(size_t i, const Question& question, const View& view) {
  const Arrival& arrival = question.arrival;
  put_flow_input(add(i, Job::What::flow, true), view.keys, view.sockets[arrival.socket].address, arrival.source);
}

void Foreseer::ask_with_branch(size_t i, const Question& question, const View& view) {
  Foresight& foresight = foresights_[i];
  const Arrival& arrival = question.arrival;
  foresight.has_via_ = true;
  foresight.via_socket_ = arrival.socket;
  foresight.via_destination_ =
      answer_address(*question.message, arrival.source, listener_of(arrival, view).force_rport);
  put_via_input(add(i, Job::What::via, false), view.keys, foresight.branch_.text(), arrival.socket,
                foresight.via_destination_);
}

std::span<const Foresight> Foreseer::foresee(std::span<const Question> questions, const View& view) {
  const size_t count = questions.size();
  // Inputs of one kind are about as long as each other, so they are made neighbours.
  for (size_t i = 0; i < count; ++i) {
    foresights_[i] = {};
    const sip::Message& message = *questions[i].message;
    if (message.fault == sip::Fault::none && message.is_request()) ask_request(i, questions[i], view);
  }
  for (size_t i = 0; i < count; ++i) {
    const sip::Message& message = *questions[i].message;
    if (message.fault == sip::Fault::none && !message.is_request()) ask_response(i, questions[i], view);
  }
  hash();
  for (size_t i = 0; i < count; ++i) {
    if (foresights_[i].has_selection_) ask_with_backend(i, questions[i], view);
  }
  for (size_t i = 0; i < count; ++i) {
    if (foresights_[i].has_flow_) ask_flow(i, questions[i], view);
  }
  for (size_t i = 0; i < count; ++i) {
    if (foresights_[i].has_cookie_) ask_cookie(i, questions[i], view);
  }
  hash();
  for (size_t i = 0; i < count; ++i) {
    if (foresights_[i].has_branch_) ask_with_branch(i, questions[i], view);
  }
  hash();
  return std::span(foresights_).first(count);
}

}  // namespace viaduct::proxy
