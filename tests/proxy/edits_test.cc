// Edits in place, against edits on paper.
#include <random>

#include "proxy/base32.h"
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
  edits->put(' ');
  edits->put_hex(0xabc, 4);
  EXPECT_EQ(edits->text(), "0 18446744073709551615 0abc");
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

TEST(Base32, OneTextForOneValue) {
  const uint8_t bytes[] = {0x66, 0x6f, 0x6f, 0x62, 0x61, 0x72, 0xff};
  for (const auto& [size, text] : {std::pair<size_t, std::string>{1, "my"}, {2, "mzxq"}, {3, "mzxw6"}, {4, "mzxw6yq"}, {5, "mzxw6ytb"}, {6, "mzxw6ytboi"}}) {
    std::string encoded(proxy::base32_size(size), ' ');
    proxy::base32_encode(bytes, size, encoded.data());
    EXPECT_EQ(encoded, text) << "RFC 4648 section 10";
    uint8_t decoded[8];
    ASSERT_TRUE(proxy::base32_decode(text, decoded, size));
    EXPECT_TRUE(std::equal(decoded, decoded + size, bytes));
    EXPECT_FALSE(proxy::base32_decode(text.substr(1), decoded, size));
  }
  uint8_t decoded[8];
  EXPECT_FALSE(proxy::base32_decode("mz", decoded, 1)) << "bits that count for nothing must be 0";
  EXPECT_FALSE(proxy::base32_decode("MY", decoded, 1));
  EXPECT_FALSE(proxy::base32_decode("m1", decoded, 1));
  char text[13];
  uint64_t value = 0;
  for (const uint64_t number : {uint64_t{0}, uint64_t{31}, uint64_t{0x123456789abcdef0}, ~uint64_t{0}}) {
    proxy::base32_number(number, 13, text);
    ASSERT_TRUE(proxy::base32_number({text, 13}, value));
    EXPECT_EQ(value, number);
  }
  EXPECT_FALSE(proxy::base32_number("7777777777777", value)) << "65 bits";
}

}  // namespace
}  // namespace viaduct::test
