// Each reason for which a request is answered, with a message that gets it: the code alone does not tell, six reasons
// share 403.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <set>

#include "policy/ruling.h"
#include "proxy/shedding.h"
#include "support/proxy_bed.h"

namespace viaduct::test {
namespace {

using telemetry::Reason;

SipText bye_along(const std::vector<std::string>& routes) {
  SipText message = m0.with_method("BYE").with("To", "<sip:bob@example.com>;tag=b");
  for (size_t i = routes.size(); i-- > 0;) message = message.with_line_at(2, "Route: " + routes[i]);
  return message;
}

void lose_backends(Bed& bed, std::initializer_list<size_t> backends) {
  for (const size_t backend : backends) bed.view.backends[backend].healthy = false;
  bed.finish();
}

struct RefusalCase {
  Reason reason;
  uint16_t status;
  std::function<Outcome(Bed&)> send;
};
const RefusalCase refusal_cases[] = {
    {Reason::malformed_request, 400, [](Bed& bed) { return bed.from_alice(m0.with("To", "<sip:bob")); }},
    {Reason::version_unsupported, 505,
     [](Bed& bed) { return bed.from_alice(m0.with_start("INVITE sip:bob@example.com SIP/3.0")); }},
    {Reason::scheme_unsupported, 416, [](Bed& bed) { return bed.from_alice(m0.with_uri("sips:bob@example.com")); }},
    {Reason::too_many_hops, 483, [](Bed& bed) { return bed.from_alice(m0.with("Max-Forwards", "0")); }},
    {Reason::extension_unknown, 420, [](Bed& bed) { return bed.from_alice(m0.with("Proxy-Require", "foo")); }},
    {Reason::method_mismatch, 501,
     [](Bed& bed) { return bed.from_alice(m0.with_start("NEWMETHOD sip:bob@example.com SIP/2.0")); }},
    {Reason::uri_too_long, 414,
     [](Bed& bed) { return bed.from_alice(m0.with_uri("sip:" + std::string(5000, 'a') + "@example.com")); }},
    {Reason::message_too_large, 513,
     [](Bed& bed) {
       bed.view.policy.message_bytes_max = 100;
       return bed.from_alice(m0);
     }},
    {Reason::loop, 482, [](Bed& bed) { return bed.from_backend(m0.with_uri("sip:x@192.0.2.10")); }},
    {Reason::relay_refused, 403,
     [](Bed& bed) { return bed.from_alice(m0.with_line("Route: <sip:203.0.113.200;lr>")); }},
    {Reason::relay_refused, 403,
     [](Bed& bed) { return bed.from_alice(m0.with_uri("sip:bob@example.com;maddr=203.0.113.200")); }},
    {Reason::domain_not_served, 403, [](Bed& bed) { return bed.from_alice(m0.with_uri("sip:bob@example.org")); }},
    {Reason::token_invalid, 403, [](Bed& bed) { return bed.from_alice(bye_along({"<sip:TAMPERED@192.0.2.10;lr>"})); }},
    {Reason::strict_route_refused, 403,
     [](Bed& bed) {
       const std::string ours = bed.from_alice(m0).message.values("Record-Route").back();
       const std::string uri = ours.substr(1, ours.size() - 2);
       return bed.from_alice(m0.with_uri(uri).with_line("Route: <sip:bob@example.com>"));
     }},
    {Reason::via_maddr_refused, 403,
     [](Bed& bed) { return bed.from_alice(m0.with("Via", m0.value("Via") + ";maddr=203.0.113.200")); }},
    {Reason::next_hop_refused, 403, [](Bed& bed) { return bed.from_backend(m0.with_uri("sip:x@224.0.1.75")); }},
    {Reason::next_hop_unresolved, 500, [](Bed& bed) { return bed.from_backend(m0.with_uri("sip:x@unknown.example")); }},
    {Reason::transport_unsupported, 500,
     [](Bed& bed) { return bed.from_backend(m0.with_uri("sip:x@203.0.113.50;transport=tcp")); }},
    {Reason::path_required, 421,
     [](Bed& bed) {
       bed.listener().path = proxy::PathMode::auto_;
       return bed.from_alice(m0.with_method("REGISTER"));
     }},
    {Reason::no_backend, 503,
     [](Bed& bed) {
       lose_backends(bed, {0, 1, 2});
       return bed.from_alice(m0);
     }},
    {Reason::backend_down, 503,
     [](Bed& bed) {
       lose_backends(bed, {1});
       return bed.from_alice(bye_along({"<sip:10.0.1.2;lr>"}));
     }},
    {Reason::options_answered, 200,
     [](Bed& bed) { return bed.from_alice(m0.with_method("OPTIONS").with_uri("sip:192.0.2.10")); }},
    {Reason::shed, 503,
     [](Bed& bed) {
       const proxy::Shedding shedding{.percent = 100};
       return decide_and_apply(bed.view, m0.str(), {.source = alice, .socket = outside, .shedding = &shedding});
     }},
    {Reason::shed_for_backend, 503,
     [](Bed& bed) {
       bed.view.pools[0].feedback = true;
       bed.finish();
       proxy::Feedback feedback(bed.view);
       const proxy::Shedding shedding{.feedback = &feedback, .now_ms = 1000};
       for (uint16_t backend = 0; backend < 3; ++backend) {
         feedback.take(backend, {.percent = 100, .validity_ms = 500, .sequence = 1}, shedding.now_ms);
       }
       return decide_and_apply(bed.view, m0.str(), {.source = alice, .socket = outside, .shedding = &shedding});
     }},
};

// The operator's rules give these, which the decision only carries out (policy/judge.cc, tests/policy/way_test.cc).
constexpr Reason of_rulings[] = {Reason::rule_replied, Reason::limit_replied};

TEST(Reasons, EachAnswerHasItsOwn) {
  for (const RefusalCase& each : refusal_cases) {
    Bed bed;
    const Outcome outcome = each.send(bed);
    EXPECT_EQ(outcome.verdict(), "reply " + std::to_string(each.status)) << telemetry::text_of(each.reason).name;
    EXPECT_EQ(outcome.reason(), telemetry::text_of(each.reason).name);
  }
}

TEST(Reasons, NoneIsWithoutAMessageThatGetsIt) {
  std::set<Reason> met(std::begin(of_rulings), std::end(of_rulings));
  for (const RefusalCase& each : refusal_cases) met.insert(each.reason);
  for (size_t i = 0; i < telemetry::reason_count; ++i) {
    const auto reason = static_cast<Reason>(i);
    const bool replied = telemetry::text_of(reason).term == telemetry::LedgerTerm::replied;
    EXPECT_EQ(met.contains(reason), replied) << telemetry::text_of(reason).name;
  }
}

}  // namespace
}  // namespace viaduct::test
