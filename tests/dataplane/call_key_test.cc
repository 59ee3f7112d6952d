// The quick look for a Call-ID finds what the parser finds, or nothing.
#include "dataplane/call_key.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

#include "sip/message.h"
#include "support/guarded_buffer.h"
#include "support/message_corpus.h"

namespace viaduct::dataplane {
namespace {

constexpr std::string_view head =
    "BYE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKa\r\n";

std::string_view found(std::string_view rows) {
  static std::string message;
  message = std::string(head).append(rows) + "CSeq: 1 BYE\r\n\r\ni: body\r\n";
  return find_call_id(message);
}

TEST(CallKey, IsFoundByEitherNameInAnyCaseWithoutTheWhiteSpaceAroundIt) {
  EXPECT_EQ(found("Call-ID: a@b\r\n"), "a@b");
  EXPECT_EQ(found("call-id:a@b\r\n"), "a@b");
  EXPECT_EQ(found("CALL-ID : \t a@b \t\r\n"), "a@b");
  EXPECT_EQ(found("i: a@b\r\n"), "a@b");
  EXPECT_EQ(found("I : a@b\n"), "a@b");
  EXPECT_EQ(found("Content-Length: 0\r\nInfo: x\r\nCall-Info: y\r\nCall-ID: z\r\n"), "z");
}

TEST(CallKey, IsNotFoundWhereItTakesAParserToReadIt) {
  EXPECT_EQ(found(""), "") << "the body is no header";
  EXPECT_EQ(found("Call-ID:\r\n"), "");
  EXPECT_EQ(found("Call-ID: a@b\r\n c\r\n"), "") << "folded";
  EXPECT_EQ(found("Call-ID\r\n : a@b\r\n"), "");
  EXPECT_EQ(found("Xi: a@b\r\n"), "");
  EXPECT_EQ(find_call_id(""), "");
  EXPECT_EQ(find_call_id("\r\n\r\n"), "");
  EXPECT_EQ(find_call_id("OPTIONS sip:a SIP/2.0\r\nCall-ID: cut"), "");
}

TEST(CallKey, AgreesWithTheParserAboutEveryMessageOfTheCorpus) {
  test::MessageCorpus corpus;
  auto message = std::make_unique<sip::Message>();
  for (const test::CorpusMessage& each : corpus.requests(2000)) {
    ASSERT_EQ(sip::parse(each.text, *message), sip::Datagram::sip);
    EXPECT_EQ(find_call_id(each.text), message->text(message->call_id));
  }
}

TEST(CallKey, ReadsNothingBehindTheDatagramAndNeverDisagreesWithTheParser) {
  std::mt19937 random(11);
  test::MessageCorpus corpus;
  auto message = std::make_unique<sip::Message>();
  const std::string rows[] = {
      "Call-ID: x@y\r\n", "i:z\r\n", "call-iD :q\r\n", " folded\r\n", "\r\n", "\n", "C", "i", ":"};
  size_t agreed = 0;
  for (const test::CorpusMessage& each : corpus.requests(3000)) {
    std::string text = each.text;
    for (size_t times = random() % 3; times > 0; --times)
      text.insert(random() % text.size(), rows[random() % std::size(rows)]);
    if (random() % 4 == 0) text.resize(random() % text.size());
    const test::GuardedBuffer guarded(text);
    const std::string_view key = find_call_id(guarded.bytes());
    if (key.empty() || sip::parse(guarded.bytes(), *message) != sip::Datagram::sip) continue;
    if (message->fault != sip::Fault::none) continue;  // then it matters to nobody who answers
    EXPECT_EQ(key, message->text(message->call_id)) << text;
    ++agreed;
  }
  EXPECT_GT(agreed, 1000u);
}

}  // namespace
}  // namespace viaduct::dataplane
