// Edits in place, against edits on paper.
#include <random>

#include "proxy/base32.h"
#include "proxy/digits.h"
#include "support/proxy_bed.h"

namespace viaduct::test {
namespace {

std::string apply_in_place(const proxy::Edits& edits, const std::string& message) {
  const size_t headroom = static_cast<size_t>(std::max(edits.growth(), 0));
  std::string buffer(headroom, '#');
  buffer += message;
  const char* start = proxy::apply(edits, buffer.data() + headroom);
  EXPECT_EQ(start, buffer.data() + headroom - edits.growth());
  return {start, static_cast<size_t>(buffer.data() + buffer.size() - start)};
}

class EditsTest : public ::testing::Test {
 protected:
  void replace(uint16_t begin, uint16_t end, std::string_view text) {
    edits->begin_text();
    edits->put(text);
    edits->replace(begin, end);
  }
  std::unique_ptr<proxy::Edits> edits = std::make_unique<proxy::Edits>();
};

TEST_F(EditsTest, NothingToDo) { EXPECT_EQ(apply_in_place(*edits, "abc"), "abc"); }

TEST_F(EditsTest, InsertReplaceRemove) {
  replace(0, 0, "<<");
  replace(2, 3, "XYZ");
  edits->remove({4, 6});
  replace(8, 8, "!");
  EXPECT_EQ(edits->growth(), 3);
  EXPECT_EQ(apply_in_place(*edits, "abcdefgh"), "<<abXYZdgh!");
}

TEST_F(EditsTest, AnyOrderIsKeptAscending) {
  edits->remove({4, 6});
  replace(4, 4, "1");
  replace(8, 8, "!");
  replace(4, 4, "2");
  replace(0, 2, "");
  replace(6, 6, "3");
  EXPECT_FALSE(edits->overflow());
  EXPECT_EQ(apply_in_place(*edits, "abcdefgh"), "cd123gh!");
}

TEST_F(EditsTest, OverlappingIsRefused) {
  edits->remove({4, 6});
  edits->remove({5, 8});
  EXPECT_TRUE(edits->overflow());
  edits->clear();
  edits->remove({4, 6});
  replace(5, 5, "x");
  EXPECT_TRUE(edits->overflow());
  edits->clear();
  edits->remove({4, 6});
  edits->remove({2, 5});
  EXPECT_TRUE(edits->overflow());
}

TEST_F(EditsTest, FullIsRefused) {
  for (size_t i = 0; i < proxy::edits_max; ++i) replace(static_cast<uint16_t>(i), static_cast<uint16_t>(i), "x");
  EXPECT_FALSE(edits->overflow());
  replace(9999, 9999, "x");
  EXPECT_TRUE(edits->overflow());
  edits->clear();
  edits->begin_text();
  edits->put(std::string(proxy::edit_text_bytes_max, 'x'));
  EXPECT_FALSE(edits->overflow());
  edits->put('x');
  EXPECT_TRUE(edits->overflow());
}

TEST_F(EditsTest, Numbers) {
  edits->begin_text();
  edits->put_number(0);
  edits->put(' ');
  edits->put_number(18446744073709551615ull);
  EXPECT_EQ(edits->text(), "0 18446744073709551615");
}

TEST_F(EditsTest, InPlaceAndOnPaperAgree) {
  std::mt19937 random(7);
  for (int round = 0; round < 20000; ++round) {
    edits->clear();
    std::string message(random() % 200, ' ');
    for (char& c : message) c = static_cast<char>('a' + random() % 26);
    std::vector<std::pair<uint16_t, uint16_t>> places;
    for (size_t at = 0; at <= message.size();) {
      const size_t begin = at + random() % 20, end = begin + random() % 3 * (random() % 12);
      if (end > message.size()) break;
      places.emplace_back(static_cast<uint16_t>(begin), static_cast<uint16_t>(end));
      at = end + (begin == end ? 1 : 0);
    }
    std::shuffle(places.begin(), places.end(), random);
    for (const auto& [begin, end] : places) replace(begin, end, std::string(random() % 2 * (random() % 30), 'X'));
    ASSERT_FALSE(edits->overflow());
    const std::string in_place = apply_in_place(*edits, message);
    ASSERT_EQ(in_place, applied_on_paper(*edits, message));
  }
}

// What a Pen writes is what calls would have, in whatever order of places; and calls go on where it has ended.
TEST_F(EditsTest, PenAndCallsAgree) {
  std::mt19937 random(16);
  const auto by_pen = std::make_unique<proxy::Edits>();
  std::string message(160, ' ');
  for (char& c : message) c = static_cast<char>('a' + random() % 26);
  for (int round = 0; round < 20000; ++round) {
    std::vector<std::pair<uint16_t, uint16_t>> places;
    for (size_t at = 0;;) {
      const size_t begin = at + random() % 30, end = begin + random() % 3 * (random() % 12);
      if (end > message.size()) break;
      places.emplace_back(static_cast<uint16_t>(begin), static_cast<uint16_t>(end));
      at = end;  // some are one place
    }
    if (round % 2 == 0) std::shuffle(places.begin(), places.end(), random);
    edits->clear();
    by_pen->clear();
    proxy::Edits::Pen pen(*by_pen);
    const size_t first_call = places.size() - random() % 2;
    for (size_t i = 0; i < places.size(); ++i) {
      const auto [begin, end] = places[i];
      const std::string text(random() % 3 * (random() % 30), static_cast<char>('A' + i));
      replace(begin, end, text);
      if (i < first_call) {
        char* const out = pen.text();
        std::copy(text.begin(), text.end(), out);
        pen.replace({begin, end}, out + text.size());
      }
      if (i + 1 == first_call) pen.finish();
      if (i >= first_call && i != 0) {
        by_pen->begin_text();
        by_pen->put(text);
        by_pen->replace(begin, end);
      }
    }
    if (first_call == 0) continue;
    ASSERT_FALSE(by_pen->overflow());
    ASSERT_EQ(by_pen->count(), edits->count());
    ASSERT_EQ(by_pen->growth(), edits->growth());
    ASSERT_EQ(by_pen->only_grows(), edits->only_grows());
    ASSERT_EQ(apply_in_place(*by_pen, message), apply_in_place(*edits, message));
  }
}

TEST_F(EditsTest, WhatOverlapsByPenIsRefused) {
  proxy::Edits::Pen pen(*edits);
  pen.replace({4, 8}, pen.text());
  pen.replace({2, 5}, pen.text());
  pen.replace({9, 9}, pen.text());
  pen.finish();
  EXPECT_TRUE(edits->overflow());
  EXPECT_EQ(edits->count(), 2u);
}

TEST(Digits, OneTextForOneValue) {
  char digits[16];
  uint8_t octets[16] = {0x66, 0x6f, 0x6f, 0x62, 0x61, 0x72};
  proxy::store_octets(proxy::base32_of_octets(proxy::load_octets(octets)), digits);
  EXPECT_EQ(std::string_view(digits, 10), "mzxw6ytboi") << "RFC 4648 section 10";
  uint64_t high = 0, low = 0;
  ASSERT_TRUE(proxy::read_base32(proxy::load_octets(digits), high, low));
  EXPECT_EQ(high, 0x666f6f6261u);
  EXPECT_EQ(low, uint64_t{0x72} << 32);
  for (size_t at = 0; at < sizeof digits; ++at) {
    for (const char wrong : {'0', '1', '8', '9', 'A', 'Z', '`', '{', ' ', '\0', '\xff'}) {
      char spoilt[sizeof digits];
      std::copy(std::begin(digits), std::end(digits), spoilt);
      spoilt[at] = wrong;
      EXPECT_FALSE(proxy::read_base32(proxy::load_octets(spoilt), high, low)) << at << wrong;
    }
  }
  char text[13];
  for (const uint64_t number : {uint64_t{0}, uint64_t{31}, uint64_t{0x123456789abcdef0}, ~uint64_t{0}}) {
    proxy::base32_number(number, 13, text);
    char padded[16] = {};
    std::copy(text, text + 13, padded);
    ASSERT_TRUE(proxy::read_base32(proxy::first_digits<13>(proxy::load_octets(padded)), high, low));
    EXPECT_EQ(high << 25 | low >> 15, number);
    EXPECT_EQ(high >> 39, 0u) << "65 bits, of which the first is nought";
  }
}

}  // namespace
}  // namespace viaduct::test
