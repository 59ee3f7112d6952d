// The scan over many fields, against each pattern over each field alone.
#include "policy/matcher.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <set>

#include "policy/pattern.h"
#include "support/effort.h"

namespace viaduct::policy {
namespace {

using Hits = std::set<std::pair<size_t, uint32_t>>;  // segment, pattern

struct Planned {
  std::string buffer = "\n";
  std::vector<Segment> segments;
  void add(Field field, std::string_view text) {
    const auto begin = static_cast<uint32_t>(buffer.size());
    buffer += text;
    segments.push_back({begin, static_cast<uint32_t>(buffer.size()), field, static_cast<uint16_t>(segments.size())});
    buffer += '\n';
  }
};

std::unique_ptr<const Matcher> matcher_of(std::vector<FieldPattern> patterns) {
  auto result = Matcher::compile(std::move(patterns));
  if (const auto* problems = std::get_if<std::vector<PatternProblem>>(&result)) {
    ADD_FAILURE() << problems->front().sentence;
    return nullptr;
  }
  return std::move(std::get<std::unique_ptr<const Matcher>>(result));
}

Hits scan(const Matcher& matcher, const Planned& fields, Matcher::Scratch& scratch) {
  Hits hits;
  const auto sink = [](void* context, const Segment& segment, uint32_t pattern) {
    static_cast<Hits*>(context)->insert({segment.message, pattern});
  };
  matcher.scan(fields.buffer, fields.segments, scratch, sink, &hits);
  return hits;
}

TEST(Matcher, AMatchCountsInItsOwnFieldOnly) {
  const auto matcher = matcher_of({{0, "scanner"}, {1, "scanner"}, {0, "^sip"}, {0, "x$"}, {1, "[^a]+b"}, {0, "^$"}});
  Planned fields;
  fields.add(0, "friendly-scanner");
  fields.add(1, "alice");
  fields.add(1, "ab scanner scanner");
  fields.add(0, "sip:x");
  fields.add(0, "asip:xa");
  fields.add(0, "");
  const auto scratch = matcher->make_scratch();
  const Hits expected{{0, 0}, {2, 1}, {3, 2}, {3, 3}, {5, 5}};
  EXPECT_EQ(scan(*matcher, fields, *scratch), expected);
  EXPECT_EQ(scan(*matcher, fields, *scratch), expected) << "a second scan is like the first";
}

TEST(Matcher, EveryWrongPatternIsNamed) {
  const auto result = Matcher::compile({{0, "good"}, {0, "bad("}, {0, "[also"}, {0, "^anchored("}});
  const auto* problems = std::get_if<std::vector<PatternProblem>>(&result);
  ASSERT_NE(problems, nullptr);
  ASSERT_EQ(problems->size(), 3u);
  EXPECT_EQ((*problems)[0].pattern, 1u);
  EXPECT_EQ((*problems)[1].pattern, 2u);
  EXPECT_EQ((*problems)[2].pattern, 3u);
  for (const PatternProblem& problem : *problems) EXPECT_FALSE(problem.sentence.empty());
}

TEST(Matcher, APatternThatMatchesNothingAtAllSpoilsNoOther) {
  const auto matcher = matcher_of({{0, "a*"}, {0, "b"}, {0, "(?:)"}});
  Planned fields;
  fields.add(0, "b");
  fields.add(0, "");
  const auto scratch = matcher->make_scratch();
  EXPECT_EQ(scan(*matcher, fields, *scratch), (Hits{{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 2}}));
}

// Patterns of the language that both matchers have.
std::string random_pattern(std::mt19937& random, int depth) {
  const auto any = [&](std::initializer_list<const char*> texts) {
    return std::string(texts.begin()[random() % texts.size()]);
  };
  std::string text;
  const unsigned pieces = 1 + random() % 3;
  for (unsigned i = 0; i < pieces; ++i) {
    std::string piece;
    if (depth > 0 && random() % 4 == 0) {
      piece = "(?:" + random_pattern(random, depth - 1) + "|" + random_pattern(random, depth - 1) + ")";
    } else {
      piece = any({"a", "b", "ab", "ba", ".", "[ab]", "[^a]", "\\d", "\\w", "\\s", "\\W", "1", ":", "[a-c1]", "A"});
    }
    if (random() % 4 == 0 && (piece.size() == 1 || piece[0] == '[' || piece[0] == '(' || piece.size() == 2)) {
      if (piece.size() != 2 || piece[0] == '\\') piece += any({"*", "+", "?", "{2}", "{1,3}", "{2,}"});
    }
    text += piece;
  }
  if (depth == 2) {
    text = any({"^", "\\b", "", "", "", "", ""}) + text;
    if (random() % 5 == 0) text += "$";
    if (random() % 4 == 0) text = "(?i)" + text;
  }
  return text;
}

std::string random_text(std::mt19937& random) {
  static constexpr std::string_view letters = "aabbABc1: \n";
  std::string text;
  for (unsigned i = random() % 12; i > 0; --i) text += letters[random() % letters.size()];
  return text;
}

TEST(Matcher, AgreesWithThePlainOneOnRandomPatternsAndFields) {
  std::mt19937 random(99);
  for (int round = 0; round < test::rounds(25); ++round) {
    std::vector<FieldPattern> patterns;
    std::vector<Pattern> plain;
    for (int i = 0; i < 12; ++i) {
      patterns.push_back({static_cast<Field>(random() % 3), random_pattern(random, 2)});
      auto pattern = Pattern::compile(patterns.back().text);
      ASSERT_TRUE(pattern) << patterns.back().text << ": " << pattern.error();
      plain.push_back(std::move(*pattern));
    }
    const auto matcher = matcher_of(patterns);
    ASSERT_NE(matcher, nullptr) << "round " << round;
    const auto scratch = matcher->make_scratch();
    for (int pass = 0; pass < 5; ++pass) {
      Planned fields;
      for (int i = 0; i < 12; ++i) fields.add(static_cast<Field>(random() % 3), random_text(random));
      Hits expected;
      for (size_t s = 0; s < fields.segments.size(); ++s) {
        const Segment& segment = fields.segments[s];
        const auto text = std::string_view(fields.buffer).substr(segment.begin, segment.end - segment.begin);
        for (size_t p = 0; p < plain.size(); ++p) {
          if (patterns[p].field == segment.field && plain[p].search(text)) {
            expected.insert({s, static_cast<uint32_t>(p)});
          }
        }
      }
      const Hits hits = scan(*matcher, fields, *scratch);
      if (hits == expected) continue;
      std::string tale;
      for (const auto& [s, p] : expected) {
        if (!hits.contains({s, p})) tale += "missed " + patterns[p].text + " in segment " + std::to_string(s) + '\n';
      }
      for (const auto& [s, p] : hits) {
        if (expected.count({s, p}) != hits.count({s, p})) {
          tale += "too much " + patterns[p].text + " in segment " + std::to_string(s) + '\n';
        }
      }
      FAIL() << "round " << round << '\n' << tale << fields.buffer;
    }
  }
}

// SEC-10: each octet ends a match that must be looked at again, which is done once.
TEST(Matcher, AFieldFullOfMatchesIsLookedAtOnce) {
  const auto matcher = matcher_of({{0, "^[^x]*[0-9]$"}});
  Planned fields;
  fields.add(0, std::string(60'000, '7') + "a");
  const auto scratch = matcher->make_scratch();
  if (matcher_name() == "plain") GTEST_SKIP() << "the plain matcher is slow, and knows it";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(scan(*matcher, fields, *scratch).empty());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

}  // namespace
}  // namespace viaduct::policy
