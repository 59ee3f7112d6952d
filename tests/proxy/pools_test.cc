// Which pool a request goes to, and who of it serves.
#include <set>

#include "proxy/selection.h"
#include "support/proxy_bed.h"

namespace viaduct::test {
namespace {

using Methods = std::initializer_list<sip::Method>;

uint32_t bits(Methods methods) {
  uint32_t bits = 0;
  for (const sip::Method method : methods) bits |= uint32_t{1} << static_cast<unsigned>(method);
  return bits;
}

// Pool 0 has b0 and b1, pool 1 "registrars" has b2; every call of pool 1 goes there.
proxy::View two_pools() {
  proxy::View view = bed_view(true);
  view.listeners[0].domains.clear();
  view.pools[0].backend_count = 2;
  proxy::Pool& second = view.pools.emplace_back();
  second.name = "registrars";
  second.first_backend = 2;
  second.backend_count = 1;
  view.backends[2].pool = 1;
  proxy::finish(view);
  return view;
}

class Pools : public testing::Test {
 protected:
  uint16_t pool_of(const SipText& message) {
    const std::string text = message.str();
    return decide_and_apply(view, text, {.source = alice, .socket = outside}).decision.pool;
  }
  proxy::View view = two_pools();
};

SipText as(const SipText& message, const std::string& method) { return message.with_method(method); }

TEST_F(Pools, TheFirstRouteThatMatchesDecidesAndTheListenersPoolTakesTheRest) {
  view.listeners[0].routes = {{bits({sip::Method::register_, sip::Method::publish}), {}, 1},
                              {0, {"b.example", "c.example"}, 1},
                              {bits({sip::Method::message}), {"d.example"}, 1}};
  const SipText registration = as(m0, "REGISTER").without("Content-Type").with("Content-Length", "0").with_body("");
  EXPECT_EQ(pool_of(registration), 1);
  EXPECT_EQ(pool_of(as(m0, "PUBLISH")), 1);
  EXPECT_EQ(pool_of(m0), 0);
  EXPECT_EQ(pool_of(as(m0, "FROBNICATE")), 0) << "an unknown method is none of those named";
  EXPECT_EQ(pool_of(m0.with_uri("sip:bob@B.Example:5070;user=phone")), 1) << "hosts are names, whatever their case";
  EXPECT_EQ(pool_of(m0.with_uri("sip:bob@b.example.")), 1);
  EXPECT_EQ(pool_of(m0.with_uri("sip:bob@sub.b.example")), 0);
  EXPECT_EQ(pool_of(m0.with_uri("tel:+15550100")), 0) << "a number has no domain";
  EXPECT_EQ(pool_of(as(m0, "MESSAGE").with_uri("sip:bob@d.example")), 1);
  EXPECT_EQ(pool_of(as(m0, "MESSAGE")), 0) << "both conditions of a route must hold";
  EXPECT_EQ(pool_of(m0.with_uri("sip:bob@d.example")), 0);
}

TEST_F(Pools, OptionsForUsAskThePoolThatAnInviteWouldGet) {  // OPT-03
  const auto status = [&](const std::string& host) {
    const std::string text = as(m0, "OPTIONS").with_uri("sip:" + host).str();
    return decide_and_apply(view, text, {.source = alice, .socket = outside}).decision.status;
  };
  view.listeners[0].routes = {{bits({sip::Method::invite}), {"lb.example.com"}, 1}};
  EXPECT_EQ(status("lb.example.com"), 200);
  view.backends[2].healthy = false;
  proxy::finish(view);
  EXPECT_EQ(status("lb.example.com"), 503) << "an INVITE would go to the registrars";
  EXPECT_EQ(status("192.0.2.10"), 200) << "this one to the listener's pool";
  view.listeners[0].routes = {{bits({sip::Method::options}), {}, 1}};
  EXPECT_EQ(status("lb.example.com"), 200) << "where other OPTIONS go is not asked";
}

// TGT-04: CANCEL and the ACK for a non-2xx end where their INVITE went, whatever picks pool and backend.
TEST_F(Pools, CancelAndAckFollowTheirInviteForEveryKey) {
  view.listeners[0].routes = {{bits({sip::Method::invite}), {}, 0}};
  view.listeners[0].pool = 1;
  std::set<uint16_t> backends;
  for (size_t key = 0; key < 7; ++key) {
    SCOPED_TRACE("TGT-04 key " + std::to_string(key));
    view.pools[0].key = static_cast<proxy::PoolKey>(key);
    for (int call = 0; call < 20; ++call) {
      const std::string n = std::to_string(call);
      const SipText invite = m0.with("Call-ID", "call-" + n)
                                 .with("To", "<sip:bob" + n + "@example.com>")
                                 .with("Via", "SIP/2.0/UDP 198.51.100.7;rport;branch=z9hG4bK" + n)
                                 .with_uri("sip:bob" + n + "@example.com");
      const auto sent = [&](const SipText& message) {
        const std::string text = message.str();
        return decide_and_apply(view, text, {.source = alice, .socket = outside}).decision;
      };
      const proxy::Decision first = sent(invite);
      EXPECT_EQ(first.pool, 0);
      backends.insert(first.backend);
      for (const SipText& other : {invite, cancel_of(invite), ack_of(invite, "x")}) {
        EXPECT_EQ(sent(other).pool, first.pool) << other.str();
        EXPECT_EQ(sent(other).backend, first.backend) << other.str();
      }
      EXPECT_EQ(sent(as(invite, "OPTIONS")).pool, 1);
    }
  }
  EXPECT_EQ(backends.size(), 2u);
}

TEST_F(Pools, APoolOfARouteHasItsOwnKey) {
  view.listeners[0].routes = {{0, {"example.com"}, 1}};
  view.pools[1].key = proxy::PoolKey::to;
  view.pools[1].first_backend = 0;
  view.pools[1].backend_count = 3;
  for (proxy::Backend& backend : view.backends) backend.pool = 1;
  view.pools[0].backend_count = 0;
  proxy::finish(view);
  std::set<uint16_t> backends;
  for (int call = 0; call < 40; ++call) {
    const std::string text = m0.with("Call-ID", std::to_string(call)).str();
    backends.insert(decide_and_apply(view, text, {.source = alice, .socket = outside}).decision.backend);
  }
  EXPECT_EQ(backends.size(), 1u) << "one To, one backend, with and without what was foreseen by Call-ID";
}

TEST_F(Pools, ARouteByAddressComparesInBinary) {  // IP6-03
  view.listeners[0].routes = {{0, {"2001:db8::5"}, 1}};
  proxy::finish(view);
  const auto pool_of = [&](std::string_view host) {
    const std::string text = m0.with_uri("sip:bob@" + std::string(host)).str();
    return decide_and_apply(view, text, {.source = alice, .socket = outside}).decision.pool;
  };
  EXPECT_EQ(pool_of("[2001:DB8:0:0:0:0:0:5]"), 1);
  EXPECT_EQ(pool_of("[2001:db8::5]:5060"), 1);
  EXPECT_EQ(pool_of("[2001:db8::6]"), 0);
}

// RFC 2782: the lowest priority that can be reached.
TEST_F(Pools, LowerPrioritiesServeAndTheOthersStandBy) {
  view = bed_view(true);
  view.backends[1].priority = 10;
  view.backends[2].priority = 20;
  const auto owner = [&] {
    proxy::finish(view);
    std::set<uint16_t> members(view.pools[0].overlay.slots().begin(), view.pools[0].overlay.slots().end());
    return members.size() == 1 ? *members.begin() : steer::no_member;
  };
  const uint64_t fingerprint = view.pools[0].table.fingerprint();
  EXPECT_EQ(owner(), 0);
  view.backends[0].healthy = false;
  EXPECT_EQ(owner(), 1);
  view.backends[1].state = proxy::OperatorState::drain;
  EXPECT_EQ(owner(), 2);
  view.backends[0].healthy = true;
  EXPECT_EQ(owner(), 0);
  view.backends[0].weight = 0;
  EXPECT_EQ(owner(), 2) << "who has no weight keeps nobody waiting";
  view.backends[0].weight = 100;
  EXPECT_EQ(owner(), 0);
  EXPECT_EQ(view.pools[0].table.fingerprint(), fingerprint) << "the configured table is all of them, in any state";
  EXPECT_TRUE(view.backends[1].reachable() && view.backends[2].reachable()) << "dialogs go on";
}

// One server in two pools: its dialogs follow the pool that has them, not the first that names the address.
TEST_F(Pools, OfTwoPoolsWithOneServerTheDialogsOwnCounts) {  // AFF-05
  view.listeners[0].routes = {{0, {"urgent.example"}, 1}};
  view.listeners[0].record_route = true;
  view.backends[2].address = view.backends[0].address;
  view.backends[0].state = proxy::OperatorState::down;
  proxy::finish(view);
  const auto sent = [&](const SipText& message) {
    const std::string text = message.str();
    return decide_and_apply(view, text, {.source = alice, .socket = outside});
  };
  const Outcome invite = sent(m0.with_uri("sip:112@urgent.example"));
  ASSERT_EQ(invite.verdict(), "forward");
  ASSERT_EQ(invite.decision.pool, 1);
  const std::vector<std::string> own = invite.message.values("Record-Route");
  ASSERT_FALSE(own.empty());
  SipText bye = as(m0, "BYE").with("To", m0.value("To") + ";tag=x").with_line_at(2, "Route: <sip:10.0.1.1;lr>");
  for (const std::string& value : own) bye = bye.with_line_at(2, "Route: " + value);
  EXPECT_EQ(sent(bye).verdict(), "forward");
  EXPECT_EQ(sent(bye).decision.pool, 1);
}

}  // namespace
}  // namespace viaduct::test
