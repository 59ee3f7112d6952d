// Rows as they were sent, and the names that they may have.
#include "sip/raw_rows.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "sip/header_names.h"
#include "sip/sample.h"
#include "support/guarded_buffer.h"

namespace viaduct::sip {
namespace {

// "name=value" of each row.
std::string raw_rows_of(std::string_view section) {
  const test::GuardedBuffer buffer(section);
  const std::string_view bytes = buffer.bytes();
  const auto text = [&](Slice slice) { return bytes.substr(slice.begin, slice.size()); };
  std::string found;
  uint16_t last = 0;
  for (RawRowWalk walk(bytes, 0, static_cast<uint16_t>(bytes.size())); walk.next();) {
    const RawRow& row = walk.row();
    EXPECT_GE(row.begin, last);
    EXPECT_EQ(row.name.begin, row.begin);
    EXPECT_LT(row.begin, row.next);
    EXPECT_LE(row.value.end, row.next);
    EXPECT_TRUE(row.next == bytes.size() || bytes[row.next - 1u] == '\n');
    last = row.next;
    found += std::string(text(row.name)) + '=' + std::string(text(row.value)) + '|';
  }
  return found;
}

TEST(RawRows, AreWalkedWithTheirFolds) {
  EXPECT_EQ(raw_rows_of("A: 1\r\nB:2\r\nC\t : 3 \r\n"), "A=1|B=2|C=3|");
  EXPECT_EQ(raw_rows_of("A: 1\r\n 2\r\n\t3\r\nB: 4\r\n"), "A=1\r\n 2\r\n\t3|B=4|");
  EXPECT_EQ(raw_rows_of("A:\r\n 1\r\nB:\r\n"), "A=1|B=|");
  EXPECT_EQ(raw_rows_of("A: b:c\r\n"), "A=b:c|");
}

TEST(RawRows, AreFoundInWhatIsNotWellFormed) {
  EXPECT_EQ(raw_rows_of(""), "");
  EXPECT_EQ(raw_rows_of("A: 1"), "A=1|");
  EXPECT_EQ(raw_rows_of("A: 1\nB: 2\n"), "A=1|B=2|");
  EXPECT_EQ(raw_rows_of("A\r\nB: 2\r\nC"), "B=2|") << "a row without colon is none";
  EXPECT_EQ(raw_rows_of(":1\r\n"), "=1|");
}

TEST(HeaderNames, AreKnownInEitherForm) {
  std::set<std::string_view> names;
  std::set<char> letters;
  std::set<Header> kept;
  for (const HeaderName& known : header_names) {
    EXPECT_EQ(lowered(known.name), known.name);
    EXPECT_TRUE(names.insert(known.name).second) << known.name;
    EXPECT_EQ(compact_form_of(known.name), known.compact);
    if (known.compact != 0) {
      EXPECT_TRUE(letters.insert(known.compact).second) << known.name;
    }
    if (known.header != Header::other) {
      EXPECT_TRUE(kept.insert(known.header).second) << known.name;
    }
  }
  EXPECT_EQ(kept.size(), header_count - 1) << "all that the parser keeps";
  EXPECT_EQ(compact_form_of("x-mine"), 0);
}

TEST(HeaderNames, AreComparedWithoutCase) {
  EXPECT_TRUE(is_named("Subject", "subject", 's'));
  EXPECT_TRUE(is_named("S", "subject", 's'));
  EXPECT_FALSE(is_named("Su", "subject", 's'));
  EXPECT_FALSE(is_named("p", "p-asserted-identity", 0));
  EXPECT_FALSE(is_named("", "subject", 's'));
}

}  // namespace
}  // namespace viaduct::sip
