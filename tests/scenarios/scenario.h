// A world with one balancer, callers, and servers p1 .. p12.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "scenarios/node.h"
#include "scenarios/people.h"
#include "scenarios/phones.h"

namespace viaduct::scenarios {

class Scenario : public ::testing::Test {
 protected:
  static constexpr size_t machines = 12;

  void open(const Site& configured, size_t workers = 2, uint64_t seed = 1) {
    site = configured;
    world = std::make_unique<World>(seed);
    account = {};
    servers.clear();
    for (size_t i = 1; i <= machines; ++i) {
      const std::string name = "p" + std::to_string(i);
      servers.emplace(name, std::make_unique<Server>(*world, account, name, address_of(name)));
    }
    phones = std::make_unique<Phones>(*world);
    node = std::make_unique<Node>(*world, site, workers);
    node->take_addresses();
  }
  Server& server(const std::string& name) { return *servers.at(name); }
  void order(const std::string& line) {
    const std::string answer = node->order(line);
    EXPECT_FALSE(answer.starts_with("error")) << answer;
  }
  void drain(const std::string& name) { order("backend drain proxies/" + name); }

  // An OPTIONS outside of any dialog, once; who got it.
  std::string home_of_key(const std::string& call_id) {
    const size_t before = account.count(call_id, "OPTIONS");
    phones->send(SipText(test::sip_text("OPTIONS sip:bob@example.com SIP/2.0\nVia: SIP/2.0/UDP 198.51.100.7:5060"
                                        ";branch=z9hG4bKk" +
                                        std::to_string(++keys_asked_) +
                                        "\nMax-Forwards: 70\nFrom: <sip:k@example.com>;tag=k\nTo: "
                                        "<sip:bob@example.com>\nCall-ID: " +
                                        call_id + "\nCSeq: 1 OPTIONS\nContent-Length: 0\n") +
                         "\r\n"));
    world->run_until([&] { return account.count(call_id, "OPTIONS") > before; }, 10ms);
    const std::vector<Arrival> arrived = account.of(call_id, "OPTIONS");
    return arrived.size() > before ? arrived.back().server : "";
  }
  // A call that is talking, and where.
  std::string talk(const std::string& id, Plan plan = {.hold = 1h}) {
    phones->call(id, plan);
    world->run_until([&] { return phones->at(id).state() == Call::State::talking; });
    EXPECT_EQ(phones->at(id).state(), Call::State::talking) << phones->at(id).why();
    return account.at(id, "INVITE");
  }
  std::string ring(const std::string& id, Plan plan = {.ring = 1h}) {
    phones->call(id, plan);
    world->run_until([&] { return phones->at(id).state() == Call::State::ringing; });
    EXPECT_EQ(phones->at(id).state(), Call::State::ringing) << phones->at(id).why();
    return account.at(id, "INVITE");
  }
  // A Call-ID whose calls go to this server now.
  std::string id_at(const std::string& name) {
    for (int i = 0; i < 1000; ++i) {
      const std::string id = "id" + std::to_string(++ids_tried_);
      if (home_of_key(id) == name) return id;
    }
    throw std::runtime_error("no call goes to " + name);
  }

  void finish(Duration patience = 120s) {
    world->run_until([&] { return phones->all_over(); }, patience);
    EXPECT_TRUE(phones->all_over());
    EXPECT_EQ(phones->failures(), "");
  }
  void expect_nothing_split() {
    for (const auto& [branch, cseq] : account.split()) {
      ADD_FAILURE() << branch << " has two backends:\n" << account.story(branch);
    }
    EXPECT_TRUE(account.strays.empty()) << account.strays.size() << " in-dialog requests strayed, such as "
                                        << account.strays.front();
  }
  // Each call's messages at one server.
  void expect_calls_whole() {
    for (const auto& [id, call] : phones->all()) {
      EXPECT_EQ(account.at(id).find(' '), std::string::npos) << id << ":\n" << account.story(id);
    }
  }

  Site site;
  std::unique_ptr<World> world;
  Account account;
  std::map<std::string, std::unique_ptr<Server>> servers;
  std::unique_ptr<Phones> phones;
  std::unique_ptr<Node> node;

 private:
  int keys_asked_ = 0, ids_tried_ = 0;
};

}  // namespace viaduct::scenarios
