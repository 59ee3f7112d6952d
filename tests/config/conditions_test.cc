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

TEST(Conditions, that_contradict_each_other_are_refused) {
  const std::string sizes = rule("size_min = 5\nsize_max = 4"),
                    headers = rule("present = [\"s\"]\nabsent = \"Subject\"");
  const std::string list = "[[list]]\nname = \"192.0.2.1\"\nprefixes = []\n";
  const std::string collector = "[hep]\ncollector = \"239.1.1.1:9060\"\n", nobody = "[hep]\ncollector = \"[::]\"\n";
  expect_errors({{sizes, "f:16:12: ", "size_min is 5, above the size_max of 4"},
                 {headers, "f:17:10: ", "\"subject\" is in present and in absent"},
                 {list, "f:14:8: ", "name is \"192.0.2.1\"; a name that is no address"},
                 {collector, "f:14:13: ", "collector is \"239.1.1.1:9060\"; the address of one host"},
                 {nobody, "f:14:13: ", "the address of one host"}});
}

TEST(Conditions, compact_names_are_the_headers_that_they_stand_for) {
  const std::string text = rule("match = { f = 'a', I = 'b' }\npresent = 'k'", "drop");
  const Loaded loaded = load_text(std::string(smallest) + text, "f");
  ASSERT_TRUE(loaded.config) << all_of(loaded.errors);
  const Rule& read = loaded.config->rules.rules[0];
  EXPECT_EQ(read.patterns[0].field, "from");
  EXPECT_EQ(read.patterns[1].field, "call-id");
  EXPECT_EQ(read.present, (std::vector<std::string>{"supported"}));
  EXPECT_TRUE(load_text(std::string(smallest) + rule("match = { f = 'a', i = 'b' }", "pool proxies"), "f").config);
}

TEST(Conditions, a_reply_says_what_it_needs) {
  for (const char* action : {"reply", "reply 403", "reply 200 OK", "reply x y", "reply 700 No"}) {
    const std::string text = rule("", action);
    expect_errors({{text, "f:15:10: ", "\"reply CODE REASON\" with a CODE from 300 to 699 and a REASON of 1 to 64"}});
  }
}

TEST(Conditions, a_pattern_has_no_octet_0_in_it) {
  const std::string text = rule("match = { from = [\"a\", \"b\\u0000c\"] }");
  expect_errors({{text, "f:16:24: ", "from in match is \"b\\x00c\", with an octet 0"}});
  EXPECT_TRUE(load_text(std::string(smallest) + rule("match = { from = 'b\\x00c' }"), "f").config);
}

}  // namespace
}  // namespace viaduct::config
