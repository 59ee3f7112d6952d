// What a pool says of its table, of slow starts and of dialogs whose backend is dead.
#include <gtest/gtest.h>

#include "config/sample.h"

namespace viaduct::config {
namespace {

using namespace std::chrono_literals;

Loaded pool_with(std::string_view lines) {
  std::string text(example);
  text.insert(text.find("key "), std::string(lines) + '\n');
  return load_text(text, "f");
}

TEST(PoolKeys, AreReadAndHaveDefaults) {
  const Loaded plain = pool_with("");
  ASSERT_TRUE(plain.config);
  EXPECT_EQ(plain.config->pools[0].table, TableKind::rendezvous);
  EXPECT_EQ(plain.config->pools[0].failover, Failover::strict);
  EXPECT_EQ(plain.config->pools[0].slow_start, 0ms);
  const Loaded all = pool_with("table = \"maglev\"\nfailover = \"pool\"\nslow_start = \"30s\"");
  ASSERT_TRUE(all.config);
  EXPECT_EQ(all.config->pools[0].table, TableKind::maglev);
  EXPECT_EQ(all.config->pools[0].failover, Failover::pool);
  EXPECT_EQ(all.config->pools[0].slow_start, 30s);
  const Loaded off = pool_with("slow_start = \"off\"");
  ASSERT_TRUE(off.config);
  EXPECT_EQ(off.config->pools[0].slow_start, 0ms);
}

TEST(PoolKeys, OfAnotherKindAreRefusedWithWhatWouldBeAccepted) {
  for (const auto& [line, accepted] : {std::pair{"table = \"ring\"", "\"maglev\""},
                                       {"failover = true", "\"strict\""},
                                       {"failover = \"cluster\"", "\"pool\""},
                                       {"slow_start = \"10ms\"", "1s"},
                                       {"slow_start = \"2h\"", "1h"},
                                       {"slow_start = 30", "\"2s\""}}) {
    const Loaded loaded = pool_with(line);
    ASSERT_EQ(loaded.errors.size(), 1u) << line;
    EXPECT_NE(loaded.errors[0].sentence.find(accepted), std::string::npos) << loaded.errors[0].sentence;
    EXPECT_GT(loaded.errors[0].line, 0u);
  }
}

}  // namespace
}  // namespace viaduct::config
