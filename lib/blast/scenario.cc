#include "blast/scenario.h"

namespace viaduct::blast {
namespace {

constexpr std::string_view options_text =
    "OPTIONS sip:[user]@[target] SIP/2.0\r\n"
    "Via: SIP/2.0/UDP [source];branch=[branch]\r\n"
    "Max-Forwards: 70\r\n"
    "From: <sip:[user]@[domain]>;tag=[tag]\r\n"
    "To: <sip:[user]@[domain]>\r\n"
    "Call-ID: [call_id]\r\n"
    "CSeq: [cseq] OPTIONS\r\n"
    "User-Agent: viablast[pad]\r\n"
    "Content-Length: 0\r\n\r\n";

constexpr std::string_view register_text =
    "REGISTER sip:[domain] SIP/2.0\r\n"
    "Via: SIP/2.0/UDP [source];branch=[branch]\r\n"
    "Max-Forwards: 70\r\n"
    "From: <sip:[user]@[domain]>;tag=[tag]\r\n"
    "To: <sip:[user]@[domain]>\r\n"
    "Call-ID: [call_id]\r\n"
    "CSeq: [cseq] REGISTER\r\n"
    "Contact: <sip:[user]@[source]>\r\n"
    "Expires: 3600\r\n"
    "User-Agent: viablast[pad]\r\n"
    "Content-Length: 0\r\n\r\n";

constexpr std::string_view invite_text =
    "INVITE sip:[user]@[target] SIP/2.0\r\n"
    "Via: SIP/2.0/UDP [source];branch=[branch]\r\n"
    "Max-Forwards: 70\r\n"
    "From: <sip:[user]@[domain]>;tag=[tag]\r\n"
    "To: <sip:[user]@[domain]>\r\n"
    "Call-ID: [call_id]\r\n"
    "CSeq: [cseq] INVITE\r\n"
    "Contact: <sip:[user]@[source]>\r\n"
    "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE\r\n"
    "User-Agent: viablast[pad]\r\n"
    "Content-Type: application/sdp\r\n"
    "Content-Length: [len]\r\n\r\n"
    "v=0\r\n"
    "o=viablast 1 1 IN IP4 192.0.2.1\r\n"
    "s=-\r\n"
    "c=IN IP4 192.0.2.1\r\n"
    "t=0 0\r\n"
    "m=audio 40000 RTP/AVP 0 8\r\n"
    "a=sendrecv\r\n"
    "a=x-pad:x[pad]\r\n";

constexpr std::string_view small_invite_text =
    "INVITE sip:[user]@[target] SIP/2.0\r\n"
    "Via: SIP/2.0/UDP [source];branch=[branch]\r\n"
    "Max-Forwards: 70\r\n"
    "From: <sip:[user]@[domain]>;tag=[tag]\r\n"
    "To: <sip:[user]@[domain]>\r\n"
    "Call-ID: [call_id]\r\n"
    "CSeq: [cseq] INVITE\r\n"
    "Contact: <sip:[user]@[source]>\r\n"
    "User-Agent: v[pad]\r\n"
    "Content-Length: 0\r\n\r\n";

// The least that is a request, with names in their short forms.
constexpr std::string_view least_options_text =
    "OPTIONS sip:[user]@[target] SIP/2.0\r\n"
    "v:SIP/2.0/UDP [source];branch=[branch]\r\n"
    "Max-Forwards:70\r\n"
    "f:<sip:a@b>;tag=[tag]\r\n"
    "t:<sip:a@b>\r\n"
    "i:[call_id]\r\n"
    "CSeq:[cseq] OPTIONS\r\n"
    "s:[pad]\r\n"
    "l:0\r\n\r\n";

constexpr std::string_view least_register_text =
    "REGISTER sip:[domain] SIP/2.0\r\n"
    "v:SIP/2.0/UDP [source];branch=[branch]\r\n"
    "Max-Forwards:70\r\n"
    "f:<sip:a@b>;tag=[tag]\r\n"
    "t:<sip:[user]@b>\r\n"
    "i:[call_id]\r\n"
    "CSeq:[cseq] REGISTER\r\n"
    "m:<sip:[source]>\r\n"
    "s:[pad]\r\n"
    "l:0\r\n\r\n";

// The session is described in the answer, as RFC 3261 section 13.2.1 allows.
constexpr std::string_view least_invite_text =
    "INVITE sip:[user]@[target] SIP/2.0\r\n"
    "v:SIP/2.0/UDP [source];branch=[branch]\r\n"
    "Max-Forwards:70\r\n"
    "f:<sip:a@b>;tag=[tag]\r\n"
    "t:<sip:a@b>\r\n"
    "i:[call_id]\r\n"
    "CSeq:[cseq] INVITE\r\n"
    "m:<sip:[source]>\r\n"
    "s:[pad]\r\n"
    "l:0\r\n\r\n";

}  // namespace

std::string_view name_of(Kind kind) {
  constexpr std::string_view names[kind_count] = {"options", "register", "invite", "cancel", "template"};
  return names[static_cast<size_t>(kind)];
}

std::vector<std::string_view> texts_of(Kind kind) {
  switch (kind) {
    case Kind::options: return {options_text, least_options_text};
    case Kind::register_: return {register_text, least_register_text};
    case Kind::invite:
    case Kind::cancel: return {invite_text, small_invite_text, least_invite_text};
    case Kind::user: break;
  }
  return {};
}

std::vector<Kind> kinds_of(std::string_view scenario) {
  using enum Kind;
  if (scenario == "options") return {options};
  if (scenario == "register") return {register_};
  if (scenario == "invite") return {invite};
  if (scenario == "cancel") return {cancel};
  // A registrar's edge: of sixteen, eight calls, four registrations, three pings, and one that nobody waits for.
  if (scenario == "mixed") {
    return {invite, register_, invite, options,   invite, register_, invite, cancel,
            invite, options,   invite, register_, invite, options,   invite, register_};
  }
  return {};
}

}  // namespace viaduct::blast
