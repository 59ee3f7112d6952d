// The table of settings against the readers: what one of them does not know.
#include "config/settings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sample.h"

namespace viaduct::config {
namespace {

// A section of a file that is right but for one key that nobody knows.
struct Case {
  std::string heading, text;
  std::set<std::string> present;  // keys that this text has in that section
  std::set<std::string> tables;   // what stands there and is a section of its own
};

constexpr std::string_view stranger = "qqqqqqqqqqqqqqqq";

std::vector<Case> cases() {
  const std::string base(smallest), unknown = std::string(stranger) + " = 1\n";
  const auto behind = [&](const std::string& heading, const std::string& keys) {
    return base + heading + '\n' + keys + unknown;
  };
  const auto within = [&](std::string_view what) { return replaced(base, what, std::string(what) + unknown); };
  return {
      {"",
       unknown + base,
       {"port", "listener", "pool"},
       {"runtime", "control", "resolver", "sip", "overload", "port", "listener", "pool", "list", "access", "rule",
        "limit", "hep", "peer"}},
      {"[runtime]", behind("[runtime]", ""), {}, {}},
      {"[control]", behind("[control]", ""), {}, {}},
      {"[resolver]", behind("[resolver]", ""), {}, {}},
      {"[sip]", behind("[sip]", ""), {}, {}},
      {"[overload]", behind("[overload]", ""), {}, {}},
      {"[[port]]", within("device = \"af_packet:eth0\"\n"), {"name", "device"}, {}},
      {"[[listener]]", within("address = \"192.0.2.10\"\n"), {"name", "address", "pool"}, {"route"}},
      {"[[listener.route]]",
       replaced(base, "pool = \"proxies\"\n",
                "pool = \"proxies\"\n[[listener.route]]\nmethod = \"REGISTER\"\npool = \"proxies\"\n" + unknown),
       {"method", "pool"},
       {}},
      {"[[pool]]", within("name = \"proxies\"\n"), {"name", "backend"}, {"health", "backend"}},
      {"[pool.health]",
       replaced(base, "[[pool.backend]]\n", "[pool.health]\n" + unknown + "[[pool.backend]]\n"),
       {},
       {}},
      {"[[pool.backend]]", within("address = \"10.0.1.1\"\n"), {"name", "address"}, {}},
      {"[[list]]", behind("[[list]]", "name = \"a\"\nprefixes = \"192.0.2.0/24\"\n"), {"name", "prefixes"}, {}},
      {"[access]", behind("[access]", ""), {}, {}},
      {"[[rule]]", behind("[[rule]]", "name = \"a\"\naction = \"drop\"\n"), {"name", "action"}, {}},
      {"[[limit]]", behind("[[limit]]", "name = \"a\"\nby = \"source\"\nrate = \"1/s\"\n"), {"name", "by", "rate"}, {}},
      {"[hep]", behind("[hep]", ""), {}, {}},
      {"[[peer]]", behind("[[peer]]", "name = \"a\"\nprefixes = \"192.0.2.0/24\"\n"), {"name", "prefixes"}, {}},
  };
}

// From `unknown key "q" in [sip]; known are a, b`.
std::set<std::string> known_in(const std::string& sentence) {
  std::set<std::string> keys;
  constexpr std::string_view before = "known are ";
  const size_t at = sentence.find(before);
  if (at == std::string::npos) return keys;
  std::string key;
  for (const char c : sentence.substr(at + before.size()) + ',') {
    if (c == ',') {
      keys.insert(std::exchange(key, {}));
    } else if (c != ' ') {
      key += c;
    }
  }
  return keys;
}

TEST(Settings, every_key_that_is_taken_is_described_and_no_other) {
  const auto all = cases();
  ASSERT_EQ(all.size(), setting_sections().size());
  for (const Case& each : all) {
    SCOPED_TRACE(each.heading);
    const Loaded loaded = load_text(each.text, "test.toml");
    std::set<std::string> taken = each.present;
    for (const Diagnostic& error : loaded.errors) {
      if (error.sentence.find(stranger) != std::string::npos) taken.merge(known_in(error.sentence));
    }
    EXPECT_EQ(loaded.errors.size(), 1u) << all_of(loaded.errors);
    const auto section = std::find_if(setting_sections().begin(), setting_sections().end(),
                                      [&](const SectionText& text) { return text.heading == each.heading; });
    ASSERT_NE(section, setting_sections().end());
    std::set<std::string> described = each.tables;
    for (const SettingText& setting : section->settings) {
      EXPECT_TRUE(described.insert(std::string(setting.key)).second) << setting.key << " is there twice";
    }
    EXPECT_EQ(described, taken);
  }
}

}  // namespace
}  // namespace viaduct::config
