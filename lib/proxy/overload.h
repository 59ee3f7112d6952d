// What backends say about their load in the Via that is ours (RFC 7339), and how long that holds.
//
//   request   Via: SIP/2.0/UDP 10.0.0.1:5060;branch=...;vd=...;oc;oc-algo="loss"          we take part
//   response  Via: ... ;oc=20;oc-algo="loss";oc-validity=500;oc-seq=1282321615.782          send a fifth less
//
// Only the backend's own word counts: the parameters are read from our Via in a response whose MAC has been verified,
// for the address it came from (OVL-03). What a client writes is taken off and never believed (OVL-04).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "net/address.h"
#include "proxy/edits.h"
#include "proxy/view.h"
#include "sip/message.h"

namespace viaduct::proxy {

// What our Via ends with toward a backend that is listened to (OVL-02).
inline constexpr std::string_view overload_offer = ";oc;oc-algo=\"loss\"";

struct OverloadReport {
  static constexpr uint32_t validity_default_ms = 500;  // RFC 7339 section 4.3
  static constexpr uint32_t validity_max_ms = 30'000;   // a lost word of relief must not weigh for hours (section 11)

  uint32_t percent = 0;                        // less of new work: 0 to 100
  uint32_t validity_ms = validity_default_ms;  // 0: it needs no less any more
  std::optional<uint64_t> sequence;            // in 1/100,000, since fractions may stand behind the dot
};

// What a backend has written into `own`, our Via. Nothing: it says nothing, or nothing that can be obeyed.
std::optional<OverloadReport> read_overload(std::string_view bytes, const sip::Via& own);

// Takes the four parameters off a Via of somebody else.
void strip_overload(std::string_view bytes, const sip::Via& via, Edits& edits);

// What each backend has asked for last. Written by whichever worker sees the response, read by all: two words a
// backend, and of two workers that write at once the higher number wins.
class Feedback {
 public:
  // For the backends of `view`; what `previous` knows of the same addresses goes on. Thread: control. Allocates.
  explicit Feedback(const View& view, const Feedback* previous = nullptr);

  // Thread: any; no allocation. False: it is no news (OVL-03).
  bool take(uint16_t backend, const OverloadReport& report, uint64_t now_ms);
  // By how much `backend` wants less now, in percent.
  uint32_t percent(uint16_t backend, uint64_t now_ms) const {
    if (backend >= size_) return 0;
    const uint64_t wish = wishes_[backend].wish.load(std::memory_order_relaxed);
    return wish >> percent_bits > now_ms ? static_cast<uint32_t>(wish & percent_mask) : 0;
  }
  // Nobody wants anything.
  bool idle(uint64_t now_ms) const { return last_end_ms_.load(std::memory_order_relaxed) <= now_ms; }

  struct Row {
    uint16_t backend = 0;
    uint32_t percent = 0;
    uint64_t left_ms = 0;
    uint64_t reports = 0;  // obeyed so far
  };
  Row row(uint16_t backend, uint64_t now_ms) const;
  size_t size() const { return size_; }
  // Whether it is about the backends of `view`, in their order.
  bool fits(const View& view) const;

 private:
  static constexpr unsigned percent_bits = 7;
  static constexpr uint64_t percent_mask = (uint64_t{1} << percent_bits) - 1;
  struct alignas(32) Wish {
    std::atomic<uint64_t> wish{0};  // its end in ms, above its percent
    std::atomic<uint64_t> sequence{0};
    std::atomic<uint64_t> reports{0};
  };

  size_t size_;
  std::unique_ptr<Wish[]> wishes_;
  std::unique_ptr<net::Endpoint[]> addresses_;
  std::atomic<uint64_t> last_end_ms_{0};
};

}  // namespace viaduct::proxy
