// What we wrote into Record-Route is known again without a parser, and means what a parser says it means.
#include "proxy/own_value.h"

#include <random>

#include "proxy/own.h"
#include "support/proxy_bed.h"

namespace viaduct::test {
namespace {

class OwnValues : public ::testing::Test {
 protected:
  // Ours in a request that has passed: of both families, with and without a token.
  std::vector<std::string> written() const {
    std::vector<std::string> all = bed.from_alice(m0).message.values("Record-Route");
    const net::Endpoint six = *net::parse_endpoint("[2001:db8::7]:5060");
    for (uint16_t index = 0; index < bed.view.sockets.size(); ++index) {
      if (bed.view.sockets[index].address.address.is_v4()) continue;
      for (const std::string& value :
           decide_and_apply(bed.view, m0.str(), {six, index}).message.values("Record-Route")) {
        all.push_back(value);
      }
    }
    for (const auto& value : Bed(Bed::Homes::one).from_alice(m0).message.values("Record-Route")) all.push_back(value);
    return all;
  }

  // What a parser makes of it is the same.
  void agrees(const std::string& text, const proxy::OwnValue& own) const {
    const sip::Slice value{0, own.text.end};
    sip::Slice uri_text, params;
    sip::Uri uri;
    ASSERT_TRUE(sip::parse_name_addr(text, value, uri_text, params)) << text;
    ASSERT_TRUE(sip::parse_uri(text, uri_text, uri)) << text;
    EXPECT_TRUE(params.empty()) << text;
    EXPECT_EQ(own.user.empty() ? sip::Slice() : own.user, uri.user.empty() ? sip::Slice() : uri.user) << text;
    EXPECT_EQ(own.vd.empty() ? sip::Slice() : own.vd, uri.vd.empty() ? sip::Slice() : uri.vd) << text;
    EXPECT_EQ(proxy::is_ours(bed.view, text, uri.host).socket, own.socket) << text;
    EXPECT_TRUE(uri.has_lr && uri.headers.empty() && uri.maddr.empty() && uri.transport.empty()) << text;
    EXPECT_EQ(uri.scheme, sip::Scheme::sip);
  }
  bool reads(const std::string& text, proxy::OwnValue& own) const {
    return proxy::read_own_value(text, {0, static_cast<uint16_t>(text.size())}, bed.view, own);
  }
  Bed bed;
};

TEST_F(OwnValues, AreKnownByTheirWriting) {
  const auto all = written();
  ASSERT_GE(all.size(), 3u);
  size_t with_token = 0;
  for (const std::string& text : all) {
    proxy::OwnValue own;
    ASSERT_TRUE(reads(text, own)) << text;
    EXPECT_EQ(own.text.size(), text.size());
    agrees(text, own);
    with_token += !own.user.empty();
    ASSERT_TRUE(reads(text + ",<sip:b>", own)) << "another one behind it";
    EXPECT_EQ(own.text.size(), text.size());
  }
  EXPECT_GE(with_token, 2u);
  EXPECT_LT(with_token, all.size());
}

TEST_F(OwnValues, WrittenDifferentlyTheyAreLeftToTheParser) {
  const std::string text = written()[0];
  proxy::OwnValue own;
  for (const std::string& other :
       {" " + text, text + " ", text + ";a=b", "\"us\" " + text, text.substr(0, text.size() - 1),
        replace_all(text, ";lr", ";LR"), replace_all(text, "<sip:", "<SIP:"), replace_all(text, ";lr", ";lr=on"),
        replace_all(text, ";lr", ""), replace_all(text, ">", ";maddr=192.0.2.9>"), replace_all(text, ">", "?a=b>"),
        std::string(), std::string("<sip:")}) {
    EXPECT_FALSE(reads(other, own)) << other;
  }
}

// Random changes of a few characters: what is still recognized is what a parser sees, whoever made it.
TEST_F(OwnValues, NothingIsRecognizedThatAParserWouldReadOtherwise) {
  std::mt19937 random(11);
  const auto all = written();
  constexpr std::string_view alphabet = "a2z7<>@;:,=\"?%. /\\&$1V\t\x80";
  size_t recognized = 0;
  for (int round = 0; round < 40000; ++round) {
    std::string text = all[random() % all.size()];
    for (unsigned change = 1 + random() % 2; change > 0; --change) {
      text[random() % text.size()] = alphabet[random() % alphabet.size()];
    }
    proxy::OwnValue own;
    if (!reads(text, own)) continue;
    ++recognized;
    agrees(text, own);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(recognized, 1000u) << "digits of tokens and cookies may be anything";
}

// Every prefix, at the end of readable memory or not: nothing behind the value is looked at.
TEST_F(OwnValues, NoPrefixIsMistaken) {
  for (const std::string& text : written()) {
    for (size_t size = 0; size < text.size(); ++size) {
      const std::vector<char> alone(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size));
      proxy::OwnValue own;
      EXPECT_FALSE(proxy::read_own_value({alone.data(), size}, {0, static_cast<uint16_t>(size)}, bed.view, own))
          << size;
    }
  }
}

}  // namespace
}  // namespace viaduct::test
