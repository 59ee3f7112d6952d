#include "blast/uac.h"

#include <algorithm>
#include <utility>

#include "blast/dialog.h"
#include "blast/template_check.h"
#include "core/number.h"

namespace viaduct::blast {
namespace {

constexpr uint16_t request_terminated = 487;
constexpr uint16_t trying = 100;

bool is_success(uint16_t status) { return status >= 200 && status < 300; }

}  // namespace

Uac::Uac(const UacPlan& plan, Sources sources)
    : plan_(plan),
      sources_(std::move(sources)),
      run_(run_text(plan.run)),
      window_(plan.flood ? 1 : plan.window),
      held_(plan.hold_ns, plan.held_max),
      retransmitter_(plan.retransmission) {}

core::Result<std::unique_ptr<Uac>> Uac::make(const UacPlan& plan, Sources sources) {
  std::unique_ptr<Uac> uac(new Uac(plan, std::move(sources)));
  if (core::Status status = uac->compile(); !status) return core::Error{status.error()};
  return uac;
}

core::Status Uac::compile() {
  if (!plan_.text.empty()) {
    kinds_ = {Kind::user};
    core::Result<Call> call = compile_text(Kind::user, plan_.text);
    if (!call) return core::Error{call.error()};
    calls_[static_cast<size_t>(Kind::user)] = std::move(*call);
  } else {
    kinds_ = kinds_of(plan_.scenario);
    if (kinds_.empty()) {
      return core::Error{"\"" + plan_.scenario + "\" is no scenario; there are " + std::string(scenario_names)};
    }
    for (const Kind kind : kinds_) {
      std::optional<Call>& call = calls_[static_cast<size_t>(kind)];
      std::string complaint;
      for (const std::string_view text : texts_of(kind)) {
        if (call) break;
        core::Result<Call> compiled = compile_text(kind, text);
        if (compiled) {
          call = std::move(*compiled);
        } else {
          complaint = std::string(name_of(kind)) + ": " + compiled.error();
        }
      }
      if (!call) return core::Error{complaint};
    }
  }
  scratch_.resize(frame_bytes_max());
  return core::Done{};
}

core::Result<Uac::Call> Uac::compile_text(Kind kind, std::string_view text) const {
  TemplateOptions options{plan_.source_mac, plan_.destination_mac, plan_.target,  plan_.run, letter_of(kind),
                          plan_.size,       plan_.users,           plan_.checksum};
  core::Result<MessageTemplate> compiled = MessageTemplate::compile(text, options, sources_);
  if (!compiled) return core::Error{compiled.error()};
  Call call{std::move(*compiled), {}};
  // What it is, and that its answers can be told, is read from a message as it leaves.
  std::vector<uint8_t> frame(call.text.frame_bytes_max());
  const size_t length = call.text.render(0, 0, sources_[0], frame.data());
  const size_t headers = frame_headers(sources_.family());
  const std::string_view message = core::text_of({frame.data() + headers, length - headers});
  if (const auto mistake = mistake_in(message, sources_[0])) return core::Error{*mistake};
  Head head;
  read_head(message, head);
  call.method = head.method;
  // Of another call, whatever is as it was is not ours to know it by.
  constexpr uint64_t other = 0x123456;
  const size_t other_length = call.text.render(other, 0, sources_[0], frame.data());
  read_head(core::text_of({frame.data() + headers, other_length - headers}), head);
  call.own_call_id = read_call_id(head.call_id).number == other;
  call.own_tag = tag_of(head.from) == tag_text(other).view();
  call.own_cseq = core::whole_number<uint64_t>(head.cseq_number) == cseq_of(other);
  return call;
}

size_t Uac::frame_bytes_max() const {
  size_t bytes = 0;
  for (const std::optional<Call>& call : calls_) {
    if (call) bytes = std::max(bytes, call->text.frame_bytes_max());
  }
  return bytes;
}

void Uac::start(uint64_t now_ns, Outbox& outbox) {
  counters_.calls.add();
  const uint64_t number = plan_.flood ? flooded_++ : window_.open(lost_);
  const size_t length = call_of(number).text.render(number, now_ns, sources_.of(number), outbox.blank().data());
  if (!plan_.flood) {
    counters_.requests[static_cast<size_t>(Leg::first)].add();
    remember(number, Leg::first, outbox.blank().first(length), now_ns);
  }
  outbox.send(length);
}

void Uac::remember(uint64_t number, Leg leg, core::ByteView frame, uint64_t now_ns) {
  if (!retransmitter_.on()) return;
  const bool invite = leg == Leg::first && call_of(number).method == "INVITE";
  if (!retransmitter_.remember(number, leg, invite, frame, now_ns)) counters_.unrepeatable.add();
}

void Uac::tick(uint64_t now_ns, Outbox& outbox) {
  held_.tick(now_ns, outbox, [&](uint64_t number, const dataplane::Packet& packet) {
    let_go(number, {packet.data, packet.length}, now_ns);
  });
  if (retransmitter_.on()) counters_.retransmitted.add(retransmitter_.tick(now_ns, window_, outbox));
}

// Among others.
bool Uac::has_own_via(const Head& head) const {
  return std::any_of(head.vias.begin(), head.vias.end(), [&](std::string_view via) {
    for (;;) {
      const std::optional<Token> token = find_token(via);
      if (token && token->run == run_) return true;
      const size_t comma = via.find(',');
      if (comma == std::string_view::npos) return false;
      via.remove_prefix(comma + 1);
    }
  });
}

bool Uac::is_of_earlier_run(const Token& token) const {
  const auto run = core::whole_number<uint32_t>(token.run, 16);
  return (run && plan_.run - *run <= plan_.earlier_runs) || token.time_ns < plan_.begin_ns;
}

// An answer has its request's From, Call-ID and CSeq (RFC 3261 section 8.2.6.2): whoever has mixed them up is not to be
// believed for the branch alone.
bool Uac::is_of_call(uint64_t number, Leg leg, const Head& head) const {
  const Call& call = call_of(number);
  if (call.own_call_id) {
    const CallName name = read_call_id(head.call_id);
    if (name.number != number || name.kind != letter_of(kind_of(number)) || name.run_digits() != run_) return false;
  }
  if (call.own_tag && tag_of(head.from) != tag_text(number).view()) return false;
  const uint64_t cseq = cseq_of(number) + (leg == Leg::bye ? 1 : 0);
  return !call.own_cseq || core::whole_number<uint64_t>(head.cseq_number) == cseq;
}

std::optional<Leg> Uac::leg_of(uint64_t number, std::string_view method) const {
  if (method == call_of(number).method) return Leg::first;
  if (method == "BYE") return Leg::bye;
  if (method == "CANCEL") return Leg::cancel;
  return std::nullopt;
}

void Uac::receive(std::string_view payload, const net::FrameView& frame, uint64_t now_ns, Outbox& outbox) {
  counters_.received.add();
  if (plan_.flood) return;
  const bool elsewhere = plan_.shares_host && !sources_.contains(frame.destination);
  Head head;
  if (!read_head(payload, head)) return (elsewhere ? counters_.foreign : counters_.unreadable).add();
  if (!head.is_response()) return (elsewhere ? counters_.foreign : counters_.unexpected).add();
  // RFC 3261 section 8.1.3.3: a response with more than one Via is not for us.
  const bool single = head.vias.size() == 1 && head.vias[0].find(',') == std::string_view::npos;
  if (!single && has_own_via(head)) return counters_.via_left.add();
  const std::optional<Token> token = find_token(head.vias[0]);
  if (!token || token->run != run_) {
    const bool late = token && is_of_earlier_run(*token);
    return (elsewhere ? counters_.foreign : late ? counters_.late : counters_.misrouted).add();
  }
  counters_.by_code[head.status].add();
  const std::optional<Leg> leg = leg_of(token->number, head.cseq_method);
  const bool ours = token->number < window_.next() && leg.has_value() &&
                    frame.destination == sources_.of(token->number).endpoint && is_of_call(token->number, *leg, head);
  if (!ours) return counters_.misrouted.add();
  if (head.status < 200) {
    on_provisional(token->number, *leg, token->time_ns, head, now_ns, outbox);
  } else {
    on_final(token->number, *leg, token->time_ns, head, now_ns, outbox);
  }
}

void Uac::on_provisional(uint64_t number, Leg leg, uint64_t time_ns, const Head& head, uint64_t now_ns,
                         Outbox& outbox) {
  counters_.provisional.add();
  window_.proceed(number, leg);
  const bool give_up = kind_of(number) == Kind::cancel && leg == Leg::first && head.status > trying;
  if (give_up && window_.waits(number, Leg::first) && window_.send(number, Leg::cancel)) {
    cancel(number, time_ns, now_ns, outbox);
  }
}

void Uac::on_final(uint64_t number, Leg leg, uint64_t time_ns, const Head& head, uint64_t now_ns, Outbox& outbox) {
  const bool invite = leg == Leg::first && head.cseq_method == "INVITE";
  switch (window_.answer(number, leg)) {
    case CallWindow::Answer::unknown: return counters_.misrouted.add();
    case CallWindow::Answer::late: return counters_.late.add();
    case CallWindow::Answer::again:
      counters_.duplicated.add();
      // The ACK may have been lost (RFC 3261 section 13.2.2.4).
      if (invite) acknowledge(number, time_ns, head, now_ns, outbox);
      return;
    case CallWindow::Answer::first: break;
  }
  counters_.answered[static_cast<size_t>(leg)].add();
  if (leg != Leg::cancel) latency_.add(now_ns > time_ns ? now_ns - time_ns : 0);
  judge(number, leg, head.status);
  if (!invite) return;
  acknowledge(number, time_ns, head, now_ns, outbox);
  if (is_success(head.status)) hang_up(number, head, now_ns, outbox);
}

void Uac::judge(uint64_t number, Leg leg, uint16_t status) {
  if (leg == Leg::cancel) return;
  const bool fine = is_success(status) || plan_.accepted.test(status) ||
                    (status == request_terminated && kind_of(number) == Kind::cancel);
  if (!fine) return counters_.refused.add();
  const bool goes_on = leg == Leg::first && is_success(status) && call_of(number).method == "INVITE";
  if (!goes_on) counters_.completed.add();
}

template <class Write>
size_t Uac::write(const Source& source, Outbox& outbox, Write&& write_text) {
  const core::ByteSpan blank = outbox.blank();
  const size_t headers = frame_headers(sources_.family());
  TextWriter text(reinterpret_cast<char*>(blank.data()) + headers, blank.size() - headers);
  write_text(text);
  return write_headers(blank.data(), {plan_.source_mac, plan_.destination_mac, source.endpoint, plan_.target},
                       text.size(), plan_.checksum);
}

bool Uac::render_first(uint64_t number, uint64_t time_ns, Head& head) {
  const size_t length = call_of(number).text.render(number, time_ns, sources_.of(number), scratch_.data());
  const size_t headers = frame_headers(sources_.family());
  return read_head(core::text_of({scratch_.data() + headers, length - headers}), head);
}

void Uac::acknowledge(uint64_t number, uint64_t time_ns, const Head& response, uint64_t now_ns, Outbox& outbox) {
  const Source& source = sources_.of(number);
  counters_.acks.add();
  if (is_success(response.status)) {
    const OwnVia via{source.sent_by(), run_, number, now_ns};
    return outbox.send(write(source, outbox, [&](TextWriter& text) { write_ack_of_2xx(response, via, text); }));
  }
  Head request;
  render_first(number, time_ns, request);
  outbox.send(write(source, outbox, [&](TextWriter& text) { write_ack_of_failure(request, response, text); }));
}

// The branch differs from that of the ACK in its time, which is that at which the BYE leaves.
void Uac::hang_up(uint64_t number, const Head& response, uint64_t now_ns, Outbox& outbox) {
  const Source& source = sources_.of(number);
  const bool holds = plan_.hold_ns != 0 && held_.room() != 0;
  const uint64_t leaves_ns = now_ns + (holds ? plan_.hold_ns : 1);
  const OwnVia via{source.sent_by(), run_, number, leaves_ns};
  const size_t length = write(source, outbox, [&](TextWriter& text) { write_bye(response, via, text); });
  if (holds) return held_.send(length, now_ns, outbox, number);
  if (plan_.hold_ns != 0) counters_.hurried.add();
  let_go(number, outbox.blank().first(length), now_ns);
  outbox.send(length);
}

// A BYE is sent when it leaves, however long ago it was written. That of a call which has left the window meanwhile is
// lost to us.
void Uac::let_go(uint64_t number, core::ByteView frame, uint64_t now_ns) {
  counters_.requests[static_cast<size_t>(Leg::bye)].add();
  if (!window_.send(number, Leg::bye)) {
    ++lost_[static_cast<size_t>(Leg::bye)];
    return;
  }
  remember(number, Leg::bye, frame, now_ns);
}

void Uac::cancel(uint64_t number, uint64_t time_ns, uint64_t now_ns, Outbox& outbox) {
  Head request;
  render_first(number, time_ns, request);
  const size_t length = write(sources_.of(number), outbox, [&](TextWriter& text) { write_cancel(request, text); });
  counters_.requests[static_cast<size_t>(Leg::cancel)].add();
  remember(number, Leg::cancel, outbox.blank().first(length), now_ns);
  outbox.send(length);
}

bool Uac::settled() const {
  if (held_.size() != 0) return false;
  for (size_t leg = 0; leg < leg_count; ++leg) {
    if (counters_.requests[leg].value() != counters_.answered[leg].value() + lost_[leg]) return false;
  }
  return true;
}

void Uac::close() {
  if (!plan_.flood) window_.close(lost_);
  for (size_t leg = 0; leg < leg_count; ++leg) counters_.lost[leg].add(lost_[leg] - counters_.lost[leg].value());
}

}  // namespace viaduct::blast
