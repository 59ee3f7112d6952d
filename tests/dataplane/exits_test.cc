#include "dataplane/exits.h"

#include <gtest/gtest.h>

#include "support/lab.h"

namespace viaduct::dataplane {
namespace {

proxy::Decision toward(const View& view, uint16_t backend, uint16_t socket) {
  proxy::Decision decision;
  decision.action = proxy::Action::forward;
  decision.backend = backend;
  decision.socket = socket;
  decision.destination = view.proxy->backends[backend].address;
  return decision;
}

void expect_found(const View& view, const proxy::Decision& decision, const Egress& egress) {
  Egress expected;
  find_egress(view, decision, nullptr, expected);
  ASSERT_EQ(egress.refused, expected.refused);
  if (expected.refused) return;  // nothing else is said
  EXPECT_EQ(egress.lacks_neighbor, expected.lacks_neighbor);
  EXPECT_EQ(egress.envelope.destination, expected.envelope.destination);
  EXPECT_EQ(egress.envelope.source, expected.envelope.source);
  EXPECT_EQ(egress.envelope.destination_mac, expected.envelope.destination_mac);
  EXPECT_EQ(egress.envelope.source_mac, expected.envelope.source_mac);
  EXPECT_EQ(egress.envelope.port, expected.envelope.port);
  EXPECT_EQ(egress.port_mtu, expected.port_mtu);
  EXPECT_EQ(egress.way_mtu, expected.way_mtu);
}

constexpr uint16_t public_v4 = 0, public_v6 = 1, inside_v4 = 2, inside_v6 = 3;  // sockets

TEST(Exits, AreThoseThatWouldBeFoundHoweverOftenAndInWhatOrder) {
  const View view = test::lab_view({.backend_count = 100});  // more than are kept
  const auto exits = std::make_unique<Exits>();
  exits->begin(view);
  for (int round = 0; round < 3; ++round) {
    for (uint16_t backend = 0; backend < 100; ++backend) {
      for (const uint16_t socket : {inside_v4, public_v4, inside_v6, inside_v4, inside_v4}) {
        const proxy::Decision decision = toward(view, backend, socket);
        expect_found(view, decision, exits->find(view, decision, true));
      }
    }
  }
}

TEST(Exits, AResponseGoesToItsClientWhateverBackendItIsFrom) {
  const View view = test::lab_view({});
  const auto exits = std::make_unique<Exits>();
  exits->begin(view);
  const proxy::Decision request = toward(view, 1, inside_v4);
  proxy::Decision response = request;
  response.destination = test::endpoint("198.51.100.7:5060");
  response.socket = public_v4;
  for (int round = 0; round < 2; ++round) {
    expect_found(view, request, exits->find(view, request, true));
    expect_found(view, response, exits->find(view, response, false));
  }
  response.backend = proxy::none;  // nobody's: a request to a client
  expect_found(view, response, exits->find(view, response, true));
}

TEST(Exits, OfAnotherViewAreOthers) {
  const View before = test::lab_view({});
  View after = test::lab_view({.backends_mtu = 1400});
  const auto exits = std::make_unique<Exits>();
  const proxy::Decision decision = toward(before, 0, inside_v4);
  exits->begin(before);
  expect_found(before, decision, exits->find(before, decision, true));
  exits->begin(after);
  EXPECT_EQ(exits->find(after, decision, true).way_mtu, 1400);
  after.ports[1].mtu = 2000;
  ++after.epoch;
  exits->begin(after);
  EXPECT_EQ(exits->find(after, decision, true).port_mtu, 2000);
}

TEST(Exits, WhoseNeighborIsUnknownAreAskedForEachTime) {
  View view = test::lab_view({.neighbors_known = false});
  const auto exits = std::make_unique<Exits>();
  const proxy::Decision decision = toward(view, 0, inside_v4);
  exits->begin(view);
  for (int round = 0; round < 2; ++round) {
    Egress& egress = exits->find(view, decision, true);
    EXPECT_TRUE(egress.lacks_neighbor);
    EXPECT_FALSE(egress.refused);
    egress.refused = telemetry::Reason::no_neighbor;  // as where nobody can be asked
  }
  view.adjacency = test::lab_adjacency({});
  exits->begin(view);
  for (int round = 0; round < 2; ++round) expect_found(view, decision, exits->find(view, decision, true));
  EXPECT_FALSE(exits->find(view, decision, true).lacks_neighbor);
}

TEST(Exits, WhatNamesNoSocketIsRefused) {
  const View view = test::lab_view({});
  const auto exits = std::make_unique<Exits>();
  exits->begin(view);
  proxy::Decision decision = toward(view, 0, proxy::none);
  EXPECT_EQ(exits->find(view, decision, true).refused, telemetry::Reason::no_route);
  decision.backend = proxy::none;
  EXPECT_EQ(exits->find(view, decision, true).refused, telemetry::Reason::no_route);
  expect_found(view, toward(view, 0, public_v6), exits->find(view, toward(view, 0, public_v6), true));
}

}  // namespace
}  // namespace viaduct::dataplane
