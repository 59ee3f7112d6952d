#include <algorithm>
#include <utility>

#include "scenarios/phones.h"

namespace viaduct::scenarios {

Call::Call(Phones& phones, std::string id, std::string address, const Plan& plan)
    : phones_(phones),
      id_(std::move(id)),
      address_(std::move(address)),
      plan_(plan),
      to_("<sip:bob@example.com>"),
      uri_("sip:bob@example.com") {}

std::string Call::request(const std::string& method, unsigned cseq, bool in_dialog) const {
  // CANCEL and the ACK to a failure belong to the INVITE's transaction: its Request-URI, branch and, for a CANCEL, its
  // To (sections 9.1 and 17.1.1.3).
  const bool own = method != "CANCEL" && (method != "ACK" || in_dialog);
  std::string text = method + " " + (in_dialog ? uri_ : "sip:bob@example.com") + " SIP/2.0\r\nVia: SIP/2.0/UDP " +
                     address_ + ";rport;branch=z9hG4bK" + id_ + "." + std::to_string(cseq) +
                     (own && method == "ACK" ? "a" : "") + "\r\nMax-Forwards: 70\r\n";
  if (in_dialog) {
    for (const std::string& route : routes_) text += "Route: " + route + "\r\n";
  }
  text += "From: <sip:alice@example.com>;tag=" + id_ +
          "\r\nTo: " + (method == "CANCEL" ? "<sip:bob@example.com>" : to_) + "\r\nCall-ID: " + id_ +
          "\r\nCSeq: " + std::to_string(cseq) + " " + method + "\r\nContact: <sip:alice@" + address_ + ">\r\n";
  if (method == "INVITE" && !in_dialog) {
    const auto ms = [](Duration time) { return std::to_string(time / 1ms); };
    text += "X-Ring: " + ms(plan_.ring) + "\r\nX-Answer: " + plan_.answer + "\r\n";
    if (plan_.callee_hangs_up) text += "X-Bye: " + ms(plan_.hold) + "\r\n";
  }
  return text + "Content-Length: 0\r\n\r\n";
}

void Call::transact(const std::string& method) {
  const Key key{cseq_, method};
  pending_[key] = request(method, cseq_, state_ == State::talking || state_ == State::ending);
  repeat(key, timer_t1, phones_.world.now() + timer_b);
}

void Call::repeat(const Key& key, Duration interval, core::Instant end) {
  const auto found = pending_.find(key);
  if (found == pending_.end()) return;
  World& world = phones_.world;
  if (world.now() > end)
    return this->end(State::failed, "no answer to " + key.second + " " + std::to_string(key.first));
  world.send({address_, std::string(outside), found->second});
  // Timer A doubles without end; timer E stops at T2.
  const Duration next = key.second == "INVITE" ? 2 * interval : std::min(2 * interval, timer_t2);
  world.after(interval, [this, key, next, end] { repeat(key, next, end); });
}

void Call::copy_invite() {
  if (state_ == State::calling || state_ == State::ringing)
    phones_.world.send({address_, std::string(outside), request("INVITE", 1, false)});
}

void Call::cancel() {
  if ((state_ != State::calling && state_ != State::ringing) || cancelled_) return;
  cancelled_ = true;
  transact("CANCEL");
}

void Call::hang_up() {
  if (state_ != State::talking) return;
  state_ = State::ending;
  ask("BYE");
}

void Call::receive(const SipText& message) {
  got_.push_back(message);
  if (status_of(message) == 0) return on_request(message);
  const std::string method = method_of(message);
  if (method == "INVITE") return on_invite_response(message);
  if (status_of(message) < 200 || pending_.erase({cseq_of(message), method}) == 0) return;
  if (method == "BYE")
    end(status_of(message) == 200 ? State::completed : State::failed, "BYE: " + std::to_string(status_of(message)));
}

void Call::on_invite_response(const SipText& message) {
  const unsigned status = status_of(message), cseq = cseq_of(message);
  pending_.erase({cseq, "INVITE"});
  if (status < 200) {
    if (state_ != State::calling) return;
    state_ = State::ringing;
    if (plan_.cancel_after) phones_.world.after(*plan_.cancel_after, [this] { cancel(); });
    return;
  }
  if (status < 300) {
    learn_dialog(message);  // also when the callee has hung up before this answer came
    if (state_ == State::calling || state_ == State::ringing) talk();
    phones_.world.send({address_, std::string(outside), request("ACK", cseq, true)});
    return;
  }
  const std::string before = std::exchange(to_, message.value("To"));
  phones_.world.send({address_, std::string(outside), request("ACK", cseq, false)});
  to_ = before;
  if (over() || cseq != 1) return;
  const bool expected = cancelled_ ? status == 487 : std::to_string(status) == plan_.answer.substr(0, 3);
  end(expected ? State::completed : State::failed, "INVITE: " + std::to_string(status));
}

void Call::learn_dialog(const SipText& ok) {
  to_ = ok.value("To"), uri_ = uri_in(ok.value("Contact"));
  routes_ = ok.values("Record-Route");
  std::reverse(routes_.begin(), routes_.end());
}

void Call::talk() {
  state_ = State::talking;
  World& world = phones_.world;
  if (plan_.update) {
    world.after(plan_.hold / 2, [this] {
      if (state_ == State::talking) ask("UPDATE");
    });
  }
  if (!plan_.callee_hangs_up) world.after(plan_.hold, [this] { hang_up(); });
}

void Call::on_request(const SipText& message) {
  std::string text = "SIP/2.0 200 OK\r\n";
  for (const std::string& via : message.values("Via")) text += "Via: " + via + "\r\n";
  text += "From: " + message.value("From") + "\r\nTo: " + message.value("To") + "\r\nCall-ID: " + id_ +
          "\r\nCSeq: " + message.value("CSeq") + "\r\nContent-Length: 0\r\n\r\n";
  phones_.world.send({address_, std::string(outside), text});
  if (method_of(message) == "BYE" && !over()) end(State::completed, "");
}

}  // namespace viaduct::scenarios
