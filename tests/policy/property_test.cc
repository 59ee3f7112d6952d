// Random rules over random messages: first match and counters agree with asking one by one.
#include <gtest/gtest.h>

#include <random>

#include "policy/bed.h"
#include "policy/reference.h"
#include "support/effort.h"

namespace viaduct::policy {
namespace {

class Dice {
 public:
  explicit Dice(unsigned seed) : random_(seed) {}
  bool one_in(unsigned n) { return random_() % n == 0; }
  size_t below(size_t n) { return random_() % n; }
  std::string of(std::initializer_list<const char*> texts) { return texts.begin()[random_() % texts.size()]; }

 private:
  std::mt19937 random_;
};

std::string random_rule(Dice& dice, size_t number) {
  std::string rule = "[[rule]]\nname = \"r" + std::to_string(number) + "\"\n";
  const std::string action = dice.of({"drop", "drop", "reply 403 No", "tag t", "log", "pool registrars", "accept"});
  const bool steady = action.starts_with("pool") || action == "accept";
  if (dice.one_in(4)) rule += "listener = \"" + dice.of({"public", "trunk", "core"}) + "\"\n";
  if (dice.one_in(4))
    rule += "source = [\"" + dice.of({"lab", "198.51.100.8/29", "2001:db8::/32", "10.0.0.0/8"}) + "\"]\n";
  if (dice.one_in(4)) rule += "method = [\"" + dice.of({"INVITE", "REGISTER", "BYE", "OPTIONS"}) + "\"]\n";
  std::string match;
  const auto add = [&](const std::string& field, const std::string& pattern) {
    match += (match.empty() ? "" : ", ") + field + " = " + pattern;
  };
  if (dice.one_in(3))
    add("request-uri", dice.of({"'^sip:b'", "'bob'", "'\\d'", "'example\\.com$'", "['x', '^sip:[a-c]']"}));
  if (dice.one_in(3)) add("from", dice.of({"'(?i)ALICE'", "'^<'", "'tag=\\w+$'", "'[^<]*carol'"}));
  if (!steady && dice.one_in(2)) add("user-agent", dice.of({"'scanner'", "'^Soft'", "'\\d+\\.\\d'", "'o.*e'", "'^$'"}));
  if (!steady && dice.one_in(5)) add("x-zone", dice.of({"'^red$'", "'e'", "'[^r]'"}));
  if (!steady && dice.one_in(5)) add("headers", dice.of({"'Zone'", "'bob[^z]*carol'", "'^INVITE'", "'CSeq: \\d+ B'"}));
  if (!match.empty()) rule += "match = { " + match + " }\n";
  if (!steady && dice.one_in(6)) rule += "present = [\"" + dice.of({"x-zone", "contact", "s", "user-agent"}) + "\"]\n";
  if (!steady && dice.one_in(6)) rule += "absent = [\"" + dice.of({"x-zone", "m", "subject", "from"}) + "\"]\n";
  if (!steady && dice.one_in(8)) rule += "size_min = 380\n";
  if (!steady && dice.one_in(8)) rule += "size_max = 420\n";
  if (!steady && dice.one_in(6)) rule += "in_dialog = " + dice.of({"true", "false"}) + "\n";
  if (!steady && dice.one_in(8)) rule += "deviation = [\"max_forwards_missing\", \"branch_without_cookie\"]\n";
  if (dice.one_in(4)) rule += "mode = \"observe\"\n";
  return rule + "action = \"" + action + "\"\n";
}

std::string random_message(Dice& dice) {
  test::SipText text =
      invite().with_method(dice.of({"INVITE", "INVITE", "REGISTER", "BYE", "OPTIONS", "ACK", "CANCEL"}));
  text = text.with_uri(
      dice.of({"sip:bob@example.com", "sip:carol@example.com;x=1", "sip:112@192.0.2.1", "sip:a.example"}));
  if (dice.one_in(2))
    text = text.with("From", dice.of({"<sip:carol@example.com>;tag=1", "Alice <sip:alice@x>;tag=ab"}));
  if (dice.one_in(2)) text = text.with("User-Agent", dice.of({"friendly-scanner", "Softphone 2.7", "", "x"}));
  if (dice.one_in(4)) text = text.without("User-Agent");
  if (dice.one_in(3)) text = text.with_line("X-Zone: " + dice.of({"red", "green", "blue"}));
  if (dice.one_in(5)) text = text.with_last_line("x-zone : " + dice.of({"red", "green"}));
  if (dice.one_in(4)) text = text.with_line("s: Subject");
  if (dice.one_in(4)) text = text.with("To", "<sip:bob@example.com>;tag=77");
  if (dice.one_in(5)) text = text.without("Max-Forwards");
  if (dice.one_in(5)) text = text.without("Contact");
  return text;
}

TEST(Property, FirstMatchAndCountersAgreeWithAskingOneByOne) {
  Dice dice(2026);
  size_t decided = 0;
  for (int round = 0; round < test::rounds(25); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    std::string text = "[[list]]\nname = \"lab\"\nprefixes = [\"198.51.100.0/28\"]\n";
    const size_t count = 1 + dice.below(round % 10 == 0 ? 150 : 20);
    std::string rules;
    for (size_t i = 0; i < count; ++i) rules += random_rule(dice, i);
    config::Loaded loaded = config::load_text(std::string(bed_config) + text + rules, "f");
    ASSERT_TRUE(loaded.config) << config::to_string(loaded.errors.front()) << rules;
    const auto ruleset = compiled(*loaded.config);
    ASSERT_NE(ruleset, nullptr);
    std::vector<uint64_t> counts(count);
    for (int group = 0; group < 12; ++group) {
      std::vector<Sample> samples;
      std::vector<Ruleset::Question> questions;
      const size_t size = 1 + dice.below(16);
      for (size_t i = 0; i < size; ++i) samples.emplace_back(random_message(dice));
      for (size_t i = 0; i < size; ++i) {
        const auto source = net::parse_endpoint(dice.of(
            {"198.51.100.1:5060", "198.51.100.9:5060", "198.51.100.77:5060", "[2001:db8::1]:5060", "10.0.1.1:1"}));
        questions.push_back({samples[i].message.get(), *source, static_cast<uint16_t>(dice.below(3)), 0});
      }
      std::array<Ruling, 16> rulings;
      ruleset->judge(questions, 0, 1, rulings);
      for (size_t i = 0; i < size; ++i) {
        const auto expected =
            reference::judge(*loaded.config, *questions[i].message, questions[i].source.address, questions[i].listener);
        const size_t rule = rulings[i].rule;
        ASSERT_EQ(rule, expected.decided.value_or(none)) << rules << samples[i].bytes;
        decided += expected.decided.has_value();
        for (const size_t matched : expected.matched) ++counts[matched];
      }
    }
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(ruleset->rules()[i].tally->matched(), counts[i]) << "rule " << i;
  }
  EXPECT_GT(decided, test::sanitized ? 100u : 500u);
}

}  // namespace
}  // namespace viaduct::policy
