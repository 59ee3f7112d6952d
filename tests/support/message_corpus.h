// SIP traffic as it is, for tests and benchmarks: calls of many callers, each message different from all others.
//
// The mix is that of a server that fronts registrations and calls: INVITE with a session description (1,266 bytes, the
// size of the yardstick message, give or take), REGISTER, OPTIONS, SUBSCRIBE, in-dialog ACK and BYE, 300 to 1,500
// bytes. The same seed gives the same corpus. Answers are made from requests, so that they carry whatever Vias those
// have.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace viaduct::test {

// One caller and one call of his.
struct Call {
  std::string caller = "198.51.100.7:5060";  // where his messages come from, and what his Via says
  std::string user = "alice";
  std::string callee = "bob";
  std::string domain = "example.com";
  std::string call_id = "a84b4c76e66710@198.51.100.7";
  std::string from_tag = "1928301774";
  std::string to_tag;                // of the callee, once there was an answer
  std::string branch = "776asdhds";  // behind the magic cookie; another for each transaction
  std::string route;                 // value of Route for in-dialog requests: the Record-Route of the answer
  unsigned cseq = 314159;
};

inline std::string session_description(std::string_view host, size_t bytes) {
  std::string body = "v=0\r\no=- 3745512 3745512 IN IP4 ";
  body.append(host).append("\r\ns=-\r\nc=IN IP4 ").append(host);
  body += "\r\nt=0 0\r\nm=audio 49170 RTP/AVP 8 0 9 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n";
  body += "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=sendrecv\r\n";
  constexpr std::string_view filler = "a=candidate:1 1 UDP 2130706431 198.51.100.7 49170 typ host\r\n";
  while (body.size() + filler.size() < bytes) body += filler;
  if (body.size() + 4 < bytes) body += "a=" + std::string(bytes - body.size() - 4, 'x') + "\r\n";
  return body;
}

// A request of the call, without body or with one of `body`.
inline std::string request_of(const Call& call, std::string_view method, std::string_view more_headers = {},
                              std::string_view body = {}) {
  const std::string host = call.caller;
  std::string text(method);
  text += method == "REGISTER" ? " sip:" + call.domain : " sip:" + call.callee + "@" + call.domain;
  text += " SIP/2.0\r\nVia: SIP/2.0/UDP " + host + ";rport;branch=z9hG4bK" + call.branch + "\r\n";
  if (!call.route.empty()) text += "Route: " + call.route + "\r\n";
  text += "Max-Forwards: 70\r\n";
  const std::string& called = method == "REGISTER" ? call.user : call.callee;
  text += "To: <sip:" + called + "@" + call.domain + ">" + (call.to_tag.empty() ? "" : ";tag=" + call.to_tag) + "\r\n";
  text += "From: \"" + call.user + "\" <sip:" + call.user + "@" + call.domain + ">;tag=" + call.from_tag + "\r\n";
  text += "Call-ID: " + call.call_id + "\r\nCSeq: " + std::to_string(call.cseq) + " ";
  text.append(method).append("\r\n");
  if (method != "BYE" && method != "ACK" && method != "CANCEL")
    text += "Contact: <sip:" + call.user + "@" + host + ">\r\n";
  text += more_headers;
  text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  return text.append(body);
}

inline constexpr size_t invite_bytes = 1266;

// An INVITE of exactly `bytes`, headers as a desk phone with credentials sends them; short ones go without (at least
// 800).
inline std::string invite_of(const Call& call, size_t bytes = invite_bytes) {
  std::string headers =
      "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY, INFO, UPDATE, PRACK\r\n"
      "Supported: replaces, timer, 100rel, path\r\nSession-Expires: 1800;refresher=uac\r\n"
      "User-Agent: Desk phone 7841/12.5.1\r\nContent-Type: application/sdp\r\n";
  if (bytes >= 1150) {
    headers += "Proxy-Authorization: Digest username=\"" + call.user + "\",realm=\"" + call.domain +
               "\",nonce=\"5f3c2a91b7d04e68\",uri=\"sip:" + call.domain +
               "\",response=\"0d2c9b6a7e41f35889ab4c7712de90f3\",algorithm=MD5\r\n"
               "P-Preferred-Identity: <sip:" +
               call.user + "@" + call.domain + ">\r\nMin-SE: 90\r\n";
  }
  const std::string host = call.caller.substr(0, call.caller.rfind(':'));
  // Content-Length has three digits in a message of this size, whatever the filler.
  const std::string sized = request_of(call, "INVITE", headers, std::string(100, ' '));
  if (bytes + 100 < sized.size()) throw std::invalid_argument("an INVITE of so few bytes has no room for its headers");
  return request_of(call, "INVITE", headers, session_description(host, bytes - (sized.size() - 100)));
}

// What a server answers: the request's Vias, From, To (with `to_tag`), Call-ID and CSeq, and its Record-Route for 1xx
// and 2xx.
inline std::string answer_to(std::string_view request, std::string_view status, std::string_view to_tag = "8321234356",
                             std::string_view body = {}) {
  std::string text = "SIP/2.0 " + std::string(status) + "\r\n";
  size_t begin = request.find("\r\n") + 2;
  while (begin < request.size() && request.substr(begin, 2) != "\r\n") {
    const size_t end = request.find("\r\n", begin);
    const std::string_view line = request.substr(begin, end - begin);
    const std::string_view name = line.substr(0, line.find(':'));
    begin = end + 2;
    if (name == "To") {
      text.append(line);
      if (line.find(";tag=") == std::string_view::npos && !to_tag.empty()) text.append(";tag=").append(to_tag);
      text += "\r\n";
    } else if (name == "Via" || name == "From" || name == "Call-ID" || name == "CSeq" ||
               (name == "Record-Route" && (status[0] == '1' || status[0] == '2'))) {
      text.append(line).append("\r\n");
    }
  }
  text += "Server: Call server 4.2\r\n";
  if (!body.empty()) text += "Content-Type: application/sdp\r\n";
  text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  return text.append(body);
}

// The values of a header, in order, one a line of the message.
inline std::vector<std::string> header_values(std::string_view message, std::string_view name) {
  std::vector<std::string> values;
  for (size_t begin = message.find("\r\n") + 2; begin < message.size() && message.substr(begin, 2) != "\r\n";) {
    const size_t end = message.find("\r\n", begin);
    const std::string_view line = message.substr(begin, end - begin);
    if (line.starts_with(name) && line.substr(name.size(), 2) == ": ")
      values.emplace_back(line.substr(name.size() + 2));
    begin = end + 2;
  }
  return values;
}

inline std::string_view body_of(std::string_view message) {
  const size_t end = message.find("\r\n\r\n");
  return end == std::string_view::npos ? std::string_view{} : message.substr(end + 4);
}

struct CorpusMessage {
  Call call;
  std::string method;
  std::string text;
};

class MessageCorpus {
 public:
  explicit MessageCorpus(uint32_t seed = 3261) : random_(seed) {}

  // A new caller with a new call.
  Call call() {
    Call call;
    const uint32_t host = random_();
    const std::string address = "198.51.100." + std::to_string(2 + host % 250);
    call.caller = address + ":" + std::to_string(host % 3 == 0 ? 5060 : 1024 + host / 256 % 60000);
    call.user = "user" + std::to_string(random_() % 1'000'000);
    call.callee = "+4930" + std::to_string(1'000'000 + random_() % 9'000'000);
    call.call_id = token(24) + "@" + address;
    call.from_tag = token(10);
    call.branch = token(16);
    call.cseq = 1 + random_() % 100'000;
    return call;
  }

  // `count` requests, each of a call of its own.
  std::vector<CorpusMessage> requests(size_t count) {
    std::vector<CorpusMessage> messages;
    messages.reserve(count);
    for (size_t i = 0; i < count; ++i) messages.push_back(request());
    return messages;
  }

  std::string token(size_t length) {
    std::string token(length, ' ');
    for (char& character : token) character = "0123456789abcdefghijklmnopqrstuv"[random_() % 32];
    return token;
  }

 private:
  // A headroom of odd headers: what real user agents send and a proxy must carry.
  std::string extras(size_t bytes) {
    std::string headers = "User-Agent: Softphone " + token(6) + "\r\n";
    if (headers.size() + 40 < bytes) headers += "X-Session: " + token(bytes - headers.size() - 13) + "\r\n";
    return headers;
  }
  CorpusMessage request() {
    CorpusMessage message{call(), {}, {}};
    const uint32_t pick = random_() % 100;
    if (pick < 40) {
      message.method = "INVITE";
      message.text = invite_of(message.call, pick < 30 ? invite_bytes : 950 + random_() % 550);
    } else if (pick < 65) {
      message.method = "REGISTER";
      message.text = request_of(message.call, "REGISTER", "Expires: 300\r\n" + extras(60 + random_() % 300));
    } else if (pick < 75) {
      message.method = "OPTIONS";
      message.text = request_of(message.call, "OPTIONS", "Accept: application/sdp\r\n");
    } else {
      message.call.to_tag = token(10);
      message.method = pick < 85 ? "ACK" : pick < 95 ? "BYE" : "SUBSCRIBE";
      message.text =
          request_of(message.call, message.method, message.method == "SUBSCRIBE" ? "Event: presence\r\n" : "");
    }
    return message;
  }

  std::mt19937 random_;
};

}  // namespace viaduct::test
