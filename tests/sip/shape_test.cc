// Shapes against the parse. What a shape takes for its own must be what a parse says of it, whatever octet stands
// wherever; and it must take what senders send, or it is of no use.
#include "sip/shape.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

#include "sip/alike.h"
#include "sip/sample.h"
#include "support/effort.h"

namespace viaduct::sip {
namespace {

// Everything that may differ in a message of one shape, and much that may not.
std::vector<std::string> moulds() {
  std::vector<std::string> texts = sample_texts();
  texts.push_back(
      "INVITE sip:+493077%2a61@198.51.100.20:5070;user=phone;lr SIP/2.0\r\n"
      "Via: SIP/2.0/UDP 198.51.100.7:50600;branch=z9hG4bKcbse-2b.Org;rport\r\n"
      "Route: <sip:bk7s@192.0.2.10;lr;vd=1k5n6l>\r\nRoute: <sip:10.0.1.2;lr>\r\nMax-Forwards: 069\r\n"
      "To: \"B\\\"o b\" <sip:bob%20x@example.com;x=\"y\">\r\nf: Al.ice <sip:alice@198.51.100.7>;tag=19-2.83\r\n"
      "Call-ID: a84b4c76e66710@198.51.100.7\r\nCSeq: 0314 INVITE\r\nContact: <sip:alice@198.51.100.7:50600>\r\n"
      "User-Agent: Phone/1.2 (x)\r\nSupported: path,100rel\r\nP-Any: ~a \"b\";c=<d>\r\nExpires: 300\r\n"
      "Content-Length: 10\r\n\r\n0123456789");
  texts.push_back(
      "SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKvdforitfk;vd=1.0.0adf4611\r\n"
      "Via: SIP/2.0/UDP a1.example.com:5062;rport=50602;branch=z9hG4bKcb_se;received=198.51.100.207\r\n"
      "Record-Route: <sip:10.0.0.1:5060;lr;vd=1k5n6lkb>\r\nTo: <sip:+49307761839@example.com>;tag=1f2e3d\r\n"
      "From: <sip:user617039@example.com>;tag=8p6i6d09ab\r\nCall-ID: p6d3ql87tb61ppn9lqqd34s1\r\n"
      "CSeq: 74590 INVITE\r\nMax-Forwards: 70\r\nServer: Call server 4.2\r\nl: 0\r\n\r\n");
  texts.push_back(
      "OPTIONS sip:x@[2001:db8::1:ab]:5070;lr SIP/2.0\r\nVia: SIP/2.0/UDP [2001:db8::7]:50600;branch=z9hG4bKab\r\n"
      "Via: SIP/2.0/UDP a;received=[2001:db8::9];branch=z9hG4bK1;rport=5062\r\nTo: <sip:b@[2001:db8::1]>\r\n"
      "From: <sip:a@b>;tag=1\r\nCall-ID: x@[2001:db8::7]\r\nCSeq: 2 OPTIONS\r\nContact: <sip:[::1]>\r\n\r\n");
  texts.push_back(
      "BYE sip:1 SIP/2.0\r\nVia: SIP/2.0/UDP 1.2.3.4;branch=oldfashioned\r\nTo: sip:b@c;tag=2\r\n"
      "From: sip:a@b;tag=1\r\nCall-ID: x\r\nCSeq: 2 BYE\r\n\r\n");
  return texts;
}

class Shapes : public testing::TestWithParam<ShapeKernel> {
 protected:
  bool keep(const std::string& text) {
    text_ = text;
    return parse(text_, *parsed_) == Datagram::sip && shape_->keep(*parsed_);
  }
  // Whether it has the shape; then it must be what a parse says.
  bool recalls(std::string_view text) {
    if (!shape_->recall(GetParam(), text, *recalled_)) return false;
    EXPECT_EQ(parse(text, *parsed_), Datagram::sip) << text;
    EXPECT_EQ(difference(*parsed_, *recalled_), "") << text_ << "\n" << text;
    return true;
  }
  // The mould with a piece of it exchanged.
  std::string with(std::string_view piece, std::string_view other) const {
    std::string text = text_;
    const size_t at = text.find(piece);
    EXPECT_NE(at, text.npos) << piece;
    return text.replace(at, piece.size(), other);
  }

  std::string text_;
  std::unique_ptr<Shape> shape_ = std::make_unique<Shape>();
  std::unique_ptr<Message> parsed_ = std::make_unique<Message>(), recalled_ = std::make_unique<Message>();
};

INSTANTIATE_TEST_SUITE_P(All, Shapes, testing::ValuesIn(shape_kernels().begin(), shape_kernels().end()),
                         [](const auto& kernel) { return std::string(kernel.param.name); });

TEST_P(Shapes, EveryOctetInEveryPlaceIsWhatAParseSays) {
  size_t kept = 0, recalled = 0;
  for (const std::string& text : moulds()) {
    if (!keep(text)) continue;
    ++kept;
    EXPECT_TRUE(recalls(text)) << text;
    std::string other = text;
    for (size_t at = 0; at < text.size() && !HasFailure(); ++at) {
      for (unsigned octet = 0; octet < 256 && !HasFailure(); ++octet) {
        other[at] = static_cast<char>(octet);
        recalled += recalls(other) ? 1 : 0;
      }
      other[at] = text[at];
    }
  }
  EXPECT_EQ(kept, 8u) << "all but the ones with a fold and without the body they name";
  EXPECT_GT(recalled, 100'000u);
}

// Two octets that are harmless each may not be so together.
TEST_P(Shapes, SeveralOctetsAtOnceAreWhatAParseSays) {
  constexpr std::string_view octets = "0123456789aZg.-_%+~:;<>=?[]\\\"', @()\r\n\t\x80";
  std::mt19937 random(3261);
  size_t recalled = 0;
  for (const std::string& text : moulds()) {
    if (!keep(text)) continue;
    for (int round = 0; round < test::rounds(20'000) && !HasFailure(); ++round) {
      std::string other = text;
      const size_t from = random() % other.size();
      for (size_t changes = 2 + random() % 6; changes != 0; --changes) {
        const size_t at = (from + random() % 12) % other.size();
        other[at] = octets[random() % (round % 2 == 0 ? 10 : octets.size())];
      }
      recalled += recalls(other) ? 1 : 0;
    }
  }
  EXPECT_GT(recalled, 1'000u);
}

TEST_P(Shapes, WhatDiffersFromCallToCallIsKnown) {
  ASSERT_TRUE(keep(moulds()[6]));
  for (const auto& [piece, other] : std::vector<std::pair<std::string_view, std::string_view>>{
           {"+493077", "+491234"},
           {"198.51.100.20:5070", "10.200.100.20:9999"},
           {"198.51.100.7:50600;branch", "203.0.113.99:10240;branch"},
           {"cbse-2b.Org", "0123456789-"},
           {"bk7s", "0aZz"},
           {"1k5n6l", "xxxxxx"},
           {"069", "255"},
           {"bob%20x@", "liz.-0x@"},
           {"19-2.83", "abcdefg"},
           {"a84b4c76e66710@198.51.100.7", "<>;:=?x{}]a-bc@a.very.host."},
           {"0314 INVITE", "9999 INVITE"},
           {"alice@198.51.100.7:50600>\r\nUser", "a.b-c@host.of.somebody:9>\r\nUser"},
           {"Phone/1.2", "Other/9.9"},
           {"~a \"b\";c=<d>", "(,  \"\"#$&)-~"},
           {"0123456789", "\r\n\r\n:\xff\x80 <>"}}) {
    ASSERT_EQ(piece.size(), other.size()) << piece;
    EXPECT_TRUE(recalls(with(piece, other))) << piece << " -> " << other;
  }
}

TEST_P(Shapes, WhatWouldParseOtherwiseIsNot) {
  ASSERT_TRUE(keep(moulds()[6]));
  for (const auto& [piece, other] :
       std::vector<std::pair<std::string_view, std::string_view>>{{"INVITE sip", "UPDATE sip"},
                                                                  {":5070", ":0000"},
                                                                  {":50600;branch", ":65536;branch"},
                                                                  {"198.51.100.20", "198.51.100.2."},
                                                                  {"198.51.100.20", "198.51.1000.2"},
                                                                  {"%2a", "%2g"},
                                                                  {"z9hG4bK", "z9hG4bX"},
                                                                  {"lr SIP", "lx SIP"},
                                                                  {"069", "06 "},
                                                                  {"069", "256"},
                                                                  {"To: ", "Tx: "},
                                                                  {"tag=19", "tax=19"},
                                                                  {"Length: 10", "Length: 11"},
                                                                  {"Length: 10", "Length: 09"},
                                                                  {"0123456789", "012345678"},
                                                                  {"0123456789", "01234567890"}}) {
    EXPECT_FALSE(recalls(with(piece, other))) << piece << " -> " << other;
  }
  EXPECT_FALSE(recalls(text_.substr(0, text_.size() - 12)));
  EXPECT_FALSE(recalls(text_ + std::string(70'000, 'x')));
}

TEST_P(Shapes, NumbersAreReadAnew) {
  ASSERT_TRUE(keep(moulds()[7]));
  ASSERT_TRUE(recalls(with(":5062;rport=50602", ":1025;rport=65535")));
  EXPECT_EQ(recalled_->via[1].host.port, 1025);
  EXPECT_EQ(recalled_->via[1].rport, 65535);
  EXPECT_FALSE(recalls(with("rport=50602", "rport=65536")));
  EXPECT_FALSE(recalls(with("rport=50602", "rport=00000")));
  ASSERT_TRUE(recalls(with("74590", "00042")));
  EXPECT_EQ(recalled_->cseq_number, 42u);
}

TEST_P(Shapes, AddressesOfIPv6MayBeOthers) {
  ASSERT_TRUE(keep(moulds()[8]));
  EXPECT_TRUE(recalls(with("[2001:db8::7]:50600", "[fe80:1b2::c]:65535")));
  EXPECT_EQ(recalled_->via[0].host.port, 65535);
  EXPECT_TRUE(recalls(with("[2001:db8::1:ab]:5070", "[2001:db8::f:00]:9999")));
  EXPECT_TRUE(recalls(with("received=[2001:db8::9]", "received=[a00c:db8::f]")));
  EXPECT_FALSE(recalls(with("[2001:db8::7]", "[2001:dg8::7]")));
  EXPECT_FALSE(recalls(with("[2001:db8::7]", "[2001:db8:007]")));
}

TEST_P(Shapes, NothingIsMadeOfWhatIsWrongOrUnusual) {
  const std::string text = Sample().text();
  ASSERT_TRUE(keep(text));
  for (const auto& [piece, other] : std::vector<std::pair<std::string_view, std::string_view>>{
           {"CSeq: 314159 INVITE", "CSeq: 314159 BYE"},     // a fault
           {"To: Bob", "To:\r\n Bob"},                      // a fold
           {"Max-Forwards: 70\r\n", "Max-Forwards: 70\n"},  // a bare line end
           {"INVITE sip", "\r\nINVITE sip"},                // line ends in front
           {"Content-Length: ", "Content-Length: 1"}}) {    // a body that is not there
    ASSERT_TRUE(keep(text));
    EXPECT_FALSE(keep(with(piece, other))) << other;
    EXPECT_FALSE(recalls(text_)) << "the shape before is gone";
  }
  ASSERT_TRUE(keep(text));
  EXPECT_FALSE(keep(text + "excess"));
  EXPECT_FALSE(keep(Sample().add("X: " + std::string(1024, 'x')).text()));
}

// Nothing is read in front of the datagram or behind it.
TEST_P(Shapes, StayWithinTheDatagram) {
  for (const std::string& text : moulds()) {
    if (!keep(text)) continue;
    for (size_t size = ShapeText::bytes_least; size <= text.size(); ++size) {
      const test::GuardedBuffer buffer{std::string_view(text).substr(0, size)};
      GetParam().outline(buffer.bytes());
      EXPECT_EQ(shape_->recall(GetParam(), buffer.bytes(), *recalled_), size == text.size());
    }
  }
}

TEST_P(Shapes, KernelsAgree) {
  std::mt19937 random(3261);
  auto text = std::make_unique<ShapeText>();
  std::string octets(ShapeText::bytes_max, ' ');
  const ShapeKernel& scalar = shape_kernels()[0];
  size_t fitting = 0;
  for (int round = 0; round < test::rounds(3'000); ++round) {
    const size_t size = ShapeText::bytes_least + random() % (octets.size() - ShapeText::bytes_least + 1);
    for (size_t i = 0; i < size; ++i) {
      octets[i] = static_cast<char>(random() % 16 == 0 ? random() : 'a' + random() % 26);
      text->octets[i] = random() % 4 == 0 ? 'x' : octets[i];
      text->kinds[i] = static_cast<uint8_t>(text->octets[i] == octets[i] ? random() : 0x06);
    }
    if (round % 2 == 0) text->octets[random() % size] ^= 1;
    const bool fits = scalar.fits(octets.data(), *text, size);
    fitting += fits ? 1 : 0;
    ASSERT_EQ(GetParam().fits(octets.data(), *text, size), fits);
    const size_t feeds = random() % 30;
    for (size_t i = 0; i < feeds; ++i) octets[random() % size] = "\n@"[random() % 2];
    const std::string_view view(octets.data(), size);
    ASSERT_EQ(GetParam().outline(view), scalar.outline(view));
  }
  EXPECT_GT(fitting, 10u);
}

TEST_P(Shapes, KernelsReadTheSameNumbers) {
  std::mt19937 random(4475);
  const ShapeKernel& scalar = shape_kernels()[0];
  std::string octets(ShapeText::bytes_least, '0');
  size_t good = 0;
  for (int round = 0; round < test::rounds(3'000); ++round) {
    for (char& c : octets) c = static_cast<char>('0' + random() % 10);
    ShapeNumbers numbers;
    numbers.count = random() % (ShapeNumbers::count_max + 1);
    for (size_t i = 0; i < ShapeNumbers::count_max; ++i) {
      const bool taken = i < numbers.count;
      const size_t digits = taken ? 1 + random() % ShapeNumbers::digits_max : 0;
      numbers.in_front[i] = 8 * (ShapeNumbers::digits_max - digits);
      numbers.least[i] = taken ? random() % 2 : 0;
      const bool is_port = random() % 4 == 0;
      numbers.most[i] = is_port ? 65'535 : 99'999'999;
      numbers.beside[i] = static_cast<uint32_t>(random()) & (is_port ? 0xffff0000 : taken ? 0 : ~uint32_t{0});
      numbers.end[i] = static_cast<uint16_t>(ShapeNumbers::digits_max + random() % (octets.size() - 7));
      numbers.field[i] = static_cast<uint16_t>(4 * i + random() % 2);
    }
    std::string fields(64, '\0'), by_scalar(64, '\0');
    const bool is_good = scalar.read(octets.data(), numbers, by_scalar.data());
    good += is_good ? 1 : 0;
    ASSERT_EQ(GetParam().read(octets.data(), numbers, fields.data()), is_good);
    if (is_good) {
      ASSERT_EQ(fields, by_scalar);
    }
  }
  EXPECT_GT(good, 10u);
}

}  // namespace
}  // namespace viaduct::sip
