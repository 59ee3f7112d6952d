// The reflector: answers every request from the request alone.
//
//   INVITE      100 and 180 as ordered, then 200 (or only those, for a call that will be cancelled)
//   CANCEL      200, and 487 for its INVITE: the CANCEL has the same Via rows through stateless proxies (RFC 3261
//               section 9.1), so both answers are written from it
//   ACK         counted
//   the rest    200
//
// Via, From, Call-ID, CSeq and Record-Route are copied row by row; the first Via gets `received` and `rport` where they
// are due (RFC 3261 section 18.2.1, RFC 3581 section 4). The tag it gives is a function of the address that
// was called and of the Call-ID: so a repeated request gets the same, and an ACK or BYE that comes to another address
// than its INVITE is noticed. It keeps nothing but a small table that does the same for CANCEL, which has no tag.
//
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "blast/counters.h"
#include "blast/datagram.h"
#include "blast/delay_line.h"
#include "blast/head.h"
#include "blast/outbox.h"
#include "blast/text_writer.h"
#include "net/frame.h"

namespace viaduct::blast {

// What the first Via of a request says, and what its answer's has to say (RFC 3261 section 18.2.1, RFC 3581 section 4).
struct TopVia {
  std::string_view value, rest;  // the row's first value, and what follows it there
  size_t rport_at = 0;           // where the source port is to be filled in; 0: nowhere
  bool is_received = false;      // `received` is to be added
  net::Endpoint source;          // where the request came from
  net::Endpoint destination;     // where the answer goes: there, at the port of the Via unless `rport` is asked for
};
TopVia read_top_via(std::string_view row, const net::Endpoint& source);

// So many of all calls get this final answer; those that remain get 200.
struct AnswerShare {
  uint16_t code = 200;
  double share = 0;
};

struct UasPlan {
  bool send_trying = true;
  bool send_ringing = true;
  bool ring_only = false;  // no call is picked up
  std::vector<AnswerShare> answers;
  double loss = 0;  // requests dropped, 0..1
  uint64_t delay_ns = 0;
  uint32_t held_max = 65536;  // answers on their way
  UdpChecksum checksum = UdpChecksum::full;
};

class Uas {
 public:
  explicit Uas(const UasPlan& plan);

  // A datagram that came; `outbox` has room for `frames_per_request`.
  static constexpr size_t frames_per_request = 3;
  void receive(std::string_view payload, const net::FrameView& frame, uint64_t now_ns, Outbox& outbox);
  void tick(uint64_t now_ns, Outbox& outbox) { held_.tick(now_ns, outbox); }
  bool settled() const { return held_.size() == 0; }

  template <BlastIo Io>
  void discard(Io& io) {
    held_.discard(io);
  }

  const UasCounters& counters() const { return counters_; }

 private:
  struct Request {
    const Head& head;
    const net::FrameView& frame;
    uint64_t now_ns;
    uint32_t place;  // who was called
    uint32_t call;   // of the Call-ID
    TopVia via;      // read once there is an answer
  };

  void answer(const Request& request, uint16_t status, std::string_view method, Outbox& outbox);
  uint16_t final_of(const Request& request) const;
  void check_place(const Request& request, bool is_cancel);
  void note_place(const Request& request);
  bool drop();

  const UasPlan plan_;
  DelayLine held_;
  std::vector<uint32_t> places_;  // by number of a call of ours
  uint64_t random_ = 0x9e3779b97f4a7c15;
  UasCounters counters_;
};

// A response to `request`, without a body but for the 200 to an INVITE. `tag` is added to a To that has none. `method`
// stands in CSeq, as in 487 for the INVITE that a CANCEL names. Thread: any.
struct Answer {
  uint16_t status = 200;
  std::string_view method;
  std::string_view tag;
  std::string_view contact;  // address:port of the answerer
  TopVia via;
};
void write_answer(const Head& request, const Answer& answer, TextWriter& out);

}  // namespace viaduct::blast
