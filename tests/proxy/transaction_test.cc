// Transaction identity (TXN), and the invariance that a proxy without memory lives by.
#include <set>

#include "support/proxy_bed.h"

namespace viaduct::test {
namespace {

class Transaction : public ::testing::Test {
 protected:
  std::string branch(const SipText& message, const net::Endpoint& source = alice) const {
    const Outcome outcome = bed.send(message, source);
    EXPECT_EQ(outcome.verdict(), "forward") << message.str();
    return outcome.branch();
  }
  SipText with_via(const std::string& rest) const { return m0.with("Via", "SIP/2.0/UDP " + rest); }

  Bed bed;
  const SipText old_client = m0.with("Via", "SIP/2.0/UDP 198.51.100.7:5060");  // of RFC 2543: no branch
};

TEST_F(Transaction, TheBranchIsTheCookieAndTokenCharacters) {  // TXN-01
  const std::string value = branch(m0);
  ASSERT_TRUE(value.starts_with("z9hG4bK"));
  EXPECT_EQ(value.substr(7).find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-"), std::string::npos) << value;
  EXPECT_GE((value.size() - 9) * 5, 64u) << "TXN-18: bits";
}

TEST_F(Transaction, ItIsTheSameForEveryCopyFromAnywhere) {  // TXN-02, TXN-03, TXN-04
  EXPECT_EQ(branch(m0), branch(m0));
  const Outcome moved = bed.send(m0, at("198.51.100.7:6000")), first = bed.send(m0, alice);
  EXPECT_EQ(moved.branch(), first.branch());
  EXPECT_NE(moved.via(), first.via()) << "the MAC beside it covers the new port";
  EXPECT_EQ(branch(m0, at("203.0.113.99:1")), first.branch());
}

TEST_F(Transaction, MethodAndToTagDoNotCount) {  // TXN-05, TXN-06, TXN-10
  EXPECT_EQ(branch(cancel_of(m0)), branch(m0));
  EXPECT_EQ(branch(ack_of(m0, "b2cancel")), branch(m0));
  EXPECT_EQ(branch(m0.with("To", "<sip:carol@example.com>;tag=1")
                       .with_last_line("Subject: x")
                       .with("Contact", "<sip:y>")
                       .with_body(std::string(116, 'x'))),
            branch(m0));
  EXPECT_NE(branch(ack_of(m0, "x").with("Via", "SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bKnew")), branch(m0))
      << "TXN-07: ACK for a 2xx";
}

TEST_F(Transaction, WhatTellsTransactionsApart) {  // TXN-08, TXN-09, TXN-11
  std::set<std::string> branches = {branch(m0)};
  for (const SipText& other : {
           with_via("198.51.100.7:5060;rport;branch=z9hG4bKother"),
           with_via("198.51.100.8:5060;rport;branch=z9hG4bK776asdhds"),  // another sent-by
           with_via("198.51.100.7:5061;rport;branch=z9hG4bK776asdhds"),
           m0.with("CSeq", "314160 INVITE"),
           m0.with("Call-ID", "other"),
           m0.with("From", "<sip:alice@example.com>;tag=other"),
           old_client,
           old_client.with_uri("sip:carol@example.com"),
           old_client.with("CSeq", "1 INVITE"),
           old_client.with("Call-ID", "other"),
           old_client.with("From", "<sip:alice@example.com>;tag=other"),
       }) {
    EXPECT_TRUE(branches.insert(branch(other)).second) << other.str();
  }
  const SipText bye = old_client.with_method("BYE");
  EXPECT_NE(branch(bye.with("To", "<sip:bob@example.com>;tag=1")),
            branch(bye.with("To", "<sip:bob@example.com>;tag=2")));
}

TEST_F(Transaction, OldClientsInviteCancelAndAckAgree) {  // TXN-12, D-10
  EXPECT_EQ(branch(cancel_of(old_client)), branch(old_client));
  EXPECT_EQ(branch(ack_of(old_client, "b2cancel")), branch(old_client));
}

TEST_F(Transaction, ABareCookieIsNoBranch) {  // TXN-13
  const SipText bare = with_via("198.51.100.7:5060;branch=z9hG4bK");
  EXPECT_NE(branch(bare), branch(bare.with_uri("sip:carol@example.com"))) << "treated like RFC 2543";
  EXPECT_EQ(branch(ack_of(bare, "x")), branch(bare));
}

TEST_F(Transaction, TheTopViaCountsAsReceived) {  // TXN-14
  const SipText q = with_via("198.51.100.7:5060;rport");
  EXPECT_EQ(branch(q, alice), branch(q, at("198.51.100.7:6000")));
}

TEST_F(Transaction, OnlyTheTopViaCounts) {  // TXN-15
  for (const SipText& top : {m0, old_client}) {
    const SipText below = top.with_line_at(2, "Via: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKlow");
    EXPECT_EQ(branch(below), branch(ack_of(top, "x")));
  }
}

TEST_F(Transaction, AnotherNextHopIsAnotherTransaction) {  // TXN-16, LBG-04
  const Outcome first = bed.from_alice(m0);
  bed.view.backends[first.decision.backend].healthy = false;
  bed.finish();
  const Outcome second = bed.from_alice(m0);
  EXPECT_NE(second.decision.destination, first.decision.destination);
  EXPECT_NE(second.branch(), first.branch());
  EXPECT_EQ(bed.send(reply_to(second.message, "200 OK"), second.decision.destination, inside).verdict(), "forward");
  EXPECT_EQ(bed.send(reply_to(first.message, "200 OK"), first.decision.destination, inside).verdict(), "forward")
      << "LBG-06: the late answer of a backend that was down";
}

TEST_F(Transaction, ASpiralIsAnotherTransaction) {  // TXN-17, LBG-14, LOP-01
  const Outcome inward = bed.from_alice(m0);
  const SipText from_b2 = inward.message.with_line_at(1, "Via: SIP/2.0/UDP 10.0.1.3:5060;branch=z9hG4bKb2.1")
                              .with_uri("sip:bob@203.0.113.50")
                              .with("Max-Forwards", "68")
                              .with_line_at(4, "Record-Route: <sip:10.0.1.3;lr>");
  const Outcome outward = bed.from_backend(from_b2, b2);
  EXPECT_EQ(outward.verdict(), "forward") << "no loop";
  const auto vias = outward.message.values("Via");
  ASSERT_EQ(vias.size(), 4u);
  EXPECT_TRUE(vias[0].starts_with("SIP/2.0/UDP 192.0.2.10:5060;")) << "LBG-14: balancer, backend, balancer, Alice";
  EXPECT_TRUE(vias[1].starts_with("SIP/2.0/UDP 10.0.1.3:5060;"));
  EXPECT_EQ(vias[2], inward.via());
  EXPECT_TRUE(vias[3].starts_with("SIP/2.0/UDP 198.51.100.7:5060;"));
  EXPECT_NE(param(vias[0], "branch"), param(vias[2], "branch"));
  EXPECT_EQ(outward.message.value("Max-Forwards"), "67");
  EXPECT_EQ(outward.message.values("Record-Route").size(), 5u);
  const Outcome back = bed.send(reply_to(outward.message, "200 OK"), bob, outside);
  EXPECT_EQ(back.decision.destination, b2);
  EXPECT_EQ(bed.send(reply_to(inward.message, "200 OK"), b2, inside).decision.destination, alice);
}

TEST_F(Transaction, TheMacKeyMayRotateAloneAndTheBranchStays) {  // TXN-19, SEC-27
  const Outcome before = bed.from_alice(m0);
  bed.view.old_keys = {bed.view.keys};
  bed.view.keys.via_mac = proxy::derive_keys({99}).via_mac;
  const Outcome after = bed.from_alice(m0);
  EXPECT_EQ(after.branch(), before.branch());
  EXPECT_NE(after.via(), before.via());
  EXPECT_EQ(bed.send(reply_to(before.message, "200 OK"), b2, inside).verdict(), "forward")
      << "signed before the rotation";
  EXPECT_EQ(bed.send(reply_to(after.message, "200 OK"), b2, inside).verdict(), "forward");
}

TEST_F(Transaction, OtherElementsViasStay) {  // TXN-20
  const SipText request =
      m0.with_line_at(2, "Via: SIP/2.0/UDP a.example;branch=z9hG4bK1 ;x=\"y\", SIP/2.0/TLS [2001:db8::1]:5061;branch=2")
          .with_line_at(3, "v:SIP/2.0/UDP b.example");
  const Outcome outcome = bed.from_alice(request);
  EXPECT_NE(outcome.bytes.find("\r\nVia: SIP/2.0/UDP a.example;branch=z9hG4bK1 ;x=\"y\", SIP/2.0/TLS "
                               "[2001:db8::1]:5061;branch=2\r\nv:SIP/2.0/UDP b.example\r\n"),
            std::string::npos);
}

// The matrix of the rule book's section 23(2): copy = CANCEL = ACK for a non-2xx, and all differ from the ACK for a
// 2xx, for every kind of client, however many proxies are below it, after a restart, and from another port of the same
// NAT.
struct Client {
  const char* name;
  const char* params;         // of the INVITE's Via
  const char* params_of_ack;  // for a 2xx: a transaction of its own
};

class Matrix : public ::testing::TestWithParam<std::tuple<Client, int, bool>> {};

TEST_P(Matrix, CopyCancelAndAckAgree) {  // TXN-02, TXN-03, TXN-04, TXN-05, TXN-06, TXN-12, TXN-14, TXN-19, TGT-03,
                                         // TGT-04, FWD-08, CAN-02, CAN-06, LBG-16, LBG-17
  const auto& [client, vias, single_homed] = GetParam();
  const auto homes = single_homed ? Bed::Homes::one : Bed::Homes::two;
  const Bed bed(homes);
  Bed restarted(homes);
  restarted.view = Bed::build(homes);
  for (int call = 0; call < 20; ++call) {
    const std::string n = std::to_string(call);
    SipText invite =
        m0.with("Via", std::string("SIP/2.0/UDP 192.168.1.7:5060") + client.params).with("Call-ID", "call-" + n);
    const SipText one_via = invite;
    for (int i = 1; i < vias; ++i)
      invite = invite.with_line_at(
          2, "Via: SIP/2.0/UDP 10.9.9." + std::to_string(i) + ";branch=z9hG4bKlow" + std::to_string(i));
    const Outcome first = bed.send(invite, nadia);
    ASSERT_EQ(first.verdict(), "forward");
    net::Endpoint rebound = nadia;
    for (const uint16_t port : {nadia.port, uint16_t{50999}}) {
      rebound.port = port;
      for (const Bed* node : {&bed, static_cast<const Bed*>(&restarted)}) {
        for (const SipText& other : {invite, cancel_of(one_via), ack_of(one_via, "b" + n), ack_of(one_via, "other")}) {
          const Outcome outcome = node->send(other, rebound);
          EXPECT_EQ(outcome.branch(), first.branch()) << other.str();
          EXPECT_EQ(outcome.decision.backend, first.decision.backend);
          EXPECT_EQ(outcome.decision.socket, first.decision.socket);
          if (port == nadia.port) {
            EXPECT_EQ(outcome.via(), first.via());
          }
        }
      }
    }
    const SipText ack = ack_of(one_via, "b" + n)
                            .with("Via", std::string("SIP/2.0/UDP 192.168.1.7:5060") + client.params_of_ack)
                            .with_uri("sip:bob@example.com;contact=" + n);
    EXPECT_NE(bed.send(ack, nadia).branch(), first.branch());
    EXPECT_EQ(bed.send(ack, nadia).decision.backend, first.decision.backend) << "the same call";
  }
}

INSTANTIATE_TEST_SUITE_P(
    Clients, Matrix,
    ::testing::Combine(::testing::Values(Client{"cookie", ";rport;branch=z9hG4bKa1", ";rport;branch=z9hG4bKa2"},
                                         Client{"cookie_without_rport", ";branch=z9hG4bKa1", ";branch=z9hG4bKa2"},
                                         Client{"bare_cookie", ";rport;branch=z9hG4bK", ";rport;branch=z9hG4bK"},
                                         Client{"no_cookie", ";rport;branch=77.1", ";rport;branch=77.2"},
                                         Client{"no_branch", ";rport", ";rport"}, Client{"nothing", "", ""}),
                       ::testing::Values(1, 2, 70), ::testing::Bool()),
    [](const auto& param_info) {
      return std::string(std::get<0>(param_info.param).name) + "_" + std::to_string(std::get<1>(param_info.param)) +
             "_vias_" + (std::get<2>(param_info.param) ? "one_network" : "two_networks");
    });

}  // namespace
}  // namespace viaduct::test
