// The probe on the wire, and what counts as its answer.
#include "health/probe_message.h"

#include <gtest/gtest.h>

#include <memory>

#include "sip/message.h"

namespace viaduct::health {
namespace {

constexpr Ticket ticket{0x12, 0xfedcba9876543210};

Question question() {
  Question question;
  question.backend = "[2001:db8::11]:5060";
  question.local = "[2001:db8::1]:40000";
  return question;
}

// The backend's answer: what RFC 3261 section 8.2.6 copies from the request.
std::string answer_to(std::string_view probe, std::string_view status_line = "SIP/2.0 200 OK") {
  std::string text(status_line);
  text += "\r\n";
  for (const std::string_view name : {"Via", "From", "To", "Call-ID", "CSeq"}) {
    const size_t begin = probe.find("\r\n" + std::string(name) + ":") + 2;
    text += probe.substr(begin, probe.find("\r\n", begin) - begin);
    text += name == "To" ? ";tag=x\r\n" : "\r\n";
  }
  return text + "Content-Length: 0\r\n\r\n";
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  const size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}

TEST(ProbeMessage, is_a_request_without_a_fault) {
  const std::string text = probe_text(question(), ticket);
  const auto message = std::make_unique<sip::Message>();
  ASSERT_EQ(sip::parse(text, *message), sip::Datagram::sip);
  EXPECT_EQ(message->fault, sip::Fault::none);
  EXPECT_EQ(message->method, sip::Method::options);
  EXPECT_EQ(message->max_forwards, 1) << "LBG-23: one hop further at most";
  EXPECT_EQ(message->text(message->request_uri.text), "sip:[2001:db8::11]:5060");
  EXPECT_EQ(message->text(message->via[0].sent_by), "[2001:db8::1]:40000");
  EXPECT_TRUE(message->via[0].has_cookie);
  EXPECT_TRUE(message->has_from_tag);
  EXPECT_FALSE(message->has_to_tag);
  EXPECT_NE(text.find("From: <sip:viaduct@[2001:db8::1]:40000>;tag="), std::string::npos);
  EXPECT_NE(text.find("To: <sip:[2001:db8::11]:5060>\r\n"), std::string::npos);
}

TEST(ProbeMessage, names_are_the_operators) {
  Question asked = question();
  asked.method = "INFO";
  asked.from = "sip:monitor@example.com";
  asked.to = "sip:ping@example.com";
  asked.max_forwards = 70;
  const std::string text = probe_text(asked, ticket);
  EXPECT_TRUE(text.starts_with("INFO sip:[2001:db8::11]:5060 SIP/2.0\r\n"));
  EXPECT_NE(text.find("From: <sip:monitor@example.com>;tag="), std::string::npos);
  EXPECT_NE(text.find("To: <sip:ping@example.com>\r\n"), std::string::npos);
  EXPECT_NE(text.find("Max-Forwards: 70\r\n"), std::string::npos);
  EXPECT_NE(text.find("CSeq: 1 INFO\r\n"), std::string::npos);
}

TEST(ProbeMessage, the_answer_brings_the_ticket_back) {
  const std::string probe = probe_text(question(), ticket);
  for (const auto& [line, status] : {std::pair<const char*, int>{"SIP/2.0 200 OK", 200},
                                     {"SIP/2.0 503 Service Unavailable", 503},
                                     {"SIP/2.0 404 Not Found", 404}}) {
    const auto answer = read_answer(answer_to(probe, line));
    ASSERT_TRUE(answer) << line;
    EXPECT_EQ(answer->status, status);
    EXPECT_EQ(answer->ticket.number, ticket.number);
    EXPECT_EQ(answer->ticket.secret, ticket.secret);
  }
}

TEST(ProbeMessage, nothing_else_is_an_answer) {
  const std::string probe = probe_text(question(), ticket);
  const std::string answer = answer_to(probe);
  ASSERT_TRUE(read_answer(answer));
  EXPECT_FALSE(read_answer(probe)) << "our own request, reflected";
  EXPECT_FALSE(read_answer(answer_to(probe, "SIP/2.0 100 Trying"))) << "provisional";
  EXPECT_FALSE(read_answer(""));
  EXPECT_FALSE(read_answer("\r\n\r\n"));
  EXPECT_FALSE(read_answer("not SIP at all"));
  EXPECT_FALSE(read_answer(replaced(answer, "branch=z9hG4bKvh0", "branch=z9hG4bKvx0")));
  EXPECT_FALSE(read_answer(replaced(answer, "branch=z9hG4bKvh0", "branch=z9hG4bKvh")));
  EXPECT_FALSE(read_answer(replaced(answer, "branch=z9hG4bKvh0", "branch=z9hG4bKvhg")));
  EXPECT_FALSE(read_answer(replaced(answer, "Call-ID: 0", "Call-ID: 1"))) << "of another call";
  EXPECT_FALSE(read_answer(replaced(answer, "Via:", "Via: SIP/2.0/UDP h;branch=z9hG4bKother\r\nVia:")));
}

}  // namespace
}  // namespace viaduct::health
