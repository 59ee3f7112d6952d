// The table of settings against the configuration: defaults, examples, and what it takes to change them.
#include "config/settings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

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
    }
  }
}

}  // namespace
}  // namespace viaduct::control
