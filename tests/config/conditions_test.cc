// Conditions that cannot be meant: each is an error at its place, alone.
#include <gtest/gtest.h>

#include <initializer_list>

#include "config/sample.h"

namespace viaduct::config {
namespace {

struct Addition {
  std::string_view text;  // behind the smallest file, whose last line is the twelfth
  std::string_view place;
  std::string_view sentence;
};

void expect_errors(std::initializer_list<Addition> additions) {
  for (const Addition& addition : additions) {
    SCOPED_TRACE(addition.text);
    const Loaded loaded = load_text(std::string(smallest) + std::string(addition.text), "f");
    ASSERT_EQ(loaded.errors.size(), 1u) << all_of(loaded.errors);
    const std::string error = to_string(loaded.errors[0]);
    EXPECT_EQ(error.substr(0, addition.place.size()), addition.place) << error;
    EXPECT_NE(error.find(addition.sentence), std::string::npos) << error;
  }
}

std::string rule(std::string_view condition, std::string_view action = "drop") {
  return "[[rule]]\nname = \"r\"\naction = \"" + std::string(action) + "\"\n" + std::string(condition) + '\n';
}

TEST(Conditions, that_are_empty_do_not_mean_everybody) {
  for (const std::string key : {"listener", "source", "method", "present", "absent", "deviation"}) {
    const std::string text = rule(key + " = []");
    const std::string place = "f:16:" + std::to_string(key.size() + 4) + ": ", sentence = key + " is an empty array; ";
    expect_errors({{text, place, sentence}});
  }
  const std::string none = rule("match = {}"), nothing = rule("match = { user-agent = [] }");
  expect_errors({{none, "f:16:9: ", "match is an empty table; a field with a regular expression"},
                 {nothing, "f:16:24: ", "user-agent in match is an empty array; a regular expression"}});
  const std::string listener = "[[listener]]\nname = \"b\"\naddress = \"192.0.2.11\"\npool = \"proxies\"\nroute = ";
  const std::string method = listener + "[{ method = [], domain = \"a.example\", pool = \"proxies\" }]\n";
  const std::string domain = listener + "[{ method = \"INFO\", domain = [], pool = \"proxies\" }]\n";
  expect_errors({{method, "f:17:21: ", "method is an empty array; one element at least"},
                 {domain, "f:17:38: ", "domain is an empty array; one element at least"}});
  EXPECT_TRUE(load_text(std::string(smallest) + "[access]\nallow = []\ndeny = []\n", "f").config) << "that is nobody";
}

TEST(Conditions, a_pattern_has_no_octet_0_in_it) {
  const std::string text = rule("match = { from = [\"a\", \"b\\u0000c\"] }");
  expect_errors({{text, "f:16:24: ", "from in match is \"b\\x00c\", with an octet 0"}});
  EXPECT_TRUE(load_text(std::string(smallest) + rule("match = { from = 'b\\x00c' }"), "f").config);
}

}  // namespace
}  // namespace viaduct::config
