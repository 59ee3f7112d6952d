// The torture messages of RFC 4475 and RFC 5118, as far as the parser decides about them. They lie outside the project;
// without them these cases skip, and torture_test.cc covers the same ground with messages of our own.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "sip/message.h"
#include "support/torture_corpus.h"

namespace viaduct::sip {
namespace {

// What the parser alone must see for a verdict of the whole: a 400 or 505 is a fault with that status; 403, 416, 420
// and 483 are decided later, on a message without fault.
void expect_verdict(const std::string& verdict, const std::string& file, const Message& message) {
  if (verdict == "forward" || verdict == "forward|reply:403" || verdict == "reply:416" || verdict == "reply:420" ||
      verdict == "reply:483|reply:200") {
    EXPECT_EQ(message.fault, Fault::none) << text_of(message.fault).name;
  } else if (verdict == "reply:505") {
    EXPECT_EQ(text_of(message.fault).status, 505);
  } else if (verdict.starts_with("reply:400") || verdict.starts_with("reply:501")) {
    EXPECT_EQ(text_of(message.fault).status, 400);
  } else {
    ASSERT_EQ(verdict, "drop") << "a verdict this test does not know";
    const bool malformed = file == "scalarlg.sip" || file == "bigcode.sip" || file == "test.sip";
    EXPECT_EQ(message.fault != Fault::none, malformed) << text_of(message.fault).name;
    EXPECT_EQ(message.kind, file == "test.sip" ? Kind::request : Kind::response);
  }
}

TEST(Corpus, EveryMessageHasTheFaultItsVerdictNeeds) {
  const auto corpus = test::torture_corpus();
  if (corpus.empty()) GTEST_SKIP() << "no corpus at " << test::torture_folder();
  auto message = std::make_unique<Message>();
  for (const auto& [file, verdict, text] : corpus) {
    SCOPED_TRACE(file);
    ASSERT_EQ(parse(text, *message), Datagram::sip);
    expect_verdict(verdict, file.substr(file.find('/') + 1), *message);
  }
  EXPECT_EQ(corpus.size(), 62u);
}

}  // namespace
}  // namespace viaduct::sip
