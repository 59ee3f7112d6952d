#include "proxy/own_via.h"

#include <cstring>

#include "proxy/branch.h"
#include "proxy/digits.h"
#include "proxy/overload.h"
#include "proxy/via_mac.h"

namespace viaduct::proxy {
namespace {

// What stands there for the time: that of the first copy, where it is known. CANCEL and the ACK for a non-2xx have
// their INVITE's Via (RFC 3261 sections 9.1 and 17.1.1.3, W.6, W.7); another ACK none, for nobody answers it.
SendTime::Text time_of(const Request& request, uint64_t mark) {
  const Arrival& arrival = request.arrival;
  const sip::Method method = request.message.method;
  const bool of_invite = method == sip::Method::ack || method == sip::Method::cancel;
  if (arrival.times != nullptr) {
    const auto key = static_cast<uint64_t>(of_invite ? sip::Method::invite : method);
    const auto sent = arrival.times->asked_at(telemetry::Answered::key_of(mark, key));
    if (sent.known) return SendTime::text_of_ticks(arrival.node, sent.time);
  }
  return method == sip::Method::ack ? 0 : arrival.now;
}

static_assert(2 * Phrase::bytes_max + Branch::size + 16 + 1 + SendTime::size + overload_offer.size() + 2 <=
              own_via_bytes_max);

}  // namespace

char* write_own_via(const Request& request, char* out, OwnBranch& own) {
  const View& view = request.view;
  const Target& target = request.target;
  const Branch* const foreseen = request.foresight.branch(target.next_hop);
  Branch computed;
  if (foreseen == nullptr) computed = Branch(request.message, target.next_hop, view.keys);
  const Branch& branch = foreseen != nullptr ? *foreseen : computed;
  const uint16_t arrival = request.arrival.socket;
  const uint64_t* const mac = foreseen != nullptr ? request.foresight.via(arrival, request.answer_to) : nullptr;

  out = view.sockets[target.socket].via.write(out);
  out = branch.write(out);
  out = view.sockets[arrival].via_mac.write(out);
  store_octets(hex_of_number(mac ? *mac : via_mac(view.keys, branch.text(), arrival, request.answer_to)), out);
  out += 16;
  const uint64_t mark = Branch::mark_of(branch.text());
  if (request.arrival.now != 0) {
    if (const SendTime::Text time = time_of(request, mark); time != 0) {
      *out++ = '.';
      std::memcpy(out, &time, SendTime::size);
      out += SendTime::size;
    }
  }
  if (takes_feedback(request)) [[unlikely]] {
    out = write_text(overload_offer, out);
  }
  own = {branch.hash(), mark};
  return write_text("\r\n", out);
}

}  // namespace viaduct::proxy
