// Counts by place become counts by name.
#include "control/traffic_book.h"

#include <gtest/gtest.h>

namespace viaduct::control {
namespace {

std::vector<uint64_t> requests(const std::vector<Cluster::Traffic>& all) {
  std::vector<uint64_t> requests;
  for (const Cluster::Traffic& traffic : all) requests.push_back(traffic.requests);
  return requests;
}

std::vector<uint64_t> requests_of(const TrafficBook& book, const std::vector<Cluster::Traffic>& counted) {
  return requests(book.of_backends(counted));
}

TEST(TrafficBook, WhatABackendHasHadGoesWithItsName) {
  using Requests = std::vector<uint64_t>;
  TrafficBook book;
  std::vector<Cluster::Traffic> counted(3);
  book.give_places({"p1", "p2"}, counted);
  counted[0].requests = 10, counted[1].requests = 20;
  EXPECT_EQ(requests_of(book, counted), (Requests{10, 20}));
  book.give_places({"p0", "p2", "p1"}, counted);
  EXPECT_EQ(requests_of(book, counted), (Requests{0, 20, 10})) << "nobody has had anything meanwhile";
  counted[0].requests += 1, counted[1].requests += 2, counted[2].requests += 3;
  EXPECT_EQ(requests_of(book, counted), (Requests{1, 22, 13}));
  book.give_places({"p2"}, counted);
  EXPECT_EQ(requests_of(book, counted), (Requests{22}));
  book.give_places({"p1", "p2"}, counted);
  EXPECT_EQ(requests_of(book, counted), (Requests{0, 22})) << "who was gone begins anew";
}

TEST(TrafficBook, AResetCountsForWhoStaysAndNotForWhoWasGone) {
  TrafficBook book;
  std::vector<Cluster::Traffic> counted(2);
  const auto since_reset = [&] { return requests(book.since_reset(counted)); };
  using Requests = std::vector<uint64_t>;
  book.give_places({"p1", "p2"}, counted);
  counted[0].requests = 1000, counted[1].requests = 20;
  EXPECT_EQ(since_reset(), (Requests{1000, 20})) << "there was none";
  book.reset(counted);
  counted[1].requests = 21;
  EXPECT_EQ(since_reset(), (Requests{0, 1}));
  book.give_places({"p2"}, counted);
  EXPECT_EQ(since_reset(), (Requests{1})) << "at another place";
  book.give_places({"p1", "p2"}, counted);
  counted[0].requests += 3;
  EXPECT_EQ(since_reset(), (Requests{3, 1})) << "as many as it has had since it is back";
}

TEST(TrafficBook, WhoHasNoPlaceIsNotCounted) {
  TrafficBook book;
  const std::vector<Cluster::Traffic> counted(2);
  book.give_places({"p1", "p2", "p3"}, counted);
  EXPECT_EQ(requests_of(book, counted), (std::vector<uint64_t>{0, 0}));
}

}  // namespace
}  // namespace viaduct::control
