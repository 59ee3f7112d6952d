// The quick way through a message against the one by the book: messages of many senders, cut at every octet, and with
// octets, lines and pieces exchanged, taken out and doubled. Whatever comes out, both must say the same of it, with
// every kernel.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

#include "sip/alike.h"
#include "sip/sample.h"
#include "support/effort.h"

namespace viaduct::sip {
namespace {

class Plain : public testing::TestWithParam<ScanKernel> {
 protected:
  void expect_same(std::string_view text) {
    const test::GuardedBuffer buffer{text};
    const Datagram kind = parse_with(by_the_book, buffer.bytes(), *book_);
    ASSERT_EQ(parse_with(GetParam(), buffer.bytes(), *quick_), kind) << text;
    if (kind != Datagram::sip) return;
    ASSERT_EQ(difference(*book_, *quick_), "") << text;
  }

  std::unique_ptr<Message> book_ = std::make_unique<Message>(), quick_ = std::make_unique<Message>();
};

INSTANTIATE_TEST_SUITE_P(All, Plain, testing::ValuesIn(scan_kernels().begin(), scan_kernels().end()),
                         [](const auto& kernel) { return std::string(kernel.param.name); });

TEST_P(Plain, ReadsEveryPrefixAsTheBookDoes) {
  for (const std::string& text : sample_texts()) {
    for (size_t size = 0; size <= text.size() && !HasFatalFailure(); ++size) expect_same(text.substr(0, size));
  }
}

TEST_P(Plain, ReadsEveryRowAtTheEndAsTheBookDoes) {
  for (const std::string& text : sample_texts()) {
    for (size_t end = text.find("\r\n"); end != std::string::npos; end = text.find("\r\n", end + 2)) {
      expect_same(text.substr(0, end + 2) + "\r\n");
      expect_same(text.substr(0, end + 2) + "\r\nx");
      expect_same(text.substr(0, end + 2) + "Content-Length: 0\r\n\r\n");
    }
  }
}

TEST_P(Plain, ReadsMutationsAsTheBookDoes) {
  std::mt19937 random(3261);
  const std::vector<std::string> texts = sample_texts();
  const std::string_view pieces[] = {
      "\r\n", "\n",       "\r",    " ",   "\t",     ":", ";",     ",",      "\"",     "<",       ">",         "=",
      "@",    "\\",       "%41",   "~",   "\r\n ",  "0", "99999", ";tag=",  "rport",  "lr",      "\x80",      "SIP",
      "UDP",  "\r\n\r\n", "\r\n:", "Via", "\r\nv:", "a", "Z",     ";rport", ";vd=1;", ";maddr=", ";received="};
  for (int round = 0; round < test::rounds(30000) && !HasFatalFailure(); ++round) {
    std::string text = texts[random() % texts.size()];
    for (size_t changes = 1 + random() % 3; changes != 0; --changes) {
      const size_t at = random() % text.size(), size = random() % std::min<size_t>(text.size() - at, 12);
      const std::string_view piece = pieces[random() % std::size(pieces)];
      switch (random() % 6) {
        case 0: text[at] = static_cast<char>(random()); break;
        case 1: text.erase(at, size); break;
        case 2: text.insert(at, piece); break;
        case 3: text.insert(at, text.substr(random() % text.size(), size)); break;
        case 4: text.replace(at, size, piece); break;
        default: {  // a line doubled, or put elsewhere
          const size_t begin = text.rfind("\r\n", at), end = text.find("\r\n", at);
          if (begin == std::string::npos || end == std::string::npos) break;
          const std::string line = text.substr(begin, end - begin);
          if (random() % 2 == 0) text.erase(begin, end - begin);
          const size_t to = text.find("\r\n", random() % text.size());
          if (to != std::string::npos) text.insert(to, line);
        }
      }
      if (text.empty()) text = "x";
    }
    expect_same(text);
  }
}

// Names and numbers are compared many octets at a time: no octet of them may be mistaken for another.
TEST_P(Plain, ReadsRowsWithAnyOctetAsTheBookDoes) {
  constexpr std::string_view rows[] = {
      "Via: SIP/2.0/UDP b", "v: SIP/2.0/UDP b",      "From: <sip:a@b>",   "To: <sip:a@b>",     "To: \"b\" <sip:a@b>",
      "Call-ID: x",         "CSeq: 1234567 INVITE",  "Max-Forwards: 255", "Content-Length: 0", "Contact: <sip:a@b>",
      "Route: <sip:a;lr>",  "Record-Route: <sip:a>", "Supported: path",   "Require: path",     "User-Agent: phone"};
  const std::string all = Sample().text();
  const size_t first_row = all.find("\r\n") + 2;
  for (const std::string_view row : rows) {
    const std::string start = all.substr(0, first_row);
    std::string rest = all.substr(first_row);
    // In its place, for what may be there once only is not read the quick way if it is there twice.
    const size_t same = ("\r\n" + rest).find("\r\n" + std::string(row.substr(0, row.find(':') + 1)));
    if (same != std::string::npos) rest.erase(same, rest.find("\r\n", same) + 2 - same);
    for (size_t at = 0; at < std::min<size_t>(row.size(), 20) && !HasFatalFailure(); ++at) {
      for (unsigned octet = 0; octet < 256; ++octet) {
        std::string line(row);
        line[at] = static_cast<char>(octet);
        expect_same(start + line + "\r\n" + rest);
      }
    }
  }
}

TEST_P(Plain, ReadsManyRowsAsTheBookDoes) {
  SCOPED_TRACE("SEC-11");
  const std::string start = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n";
  for (const char* row : {"a:\r\n", "Via: SIP/2.0/UDP b\r\n", "k: x\r\n", "Subject: something longer\r\n"}) {
    for (size_t rows : {100, 126, 127, 128, 129, 509, 510, 511, 512, 513, 514, 600, 900}) {
      std::string text = start;
      for (size_t i = 0; i < rows; ++i) text += row;
      expect_same(text + "\r\n");
      expect_same(text + "l: 0\r\n\r\n");
    }
  }
  for (size_t size : {16300, 16383, 16384, 16385, 16500, 65400, 65535, 65536}) {
    expect_same(start + "Subject: " + std::string(size - start.size() - 13, 'x') + "\r\n\r\n");
  }
}

}  // namespace
}  // namespace viaduct::sip
