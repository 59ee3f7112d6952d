// The message most tests start from, and small ways to change it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sip/message.h"
#include "support/guarded_buffer.h"

namespace viaduct::sip {

inline constexpr std::string_view sample_body =
    "v=0\r\n"
    "o=alice 2890844526 2890844526 IN IP4 198.51.100.7\r\n"
    "s=-\r\n"
    "c=IN IP4 198.51.100.7\r\n"
    "t=0 0\r\n"
    "m=audio 4000 RTP/AVP\r\n";

// A request whose headers can be exchanged by name. Names are compared as written here.
class Sample {
 public:
  Sample() {
    rows_ =
        "Via: SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bK776asdhds\r\n"
        "Max-Forwards: 70\r\n"
        "To: Bob <sip:bob@example.com>\r\n"
        "From: Alice <sip:alice@example.com>;tag=1928301774\r\n"
        "Call-ID: a84b4c76e66710@198.51.100.7\r\n"
        "CSeq: 314159 INVITE\r\n"
        "Contact: <sip:alice@198.51.100.7:5060>\r\n"
        "Content-Type: application/sdp\r\n"
        "Content-Length: " +
        std::to_string(sample_body.size()) + "\r\n";
    body_ = sample_body;
  }

  static Sample response() {
    Sample sample;
    sample.start_line_ = "SIP/2.0 200 OK";
    sample.set("Via",
               " SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKvd01;vd=1.0.abc\r\n"
               "Via: SIP/2.0/UDP 198.51.100.7:5060;rport=5060;branch=z9hG4bK776asdhds;received=198.51.100.7");
    return sample;
  }

  Sample& start_line(std::string_view line) {
    start_line_ = line;
    return *this;
  }
  // What stands behind the colon; further rows may follow in it.
  Sample& set(std::string_view name, std::string_view value) {
    const size_t begin = find(name);
    const size_t colon = begin + name.size() + 1;
    rows_.replace(colon, rows_.find("\r\n", colon) - colon, value);
    return *this;
  }
  // A whole row instead of the one called `name`, without its line end.
  Sample& replace(std::string_view name, std::string_view row) {
    const size_t begin = find(name);
    rows_.replace(begin, rows_.find("\r\n", begin) - begin, row);
    return *this;
  }
  Sample& remove(std::string_view name) {
    const size_t begin = find(name);
    rows_.erase(begin, rows_.find("\r\n", begin) + 2 - begin);
    return *this;
  }
  // A row at the end, without its line end.
  Sample& add(std::string_view row) {
    rows_.append(row).append("\r\n");
    return *this;
  }
  Sample& body(std::string_view body) {
    body_ = body;
    return *this;
  }
  std::string text() const { return start_line_ + "\r\n" + rows_ + "\r\n" + body_; }

 private:
  size_t find(std::string_view name) const {
    const size_t at = ("\r\n" + rows_).find("\r\n" + std::string(name) + ":");
    if (at == std::string::npos) throw std::runtime_error("no such row");
    return at;
  }

  std::string start_line_ = "INVITE sip:bob@example.com SIP/2.0";
  std::string rows_;
  std::string body_;
};

// A message read from memory whose next byte must not be touched.
class Parsed {
 public:
  explicit Parsed(std::string_view text) : buffer_(text), message_(std::make_unique<Message>()) {
    kind_ = parse(buffer_.bytes(), *message_);
  }
  explicit Parsed(const Sample& sample) : Parsed(sample.text()) {}

  Datagram kind() const { return kind_; }
  const Message& operator*() const { return *message_; }
  const Message* operator->() const { return message_.get(); }
  std::string_view text(Slice slice) const { return message_->text(slice); }
  std::string_view fault() const { return text_of(message_->fault).name; }
  bool has(Deviation deviation) const { return message_->deviations.has(deviation); }
  // The text of the message with `slice` cut out.
  std::string without(Slice slice) const {
    std::string rest(message_->bytes);
    return rest.erase(slice.begin, slice.size());
  }

 private:
  test::GuardedBuffer buffer_;
  std::unique_ptr<Message> message_;
  Datagram kind_ = Datagram::not_sip;
};

inline std::string_view fault_of(const Sample& sample) { return text_of(Parsed(sample)->fault).name; }
inline std::string_view fault_of(std::string_view text) { return text_of(Parsed(text)->fault).name; }

// Messages of senders who write differently.
inline std::vector<std::string> sample_texts() {
  std::vector<std::string> texts;
  texts.push_back(Sample().text());
  texts.push_back(Sample::response().text());
  texts.push_back(Sample().add("Route: <sip:a;lr>,<sip:b>").add("Max-Breadth: 60").body("").text());
  texts.push_back(Sample().set("Content-Length", " 0").body("").text());
  texts.push_back(
      "SIP/2.0 180 Ringing\r\n"
      "v: SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bKvdncqjl41qrafic1t4h5mq;vd=mda49fulud7hbjmn5mfb\r\n"
      "v: SIP/2.0/UDP proxy.example.com;rport=36162;received=193.34.159.211;branch=z9hG4bKx, SIP/2.0/UDP a\r\n"
      "v: SIP/2.0/UDP b\r\nf: <sip:a@b>;tag=1\r\nt: \"B \\\" C\" <sip:b@c;x=y>;tag=2\r\ni: 1@[::1]\r\n"
      "CSeq: 47381 SUBSCRIBE\r\nContent-Length: 4\r\nServer: x\r\n\r\nbody");
  texts.push_back(
      "REGISTER sip:[2001:db8::1]:5070;transport=udp SIP/2.0\r\nMax-Forwards: 0\r\n"
      "Via: SIP/2.0/UDP [2001:db8::2];branch=z9hG4bK1;rport\r\nVia: SIP / 2.0 / UDP c ;\tbranch = z9hG4bK2\r\n"
      "To: sip:a@b\r\nFrom: A B <sip:a@b>;x=y;tag=1\r\nCall-ID: x\r\nCSeq: 1\r\n  REGISTER\r\n"
      "P-Very-Long-Name-Of-A-Header-Nobody-Knows: 1\r\nSupported:\r\nUser-Agent: a\r\nl: 0\r\n\r\n");
  return texts;
}

}  // namespace viaduct::sip
