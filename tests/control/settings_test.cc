// The table of settings against the configuration: defaults, examples, and what it takes to change them.
#include "config/settings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "control/counterparts.h"
#include "control/diff.h"

namespace viaduct::control {
namespace {

struct Block {
  std::string heading;
  std::vector<std::pair<std::string, std::string>> keys;
};

// Of every section the last block is the one that is tried; what refers to others leaves it alone.
std::vector<Block> blocks() {
  return {
      {"", {}},
      {"[runtime]", {}},
      {"[control]", {}},
      {"[resolver]", {}},
      {"[sip]", {}},
      {"[overload]", {}},
      {"[[port]]", {{"name", "\"edge\""}, {"device", "\"pci:0000:3b:00.0\""}}},
      {"[[listener]]", {{"name", "\"public\""}, {"address", "\"192.0.2.10\""}, {"pool", "\"proxies\""}}},
      {"[[listener]]", {{"name", "\"second\""}, {"address", "\"192.0.2.11\""}, {"pool", "\"proxies\""}}},
      {"[[listener.route]]", {{"method", "\"MESSAGE\""}, {"domain", "\"b.example\""}, {"pool", "\"others\""}}},
      {"[[pool]]", {{"name", "\"proxies\""}}},
      {"[[pool.backend]]", {{"name", "\"p1\""}, {"address", "\"10.0.1.1\""}}},
      {"[[pool]]", {{"name", "\"others\""}}},
      {"[[pool.backend]]", {{"name", "\"p1\""}, {"address", "\"10.0.1.2\""}}},
      {"[[pool]]", {{"name", "\"spare\""}, {"dispatcher", "\"/etc/kamailio/dispatcher.list\""}}},
      {"[pool.health]", {}},
      {"[[pool.backend]]", {{"name", "\"p1\""}, {"address", "\"10.0.1.3\""}}},
      {"[[list]]", {{"name", "\"friends\""}, {"prefixes", "\"198.51.100.0/24\""}}},
      {"[access]", {}},
      {"[[limit]]", {{"name", "\"calls\""}, {"by", "\"source\""}, {"rate", "\"10/s\""}}},
      {"[[rule]]", {{"name", "\"seen\""}, {"action", "\"log\""}}},
      {"[hep]", {}},
      {"[[peer]]", {{"name", "\"carrier\""}, {"prefixes", "\"203.0.113.0/24\""}}},
  };
}

std::string text_of(const std::vector<Block>& all) {
  std::string text;
  for (const Block& block : all) {
    text += block.heading + '\n';
    for (const auto& [key, value] : block.keys) text += key + " = " + value + '\n';
  }
  return text;
}

config::Loaded loaded_with(std::string_view heading, std::string_view key, std::string_view value) {
  std::vector<Block> all = blocks();
  const auto block = std::find_if(all.rbegin(), all.rend(), [&](const Block& each) { return each.heading == heading; });
  if (block != all.rend() && !key.empty()) {
    std::erase_if(block->keys, [&](const auto& pair) { return pair.first == key; });
    block->keys.emplace_back(key, value);
  }
  return config::load_edited(
      "test.toml",
      {{"test.toml", text_of(all)},
       {"pools.toml", "[[pool]]\nname = \"more\"\n[[pool.backend]]\nname = \"m1\"\naddress = \"10.0.2.1\"\n"},
       {"/etc/kamailio/dispatcher.list", "1 sip:10.0.1.51 0 1\n1 sip:10.0.1.52 0 2\n2 sip:10.0.1.53\n"},
       {"/etc/viaduct/partners.list", "192.0.2.128/25\n"}});
}

std::string complaints(const config::Loaded& loaded) {
  std::string text;
  for (const config::Diagnostic& error : loaded.errors) text += to_string(error) + '\n';
  return text;
}

std::string shown(const config::Config& config) {
  std::string text;
  for (const Setting& setting : settings(config))
    text += setting.section + ' ' + setting.name + " = " + setting.value + '\n';
  return text;
}

TEST(Settings, without_a_key_its_default_is_in_force) {
  const config::Loaded base = loaded_with("", "", "");
  ASSERT_TRUE(base.config) << complaints(base);
  size_t tried = 0;
  for (const config::SectionText& section : config::setting_sections()) {
    for (const config::SettingText& setting : section.settings) {
      if (setting.standard.empty() || setting.standard == "required") continue;
      SCOPED_TRACE(std::string(section.heading) + ' ' + std::string(setting.key));
      const config::Loaded said = loaded_with(section.heading, setting.key, setting.standard);
      ASSERT_TRUE(said.config) << complaints(said);
      EXPECT_EQ(shown(*said.config), shown(*base.config));
      ++tried;
    }
  }
  EXPECT_GT(tried, 60u);
}

TEST(Settings, examples_are_taken_and_change_what_the_table_says_they_change) {
  const config::Loaded base = loaded_with("", "", "");
  ASSERT_TRUE(base.config) << complaints(base);
  for (const config::SectionText& section : config::setting_sections()) {
    for (const config::SettingText& setting : section.settings) {
      if (setting.example.empty()) continue;
      SCOPED_TRACE(std::string(section.heading) + ' ' + std::string(setting.key));
      const config::Loaded said = loaded_with(section.heading, setting.key, setting.example);
      ASSERT_TRUE(said.config) << complaints(said);
      if (setting.key == "dispatcher") continue;  // is named already
      const bool fixed = !fixed_differences(*base.config, *said.config).empty();
      EXPECT_EQ(fixed, setting.change == config::Change::restart);
      EXPECT_TRUE(fixed || !differences(*base.config, *said.config).empty()) << "the example is the default";
      const bool counted = section.heading == "[[list]]" && setting.key == "prefixes";  // as many as before
      EXPECT_EQ(shown(*said.config) == shown(*base.config), counted);
    }
  }
}

// The value of a row that `settings` has for a key of the section that is tried.
std::optional<std::string> shown_value(const config::Config& config, std::string_view heading, std::string_view key) {
  static const std::map<std::string_view, std::string> sections{{"[[port]]", "port edge"},
                                                                {"[[listener]]", "listener second"},
                                                                {"[[pool]]", "pool spare"},
                                                                {"[pool.health]", "pool spare"},
                                                                {"[[pool.backend]]", "backend spare/p1"},
                                                                {"[[list]]", "list friends"},
                                                                {"[[limit]]", "limit calls"},
                                                                {"[[rule]]", "rule seen"},
                                                                {"[[peer]]", "peer carrier"}};
  const auto named = sections.find(heading);
  const std::string section = named == sections.end() ? std::string(heading) : named->second;
  const std::string name = (heading == "[pool.health]" ? "health." : "") + std::string(key);
  for (const Setting& setting : settings(config)) {
    if (setting.section == section && setting.name == name) return setting.value;
  }
  return std::nullopt;
}

TEST(Settings, what_is_in_force_is_shown_as_the_file_says_it) {
  const std::set<std::string> without_a_row{
      "[[listener.route]] pool",                                              // a part of the listener's routes
      "[[pool]] dispatcher",     "[[pool]] set",      "[[pool]] priorities",  // what is shown is the backends
      "[[list]] file",                                                        // and how many prefixes there are
      "[[rule]] size_min",       "[[rule]] size_max",                         // one row for both
  };
  size_t tried = 0;
  for (const config::SectionText& section : config::setting_sections()) {
    for (const config::SettingText& setting : section.settings) {
      const std::string where = std::string(section.heading) + ' ' + std::string(setting.key);
      const bool structured = setting.example.starts_with('[') || setting.example.starts_with('{');
      if (setting.example.empty() || structured || setting.key == "name") continue;
      SCOPED_TRACE(where);
      const config::Loaded said = loaded_with(section.heading, setting.key, setting.example);
      ASSERT_TRUE(said.config) << complaints(said);
      const auto value = shown_value(*said.config, section.heading, setting.key);
      EXPECT_EQ(value.has_value(), !without_a_row.contains(where));
      if (!value) continue;
      std::string written(setting.example);
      std::erase(written, '"');
      if (setting.key == "password") written = "(set)";
      if (value->starts_with('[')) written = '[' + written + ']';  // one of what may be several
      EXPECT_EQ(*value, written);
      ++tried;
    }
  }
  EXPECT_GT(tried, 60u);
}

TEST(Settings, a_difference_says_limits_as_the_file_does) {
  const config::Loaded base = loaded_with("", "", "");
  const auto detail_with = [&](std::string_view key, std::string_view value) {
    const config::Loaded said = loaded_with("[[limit]]", key, value);
    const auto found = base.config && said.config ? differences(*base.config, *said.config) : std::vector<Difference>{};
    return found.empty() ? std::string() : found.front().detail;
  };
  EXPECT_EQ(detail_with("rate", "\"600/h\""), "rate: 10/s -> 600/h; burst: 10 -> 600");
  EXPECT_EQ(detail_with("by", "\"prefix/24\""), "by: source -> prefix/24; prefix_v6: 128 -> 64");
}

template <class T>
void there_and_back() {
  for (const auto& [word, value] : config::choices<T>) {
    EXPECT_EQ(counterpart(counterpart(value)), value) << word;
    EXPECT_EQ(config::text_of(value), word);
    EXPECT_EQ(config::choice_named<T>(word), value);
  }
}

TEST(Settings, each_value_has_one_counterpart_and_one_word) {
  there_and_back<config::BackendState>();
  there_and_back<config::PoolKey>();
  EXPECT_EQ(config::choice_named<config::BackendState>("Up"), std::nullopt);
}

}  // namespace
}  // namespace viaduct::control
