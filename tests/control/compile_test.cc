// A configuration compiled: what the decision and the workers read.
#include "control/compile.h"

#include <gtest/gtest.h>

#include "sip/message.h"

namespace viaduct::control {
namespace {

constexpr std::string_view configuration = R"([sip]
message_bytes_max = 9000
request_uri_bytes_max = 1000
max_breadth = 7
answer_incomplete = false
rewrite_503 = true
retry_after = "9s"
server = "edge"
extensions = ["privacy"]
[[port]]
name = "edge"
device = "memif:/run/a"
addresses = ["10.77.0.1/24", "fd77::1/64"]
gateway = "10.77.0.254"
gateway6 = "fd77::fe"
neighbors = [{ address = "10.77.0.2", mac = "02:00:00:00:00:02" }]
[[port]]
name = "core"
device = "memif:/run/b"
addresses = ["10.78.0.1/23"]
neighbors = [{ address = "10.78.0.11", mac = "02:00:00:00:00:11" }]
[[listener]]
name = "public"
address = ["10.77.0.1:5060", "[fd77::1]:5061"]
pool = "second"
record_route = true
force_rport = true
aliases = ["SIP.example.com"]
domains = ["Example.com"]
path = "force"
require_path = true
[[listener]]
name = "inside"
address = "10.78.0.1:5060"
side = "inside"
aliases = ["inside.example.com", "10.78.0.250", "[FD77::0250]"]
[[pool]]
name = "first"
[[pool.backend]]
name = "p1"
address = "10.78.0.11"
[[pool]]
name = "second"
key = "aor"
[[pool.backend]]
name = "p1"
address = "10.78.0.21:5070"
weight = 7
[[pool.backend]]
name = "p2"
address = "10.78.0.22"
state = "drain"
[[pool.backend]]
name = "p3"
address = "10.78.0.23"
state = "down"
)";

config::Config loaded(std::string_view text = configuration) {
  const config::Loaded result = config::load_text(text, "f");
  for (const auto& error : result.errors) ADD_FAILURE() << config::to_string(error);
  return result.config.value_or(config::Config{});
}

TEST(Compile, listeners_and_sockets_in_the_order_of_the_file) {
  const auto view = compile_proxy(loaded(), {});
  ASSERT_EQ(view->sockets.size(), 3u);
  EXPECT_EQ(net::to_string(view->sockets[1].address), "[fd77::1]:5061");
  EXPECT_EQ(view->sockets[1].listener, 0);
  EXPECT_EQ(view->sockets[2].listener, 1);
  ASSERT_EQ(view->listeners.size(), 2u);
  const proxy::Listener& listener = view->listeners[0];
  EXPECT_EQ(listener.name, "public");
  EXPECT_EQ(listener.side, proxy::Side::outside);
  EXPECT_EQ(listener.pool, 1);
  EXPECT_TRUE(listener.record_route);
  EXPECT_TRUE(listener.force_rport);
  EXPECT_EQ(listener.path, proxy::PathMode::force);
  EXPECT_TRUE(listener.require_path);
  EXPECT_EQ(listener.domains, (std::vector<std::string>{"example.com"}));
  EXPECT_EQ(view->sockets[0].toward_backends[0], 2) << "finished: requests leave from the inside";
  EXPECT_EQ(view->listeners[1].side, proxy::Side::inside);
  EXPECT_EQ(view->listeners[1].pool, proxy::none);
  EXPECT_EQ(view->aliases, (std::vector<std::string>{"sip.example.com", "inside.example.com"}));
  EXPECT_EQ(view->alias_addresses,
            (std::vector<net::IpAddress>{net::IpAddress::v4(10, 78, 0, 250), *net::parse_ip("fd77::250")}));
}

TEST(Compile, routes_lead_a_listeners_requests_to_other_pools) {
  std::string text(configuration);
  text.insert(text.find("[[listener]]\nname = \"inside\""),
              "[[listener.route]]\nmethod = [\"INVITE\", \"REGISTER\"]\npool = \"first\"\n"
              "[[listener.route]]\ndomain = \"A.Example\"\npool = \"second\"\n");
  const auto view = compile_proxy(loaded(text), {});
  const auto& routes = view->listeners[0].routes;
  ASSERT_EQ(routes.size(), 2u);
  EXPECT_EQ(routes[0].methods, (uint32_t{1} << static_cast<unsigned>(sip::Method::invite)) |
                                   (uint32_t{1} << static_cast<unsigned>(sip::Method::register_)));
  EXPECT_EQ(routes[0].pool, 0);
  EXPECT_EQ(routes[1].methods, 0u);
  EXPECT_EQ(routes[1].domains, (std::vector<std::string>{"a.example"}));
  EXPECT_EQ(routes[1].pool, 1);
}

TEST(Compile, pools_and_their_backends) {
  const auto view = compile_proxy(loaded(), {});
  ASSERT_EQ(view->pools.size(), 2u);
  EXPECT_EQ(view->pools[0].key, proxy::PoolKey::call_id);
  EXPECT_EQ(view->pools[1].key, proxy::PoolKey::aor);
  EXPECT_EQ(view->pools[1].first_backend, 1);
  EXPECT_EQ(view->pools[1].backend_count, 3);
  ASSERT_EQ(view->backends.size(), 4u);
  EXPECT_EQ(view->backends[1].name, "p1");
  EXPECT_EQ(view->backends[1].pool, 1);
  EXPECT_EQ(view->backends[1].weight, 7u);
  EXPECT_EQ(net::to_string(view->backends[1].address), "10.78.0.21:5070");
  EXPECT_EQ(view->backends[2].state, proxy::OperatorState::drain);
  EXPECT_EQ(view->backends[3].state, proxy::OperatorState::down);
  for (const uint16_t member : view->pools[1].overlay.slots()) ASSERT_EQ(member, 0) << "only p1 takes new calls";
  EXPECT_EQ(view->backend_of.at(*net::parse_endpoint("10.78.0.22:5060")), 2);
}

TEST(Compile, policy) {
  const proxy::Policy policy = compile_proxy(loaded(), {})->policy;
  EXPECT_EQ(policy.message_bytes_max, 9000u);
  EXPECT_EQ(policy.request_uri_bytes_max, 1000u);
  EXPECT_EQ(policy.max_breadth, 7u);
  EXPECT_FALSE(policy.answer_incomplete);
  EXPECT_TRUE(policy.rewrite_503);
  EXPECT_EQ(policy.retry_after_s, 9);
  EXPECT_EQ(policy.server, "edge");
  EXPECT_EQ(policy.extensions, (std::vector<std::string>{"privacy"}));
}

TEST(Compile, defaults_of_file_and_policy_are_the_same) {
  const proxy::Policy from_file = compile_proxy(loaded("[[port]]\nname=\"a\"\ndevice=\"tap:a\"\n[[listener]]\nname="
                                                       "\"l\"\naddress=\"192.0.2.1\"\nside=\"inside\"\n"),
                                                {})
                                      ->policy;
  const proxy::Policy rule_book;
  EXPECT_EQ(from_file.message_bytes_max, rule_book.message_bytes_max);
  EXPECT_EQ(from_file.request_uri_bytes_max, rule_book.request_uri_bytes_max);
  EXPECT_EQ(from_file.max_breadth, rule_book.max_breadth);
  EXPECT_EQ(from_file.answer_incomplete, rule_book.answer_incomplete);
  EXPECT_EQ(from_file.rewrite_503, rule_book.rewrite_503);
  EXPECT_EQ(from_file.retry_after_s, rule_book.retry_after_s);
  EXPECT_EQ(from_file.server, rule_book.server);
}

TEST(Compile, keys_come_from_the_secret_and_nothing_else) {
  config::Secrets secrets;
  secrets.current[0] = 1;
  secrets.old.push_back({});
  const auto view = compile_proxy(loaded(), secrets);
  EXPECT_EQ(view->keys.via_mac, proxy::derive_keys(secrets.current).via_mac);
  ASSERT_EQ(view->old_keys.size(), 1u);
  EXPECT_EQ(view->old_keys[0].branch, proxy::derive_keys({}).branch);
  EXPECT_NE(view->keys.via_mac, view->old_keys[0].via_mac);
}

// LBG-16: two nodes with the same file and secret choose alike.
TEST(Compile, the_same_inputs_give_the_same_tables) {
  const auto first = compile_proxy(loaded(), {});
  const auto second = compile_proxy(loaded(), {});
  EXPECT_EQ(first->pools[1].table.fingerprint(), second->pools[1].table.fingerprint());
  config::Config other = loaded();
  other.pools[1].backends[0].weight = 8;
  EXPECT_NE(compile_proxy(other, {})->pools[1].table.fingerprint(), first->pools[1].table.fingerprint());
}

TEST(Compile, networks_and_gateways_of_ports_without_a_kernel) {
  const config::Config config = loaded();
  const dataplane::Adjacency adjacency(configured_routes(config), configured_neighbors(config));
  const auto find = [&](std::string_view address) { return adjacency.find(*net::parse_ip(address)); };

  const auto near = find("10.77.0.2");
  ASSERT_TRUE(near.found);
  EXPECT_EQ(near.hop.port, 0);
  EXPECT_TRUE(near.hop.resolved);
  EXPECT_EQ(net::to_string(near.hop.mac), "02:00:00:00:00:02");
  const auto core = find("10.78.1.9");
  ASSERT_TRUE(core.found) << "in 10.78.0.0/23, although the port's address is written 10.78.0.1/23";
  EXPECT_EQ(core.hop.port, 1);
  EXPECT_FALSE(core.hop.resolved);
  EXPECT_EQ(net::to_string(core.neighbor), "10.78.1.9");
  const auto far = find("198.51.100.7");
  ASSERT_TRUE(far.found);
  EXPECT_EQ(net::to_string(far.neighbor), "10.77.0.254");
  const auto far6 = find("2001:db8::7");
  ASSERT_TRUE(far6.found);
  EXPECT_EQ(net::to_string(far6.neighbor), "fd77::fe");
}

}  // namespace
}  // namespace viaduct::control
