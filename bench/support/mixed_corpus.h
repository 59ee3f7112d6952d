// Traffic for benches: some thousand messages, no two alike, so that branch predictors and caches see what a server
// sees.
//
// One message over and over is learnt by heart: every branch of a parser is predicted, whatever it costs otherwise.
// Here five makes of phones write their headers in orders and spellings of their own, with names and numbers of many
// lengths, 300 to 1,500 octets:
//
//   INVITE 22 %, of which three quarters have 1,266 octets    ACK 9 %, BYE 9 % inside a call, by a route
//   REGISTER 15 %, half with credentials                      OPTIONS 8 %
//   180 9 %, 200 with session description 9 %, 200 without 12 %, 401 7 %: two Vias, as they come back to a proxy
//
// The same seed gives the same messages.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace viaduct::bench {

struct MixedMessage {
  std::string source;  // where it comes from, "198.51.100.17:5060"; of a response, the server that answers
  std::string method;  // of the request, or of the request answered
  bool is_response = false;
  std::string text;
};

class MixedCorpus {
 public:
  explicit MixedCorpus(uint32_t seed = 3261) : random_(seed) {}

  // Requests and responses.
  MixedMessage message() {
    const unsigned pick = number(100);
    if (pick < 63) return request_by(pick);
    const unsigned kind = pick - 63;
    if (kind < 9) return response("INVITE", "180 Ringing", false);
    if (kind < 18) return response("INVITE", "200 OK", true);
    if (kind < 30) return response(kind % 3 == 0 ? "REGISTER" : kind % 3 == 1 ? "BYE" : "OPTIONS", "200 OK", false);
    return response("REGISTER", "401 Unauthorized", false);
  }
  // Requests alone, in the same proportions.
  MixedMessage request() { return request_by(number(63)); }

 private:
  // How a make of phone writes. The order of rows: v via, m Max-Forwards, c Contact, t To, f From, i Call-ID, q CSeq,
  // x all else, l Content-Length.
  struct Phone {
    std::string_view order;
    std::string_view agent;
    bool rport_first;
    bool display_names;
    bool compact;
    std::string_view uri_params;
    std::string_view branch;
    size_t branch_length;
    bool host_in_call_id;
  };
  static constexpr std::array<Phone, 5> phones{{
      {"vmctfiqxl", "Deskphone/4.7.2 release 51947 0015656ab4", false, true, false, ";user=phone", "-524287-1---", 16,
       true},
      {"vftiqcmxl", "Yellow T46 66.86.0.15 805ec0a1b2c3", false, true, false, "", "", 10, true},
      {"vfticqmxl", "Softphone 5.12", true, false, false, ";transport=udp", "Pj", 32, false},
      {"mvtfiqcxl", "PBX-18.12.1", false, true, false, "", "", 8, true},
      {"vftiqmcxl", "ATA/2.1", true, false, true, "", ".", 24, false},
  }};

  struct Call {
    const Phone* phone;
    std::string source, host, user, callee, domain, call_id, from_tag, to_tag, branch, name;
    unsigned cseq;
  };

  unsigned number(unsigned below) { return static_cast<unsigned>(random_() % below); }

  std::string token(size_t length) {
    std::string token(length, ' ');
    for (char& c : token) c = "0123456789abcdefghijklmnopqrstuv"[random_() % 32];
    return token;
  }

  Call call() {
    constexpr std::array<std::string_view, 4> domains{"example.com", "proxy.example.com", "sip.carrier.example",
                                                      "voice.north.example.org"};
    constexpr std::array<std::string_view, 5> names{"Alice", "Bob Example", "Reception 2nd floor", "Carol D.", "4021"};
    Call call;
    call.phone = &phones[number(phones.size())];
    call.host = std::to_string(100 + number(100)) + "." + std::to_string(number(256)) + "." +
                std::to_string(number(256)) + "." + std::to_string(1 + number(254));
    call.source = call.host + ":" + std::to_string(number(3) == 0 ? 5060 : 1024 + number(60000));
    call.user = number(2) == 0 ? "+1555" + std::to_string(number(10000000)) : "user" + token(number(8));
    call.callee = number(3) == 0 ? token(3 + number(9)) : "+4930" + std::to_string(1000000 + number(9000000));
    call.domain = domains[number(domains.size())];
    call.call_id = token(12 + number(24)) + (call.phone->host_in_call_id ? "@" + call.host : "");
    call.from_tag = token(8 + number(8));
    call.to_tag = token(8 + number(8));
    call.branch = "z9hG4bK" + std::string(call.phone->branch) + token(call.phone->branch_length);
    call.name = names[number(names.size())];
    call.cseq = 1 + number(number(2) == 0 ? 100 : 100000);
    return call;
  }

  static std::string row(const Phone& phone, std::string_view name, std::string_view compact, std::string_view value) {
    std::string text(phone.compact && !compact.empty() ? compact : name);
    return text.append(": ").append(value).append("\r\n");
  }

  static std::string own_via(const Call& call) {
    const std::string branch = ";branch=" + call.branch;
    return "SIP/2.0/UDP " + call.source + (call.phone->rport_first ? ";rport" + branch : branch + ";rport");
  }

  static std::string party(const Call& call, std::string_view user, bool named, std::string_view tag) {
    std::string text = named && call.phone->display_names ? "\"" + call.name + "\" <sip:" : "<sip:";
    text.append(user).append("@").append(call.domain).append(named ? "" : call.phone->uri_params).append(">");
    if (!tag.empty()) text.append(";tag=").append(tag);
    return text;
  }

  static std::string contact(const Call& call) {
    return row(*call.phone, "Contact", "m",
               "<sip:" + call.user + "@" + call.source + std::string(call.phone->uri_params) + ">");
  }

  std::string credentials(const Call& call, std::string_view header) {
    return std::string(header) + ": Digest username=\"" + call.user + "\",realm=\"" + call.domain + "\",nonce=\"" +
           token(16 + number(16)) + "\",uri=\"sip:" + call.domain + "\",response=\"" + token(32) +
           "\",algorithm=MD5\r\n";
  }

  std::string session(const std::string& host, size_t bytes) {
    std::string body = "v=0\r\no=- " + std::to_string(1000000000u + number(1000000000)) + " 2 IN IP4 " + host;
    body += "\r\ns=-\r\nc=IN IP4 " + host + "\r\nt=0 0\r\nm=audio " + std::to_string(16384 + 2 * number(8000)) +
            " RTP/AVP 8 0 9 101\r\n";
    constexpr std::array<std::string_view, 6> lines{"a=rtpmap:8 PCMA/8000\r\n", "a=rtpmap:0 PCMU/8000\r\n",
                                                    "a=rtpmap:9 G722/8000\r\n", "a=rtpmap:101 telephone-event/8000\r\n",
                                                    "a=fmtp:101 0-16\r\n",      "a=sendrecv\r\n"};
    for (size_t i = 0; body.size() + 40 < bytes; ++i) body.append(lines[i % lines.size()]);
    if (body.size() + 4 < bytes) body += "a=" + std::string(bytes - body.size() - 4, 'x') + "\r\n";
    return body;
  }

  std::string write(const Call& call, std::string_view method, std::string_view uri, std::string_view rest,
                    bool with_contact, bool in_dialog, std::string_view body) {
    const Phone& phone = *call.phone;
    const std::string_view callee = method == "REGISTER" ? call.user : call.callee;
    std::string text = std::string(method) + " " + std::string(uri) + " SIP/2.0\r\n";
    for (char kind : phone.order) {
      if (kind == 'v') text += row(phone, "Via", "v", own_via(call));
      if (kind == 'm') text += "Max-Forwards: 70\r\n";
      if (kind == 'c' && with_contact) text += contact(call);
      if (kind == 't') text += row(phone, "To", "t", party(call, callee, false, in_dialog ? call.to_tag : ""));
      if (kind == 'f') text += row(phone, "From", "f", party(call, call.user, true, call.from_tag));
      if (kind == 'i') text += row(phone, "Call-ID", "i", call.call_id);
      if (kind == 'q') text += "CSeq: " + std::to_string(call.cseq) + " " + std::string(method) + "\r\n";
      if (kind == 'x') text.append(rest);
      if (kind == 'l') text += row(phone, "Content-Length", "l", std::to_string(body.size()));
    }
    return text.append("\r\n").append(body);
  }

  MixedMessage request_by(unsigned pick) {
    const Call from = call();
    return {from.source, method_by(pick), false, request_text(from, method_by(pick))};
  }
  static std::string method_by(unsigned pick) {
    return pick < 22 ? "INVITE" : pick < 37 ? "REGISTER" : pick < 46 ? "ACK" : pick < 55 ? "BYE" : "OPTIONS";
  }

  std::string request_text(const Call& call, const std::string& method) {
    const std::string agent = "User-Agent: " + std::string(call.phone->agent) + "\r\n";
    const std::string to_callee = "sip:" + call.callee + "@" + call.domain + std::string(call.phone->uri_params);
    if (method == "INVITE") return invite(call, agent, to_callee);
    if (method == "REGISTER") {
      std::string rest = number(2) == 0 ? credentials(call, "Authorization") : "";
      rest += "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\nExpires: 300\r\nSupported: path, outbound\r\n" + agent;
      return write(call, method, "sip:" + call.domain, rest, true, false, "");
    }
    if (method == "OPTIONS") {
      return write(call, method, "sip:" + call.domain, "Accept: application/sdp\r\n" + agent, true, false, "");
    }
    const std::string route =
        "Route: <sip:203.0.113." + std::to_string(1 + number(4)) + ";lr;vd=" + token(13) + ">\r\n";
    const std::string uri =
        "sip:" + call.callee + "@10.0." + std::to_string(number(4)) + "." + std::to_string(1 + number(250)) + ":5060";
    return write(call, method, uri, route + (method == "BYE" ? agent : ""), false, true, "");
  }

  std::string invite(const Call& call, const std::string& agent, const std::string& uri) {
    const size_t bytes = number(4) != 0 ? 1266 : 1180 + number(320);
    std::string rest =
        "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY, INFO, UPDATE, PRACK\r\n" + agent +
        "Supported: replaces, timer, 100rel, path\r\nSession-Expires: 1800;refresher=uac\r\nMin-SE: 90\r\n";
    if (number(2) == 0) rest += credentials(call, "Proxy-Authorization");
    if (number(3) == 0) rest += "P-Preferred-Identity: <sip:" + call.user + "@" + call.domain + ">\r\n";
    rest += "Content-Type: application/sdp\r\n";
    // Content-Length has three digits whatever the size.
    const size_t head = write(call, "INVITE", uri, rest, true, false, std::string(100, ' ')).size() - 100;
    return write(call, "INVITE", uri, rest, true, false, session(call.host, bytes - head));
  }

  // As it comes back to a proxy: its own Via on top, that of the phone below.
  MixedMessage response(const std::string& method, std::string_view status, bool with_body) {
    const Call to = call();
    const Phone& phone = *to.phone;
    const std::string server = "10.0." + std::to_string(number(4)) + "." + std::to_string(1 + number(250));
    std::string text = "SIP/2.0 " + std::string(status) + "\r\nVia: SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bKvd" +
                       token(20) + ";vd=" + token(20) + "\r\n";
    text += "Via: SIP/2.0/UDP " + to.source + ";branch=" + to.branch +
            ";rport=" + to.source.substr(to.source.find(':') + 1) + ";received=" + to.host + "\r\n";
    if (method == "INVITE") text += "Record-Route: <sip:203.0.113.1;lr;vd=" + token(13) + ">\r\n";
    text += "From: " + party(to, to.user, true, to.from_tag) + "\r\n";
    text += "To: " + party(to, method == "REGISTER" ? to.user : to.callee, false, to.to_tag) + "\r\n";
    text += "Call-ID: " + to.call_id + "\r\nCSeq: " + std::to_string(to.cseq) + " " + method + "\r\n";
    text += "Server: " + std::string(phone.agent) + "\r\n";
    if (method == "INVITE") text += "Contact: <sip:" + to.callee + "@" + server + ":5060>\r\n";
    if (status[0] == '4') {
      text += "WWW-Authenticate: Digest realm=\"" + to.domain + "\", nonce=\"" + token(32) + "\", algorithm=MD5\r\n";
    } else {
      text += "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY\r\nSupported: replaces, timer\r\n";
    }
    const std::string body = with_body ? session(server, 180 + number(200)) : "";
    if (with_body) text += "Content-Type: application/sdp\r\n";
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    return {server + ":5060", method, true, std::move(text)};
  }

  std::mt19937 random_;
};

inline constexpr size_t mixed_messages_least = 4096;

// The messages of a bench: requests and responses, each different from all others.
inline std::vector<MixedMessage> mixed_messages(size_t count = mixed_messages_least, uint32_t seed = 3261) {
  MixedCorpus corpus(seed);
  std::vector<MixedMessage> messages;
  messages.reserve(count);
  while (messages.size() < count) messages.push_back(corpus.message());
  return messages;
}

}  // namespace viaduct::bench
