#include "sip/shape_cache.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

#include "sip/alike.h"
#include "sip/sample.h"
#include "support/effort.h"

namespace viaduct::sip {
namespace {

class Shaped : public testing::TestWithParam<ShapeKernel> {
 protected:
  // Whether it was known. It is what the book says.
  bool knows(std::string_view text) {
    const Datagram kind = cache_.parse(text, *message_);
    EXPECT_EQ(kind, parse_with(by_the_book, text, *book_)) << text;
    EXPECT_TRUE(kind != Datagram::sip || difference(*book_, *message_).empty()) << text;
    return cache_.knew();
  }

  ShapeCache cache_{1, &GetParam()};
  std::unique_ptr<Message> message_ = std::make_unique<Message>(), book_ = std::make_unique<Message>();
};

INSTANTIATE_TEST_SUITE_P(All, Shaped, testing::ValuesIn(shape_kernels().begin(), shape_kernels().end()),
                         [](const auto& kernel) { return std::string(kernel.param.name); });

std::string call(std::string_view id) { return Sample().set("Call-ID", " " + std::string(id)).text(); }

TEST_P(Shaped, TheThirdOfAShapeIsKnown) {
  EXPECT_FALSE(knows(call("one@a")));
  EXPECT_FALSE(knows(call("two@a")));
  EXPECT_TRUE(knows(call("six@b")));
  EXPECT_FALSE(knows(call("seven@b")));
}

TEST_P(Shaped, TwoShapesOfOneOutlineAreBothKnown) {
  const auto phone = [](std::string_view agent) { return Sample().add("Require: " + std::string(agent)).text(); };
  for (const char* agent : {"one", "one", "two"}) EXPECT_FALSE(knows(phone(agent)));
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(knows(phone("one")));
    EXPECT_TRUE(knows(phone("two")));
  }
  EXPECT_FALSE(knows(phone("six")));
  EXPECT_TRUE(knows(phone("six"))) << "its outline had just been unknown";
  EXPECT_FALSE(knows(phone("one"))) << "which was used longer ago than the other";
}

TEST_P(Shaped, AWorkerMakesFewShapes) {
  ShapeCache cache{50, &GetParam()};
  int parses = 0;
  while (cache.parse(call("one"), *message_), !cache.knew()) ++parses;
  EXPECT_EQ(parses, 50);
}

TEST_P(Shaped, WhereLittleIsKnownItIsSeldomAsked) {
  unsigned strangers = 100'000;
  const auto knows_of = [&](unsigned parses, std::string_view shape) {
    const auto stranger = [&] { return Sample().add("X-" + std::to_string(++strangers) + ": 1").text(); };
    unsigned known = 0;
    for (unsigned i = 0; i < parses; ++i) {
      cache_.parse(shape.empty() ? stranger() : call(shape), *message_);
      known += cache_.knew() ? 1 : 0;
    }
    return known;
  };
  EXPECT_GE(knows_of(ShapeCache::window, "one"), ShapeCache::window - 2) << "all but the first two";
  for (unsigned rest = ShapeCache::rest_least; rest <= ShapeCache::rest_most; rest *= 2) {
    knows_of(ShapeCache::window, "");
    EXPECT_EQ(knows_of(rest, "one"), 0u) << "the window before was of strangers";
  }
  knows_of(ShapeCache::window, "");
  EXPECT_EQ(knows_of(ShapeCache::rest_most, "one"), 0u) << "and no longer than that";
  EXPECT_GE(knows_of(8 * ShapeCache::window, "one"), 8 * ShapeCache::window - 4) << "then it is asked again";
  knows_of(ShapeCache::window, "");
  EXPECT_EQ(knows_of(ShapeCache::rest_least, "one"), 0u) << "windows that paid made rests short again";
  EXPECT_GE(knows_of(ShapeCache::window, "one"), ShapeCache::window - 1);
}

// Of one outline and never of one shape: what is looked at in vain costs half a parse.
TEST_P(Shaped, WhereMoreIsLookedAtInVainThanIsKnownItIsSeldomAsked) {
  const auto known_of = [this](unsigned strangers_of_four) {
    ShapeCache cache{1, &GetParam()};
    unsigned known = 0;
    for (unsigned i = 0; i < 16 * ShapeCache::window; ++i) {
      const std::string extension = i % 4 < strangers_of_four ? std::to_string(100'000 + i) : "abcdef";
      cache.parse(Sample().add("Require: x" + extension).text(), *message_);
      known += cache.knew() ? 1 : 0;
    }
    return known;
  };
  EXPECT_GT(known_of(1), 10 * ShapeCache::window);
  EXPECT_LT(known_of(3), ShapeCache::window);
}

TEST_P(Shaped, StrangersInBurstsLeaveTheOthersTheirShapes) {
  unsigned known = 0;
  for (unsigned i = 0; i < 64 * ShapeCache::window; ++i) {
    const bool stranger = i % (17 * ShapeCache::window) < 2 * ShapeCache::window;
    cache_.parse(call(stranger ? std::string(1 + i % 200, 'x') : "one"), *message_);
    known += cache_.knew() ? 1 : 0;
  }
  EXPECT_GT(known, 48 * ShapeCache::window);
}

TEST_P(Shaped, WhatCanHaveNoShapeTakesNeitherTurnNorPlace) {
  const std::string folded = Sample().add("Subject: a\r\n b").text();
  ShapeCache cache{2, &GetParam()};
  unsigned known = 0;
  for (unsigned i = 0; i < 20; ++i) {
    cache.parse(folded, *message_);
    cache.parse(call("one"), *message_);
    known += cache.knew() ? 1 : 0;
  }
  EXPECT_GE(known, 17u);
}

TEST_P(Shaped, JunkAndShortDatagramsAreParsed) {
  for (const std::string& text : {std::string("\r\n\r\n"), std::string(), std::string(100, 'x'), std::string(100, '\0'),
                                  std::string(70'000, '\n')}) {
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(knows(text));
  }
}

TEST_P(Shaped, WhateverComesIsWhatTheBookSays) {
  std::mt19937 random(3261);
  const std::vector<std::string> texts = sample_texts();
  constexpr std::string_view octets = "0a.-%:;<>=\"', @\r\n";
  int known = 0;
  for (int round = 0; round < test::rounds(30'000) && !HasFailure(); ++round) {
    std::string text = texts[random() % texts.size()];
    for (size_t changes = round % 2 == 0 ? 0 : random() % 4; changes != 0; --changes) {
      text[random() % text.size()] = octets[random() % octets.size()];
    }
    known += knows(text) ? 1 : 0;
  }
  EXPECT_GT(known, 1'000);
}

TEST(ShapeCache, KnowsNothingWhereAParseIsQuicker) {
  const ShapeCache cache;
  ShapeCache other;
  const auto message = std::make_unique<Message>();
  int known = 0;
  for (int i = 0; i < 100; ++i) {
    other.parse(call("one"), *message);
    known += other.knew() ? 1 : 0;
  }
  EXPECT_EQ(known > 0, active_shape_kernel().name != "scalar");
}

}  // namespace
}  // namespace viaduct::sip
