// Over veth pairs, with the kernel's own UDP at both ends: what it accepts has right lengths and checksums, and what it
// sends has checksums that are not finished, as on any virtual machine.
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdarg>
#include <set>

#include "dpdk/fixture.h"
#include "dpdk/kernel_sockets.h"
#include "dpdk/runtime.h"
#include "support/lab.h"
#include "support/message_corpus.h"
#include "support/network.h"

static std::atomic<size_t> ethtool_questions{0};

// In place of the C library's.
extern "C" int ioctl(int fd, unsigned long request, ...) noexcept {
  if (request == SIOCETHTOOL) ++ethtool_questions;
  va_list arguments;
  va_start(arguments, request);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  return static_cast<int>(syscall(SYS_ioctl, fd, request, argument));
}

namespace viaduct::dpdk {
namespace {

using config::DeviceKind;
using test::capture_at;
using test::fill;
using test::isolated_in_network;
using test::port_of;
using test::receive;
using test::send_to;
using test::SocketAddress;
using test::udp_at;

// The lab of support/lab.h with one backend, out of cables: a caller's host and a backend's host.
class Wires {
 public:
  Wires() {
    outside.connect("edge0", "far0");
    inside.connect("core0", "far1");
    test::run("ip link set edge0 address " + to_string(test::edge_mac));
    test::run("ip link set core0 mtu 9000 address " + to_string(test::core_mac));
    outside("ip link set far0 address " + to_string(test::gateway_mac));
    inside("ip link set far1 mtu 9000 address " + to_string(test::backend_mac(0)));
    join(outside, "far0", {"198.51.100.7/32", "2001:db8:2::7/128"}, {"192.0.2.10", "2001:db8::10"}, test::edge_mac);
    join(inside, "far1", {"10.0.1.1/32", "fd00::1:1/128"}, {"10.0.0.1", "fd00::1"}, test::core_mac);
  }

  config::Config config(size_t workers) const {
    config::Config config = test::small_config(workers);
    config.ports = {port_of("edge", DeviceKind::af_packet, "edge0"), port_of("core", DeviceKind::af_packet, "core0")};
    return config;
  }

  test::PeerNetwork outside, inside;

 private:
  static void join(const test::PeerNetwork& peer, const std::string& interface, std::vector<std::string> own,
                   std::vector<std::string> others, const net::Mac& mac) {
    for (const std::string& address : own) {
      const bool v6 = address.find(':') != std::string::npos;
      peer("ip addr add " + address + " dev " + interface + (v6 ? " nodad" : ""));
    }
    for (const std::string& address : others) {
      peer("ip route add " + address + " dev " + interface);
      peer("ip neigh add " + address + " lladdr " + to_string(mac) + " dev " + interface);
    }
  }
};

struct Balancer {
  Balancer(const config::Config& config, test::LabOptions options) {
    auto opened = Runtime::open(config);
    if (!opened) throw std::runtime_error(opened.error());
    runtime = std::move(*opened);
    options.backend_count = 1;
    options.twin = true;
    view = std::make_shared<const dataplane::View>(test::lab_view(options));
  }
  void start() { ASSERT_TRUE(runtime->start(view)); }
  telemetry::Ledger ledger() const {
    telemetry::Ledger sum;
    for (size_t worker = 0; worker < runtime->worker_count(); ++worker) {
      sum += telemetry::ledger_of(runtime->counters(worker));
    }
    return sum;
  }
  void stop() {
    runtime->stop();
    for (size_t worker = 0; worker < runtime->worker_count(); ++worker) {
      const telemetry::Ledger ledger = telemetry::ledger_of(runtime->counters(worker));
      EXPECT_TRUE(ledger.closes()) << telemetry::to_string(ledger);
    }
  }
  std::unique_ptr<Runtime> runtime;
  std::shared_ptr<const dataplane::View> view;
};

class AfPacket : public testing::Test {
 protected:
  // In a process, and a network, of its own.
  void on_wires(const std::function<void(Wires&)>& body) {
    isolated_in_network([&] {
      Wires wires;
      body(wires);
    });
  }
};

// Reads frames until one is a SIP datagram that holds `part`.
test::Datagram captured(int capture, const std::string& part) {
  for (;;) {
    const std::string frame = receive(capture);
    if (frame.empty()) throw std::runtime_error("nothing captured");
    if (frame.find(part) == std::string::npos) continue;
    return test::read_back({frame.begin(), frame.end()});
  }
}

void call_through(Wires& wires, bool caller_v6, bool backend_v6) {
  Balancer balancer(wires.config(1), {.backends_v6 = backend_v6, .record_route = true});
  balancer.start();
  const auto ports = balancer.runtime->ports();
  EXPECT_EQ(ports[0].mac, test::edge_mac);
  EXPECT_EQ(ports[0].kernel_interface, "edge0");
  EXPECT_EQ(ports[1].mtu, 9000);
  EXPECT_TRUE(balancer.runtime->port_statistics(0).link_up);

  test::Call call;
  call.caller = caller_v6 ? "[2001:db8:2::7]:5060" : "198.51.100.7:5060";
  const int caller = udp_at(wires.outside, call.caller);
  const int backend = udp_at(wires.inside, backend_v6 ? "[fd00::1:1]:5060" : "10.0.1.1:5060");
  const int at_backend = capture_at(wires.inside, "far1"), at_caller = capture_at(wires.outside, "far0");
  send_to(caller, test::invite_of(call, 1000), caller_v6 ? "[2001:db8::10]:5060" : "192.0.2.10:5060");
  const std::string invite = receive(backend);
  ASSERT_EQ(test::header_values(invite, "Via").size(), 2u) << invite;
  const test::Datagram request = captured(at_backend, call.call_id);
  EXPECT_TRUE(request.lengths_right && request.ip_checksum_right && request.udp_checksum_right);
  EXPECT_EQ(request.v6, backend_v6);

  send_to(backend, test::answer_to(invite, "200 OK"), backend_v6 ? "[fd00::1]:5060" : "10.0.0.1:5060");
  const std::string answer = receive(caller);
  ASSERT_EQ(test::header_values(answer, "Via").size(), 1u) << answer;
  const test::Datagram response = captured(at_caller, call.call_id);
  EXPECT_TRUE(response.lengths_right && response.ip_checksum_right && response.udp_checksum_right);
  EXPECT_EQ(response.v6, caller_v6);
  balancer.stop();
  EXPECT_EQ(balancer.ledger().forwarded, 2u);
}

TEST_F(AfPacket, ACallOverIpv4) {
  on_wires([](Wires& wires) { call_through(wires, false, false); });
}
TEST_F(AfPacket, ACallOverIpv6) {
  on_wires([](Wires& wires) { call_through(wires, true, true); });
}
TEST_F(AfPacket, ACallFromIpv6ToIpv4) {
  on_wires([](Wires& wires) { call_through(wires, true, false); });
}

// Parts of one datagram meet at one worker, whichever the kernel gives them to.
TEST_F(AfPacket, MessagesInFragmentsArriveWhole) {
  on_wires([](Wires& wires) {
    Balancer balancer(wires.config(2), {});
    balancer.start();
    const int backend = udp_at(wires.inside, "10.0.1.1:5060");
    test::MessageCorpus corpus;
    for (int i = 0; i < 20; ++i) {
      const bool v6 = i % 2 != 0;
      test::Call call = corpus.call();
      call.caller = (v6 ? "[2001:db8:2::7]:" : "198.51.100.7:") + std::to_string(20'000 + i);
      const int caller = udp_at(wires.outside, call.caller);
      const std::string body = test::session_description("198.51.100.7", 6000 + static_cast<size_t>(i));
      send_to(caller, test::request_of(call, "INVITE", "Content-Type: application/sdp\r\n", body),
              v6 ? "[2001:db8::10]:5060" : "192.0.2.10:5060");
      EXPECT_EQ(test::body_of(receive(backend)), body);
      close(caller);
    }
    balancer.stop();
  });
}

TEST_F(AfPacket, TwoWorkersHaveAQueueEachAndEveryCallComesThrough) {
  on_wires([](Wires& wires) {
    constexpr size_t calls = 400;
    Balancer balancer(wires.config(2), {.record_route = true});
    balancer.start();
    EXPECT_EQ(balancer.runtime->ports()[0].rx_queues, 2);
    const int backend = udp_at(wires.inside, "10.0.1.1:5060");
    std::vector<int> callers;
    test::MessageCorpus corpus;
    std::set<std::string> sent, answered;
    for (size_t i = 0; i < calls; ++i) {
      test::Call call = corpus.call();
      call.caller = "198.51.100.7:" + std::to_string(20'000 + i);  // the kernel spreads by addresses and ports
      callers.push_back(udp_at(wires.outside, call.caller));
      sent.insert(call.call_id);
      send_to(callers.back(), test::invite_of(call, 1000), "192.0.2.10:5060");
      const std::string invite = receive(backend);
      ASSERT_FALSE(invite.empty()) << i;
      send_to(backend, test::answer_to(invite, "200 OK"), "10.0.0.1:5060");
    }
    for (const int caller : callers) {
      const std::string answer = receive(caller);
      ASSERT_FALSE(answer.empty());
      answered.insert(test::header_values(answer, "Call-ID").at(0));
      close(caller);
    }
    EXPECT_EQ(answered, sent);
    balancer.stop();
    const telemetry::Ledger ledger = balancer.ledger();
    EXPECT_EQ(ledger.forwarded, 2 * calls) << telemetry::to_string(ledger);
    EXPECT_EQ(ledger.handed_in, ledger.handed_out);
    EXPECT_GT(ledger.handed_in, calls / 4);
    for (size_t worker = 0; worker < 2; ++worker) {
      EXPECT_GT(telemetry::ledger_of(balancer.runtime->counters(worker)).received, calls / 4);
    }
  });
}

TEST_F(AfPacket, TheKernelKeepsWhatIsNotOursAndItsOwnFramesAreNotHeard) {
  on_wires([](Wires& wires) {
    test::run("ip addr add 10.99.0.1/24 dev edge0");
    wires.outside("ip addr add 10.99.0.2/24 dev far0");
    test::run("ip neigh add 10.99.0.2 lladdr " + to_string(test::gateway_mac) + " dev edge0");
    wires.outside("ip neigh add 10.99.0.1 lladdr " + to_string(test::edge_mac) + " dev far0");
    Balancer balancer(wires.config(1), {});
    balancer.start();

    const int theirs = udp_at(wires.outside, "10.99.0.2:7000");
    const int ours = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    SocketAddress address;
    const socklen_t size = fill(test::endpoint("10.99.0.1:7000"), address);
    ASSERT_EQ(bind(ours, &address.any, size), 0);
    const auto heard = [&] { return balancer.runtime->port_statistics(0).rx_packets; };
    const uint64_t before = heard();
    for (int i = 0; i < 50; ++i) {
      send_to(ours, "from the balancer's own kernel", "10.99.0.2:7000");
      EXPECT_FALSE(receive(theirs).empty());
    }
    for (int i = 0; i < 5; ++i) send_to(theirs, "for the balancer's own kernel", "10.99.0.1:7000");
    for (int i = 0; i < 5; ++i) EXPECT_EQ(receive(ours), "for the balancer's own kernel");
    EXPECT_TRUE(test::until([&] { return heard() >= before + 5; }));
    EXPECT_LT(heard(), before + 50) << "what the kernel sends is not ours to hear";
    balancer.stop();
    EXPECT_EQ(balancer.ledger().punted, balancer.ledger().received);
    EXPECT_GE(balancer.ledger().punted, 5u);
    EXPECT_EQ(balancer.ledger().dropped, 0u);
  });
}

// Two nodes with one address on a wire that floods, a mirrored port, a promiscuous interface: frames for somebody else
// are somebody else's, whatever address is in them (RFC 1122 section 3.3.6).
TEST_F(AfPacket, FramesForOtherStationsAreNotHeard) {
  on_wires([](Wires& wires) {
    Balancer balancer(wires.config(1), {});
    balancer.start();
    const int backend = udp_at(wires.inside, "10.0.1.1:5060");
    const int caller = udp_at(wires.outside, "198.51.100.7:5060");
    test::Call call;
    for (const char* mac : {"02:de:ad:be:ef:01", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01"}) {
      wires.outside("ip neigh replace 192.0.2.10 lladdr " + std::string(mac) + " dev far0");
      send_to(caller, test::invite_of(call, 700), "192.0.2.10:5060");
    }
    EXPECT_EQ(receive(backend, 300), "");
    EXPECT_EQ(balancer.ledger().received, balancer.ledger().punted) << "the kernels' own, from before we listened";
    wires.outside("ip neigh replace 192.0.2.10 lladdr " + to_string(test::edge_mac) + " dev far0");
    send_to(caller, test::invite_of(call, 700), "192.0.2.10:5060");
    EXPECT_NE(receive(backend), "");
    balancer.stop();
  });
}

// A frame of the kernel's ring holds so much and no more, whatever the interface takes.
TEST_F(AfPacket, AnInterfaceThatTakesMoreThanTheRingIsCutToWhatTheRingTakes) {
  on_wires([](Wires& wires) {
    test::run("ip link set core0 mtu 16000");
    wires.inside("ip link set far1 mtu 16000");
    Balancer balancer(wires.config(1), {});
    EXPECT_EQ(balancer.runtime->ports()[1].mtu, 10160);
    EXPECT_EQ(balancer.runtime->ports()[1].mtu_max, 10160);
    EXPECT_EQ(balancer.runtime->ports()[0].mtu, 1500);
    EXPECT_EQ(balancer.runtime->ports()[0].mtu_max, 10160) << "it may be raised while we run";
  });
}

TEST_F(AfPacket, WhatTheRingCouldNotHoldIsCountedAsMissed) {
  on_wires([](Wires& wires) {
    Balancer balancer(wires.config(1), {});
    const int caller = udp_at(wires.outside, "198.51.100.7:5060");
    constexpr uint64_t datagrams = 1500;
    for (uint64_t i = 0; i < datagrams; ++i) send_to(caller, "\r\n\r\n", "192.0.2.10:5060");
    balancer.start();
    const auto told_of = [&] { return balancer.ledger().received + balancer.runtime->port_statistics(0).rx_missed; };
    // The worker empties the ring first; only then is the number of those that it did not hold complete.
    EXPECT_TRUE(test::until([&] { return told_of() >= datagrams + balancer.ledger().punted; }));
    const PortStatistics statistics = balancer.runtime->port_statistics(0);
    EXPECT_GT(balancer.ledger().received, 300u);
    EXPECT_GT(statistics.rx_missed, 300u);
    EXPECT_EQ(balancer.runtime->port_statistics(0).rx_missed, statistics.rx_missed) << "counted on, not anew";
    balancer.stop();
    // A word of the kernel's own may be among those that were missed.
    constexpr uint64_t words_max = 8;
    const uint64_t told = balancer.ledger().received + statistics.rx_missed;
    EXPECT_GE(told, datagrams + balancer.ledger().punted);
    EXPECT_LE(told, datagrams + balancer.ledger().punted + words_max);
  });
}

// Sends calls until one comes through.
bool comes_through(int caller, int backend) {
  test::MessageCorpus corpus;
  for (int attempt = 0; attempt < 50; ++attempt) {
    test::Call call = corpus.call();
    call.caller = "198.51.100.7:5060";
    send_to(caller, test::invite_of(call, 1000), "192.0.2.10:5060");
    if (!receive(backend, 100).empty()) return true;
  }
  return false;
}

TEST_F(AfPacket, ACableThatIsPulledShowsAndHangsNobody) {
  on_wires([](Wires& wires) {
    Balancer balancer(wires.config(1), {});
    balancer.start();
    const int caller = udp_at(wires.outside, "198.51.100.7:5060"), backend = udp_at(wires.inside, "10.0.1.1:5060");
    EXPECT_TRUE(comes_through(caller, backend));
    EXPECT_TRUE(balancer.runtime->port_statistics(1).link_up);
    wires.inside("ip link set far1 down");
    EXPECT_TRUE(test::until([&] { return !balancer.runtime->port_statistics(1).link_up; }));
    // More than any queue has places for.
    test::Call call;
    const std::string invite = test::invite_of(call, 1000);
    for (int i = 0; i < 2000; ++i) {
      send_to(caller, invite, "192.0.2.10:5060");
      if (i % 100 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_TRUE(test::until([&] { return balancer.ledger().received > 1000; }));
    EXPECT_LT(balancer.ledger().forwarded, 100u) << "what has no link is lost, and told as lost";
    wires.inside("ip link set far1 up");
    wires.inside("ip route add 10.0.0.1 dev far1");
    EXPECT_TRUE(test::until([&] { return balancer.runtime->port_statistics(1).link_up; }));
    EXPECT_TRUE(comes_through(caller, backend));
    balancer.stop();
  });
}

// The control thread looks twice a second, and ethtool waits for whoever changes interfaces.
TEST_F(AfPacket, WhoLooksAtALinkAsksForItsFlagsAlone) {
  on_wires([](Wires& wires) {
    Balancer balancer(wires.config(1), {});
    balancer.start();
    const size_t before = ethtool_questions;
    EXPECT_GT(before, 0u) << "at the start it is asked how many queues there are";
    EXPECT_TRUE(balancer.runtime->port_statistics(0).link_up);
    EXPECT_EQ(ethtool_questions, before);
    balancer.stop();
  });
}

TEST_F(AfPacket, AnInterfaceThatGoesDownAndUpAgainWorksAgain) {
  on_wires([](Wires& wires) {
    Balancer balancer(wires.config(1), {});
    balancer.start();
    const int caller = udp_at(wires.outside, "198.51.100.7:5060"), backend = udp_at(wires.inside, "10.0.1.1:5060");
    EXPECT_TRUE(comes_through(caller, backend));
    test::run("ip link set core0 down");
    EXPECT_FALSE(balancer.runtime->port_statistics(1).link_up);
    test::Call call;
    for (int i = 0; i < 20; ++i) send_to(caller, test::invite_of(call, 1000), "192.0.2.10:5060");
    test::run("ip link set core0 up");
    EXPECT_TRUE(comes_through(caller, backend));
    balancer.stop();
  });
}

}  // namespace
}  // namespace viaduct::dpdk
