#include <gtest/gtest.h>

#include "policy/bed.h"

namespace viaduct::policy {
namespace {

using Action = Ruling::Action;
using telemetry::Reason;

TEST(Rules, NothingConfiguredIsNothingToAsk) {
  EXPECT_TRUE(ruleset("")->idle());
  EXPECT_FALSE(ruleset("[[rule]]\nname = \"a\"\naction = \"drop\"\n")->idle());
}

// SEC-30: patterns over User-Agent and URI; what matches is dropped in silence.
TEST(Rules, TheFirstThatMatchesDecides) {
  const auto rules = ruleset(R"(
[[rule]]
name = "scanners"
match = { user-agent = "(?i)friendly-scanner|sipvicious" }
action = "drop"
[[rule]]
name = "urgent"
match = { request-uri = "^sip:(112|911)@" }
action = "pool emergency"
[[rule]]
name = "registrations"
method = "REGISTER"
action = "pool registrars"
[[rule]]
name = "no-options"
method = ["OPTIONS"]
action = "reply 403 Not Here Please"
)");
  EXPECT_EQ(judge(*rules, invite()).action, Action::pass);
  const Ruling dropped = judge(*rules, invite().with("User-Agent", "Friendly-Scanner"));
  EXPECT_EQ(dropped.action, Action::drop);
  EXPECT_EQ(dropped.reason, Reason::rule_dropped);
  EXPECT_EQ(dropped.rule, 0);
  const Ruling urgent = judge(*rules, invite().with_uri("sip:112@example.com"));
  EXPECT_EQ(urgent.action, Action::pool);
  EXPECT_EQ(urgent.pool, 2);
  EXPECT_EQ(judge(*rules, invite().with_uri("sip:x112@example.com")).action, Action::pass);
  EXPECT_EQ(judge(*rules, invite().with_method("REGISTER")).pool, 1);
  const Ruling refused = judge(*rules, invite().with_method("OPTIONS"));
  EXPECT_EQ(refused.action, Action::reply);
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.phrase, "Not Here Please");
  EXPECT_EQ(rules->rules()[0].tally->matched(), 1u);
  EXPECT_EQ(rules->rules()[1].tally->matched(), 1u);
}

// Under a flood what decides nothing is left undone; what decides, decides as ever.
TEST(Rules, WhatIsOnlyObservedMayBeLeftUndone) {
  const auto rules = ruleset(R"(
[[rule]]
name = "seen"
match = { user-agent = "scanner" }
action = "drop"
mode = "observe"
[[rule]]
name = "marked"
method = "INVITE"
action = "tag calls"
[[rule]]
name = "no"
method = "INVITE"
source = "198.51.100.0/24"
action = "drop"
[[limit]]
name = "slow"
by = "source"
rate = "1/h"
mode = "observe"
)");
  const Sample sample(invite().with("User-Agent", "scanner").str());
  const Ruleset::Question question{sample.message.get(), *net::parse_endpoint("198.51.100.7:5060"), 0, 0};
  Ruling busy, calm;
  rules->judge({&question, 1}, 0, 1, {&busy, 1}, Ruleset::Care::decisions);
  EXPECT_EQ(busy.action, Action::drop);
  EXPECT_EQ(busy.rule, 2);
  EXPECT_EQ(busy.tag, none);
  for (const size_t rule : {0U, 1U}) EXPECT_EQ(rules->rules()[rule].tally->matched(), 0u);
  EXPECT_EQ(rules->limits()[0].tally->matched(), 0u);
  EXPECT_TRUE(rules->has_optional());
  rules->judge({&question, 1}, 0, 1, {&calm, 1});
  EXPECT_EQ(calm.action, busy.action);
  EXPECT_EQ(calm.rule, busy.rule);
  for (const size_t rule : {0U, 1U, 2U}) EXPECT_GE(rules->rules()[rule].tally->matched(), 1u);
  EXPECT_FALSE(ruleset("[[rule]]\nname = \"a\"\naction = \"drop\"\n")->has_optional());
}

// A pattern of a rule that decides is looked for under a flood, too.
TEST(Rules, PatternsThatDecideAreAlwaysLookedFor) {
  const auto rules = ruleset(R"(
[[rule]]
name = "seen"
match = { user-agent = "scanner" }
action = "log"
[[rule]]
name = "no"
match = { user-agent = "friendly" }
action = "drop"
)");
  const Sample sample(invite().with("User-Agent", "friendly-scanner").str());
  const Ruleset::Question question{sample.message.get(), *net::parse_endpoint("198.51.100.7:5060"), 0, 0};
  Ruling ruling;
  rules->judge({&question, 1}, 0, 1, {&ruling, 1}, Ruleset::Care::decisions);
  EXPECT_EQ(ruling.action, Action::drop);
  EXPECT_EQ(rules->rules()[0].tally->matched(), 0u);
}

// TGT-04: whatever chooses the pool is shared by INVITE, CANCEL and ACK.
TEST(Rules, CancelAndAckGoWhereTheirInviteGoes) {
  const auto rules = ruleset(R"(
[[rule]]
name = "urgent"
method = "INVITE"
match = { request-uri = "^sip:112@" }
action = "pool emergency"
[[rule]]
name = "no-invites"
method = "INVITE"
action = "drop"
)");
  for (const std::string_view method : {"INVITE", "CANCEL", "ACK"}) {
    const auto urgent = invite().with_uri("sip:112@example.com").with_method(method);
    EXPECT_EQ(judge(*rules, urgent).pool, 2) << method;
    EXPECT_EQ(judge(*rules, invite().with_method(method)).action, method == "INVITE" ? Action::drop : Action::pass);
  }
  EXPECT_EQ(judge(*rules, invite().with_uri("sip:112@example.com").with_method("BYE")).action, Action::pass);
}

TEST(Rules, AllConditionsMustHold) {
  const auto rules = ruleset(R"(
[[list]]
name = "lab"
prefixes = ["198.51.100.0/24", "2001:db8::/32"]
[[rule]]
name = "strict"
listener = "trunk"
source = ["lab", "203.0.113.9"]
method = ["INVITE", "BYE"]
match = { from = ["alice@", "carol@"], x-zone = "^red$" }
present = ["x-zone", "m"]
absent = ["subject"]
size_min = 100
size_max = 2000
in_dialog = true
deviation = ["max_forwards_missing"]
action = "drop"
)");
  const test::SipText good =
      invite().with("X-Zone", "red").with("To", "<sip:bob@example.com>;tag=1").without("Max-Forwards");
  const auto verdict = [&](const test::SipText& text, std::string_view source = "198.51.100.7:5060", uint16_t at = 1) {
    return judge(*rules, text, source, at).action;
  };
  EXPECT_EQ(verdict(good), Action::drop);
  EXPECT_EQ(verdict(good, "203.0.113.9:1"), Action::drop);
  EXPECT_EQ(verdict(good, "[2001:db8::7]:5060"), Action::drop);
  EXPECT_EQ(verdict(good.with("From", "<sip:carol@example.com>;tag=1")), Action::drop) << "one of several patterns";
  EXPECT_EQ(verdict(good.with_method("BYE")), Action::drop);
  EXPECT_EQ(verdict(good.with_line("X-ZONE  :  red")), Action::drop) << "any of several rows, names in any case";
  EXPECT_EQ(verdict(good, "198.51.100.7:5060", 0), Action::pass) << "another listener";
  EXPECT_EQ(verdict(good, "203.0.113.10:1"), Action::pass) << "another source";
  EXPECT_EQ(verdict(good.with_method("MESSAGE")), Action::pass);
  EXPECT_EQ(verdict(good.with("From", "<sip:dave@example.com>;tag=1")), Action::pass);
  EXPECT_EQ(verdict(good.with("X-Zone", "redder")), Action::pass);
  EXPECT_EQ(verdict(good.without("X-Zone")), Action::pass);
  EXPECT_EQ(verdict(good.without("Contact")), Action::pass);
  EXPECT_EQ(verdict(good.with_line("s: hello")), Action::pass) << "Subject in its compact form is there";
  EXPECT_EQ(verdict(good.with_body(std::string(2000, 'x'))), Action::pass);
  EXPECT_EQ(verdict(good.with("To", "<sip:bob@example.com>")), Action::pass) << "no dialog";
  EXPECT_EQ(verdict(good.with("Max-Forwards", "70")), Action::pass) << "no deviation";
}

TEST(Rules, WithoutAListenerTheOutsideIsMeant) {
  const auto rules = ruleset("[[rule]]\nname = \"all\"\naction = \"drop\"\n");
  EXPECT_EQ(judge(*rules, invite(), "198.51.100.7:5060", 0).action, Action::drop);
  EXPECT_EQ(judge(*rules, invite(), "198.51.100.7:5060", 1).action, Action::drop);
  EXPECT_EQ(judge(*rules, invite(), "10.0.1.1:5060", 2).action, Action::pass);
}

TEST(Rules, TheWholeHeaderSectionIsAFieldAndTheBodyIsNot) {
  const auto rules = ruleset(R"(
[[rule]]
name = "anywhere"
match = { headers = "z9hG4bK776.*[^z]*Softphone" }
action = "drop"
[[rule]]
name = "start"
match = { headers = "^MESSAGE " }
action = "drop"
[[rule]]
name = "secret"
match = { headers = "secret" }
action = "drop"
)");
  EXPECT_EQ(judge(*rules, invite()).rule, 0);
  EXPECT_EQ(judge(*rules, invite().without("User-Agent").with_method("MESSAGE")).rule, 1);
  EXPECT_EQ(judge(*rules, invite().without("User-Agent").with_body("secret")).action, Action::pass);
}

// Observe mode changes nothing and counts what enforce would have dropped.
TEST(Rules, ObservingCountsTheSameAndDecidesNothing) {
  const std::string rule = R"(
[[rule]]
name = "scanners"
match = { user-agent = "scanner" }
action = "drop"
mode = "MODE"
)";
  const auto enforcing = ruleset(test::replace_all(rule, "MODE", "enforce"));
  const auto observing = ruleset(test::replace_all(rule, "MODE", "observe"));
  for (int i = 0; i < 10; ++i) {
    const auto text = i % 3 == 0 ? invite().with("User-Agent", "scanner") : invite();
    EXPECT_EQ(judge(*enforcing, text).action, i % 3 == 0 ? Action::drop : Action::pass);
    EXPECT_EQ(judge(*observing, text).action, Action::pass);
  }
  EXPECT_EQ(enforcing->rules()[0].tally->matched(), 4u);
  EXPECT_EQ(observing->rules()[0].tally->matched(), 4u);
}

TEST(Rules, TagsAndLogsNoteAndGoOn) {
  const auto rules = ruleset(R"(
[[rule]]
name = "mark"
action = "tag suspicious"
[[rule]]
name = "tell"
action = "log"
[[rule]]
name = "end"
action = "reply 403 No"
)");
  const Ruling ruling = judge(*rules, invite());
  EXPECT_EQ(ruling.tag, 0);
  EXPECT_EQ(ruling.rule, 2);
  std::array<Notice, 4> notices;
  ASSERT_EQ(rules->office().notices.take(notices), 1u);
  EXPECT_EQ(notices[0].kind, Notice::Kind::log);
  EXPECT_EQ(notices[0].index, 1);
  EXPECT_EQ(notices[0].start_line(), "INVITE sip:bob@example.com SIP/2.0");
}

TEST(Rules, AcceptEndsTheQuestions) {
  const auto rules = ruleset(R"(
[[rule]]
name = "partners"
source = "203.0.113.0/24"
action = "accept"
[[rule]]
name = "rest"
action = "drop"
)");
  EXPECT_EQ(judge(*rules, invite(), "203.0.113.1:5060").action, Action::pass);
  EXPECT_EQ(judge(*rules, invite(), "203.0.114.1:5060").action, Action::drop);
}

TEST(Rules, AGroupIsJudgedAsEachAlone) {
  const auto rules = ruleset(R"(
[[rule]]
name = "a"
match = { user-agent = "^scanner-[0-3]$", request-uri = "bob" }
action = "drop"
[[rule]]
name = "b"
listener = "trunk"
match = { from = "alice" }
action = "reply 403 No"
)");
  std::vector<Sample> samples;
  std::vector<Ruleset::Question> questions;
  for (int i = 0; i < 16; ++i) samples.emplace_back(invite().with("User-Agent", "scanner-" + std::to_string(i % 7)));
  for (int i = 0; i < 16; ++i) {
    questions.push_back({samples[static_cast<size_t>(i)].message.get(), *net::parse_endpoint("198.51.100.7:1"),
                         static_cast<uint16_t>(i % 3), 0});
  }
  std::array<Ruling, 16> rulings;
  for (int pass = 0; pass < 2; ++pass) {
    rules->judge(questions, 0, 1, rulings);
    for (size_t i = 0; i < 16; ++i) {
      const bool outside = i % 3 != 2;
      const Action expected = outside && i % 7 < 4 ? Action::drop : i % 3 == 1 ? Action::reply : Action::pass;
      EXPECT_EQ(rulings[i].action, expected) << i;
    }
  }
}

TEST(Access, AllowIsAskedBeforeDenyAndBans) {
  const auto rules = ruleset(R"(
[[list]]
name = "blocked"
prefixes = ["203.0.113.0/24", "2001:db8:bad::/48"]
[access]
allow = ["203.0.113.7"]
deny = ["blocked"]
)");
  const auto refused = [&](std::string_view ip) { return rules->refuse(*net::parse_ip(ip), 10); };
  EXPECT_EQ(refused("203.0.113.8"), Reason::denied);
  EXPECT_EQ(refused("2001:db8:bad::1"), Reason::denied);
  EXPECT_EQ(refused("203.0.113.7"), std::nullopt);
  EXPECT_EQ(refused("198.51.100.1"), std::nullopt);
  rules->office().bans.add(*net::parse_prefix("198.51.100.0/24"), 20, "operator");
  rules->office().bans.add(*net::parse_prefix("203.0.113.7/32"), 20, "operator");
  EXPECT_EQ(refused("198.51.100.1"), Reason::banned);
  EXPECT_EQ(refused("203.0.113.7"), std::nullopt) << "who is allowed cannot be shut out by mistake";
  EXPECT_EQ(rules->refuse(*net::parse_ip("198.51.100.1"), 20), std::nullopt) << "over";
}

TEST(Limits, HoldEachSourceToItsRate) {
  const auto rules = ruleset(R"(
[[limit]]
name = "per-source"
by = "source"
rate = "10/s"
exempt = ["203.0.113.0/24"]
)");
  const auto passed = [&](std::string_view source, uint16_t listener) {
    unsigned count = 0;
    for (int i = 0; i < 50; ++i) count += judge(*rules, invite(), source, listener).action == Action::pass;
    return count;
  };
  EXPECT_EQ(passed("198.51.100.7:5060", 0), 10u);
  EXPECT_EQ(passed("198.51.100.8:5060", 0), 10u) << "another source has a budget of its own";
  EXPECT_EQ(passed("198.51.100.7:9999", 1), 0u) << "the port makes no other source";
  EXPECT_EQ(passed("203.0.113.7:5060", 0), 50u) << "exempt";
  EXPECT_EQ(passed("198.51.100.9:5060", 2), 50u) << "the inside is not limited";
  EXPECT_EQ(rules->limits()[0].tally->matched(), 150u);
  EXPECT_EQ(rules->limits()[0].tally->exceeded(), 130u);
}

TEST(Limits, CountByPrefixUserPoolOrAltogether) {
  const auto rules = ruleset(R"(
[[limit]]
name = "net"
by = "prefix/24"
rate = "3/s"
[[limit]]
name = "user"
by = "from-user"
rate = "5/s"
action = "503"
)");
  EXPECT_EQ(judge(*rules, invite(), "198.51.100.1:1").action, Action::pass);
  EXPECT_EQ(judge(*rules, invite(), "198.51.100.2:1").action, Action::pass);
  EXPECT_EQ(judge(*rules, invite(), "198.51.100.3:1").action, Action::pass);
  const Ruling net = judge(*rules, invite(), "198.51.100.4:1");
  EXPECT_EQ(net.action, Action::drop);
  EXPECT_EQ(net.reason, Reason::limited);
  EXPECT_EQ(net.limit, 0);
  EXPECT_EQ(judge(*rules, invite(), "203.0.113.1:1").action, Action::pass);
  EXPECT_EQ(judge(*rules, invite(), "203.0.113.2:1").action, Action::pass);
  const Ruling user = judge(*rules, invite(), "203.0.112.3:1");
  EXPECT_EQ(user.action, Action::reply);
  EXPECT_EQ(user.reason, Reason::limit_replied);
  EXPECT_EQ(user.status, 503);
  EXPECT_EQ(judge(*rules, invite().with("From", "<sip:carol@x>;tag=1"), "203.0.111.3:1").action, Action::pass);
}

TEST(Limits, NewCallsAreInvitesThatBeginADialog) {
  const auto rules = ruleset("[[limit]]\nname = \"all\"\nby = \"global\"\nrate = \"2/s\"\nof = \"new-calls\"\n");
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(judge(*rules, invite().with("To", "<sip:bob@example.com>;tag=9")).action, Action::pass);
    EXPECT_EQ(judge(*rules, invite().with_method("REGISTER")).action, Action::pass);
  }
  EXPECT_EQ(judge(*rules, invite()).action, Action::pass);
  EXPECT_EQ(judge(*rules, invite()).action, Action::pass);
  EXPECT_EQ(judge(*rules, invite()).action, Action::drop);
}

TEST(Limits, ByRuleOnlyWhatMatchesCounts) {
  const auto rules = ruleset(R"(
[[rule]]
name = "registrations"
method = "REGISTER"
action = "limit slow"
[[rule]]
name = "to-registrars"
method = "REGISTER"
action = "pool registrars"
[[limit]]
name = "slow"
by = "source"
rate = "2/m"
action = "ban 30s"
)");
  const auto reg = invite().with_method("REGISTER");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(judge(*rules, invite()).action, Action::pass);
  EXPECT_EQ(judge(*rules, reg).pool, 1) << "a limit that is not exceeded decides nothing";
  EXPECT_EQ(judge(*rules, reg).pool, 1);
  const Ruling over = judge(*rules, reg);
  EXPECT_EQ(over.action, Action::drop);
  EXPECT_EQ(over.rule, 0);
  EXPECT_EQ(over.limit, 0);
  std::array<Notice, 4> notices;
  ASSERT_EQ(rules->office().notices.take(notices), 1u);
  EXPECT_EQ(notices[0].kind, Notice::Kind::ban);
  EXPECT_EQ(net::to_string(notices[0].source), "198.51.100.7:5060");
}

TEST(Limits, ObservingCountsTheSameAndDropsNothing) {
  const auto rules = ruleset("[[limit]]\nname = \"a\"\nby = \"source\"\nrate = \"1/s\"\nmode = \"observe\"\n");
  for (int i = 0; i < 4; ++i) EXPECT_EQ(judge(*rules, invite()).action, Action::pass);
  EXPECT_EQ(rules->limits()[0].tally->exceeded(), 3u);
}

TEST(Limits, WhoIsAllowedIsNotLimited) {
  const auto rules =
      ruleset("[[limit]]\nname = \"a\"\nby = \"global\"\nrate = \"1/s\"\n[access]\nallow = \"198.51.100.0/24\"\n");
  for (int i = 0; i < 4; ++i) EXPECT_EQ(judge(*rules, invite()).action, Action::pass);
}

TEST(Reload, CountsAndBucketsGoOnUnderTheirNames) {
  const std::string text = R"(
[[rule]]
name = "a"
match = { user-agent = "Soft" }
action = "tag x"
[[limit]]
name = "l"
by = "source"
rate = "2/s"
)";
  const auto first = compiled(config_with(text));
  EXPECT_EQ(judge(*first, invite()).action, Action::pass);
  EXPECT_EQ(judge(*first, invite()).action, Action::pass);
  const auto second = compiled(config_with("[[rule]]\nname = \"new\"\naction = \"log\"\n" + text), first.get());
  EXPECT_EQ(judge(*second, invite()).action, Action::drop) << "the bucket is as empty as before";
  EXPECT_EQ(second->rules()[1].tally->matched(), 3u);
  EXPECT_EQ(second->rules()[0].tally->matched(), 1u);
}

TEST(Compile, BadPatternsAreErrorsWithTheirPlaces) {
  const auto config = config_with(R"(
[[rule]]
name = "a"
match = { user-agent = "good", from = ["(bad", "also[bad"] }
action = "drop"
)");
  const auto result = Ruleset::compile(config, std::make_shared<Ruleset::Office>(1), nullptr);
  const auto* errors = std::get_if<std::vector<config::Diagnostic>>(&result);
  ASSERT_NE(errors, nullptr);
  ASSERT_EQ(errors->size(), 2u);
  EXPECT_EQ(config::to_string((*errors)[0]).substr(0, 8), "f:34:40:");
  EXPECT_NE((*errors)[0].sentence.find("pattern '(bad'"), std::string::npos) << (*errors)[0].sentence;
}

// Who is exempt from a limit, or from all, is so however the limit is asked.
TEST(Rules, ALimitThatARuleNamesSparesWhomItExempts) {
  for (const std::string exempt : {"", "exempt = \"partners\"\n"}) {
    const auto rules = ruleset("[[list]]\nname = \"partners\"\nprefixes = [\"198.51.100.0/24\"]\n" +
                               std::string(exempt.empty() ? "[access]\nallow = \"partners\"\n" : "") +
                               "[[limit]]\nname = \"slow\"\nby = \"source\"\nrate = \"1/h\"\n" + exempt +
                               "[[rule]]\nname = \"calls\"\nmethod = \"INVITE\"\naction = \"limit slow\"\n");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(judge(*rules, invite()).action, Action::pass) << exempt;
    EXPECT_EQ(judge(*rules, invite(), "203.0.113.9:5060").action, Action::pass);
    EXPECT_EQ(judge(*rules, invite(), "203.0.113.9:5060").action, Action::drop);
  }
}

// On one network the backends' own requests come to the same listener.
TEST(Rules, BackendsAreNotLimited) {
  const auto rules = ruleset(
      "[[limit]]\nname = \"slow\"\nby = \"source\"\nrate = \"1/h\"\n"
      "[[limit]]\nname = \"named\"\nby = \"source\"\nrate = \"1/h\"\n"
      "[[rule]]\nname = \"calls\"\nmethod = \"INVITE\"\naction = \"limit named\"\n");
  const Sample sample(invite());
  for (const bool from_backend : {true, false}) {
    const Ruleset::Question question{sample.message.get(), *net::parse_endpoint("10.0.1.1:5060"), 0, 0, from_backend};
    Ruling ruling;
    for (int i = 0; i < 3; ++i) rules->judge({&question, 1}, 0, 1, {&ruling, 1});
    EXPECT_EQ(ruling.action, from_backend ? Action::pass : Action::drop);
  }
}

// RFC 3261 section 19.1.4, RFC 3966 section 3.
TEST(Rules, OneCallerIsOneHoweverHeIsWritten) {
  const auto rules = [] { return ruleset("[[limit]]\nname = \"slow\"\nby = \"from-user\"\nrate = \"1/h\"\n"); };
  for (const std::vector<const char*>& same :
       {std::vector<const char*>{"<sip:alice@a.example>;tag=1", "<sip:alice:0@a.example>;tag=2",
                                 "\"A\" <sip:%61lic%65@b.example>;tag=3"},
        {"<tel:+1-555-0100>;tag=1", "<tel:+1(555)0100;phone-context=x>;tag=2"}}) {
    const auto one = rules();
    EXPECT_EQ(judge(*one, invite().with("From", same[0])).action, Action::pass);
    for (const char* from : same) EXPECT_EQ(judge(*one, invite().with("From", from)).action, Action::drop) << from;
  }
  const auto all = rules();
  for (const char* from :
       {"<sip:alice@a.example>;tag=1", "<sip:Alice@a.example>;tag=1", "<tel:+15550100>;tag=1", "<tel:+15550101>;tag=1",
        "<sip:a.example>;tag=1", "<sip:b.example>;tag=1", "<urn:service:sos>;tag=1", "<urn:service:sos.fire>;tag=1"}) {
    EXPECT_EQ(judge(*all, invite().with("From", from)).action, Action::pass) << from;
  }
}

}  // namespace
}  // namespace viaduct::policy
