// Who calls and who answers: user agents as RFC 3261 sections 8, 12, 13 and 17 have them, as far as a balancer notices.
//
// A caller retransmits until there is an answer, acknowledges, follows route sets and hangs up; a server rings,
// answers, retransmits its 200 until the ACK. What a server shall do with a call is told by headers of the INVITE:
// `X-Ring` ms, `X-Answer` status, `X-Bye` ms until the server hangs up, `X-Fork` for a second answer with another tag.
// Every request at a server is an entry of the account.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "scenarios/world.h"

namespace viaduct::scenarios {

inline constexpr Duration timer_t1 = 500ms, timer_t2 = 4s, timer_b = 32s;  // RFC 3261 section 17.1.1.2

inline unsigned status_of(const SipText& message) {
  return message.start().starts_with("SIP/2.0 ") ? static_cast<unsigned>(std::stoul(message.start().substr(8))) : 0;
}
inline std::string method_of(const SipText& message) {
  const std::string cseq = message.value("CSeq");
  return cseq.substr(cseq.find(' ') + 1);
}
inline unsigned cseq_of(const SipText& message) { return static_cast<unsigned>(std::stoul(message.value("CSeq"))); }
inline std::string via_branch(const SipText& message, size_t index) {
  const auto vias = message.values("Via");
  return index < vias.size() ? test::param(vias[index], "branch") : "";
}
inline std::string uri_in(const std::string& value) {
  return value.substr(value.find('<') + 1, value.find('>') - value.find('<') - 1);
}

struct Arrival {
  core::Instant at;
  std::string server, method, call_id, branch, top_branch;  // `branch`: the caller's; `top_branch`: the balancer's
  unsigned cseq = 0;
  bool in_dialog = false;
};

// What reached whom.
struct Account {
  std::vector<Arrival> arrivals;
  std::vector<std::string> strays;  // in-dialog requests of others' dialogs, by Call-ID

  using Transaction = std::pair<std::string, unsigned>;
  // Server names that got a part of each transaction. INVITE, its copies, CANCEL and failure ACK are one.
  std::map<Transaction, std::set<std::string>> transactions() const {
    std::map<Transaction, std::set<std::string>> found;
    for (const Arrival& arrival : arrivals) found[{arrival.branch, arrival.cseq}].insert(arrival.server);
    return found;
  }
  std::vector<Transaction> split() const {
    std::vector<Transaction> split;
    for (const auto& [transaction, servers] : transactions()) {
      if (servers.size() > 1) split.push_back(transaction);
    }
    return split;
  }
  std::vector<Arrival> of(std::string_view call_id, std::string_view method = "") const {
    std::vector<Arrival> found;
    for (const Arrival& arrival : arrivals) {
      if (arrival.call_id == call_id && (method.empty() || arrival.method == method)) found.push_back(arrival);
    }
    return found;
  }
  // Who got it; "p1 p3" if more than one did.
  std::string at(std::string_view call_id, std::string_view method = "") const {
    std::set<std::string> names;
    for (const Arrival& arrival : of(call_id, method)) names.insert(arrival.server);
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : " ") + name;
    return text;
  }
  // All that came of a call, or of a transaction by the caller's branch, a line each.
  std::string story(std::string_view of) const {
    std::string text;
    for (const Arrival& arrival : arrivals) {
      if (arrival.call_id != of && arrival.branch != of) continue;
      text += std::to_string((arrival.at.time_since_epoch() - 1h) / 1us) + " us: " + std::to_string(arrival.cseq) +
              " " + arrival.method + " at " + arrival.server + ", branch " + arrival.branch + "\n";
    }
    return text;
  }
  size_t count(std::string_view call_id, std::string_view method) const { return of(call_id, method).size(); }
};

class Server {
 public:
  Server(World& world, Account& account, std::string name, std::string address)
      : world_(world), account_(account), name_(std::move(name)), address_(std::move(address)) {
    come();
  }
  const std::string& name() const { return name_; }
  bool alive() const { return alive_; }

  void come() {
    alive_ = true;
    world_.listen(address_, [this](const Datagram& datagram) { receive(datagram); });
  }
  // kill -9: it knows nothing afterwards.
  void die() {
    alive_ = false;
    ++life_;
    world_.leave(address_);
    dialogs_.clear(), invites_.clear();
  }
  // Deaf and dumb for a while, but with its memory (SIGSTOP).
  void freeze() { alive_ = false, world_.leave(address_); }

  std::set<std::string> dialogs() const {
    std::set<std::string> ids;
    for (const auto& [id, dialog] : dialogs_) ids.insert(id);
    return ids;
  }
  // A request within a dialog, from the server's side, along its route set (section 12.2.1.1).
  void ask(const std::string& call_id, const std::string& method) { ask(dialogs_.at(call_id), method); }
  // A call of the server's own, outward.
  void call(const std::string& call_id, const std::string& target) {
    send(SipText(test::sip_text("INVITE sip:phone@" + target + " SIP/2.0\nVia: SIP/2.0/UDP " + address_ +
                                ";branch=z9hG4bK" + call_id + "\nMax-Forwards: 70\nFrom: <sip:" + name_ + "@" +
                                address_ + ">;tag=" + name_ + "\nTo: <sip:phone@" + target + ">\nCall-ID: " + call_id +
                                "\nCSeq: 1 INVITE\nContact: <sip:" + name_ + "@" + address_ + ">\n") +
                 "\r\n"));
    dialogs_[call_id] = {};
  }

  std::vector<SipText> responses;  // to what it asked
  bool early_notify = false;       // NOTIFY before the 200 to a SUBSCRIBE

 private:
  struct Dialog {
    SipText invite{"\r\n"};
    unsigned cseq = 0;
  };
  struct Transaction {
    SipText invite{"\r\n"};
    std::string source, answer;
    bool final = false, acknowledged = false;
  };

  void send(const SipText& message, const std::string& to = std::string(inside)) {
    if (alive_) world_.send({address_, to, message.str()});
  }
  SipText reply(const SipText& request, std::string_view status) const {
    std::string text = "SIP/2.0 " + std::string(status) + "\r\n";
    for (const char* name : {"Via", "Record-Route"}) {
      for (const std::string& value : request.values(name)) text += std::string(name) + ": " + value + "\r\n";
    }
    std::string to = request.value("To");
    if (to.find(";tag=") == std::string::npos) to += ";tag=" + name_;
    return SipText(text + "From: " + request.value("From") + "\r\nTo: " + to +
                   "\r\nCall-ID: " + request.value("Call-ID") + "\r\nCSeq: " + request.value("CSeq") +
                   "\r\nContact: <sip:" + name_ + "@" + address_ + ">\r\nContent-Length: 0\r\n\r\n");
  }

  void receive(const Datagram& datagram) {
    const SipText message(datagram.text);
    if (status_of(message) != 0) return on_response(message);
    const std::string method = message.start().substr(0, message.start().find(' '));
    const std::string call_id = message.value("Call-ID");
    const bool in_dialog = message.value("To").find(";tag=") != std::string::npos;
    account_.arrivals.push_back({world_.now(), name_, method, call_id, via_branch(message, 1), via_branch(message, 0),
                                 cseq_of(message), in_dialog});
    if (method == "INVITE" && !in_dialog) return on_invite(message, datagram.source);
    if (method == "ACK") return on_ack(message);
    if (method == "CANCEL") return on_cancel(message, datagram.source);
    const bool known = !in_dialog || dialogs_.contains(call_id);
    if (!known) account_.strays.push_back(call_id);
    if (method == "SUBSCRIBE" && early_notify) notify(message);
    send(reply(message, known ? "200 OK" : "481 Call/Transaction Does Not Exist"), datagram.source);
  }

  void on_invite(const SipText& invite, const std::string& source) {
    Transaction& transaction = invites_[via_branch(invite, 0)];
    if (!transaction.answer.empty()) return send(SipText(transaction.answer), source);
    transaction.invite = invite, transaction.source = source;
    transaction.answer = reply(invite, "180 Ringing").str();
    send(SipText(transaction.answer), source);
    const std::string ring = invite.value("X-Ring"), answer = invite.value("X-Answer");
    later(std::chrono::milliseconds(ring.empty() ? 0 : std::stol(ring)),
          [this, branch = via_branch(invite, 0), answer] { settle(branch, answer.empty() ? "200 OK" : answer); });
  }
  void settle(const std::string& branch, const std::string& status) {
    const auto found = invites_.find(branch);
    if (found == invites_.end() || found->second.final) return;
    Transaction& transaction = found->second;
    transaction.final = true;
    transaction.answer = reply(transaction.invite, status).str();
    if (status[0] == '2') {
      dialogs_[transaction.invite.value("Call-ID")] = {transaction.invite, 0};
      const std::string bye = transaction.invite.value("X-Bye");
      if (!bye.empty()) {
        later(std::chrono::milliseconds(std::stol(bye)), [this, id = transaction.invite.value("Call-ID")] {
          if (dialogs_.contains(id)) ask(id, "BYE");
        });
      }
    }
    if (transaction.invite.has("X-Fork")) {
      send(SipText(test::replace_all(transaction.answer, ";tag=" + name_, ";tag=fork")), transaction.source);
    }
    retransmit(branch, timer_t1, world_.now() + 64 * timer_t1);
  }
  void retransmit(const std::string& branch, Duration interval, core::Instant end) {
    const auto found = invites_.find(branch);
    if (found == invites_.end() || found->second.acknowledged || world_.now() > end) return;
    send(SipText(found->second.answer), found->second.source);
    later(interval, [this, branch, interval, end] { retransmit(branch, std::min(2 * interval, timer_t2), end); });
  }
  void on_ack(const SipText& ack) {
    for (auto& [branch, transaction] : invites_) {
      if (transaction.invite.value("Call-ID") == ack.value("Call-ID")) transaction.acknowledged = true;
    }
  }
  void on_cancel(const SipText& cancel, const std::string& source) {
    const std::string branch = via_branch(cancel, 0);
    const bool known = invites_.contains(branch);
    send(reply(cancel, known ? "200 OK" : "481 Call/Transaction Does Not Exist"), source);
    if (known) settle(branch, "487 Request Terminated");
  }
  void on_response(const SipText& response) {
    responses.push_back(response);
    if (method_of(response) == "INVITE" && status_of(response) / 100 == 2) {
      SipText as_invite = response.with_start("INVITE " + uri_in(response.value("Contact")) + " SIP/2.0");
      // Seen from the one who asked the route set is reversed, and From and To are the other way round.
      std::vector<std::string> routes = response.values("Record-Route");
      as_invite = as_invite.without("Record-Route").with("Contact", response.value("Contact"));
      for (const std::string& route : routes) as_invite = as_invite.with_line("Record-Route: " + route);
      as_invite = as_invite.with("From", response.value("To")).with("To", response.value("From"));
      dialogs_[response.value("Call-ID")] = {as_invite, 1};
    }
  }
  void ask(Dialog& dialog, const std::string& method) {
    ++dialog.cseq;
    std::string to = dialog.invite.value("From"), from = dialog.invite.value("To");
    if (from.find(";tag=") == std::string::npos) from += ";tag=" + name_;
    const std::string id = dialog.invite.value("Call-ID");
    std::string text = method + " " + uri_in(dialog.invite.value("Contact")) + " SIP/2.0\r\nVia: SIP/2.0/UDP " +
                       address_ + ";branch=z9hG4bK" + id + method + std::to_string(dialog.cseq) +
                       "\r\nMax-Forwards: 70\r\n";
    for (const std::string& route : dialog.invite.values("Record-Route")) text += "Route: " + route + "\r\n";
    text += "From: " + from + "\r\nTo: " + to + "\r\nCall-ID: " + id + "\r\nCSeq: " + std::to_string(dialog.cseq) +
            " " + method + "\r\nContact: <sip:" + name_ + "@" + address_ + ">\r\nContent-Length: 0\r\n\r\n";
    repeat(SipText(text), timer_t1, world_.now() + timer_b);
  }
  void repeat(const SipText& request, Duration interval, core::Instant end) {
    for (const SipText& response : responses) {
      const bool its = response.value("CSeq") == request.value("CSeq");
      if (its && response.value("Call-ID") == request.value("Call-ID")) return;
    }
    if (world_.now() > end) return;
    send(request);
    later(interval, [this, request, interval, end] { repeat(request, std::min(2 * interval, timer_t2), end); });
  }
  void notify(const SipText& subscribe) {
    Dialog& dialog = dialogs_[subscribe.value("Call-ID")];
    dialog = {subscribe, 0};
    ask(dialog, "NOTIFY");
  }
  void later(Duration delay, std::function<void()> event) {
    world_.after(delay, [this, life = life_, event = std::move(event)] {
      if (life == life_) event();
    });
  }

  World& world_;
  Account& account_;
  std::string name_, address_;
  bool alive_ = false;
  uint64_t life_ = 0;
  std::map<std::string, Dialog> dialogs_;       // by Call-ID
  std::map<std::string, Transaction> invites_;  // by top branch
};

}  // namespace viaduct::scenarios
