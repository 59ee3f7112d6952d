// One call through the worker, packet by packet: the flows of RFC 3261 figure 1 with us in the middle.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dataplane/fixture.h"

namespace viaduct::dataplane {
namespace {

using test::Call;
using test::endpoint;
using test::header_values;

class CallTest : public WorkersTest {
 protected:
  // What a frame that left says, after checks that hold for every one.
  test::Datagram read(const MemoryIo::Frame& frame) {
    const test::Datagram out = test::read_back(frame.bytes);
    EXPECT_TRUE(out.lengths_right);
    EXPECT_TRUE(out.ip_checksum_right);
    EXPECT_TRUE(out.udp_checksum_right);
    EXPECT_EQ(out.source_mac, frame.port == edge ? test::edge_mac : test::core_mac);
    return out;
  }
  test::Datagram only(const std::vector<MemoryIo::Frame>& sent, uint16_t port) {
    if (sent.size() != 1) {
      ADD_FAILURE() << sent.size() << " frames left instead of one";
      return {};
    }
    EXPECT_EQ(sent[0].port, port);
    bytes_sent_ += sent[0].bytes.size();
    return read(sent[0]);
  }
  test::Datagram up(std::string_view text, std::string_view from = "198.51.100.7:5060") {
    return only(through(test::from_outside(from, text), edge), core);
  }
  // An answer of the backend, to the socket from which it got the request.
  test::Datagram down(std::string_view text, const test::Datagram& request) {
    return only(through(test::from_inside(to_string(request.destination), text, to_string(request.source)), core),
                edge);
  }

  size_t bytes_sent_ = 0;
};

// W.1 and W.2, with Record-Route, and what follows: ACK and BYE by the route that the answer recorded.
TEST_F(CallTest, InviteAnswerAckAndByeStayWithOneBackend) {
  start({.record_route = true});
  Call call;
  const std::string invite = test::invite_of(call, 1100);
  const test::Datagram at_backend = up(invite);
  EXPECT_EQ(to_string(at_backend.source), "10.0.0.1:5060") << "W.1 F2: from the inside socket";
  const net::Endpoint backend = at_backend.destination;
  ASSERT_TRUE(view_.proxy->backend_of.contains(backend));
  const uint16_t index = view_.proxy->backend_of.at(backend);
  EXPECT_EQ(at_backend.destination_mac, test::backend_mac(index));
  const auto vias = header_values(at_backend.payload, "Via");
  ASSERT_EQ(vias.size(), 2u);
  EXPECT_TRUE(vias[0].starts_with("SIP/2.0/UDP 10.0.0.1:5060;")) << vias[0];
  EXPECT_NE(vias[1].find("received=198.51.100.7"), std::string::npos) << vias[1];
  EXPECT_NE(vias[1].find("rport=5060"), std::string::npos) << vias[1];
  EXPECT_EQ(header_values(at_backend.payload, "Max-Forwards"), std::vector<std::string>{"69"});
  EXPECT_EQ(test::body_of(at_backend.payload), test::body_of(invite));

  for (const std::string_view status : {"100 Trying", "180 Ringing", "200 OK"}) {
    SCOPED_TRACE(status);
    const std::string answer = test::answer_to(at_backend.payload, status);
    const test::Datagram at_caller = down(answer, at_backend);
    EXPECT_EQ(to_string(at_caller.source), "192.0.2.10:5060") << "the socket on which the request came";
    EXPECT_EQ(to_string(at_caller.destination), "198.51.100.7:5060");
    EXPECT_EQ(at_caller.destination_mac, test::gateway_mac);
    EXPECT_EQ(header_values(at_caller.payload, "Via"), std::vector<std::string>{vias[1]});
    EXPECT_TRUE(at_caller.payload.starts_with("SIP/2.0 " + std::string(status)));
  }

  call.to_tag = "8321234356";
  const auto recorded = header_values(at_backend.payload, "Record-Route");
  ASSERT_FALSE(recorded.empty());
  for (auto value = recorded.rbegin(); value != recorded.rend(); ++value)
    call.route += (call.route.empty() ? "" : ", ") + *value;
  call.callee = "bob";
  call.domain = to_string(backend);  // the Contact of the callee
  call.branch = "ack1";
  const test::Datagram ack = up(test::request_of(call, "ACK"));
  EXPECT_EQ(to_string(ack.destination), to_string(backend));
  EXPECT_TRUE(header_values(ack.payload, "Route").empty()) << ack.payload;
  ++call.cseq;
  call.branch = "bye1";
  const test::Datagram bye = up(test::request_of(call, "BYE"));
  EXPECT_EQ(to_string(bye.destination), to_string(backend));
  const test::Datagram bye_answered = down(test::answer_to(bye.payload, "200 OK"), bye);
  EXPECT_EQ(to_string(bye_answered.destination), "198.51.100.7:5060");

  const telemetry::WorkerCounters& counters = bench().counters;
  EXPECT_EQ(counters.requests_forwarded.value(), 3u);
  EXPECT_EQ(counters.responses_forwarded.value(), 4u);
  EXPECT_EQ(counters.backend_requests[index].value(), 3u);
  EXPECT_EQ(counters.backend_responses[index].value(), 4u);
  EXPECT_EQ(counters.received.value(), 7u);
  EXPECT_EQ(counters.bytes_sent.value(), bytes_sent_);
}

TEST_F(CallTest, TheSameOverIpv6AndATaggedLink) {
  start({.backends_v6 = true});
  Call call;
  call.caller = "[2001:db8:2::7]:5060";
  const std::string invite = test::invite_of(call, 1000);
  const auto sent = through(test::packet()
                                .ethernet(test::gateway_mac, test::edge_mac)
                                .vlan(0x0064)
                                .between(call.caller, "[2001:db8::10]:5060")
                                .payload(invite)
                                .frame(),
                            edge);
  const test::Datagram at_backend = only(sent, core);
  EXPECT_TRUE(at_backend.v6);
  EXPECT_TRUE(at_backend.tags.empty()) << "another port has other VLANs";
  EXPECT_EQ(to_string(at_backend.source), "[fd00::1]:5060");
  const auto answered = through(test::packet()
                                    .ethernet(test::inside_router_mac, test::core_mac)
                                    .vlan(0x0064)
                                    .between(to_string(at_backend.destination), "[fd00::1]:5060")
                                    .payload(test::answer_to(at_backend.payload, "200 OK"))
                                    .frame(),
                                core);
  const test::Datagram at_caller = only(answered, edge);
  EXPECT_EQ(to_string(at_caller.destination), "[2001:db8:2::7]:5060");
  EXPECT_EQ(to_string(at_caller.source), "[2001:db8::10]:5060");
  EXPECT_TRUE(at_caller.tags.empty());
  std::string refused = test::invite_of(call, 1000);
  refused.replace(refused.find("Max-Forwards: 70"), 16, "Max-Forwards: 0 ");
  const auto replied = through(test::packet()
                                   .ethernet(test::gateway_mac, test::edge_mac)
                                   .vlan(0x0064)
                                   .between(call.caller, "[2001:db8::10]:5060")
                                   .payload(refused)
                                   .frame(),
                               edge);
  EXPECT_EQ(only(replied, edge).tags, (std::vector<uint16_t>{0x8100, 0x0064}))
      << "what leaves where it came keeps its own";
}

// IP6-06: a client of one family, backends of the other.
TEST_F(CallTest, CallersAndBackendsMayBeOfDifferentFamilies) {
  for (const bool backends_v6 : {true, false}) {
    start({.backends_v6 = backends_v6});
    injected_ = 0;
    Call call;
    call.caller = backends_v6 ? "198.51.100.7:5060" : "[2001:db8:2::7]:5060";
    const auto sent = through(test::packet()
                                  .ethernet(test::gateway_mac, test::edge_mac)
                                  .between(call.caller, backends_v6 ? "192.0.2.10:5060" : "[2001:db8::10]:5060")
                                  .payload(test::invite_of(call, 1000))
                                  .frame(),
                              edge);
    const test::Datagram at_backend = only(sent, core);
    EXPECT_EQ(at_backend.v6, backends_v6);
    const test::Datagram at_caller = down(test::answer_to(at_backend.payload, "200 OK"), at_backend);
    EXPECT_EQ(at_caller.v6, !backends_v6);
    EXPECT_EQ(to_string(at_caller.destination), call.caller);
  }
}

// FWD-10, LBG-24: every copy is forwarded, and nothing but the IP identification differs between them.
TEST_F(CallTest, ARetransmissionLeavesAsTheFirstCopyDid) {
  start();
  const std::string invite = test::invite_of(Call{});
  const test::Datagram first = up(invite), second = up(invite);
  EXPECT_EQ(first.payload, second.payload);
  EXPECT_EQ(to_string(first.destination), to_string(second.destination));
  EXPECT_NE(first.identification, second.identification) << "RFC 6864 section 4.2";
}

// CAN-09: the order of packets of one 5-tuple is the order in which they came, over more than one burst.
TEST_F(CallTest, PacketsOfOneFlowLeaveInTheirOrder) {
  start();
  test::MessageCorpus corpus;
  std::vector<std::string> ids;
  for (int i = 0; i < 200; ++i) {
    Call call = corpus.call();
    call.caller = "198.51.100.7:5060";
    ids.push_back(call.call_id);
    inject(test::from_outside(call.caller, test::request_of(call, i % 2 ? "OPTIONS" : "REGISTER")), edge);
  }
  turn();
  const auto sent = io().take_sent();
  ASSERT_EQ(sent.size(), ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(header_values(read(sent[i]).payload, "Call-ID"), std::vector<std::string>{ids[i]});
  }
}

TEST_F(CallTest, WhatWeAnswerOurselvesGoesBackInTheSameBuffer) {
  start();
  Call call;
  std::string request = test::request_of(call, "INVITE");
  request.replace(request.find("Max-Forwards: 70"), 16, "Max-Forwards: 0");
  const test::Datagram answer = only(through(test::from_outside(call.caller, request), edge), edge);
  EXPECT_TRUE(answer.payload.starts_with("SIP/2.0 483 ")) << answer.payload;
  EXPECT_EQ(to_string(answer.source), "192.0.2.10:5060");
  EXPECT_EQ(to_string(answer.destination), "198.51.100.7:5060");
  EXPECT_EQ(answer.destination_mac, test::gateway_mac);
  EXPECT_EQ(count(telemetry::Reason::too_many_hops), 1u);
  EXPECT_EQ(telemetry::ledger_of(bench().counters).replied, 1u);
}

}  // namespace
}  // namespace viaduct::dataplane
