// Who must meet the same server again: registrations, retries with credentials, dialogs of either side.
#include "scenarios/scenario.h"

namespace viaduct::scenarios {
namespace {

class Affinity : public Scenario {
 protected:
  // A request that no call sends; who got it.
  std::string send(const std::string& method, const std::string& call_id, int cseq, const std::string& to,
                   const std::string& uri = "sip:example.com", const std::string& more = "") {
    const size_t before = account.count(call_id, method);
    phones->send(
        SipText(test::sip_text(method + " " + uri + " SIP/2.0\nVia: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK" +
                               call_id + std::to_string(cseq) + "\n" + more + "Max-Forwards: 70\nFrom: <" + to +
                               ">;tag=f\nTo: <" + to + ">\nCall-ID: " + call_id + "\nCSeq: " + std::to_string(cseq) +
                               " " + method + "\nContact: <sip:u@198.51.100.7>\nContent-Length: 0\n") +
                "\r\n"));
    world->run(20ms);
    const std::vector<Arrival> arrived = account.of(call_id, method);
    return arrived.size() > before ? arrived[before].server : "";
  }
};

TEST_F(Affinity, RefreshesOfARegistrationStayWhereTheyAre) {  // AFF-01
  open(Site::of(5));
  std::set<std::string> all;
  for (int i = 0; i < 20; ++i) {
    const std::string id = "reg" + std::to_string(i), user = "sip:u" + std::to_string(i) + "@example.com";
    const std::string home = send("REGISTER", id, 1, user);
    all.insert(home);
    for (int cseq = 2; cseq < 5; ++cseq) {
      world->run(1h);
      EXPECT_EQ(send("REGISTER", id, cseq, user), home);
    }
  }
  EXPECT_EQ(all.size(), 5u);
}

TEST_F(Affinity, TheRetryWithCredentialsFindsWhoAskedForThem) {  // AFF-02
  open(Site::of(5));
  for (int i = 0; i < 20; ++i) {
    const std::string id = "call" + std::to_string(i);
    phones->call(id, {.answer = "407 Proxy Authentication Required"});
    world->run(500ms);
    EXPECT_EQ(phones->at(id).state(), Call::State::completed) << phones->at(id).why();
    const std::string retry = send("INVITE", id, 2, "sip:bob@example.com", "sip:bob@example.com",
                                   "Proxy-Authorization: Digest username=\"a\"\n");
    EXPECT_EQ(retry, account.of(id, "INVITE")[0].server);
  }
}

TEST_F(Affinity, ByAddressOfRecordACallMeetsTheRegistrarOfItsCallee) {  // AFF-03
  Site by_aor = Site::of(5);
  by_aor.pool = "key = \"aor\"";
  open(by_aor);
  for (int i = 0; i < 20; ++i) {
    const std::string user = "sip:u" + std::to_string(i) + "@example.com";
    const std::string home = send("REGISTER", "one" + std::to_string(i), 1, user);
    EXPECT_EQ(send("REGISTER", "another" + std::to_string(i), 1, user), home) << "a second device";
    EXPECT_EQ(send("OPTIONS", "call" + std::to_string(i), 1, "sip:somebody@example.com", user), home);
  }
}

TEST_F(Affinity, InADialogRouteDecidesWhateverBecomesOfTheSet) {  // AFF-04
  open(Site::of(4));
  std::map<std::string, std::string> homes;
  for (int i = 0; i < 40; ++i) homes["c" + std::to_string(i)] = talk("c" + std::to_string(i));
  drain("p2");
  Site other = Site::of(9);
  other.backends.erase(other.backends.begin());  // p1 leaves
  other.at("p3").weight = 7;
  node->reload(other);
  for (const auto& [id, home] : homes) {
    phones->at(id).ask("UPDATE");
    world->run(50ms);
    EXPECT_EQ(account.at(id, "UPDATE"), home);
    phones->at(id).hang_up();
  }
  finish();
  expect_nothing_split();
  expect_calls_whole();
}

// By name: the machine of that name may have moved to another address.
TEST_F(Affinity, TheCookieFindsAServerThatIsTheEndpoint) {  // AFF-05
  open(Site::of(4));
  const std::string id = id_at("p3");
  ASSERT_EQ(talk(id), "p3");
  server("p3").die();
  Server moved(*world, account, "p3", address_of("p12"));
  site.at("p3").address = address_of("p12");
  node->reload(site);
  phones->at(id).ask("UPDATE");
  world->run(50ms);
  ASSERT_EQ(account.of(id, "UPDATE").size(), 1u);
  EXPECT_EQ(account.at(id, "UPDATE"), "p3");
  EXPECT_EQ(account.strays.size(), 1u) << "at the new machine, which knows no dialogs";
  server("p12").come();
}

// The Call-ID would choose another server; the Route does not ask it.
TEST_F(Affinity, DialogsThatAServerBeganHangOnTheirRoute) {  // AFF-06
  open(Site::of(4));
  int elsewhere = 0;
  for (int i = 0; i < 20; ++i) {
    const std::string id = "out" + std::to_string(i);
    elsewhere += home_of_key(id) != "p2";
    server("p2").call(id, "198.51.100.7:5060");
    world->run(50ms);
    ASSERT_FALSE(server("p2").responses.empty());
    ASSERT_FALSE(phones->others.empty());
    const SipText invite = *std::find_if(phones->others.rbegin(), phones->others.rend(), [&](const SipText& message) {
      return message.value("Call-ID") == id && message.start().starts_with("INVITE");
    });
    std::string routes;
    for (const std::string& route : invite.values("Record-Route")) routes += "Route: " + route + "\n";
    ASSERT_FALSE(routes.empty());
    phones->send(SipText(test::sip_text("BYE " + uri_in(invite.value("Contact")) +
                                        " SIP/2.0\nVia: SIP/2.0/UDP "
                                        "198.51.100.7:5060;branch=z9hG4bKbye" +
                                        id + "\n" + routes + "Max-Forwards: 70\nFrom: " + invite.value("To") +
                                        ";tag=phone\nTo: " + invite.value("From") + "\nCall-ID: " + id +
                                        "\nCSeq: 1 BYE\nContent-Length: 0\n") +
                         "\r\n"));
    world->run(50ms);
    EXPECT_EQ(account.at(id, "BYE"), "p2");
  }
  EXPECT_GT(elsewhere, 5);
}

TEST_F(Affinity, ANotifyBeforeTheAnswerGoesOutward) {  // AFF-07
  open(Site::of(4));
  for (auto& [name, one] : servers) one->early_notify = true;
  const std::string home = send("SUBSCRIBE", "sub", 1, "sip:u1@example.com", "sip:u1@example.com", "Event: presence\n");
  std::vector<std::string> order;
  for (const SipText& message : phones->others)
    order.push_back(method_of(message) + std::to_string(status_of(message)));
  EXPECT_EQ(order, (std::vector<std::string>{"NOTIFY0", "SUBSCRIBE200"}));
  ASSERT_FALSE(server(home).responses.empty()) << "the answer to the NOTIFY found its way back";
  EXPECT_EQ(status_of(server(home).responses[0]), 200u);
}

TEST_F(Affinity, ReplacesAndFriendsGoByTheirOwnCallId) {  // AFF-08
  open(Site::of(4));
  const std::string home = talk("first");
  int elsewhere = 0;
  for (int i = 0; i < 10; ++i) {
    const std::string id = "second" + std::to_string(i), own = home_of_key(id);
    const std::string got = send("INVITE", id, 1, "sip:bob@example.com", "sip:bob@example.com",
                                 "Replaces: first;to-tag=" + home + ";from-tag=first\n");
    EXPECT_EQ(got, own);
    elsewhere += got != home;
  }
  EXPECT_GT(elsewhere, 0);
}

TEST_F(Affinity, WithoutRouteADialogFallsBackToItsCallId) {  // AFF-09
  Site plain = Site::of(4);
  plain.record_route = false;
  open(plain);
  for (int i = 0; i < 20; ++i) {
    const std::string id = "c" + std::to_string(i), home = talk(id);
    phones->at(id).hang_up();
    world->run(50ms);
    EXPECT_EQ(account.at(id, "BYE"), home);
  }
  finish();
}

}  // namespace
}  // namespace viaduct::scenarios
