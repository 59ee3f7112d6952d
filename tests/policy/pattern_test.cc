// The plain matcher, against a table written by hand.
#include "policy/pattern.h"

#include <gtest/gtest.h>

#include "policy/loosened.h"

namespace viaduct::policy {
namespace {

struct Case {
  std::string_view pattern;
  std::string_view text;
  bool matches;
};

const Case cases[] = {
    {"abc", "xxabcxx", true},
    {"abc", "ab", false},
    {"", "anything", true},
    {"^abc", "abcd", true},
    {"^abc", "xabc", false},
    {"abc$", "xabc", true},
    {"abc$", "abc\n", true},
    {"abc$", "abc ", false},
    {"^$", "", true},
    {"a.c", "a\nc", false},
    {"a.c",
     "a\xff"
     "c",
     true},
    {"a|bc|d", "xbcx", true},
    {"a|bc|d", "xbx", false},
    {"^(a|b)*c$", "abbac", true},
    {"^(a|b)*c$", "abxc", false},
    {"(?:ab){2,3}$", "ababab", true},
    {"^(?:ab){2,3}$", "abababab", false},
    {"^a{3}$", "aaa", true},
    {"^a{2,}$", "a", false},
    {"a{x", "a{x", true},
    {"^[a-c]+$", "abcabc", true},
    {"^[a-c]+$", "abd", false},
    {"[^a-c]", "abc", false},
    {"[^a-c]", "abcd", true},
    {"[]x]", "]", true},
    {"[a\\]]", "]", true},
    {"[a-]", "-", true},
    {"\\d{4}", "x1234", true},
    {"\\D", "1234", false},
    {"\\w+@\\w+", "a_1@b", true},
    {"\\s", "a b", true},
    {"\\S", " \t", false},
    {"a\\.b", "axb", false},
    {"\\x41", "A", true},
    {"\\bsip\\b", "a sip:", true},
    {"\\bsip\\b", "asip", false},
    {"\\Bip", "sip", true},
    {"(?i)friendly-scanner", "Friendly-Scanner 2", true},
    {"friendly", "Friendly", false},
    {"(?i)[a-c]x", "BX", true},
    {"(?i)[^a]", "A", false},
    {"a+?b", "aab", true},
    {"colou?r", "color", true},
};

TEST(Pattern, FindsWhatItSays) {
  for (const Case& test : cases) {
    const auto pattern = Pattern::compile(test.pattern);
    ASSERT_TRUE(pattern) << test.pattern << ": " << pattern.error();
    EXPECT_EQ(pattern->search(test.text), test.matches) << test.pattern << " in " << test.text;
  }
}

TEST(Pattern, SaysWhatIsWrongAndWhere) {
  const std::pair<std::string_view, std::string_view> wrong[] = {{"a(b", "'(' without ')' at index 3"},
                                                                 {"a)b", "')' without '(' at index 1"},
                                                                 {"*a", "nothing to repeat at index 0"},
                                                                 {"a**", "a quantifier follows a quantifier"},
                                                                 {"[a", "'[' without ']'"},
                                                                 {"(?=a)", "only (?:...) groups"},
                                                                 {"\\1", "\\1 is not known"},
                                                                 {"a\\", "backslash stands at the end"},
                                                                 {"[z-a]", "runs backwards"},
                                                                 {"a{3,2}", "bounds are wrong"},
                                                                 {"((a{1000}){1000}){1000}", "too large"}};
  for (const auto& [text, sentence] : wrong) {
    const auto pattern = Pattern::compile(text);
    ASSERT_FALSE(pattern) << text;
    EXPECT_NE(pattern.error().find(sentence), std::string::npos) << text << ": " << pattern.error();
  }
}

// SEC-10: a backtracking matcher would need the age of the universe for this.
TEST(Pattern, HostileTextCostsWhatAnyTextCosts) {
  const auto pattern = Pattern::compile("(a*)*(a*)*(a*)*b");
  ASSERT_TRUE(pattern);
  EXPECT_FALSE(pattern->search(std::string(2000, 'a')));
}

TEST(Loosened, AnchorsGoAndNothingElse) {
  EXPECT_EQ(without_anchors("^a$"), "(?:)a(?:)");
  EXPECT_EQ(without_anchors("[^$]\\^\\$"), "[^$]\\^\\$");
  EXPECT_EQ(without_anchors("\\Aab\\z|\\bx"), "(?:)ab(?:)|\\bx");
  EXPECT_EQ(without_anchors("[]^]x"), "[]^]x");
  EXPECT_EQ(without_anchors("(?x)a # ^b"), std::nullopt);
  EXPECT_EQ(without_anchors("\\Qa^b\\E"), std::nullopt);
  EXPECT_EQ(without_anchors("(*UTF8)a"), std::nullopt);
}

TEST(Loosened, OnlyPatternsWithoutLineFeedsStayInTheirLine) {
  for (const std::string_view inside : {"abc", "a.*b", "[a-z]+\\d", "(?i)friendly|sip", "a\\.b", "\\bx\\w"}) {
    EXPECT_TRUE(stays_in_line(inside)) << inside;
  }
  for (const std::string_view across :
       {"[^a]", "\\s", "a\\nb", "(?s)a.b", "\\x0a", "\\W", "a\nb", "[[:space:]]", "\\D"}) {
    EXPECT_FALSE(stays_in_line(across)) << across;
  }
}

}  // namespace
}  // namespace viaduct::policy
