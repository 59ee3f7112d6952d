#include "blast/uas.h"

#include <cstring>

#include "blast/scenario.h"
#include "blast/token.h"

namespace viaduct::blast {
namespace {

constexpr size_t places_count = size_t{1} << 20;
constexpr std::string_view tag_start = "vb";
constexpr size_t tag_bytes = tag_start.size() + hex_digits;  // who was called, and the call

uint32_t mix(uint64_t value) {
  value *= 0x9e3779b97f4a7c15;
  value ^= value >> 29;
  value *= 0xbf58476d1ce4e5b9;
  return static_cast<uint32_t>(value >> 32);
}

uint32_t hash_of(std::string_view text) {
  uint64_t hash = text.size();
  while (text.size() >= 8) {
    uint64_t word;
    std::memcpy(&word, text.data(), 8);
    hash = (hash ^ word) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 32;
    text.remove_prefix(8);
  }
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return mix(hash);
}

// How many frames a request is answered with at most: it gets all of them, or none.
size_t answers_of(std::string_view method) {
  if (method == "INVITE") return Uas::frames_per_request;
  return method == "CANCEL" ? 2 : 1;
}

// Where in the table a call stands, and its own entry there: the upper half says who was called, the lower which of
// those calls it is that share the place. Generators count their calls alike, so the run has a part in both.
struct Place {
  size_t at;
  uint32_t entry;
};
Place place_of(const CallName& call, uint32_t called) {
  const uint32_t run = mix(call.run);
  const auto which = static_cast<uint32_t>(call.number / places_count) ^ run >> 16;
  return {(call.number ^ run) % places_count, (called & 0xffff0000u) | (which & 0xffffu)};
}

}  // namespace

Uas::Uas(const UasPlan& plan) : plan_(plan), held_(plan.delay_ns, plan.held_max), places_(places_count) {}

bool Uas::drop() {
  if (plan_.loss <= 0) return false;
  random_ ^= random_ << 13, random_ ^= random_ >> 7, random_ ^= random_ << 17;
  return static_cast<double>(random_ >> 11) * 0x1p-53 < plan_.loss;
}

void Uas::receive(std::string_view payload, const net::FrameView& frame, uint64_t now_ns, Outbox& outbox) {
  counters_.received.add();
  Head head;
  if (!read_head(payload, head) || head.is_response()) return counters_.unreadable.add();
  if (drop()) return counters_.dropped.add();
  const auto place = mix(net::AddressHash{}(frame.destination));
  Request request{head, frame, now_ns, place, hash_of(head.call_id), {}};
  if (head.method == "ACK") {
    check_place(request, false);
    return counters_.acks.add();
  }
  if (held_.room() < answers_of(head.method)) return counters_.unanswered.add();
  request.via = read_top_via(head.vias[0], frame.source);
  counters_.requests.add();
  if (head.method == "INVITE") {
    counters_.invites.add();
    note_place(request);
    const uint16_t final = final_of(request);
    if (plan_.send_trying) answer(request, 100, "INVITE", outbox);
    if (plan_.send_ringing && final < 300) answer(request, 180, "INVITE", outbox);
    const bool rings_on = plan_.ring_only || read_call_id(head.call_id).kind == cancel_letter;
    if (!rings_on) answer(request, final, "INVITE", outbox);
  } else if (head.method == "CANCEL") {
    counters_.cancels.add();
    check_place(request, true);
    answer(request, 200, "CANCEL", outbox);
    answer(request, 487, "INVITE", outbox);
  } else {
    const bool bye = head.method == "BYE";
    (bye ? counters_.byes : counters_.others).add();
    check_place(request, false);
    answer(request, bye ? uint16_t{200} : final_of(request), head.method, outbox);
  }
}

void Uas::answer(const Request& request, uint16_t status, std::string_view method, Outbox& outbox) {
  char tag[tag_bytes];
  tag_start.copy(tag, tag_start.size());
  write_hex(uint64_t{request.place} << 32 | request.call, tag + tag_start.size());
  char contact[net::endpoint_text_bytes_max];
  const size_t contact_bytes = net::format_endpoint(request.frame.destination, contact);

  const core::ByteSpan blank = outbox.blank();
  const size_t headers = frame_headers(request.frame.family);
  TextWriter text(reinterpret_cast<char*>(blank.data()) + headers, blank.size() - headers);
  write_answer(request.head, {status, method, {tag, tag_bytes}, {contact, contact_bytes}, request.via}, text);
  const Flow flow{request.frame.destination_mac, request.frame.source_mac, request.frame.destination,
                  request.via.destination};
  const size_t length = write_headers(blank.data(), flow, text.size(), plan_.checksum);
  counters_.answers.add();
  held_.send(length, request.now_ns, outbox);
}

// By the Call-ID, so that a repeated request gets the same answer.
uint16_t Uas::final_of(const Request& request) const {
  const double dice = static_cast<double>(request.call) * 0x1p-32;
  double sum = 0;
  for (const AnswerShare& answer : plan_.answers) {
    sum += answer.share;
    if (dice < sum) return answer.code;
  }
  return 200;
}

void Uas::note_place(const Request& request) {
  const CallName call = read_call_id(request.head.call_id);
  if (call.kind == 0) return;
  const Place place = place_of(call, request.place);
  places_[place.at] = place.entry;
}

void Uas::check_place(const Request& request, bool is_cancel) {
  if (is_cancel) {
    const CallName call = read_call_id(request.head.call_id);
    if (call.kind == 0) return;
    const auto [at, here] = place_of(call, request.place);
    const uint32_t noted = places_[at];
    const bool same_call = (noted & 0xffffu) == (here & 0xffffu);
    if (noted != 0 && same_call && noted != here) counters_.misrouted.add();
    return;
  }
  const std::string_view tag = tag_of(request.head.to);
  if (tag.size() != tag_bytes || !tag.starts_with(tag_start)) return;
  const auto mark = read_hex(tag.data() + tag_start.size());
  if (mark && *mark != (uint64_t{request.place} << 32 | request.call)) counters_.misrouted.add();
}

}  // namespace viaduct::blast
