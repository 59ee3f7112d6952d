// The torture messages of RFC 4475 and RFC 5118, as far as the parser decides about them. They lie outside the project;
// without them these cases skip, and torture_test.cc covers the same ground with messages of our own.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "sip/message.h"

namespace viaduct::sip {
namespace {

std::string corpus_path(const std::string& file) {
  const char* shared = std::getenv("VIADUCT_SHARED");
  return std::string(shared != nullptr ? shared : VIADUCT_SOURCE_ROOT "/../shared") + "/corpus/" + file;
}

bool read_file(const std::string& path, std::string& text) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return false;
  std::ostringstream out;
  out << in.rdbuf();
  text = out.str();
  return true;
}

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
  std::string table;
  if (!read_file(corpus_path("expected.csv"), table)) GTEST_SKIP() << "no corpus at " << corpus_path("");
  auto message = std::make_unique<Message>();
  std::istringstream rows(table);
  std::string row;
  std::getline(rows, row);
  int messages = 0;
  while (std::getline(rows, row)) {
    SCOPED_TRACE(row);
    const size_t first = row.find(','), second = row.find(',', first + 1);
    const std::string file = row.substr(0, first);
    std::string text;
    ASSERT_TRUE(read_file(corpus_path(file), text));
    ASSERT_EQ(parse(text, *message), Datagram::sip);
    expect_verdict(row.substr(first + 1, second - first - 1), file.substr(file.find('/') + 1), *message);
    ++messages;
  }
  EXPECT_GT(messages, 60);
}

}  // namespace
}  // namespace viaduct::sip
