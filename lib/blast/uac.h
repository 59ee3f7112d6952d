// The callers: start calls, and do what the answers ask for.
//
// Nothing is remembered of a call but two bits a transaction (call_window.h). Who called, when, and what was said is in
// the branch that a response brings back; ACK and BYE are written from the response, and where the first request is
// needed again (CANCEL, ACK for a failure) it is rendered again. So a million calls a second cost no more memory than
// one.
//
// Thread: one at a time.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "blast/call_window.h"
#include "blast/counters.h"
#include "blast/datagram.h"
#include "blast/delay_line.h"
#include "blast/head.h"
#include "blast/histogram.h"
#include "blast/message_template.h"
#include "blast/outbox.h"
#include "blast/retransmitter.h"
#include "blast/scenario.h"
#include "blast/sources.h"
#include "blast/token.h"
#include "core/result.h"
#include "net/frame.h"

namespace viaduct::blast {

struct UacPlan {
  std::string scenario = "options";
  std::string text;  // of a template of the user's own, instead of a scenario
  net::Mac source_mac, destination_mac;
  net::Endpoint target;
  uint32_t run = 1;
  uint32_t earlier_runs = 0;  // those just before it were ours, too
  uint64_t begin_ns = 0;      // of the first of them: whose request left before is not another's of today
  size_t size = 0;
  uint32_t users = 1'000'000;
  UdpChecksum checksum = UdpChecksum::full;
  bool flood = false;         // only send: no answer is waited for
  bool shares_host = false;   // others of this host receive at the same port: what is theirs is not ours to judge
  uint64_t hold_ns = 0;       // between ACK and BYE
  uint32_t held_max = 65536;  // BYEs on hold; beyond, they leave at once, and are counted
  std::bitset<700> accepted;  // final answers that are fine, besides 2xx
  size_t window = size_t{1} << 22;
  Retransmitter::Options retransmission;
};

class Uac {
 public:
  static core::Result<std::unique_ptr<Uac>> make(const UacPlan& plan, Sources sources);

  // Starts the next call; `outbox` has room for one.
  void start(uint64_t now_ns, Outbox& outbox);

  // A datagram that came; `outbox` has room for `frames_per_answer`.
  static constexpr size_t frames_per_answer = 2;
  void receive(std::string_view payload, const net::FrameView& frame, uint64_t now_ns, Outbox& outbox);

  // What is due: repetitions, BYEs.
  void tick(uint64_t now_ns, Outbox& outbox);

  // Nothing is waited for any more.
  bool settled() const;
  // Books what waits as lost.
  void close();

  // Frames held back that will never leave are given back.
  template <BlastIo Io>
  void discard(Io& io) {
    counters_.withheld.add(held_.discard(io));
    retransmitter_.clear();
  }

  size_t frame_bytes_max() const;
  const UacCounters& counters() const { return counters_; }
  UacCounters& counters() { return counters_; }
  // From a request to its first final answer; not of CANCELs, whose branch tells when their INVITE left. Not while it
  // runs.
  const Histogram& latency() const { return latency_; }

 private:
  // What tells a call in its messages, so that answers must have it; a template of the user's may leave it out.
  struct Call {
    MessageTemplate text;
    std::string method;
    bool own_call_id = false, own_tag = false, own_cseq = false;
  };

  Uac(const UacPlan& plan, Sources sources);
  core::Status compile();
  core::Result<Call> compile_text(Kind kind, std::string_view text) const;
  // Each round of calls has all kinds, from another one on: sources and users, which are taken in turn as well, would
  // else see some kinds only.
  Kind kind_of(uint64_t number) const {
    const uint64_t round = number / kinds_max;
    return kinds_[(number + (round * 0x9e3779b97f4a7c15 >> 32)) % kinds_.size()];
  }
  const Call& call_of(uint64_t number) const { return *calls_[static_cast<size_t>(kind_of(number))]; }
  bool has_own_via(const Head& head) const;
  bool is_of_earlier_run(const Token& token) const;
  bool is_of_call(uint64_t number, Leg leg, const Head& head) const;
  std::optional<Leg> leg_of(uint64_t number, std::string_view method) const;

  void on_provisional(uint64_t number, Leg leg, uint64_t time_ns, const Head& head, uint64_t now_ns, Outbox& outbox);
  void on_final(uint64_t number, Leg leg, uint64_t time_ns, const Head& head, uint64_t now_ns, Outbox& outbox);
  void judge(uint64_t number, Leg leg, uint16_t status);
  void acknowledge(uint64_t number, uint64_t time_ns, const Head& response, uint64_t now_ns, Outbox& outbox);
  void hang_up(uint64_t number, const Head& response, uint64_t now_ns, Outbox& outbox);
  void cancel(uint64_t number, uint64_t time_ns, uint64_t now_ns, Outbox& outbox);
  bool render_first(uint64_t number, uint64_t time_ns, Head& head);
  template <class Write>
  size_t write(const Source& source, Outbox& outbox, Write&& write_text);
  void remember(uint64_t number, Leg leg, core::ByteView frame, uint64_t now_ns);
  void let_go(uint64_t number, core::ByteView frame, uint64_t now_ns);

  const UacPlan plan_;
  const Sources sources_;
  const std::string run_;
  std::vector<Kind> kinds_;
  std::array<std::optional<Call>, kind_count> calls_;
  CallWindow window_;
  CallWindow::Lost lost_{};
  DelayLine held_;
  Retransmitter retransmitter_;
  std::vector<uint8_t> scratch_;  // a frame, to read the first request of a call in
  uint64_t flooded_ = 0;
  UacCounters counters_;
  Histogram latency_;
};

}  // namespace viaduct::blast
