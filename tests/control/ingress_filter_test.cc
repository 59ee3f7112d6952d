#include "control/ingress_filter.h"

#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/socket_address.h"
#include "support/network_test.h"

namespace viaduct::control {
namespace {

using test::run;

// A socket that waits for what the peer sends.
class Receiver {
 public:
  explicit Receiver(const net::Endpoint& endpoint)
      : fd_(socket(endpoint.address.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const net::SocketAddress address = net::socket_address(endpoint);
    EXPECT_EQ(bind(fd_, address.get(), address.size), 0);
  }
  explicit Receiver(const char* interface) : fd_(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL))) {
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(if_nametoindex(interface));
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;
  ~Receiver() { close(fd_); }

  // Takes all there is. True if `text` ends one of them.
  bool got(std::string_view text) {
    bool found = false;
    char buffer[2048];
    for (;;) {
      const ssize_t size = recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
      if (size < 0) return found;
      found = found || std::string_view(buffer, static_cast<size_t>(size)).ends_with(text);
    }
  }

 private:
  int fd_;
};

class IngressFilterTest : public test::NetworkTest {
 protected:
  void SetUp() override {
    NetworkTest::SetUp();
    if (IsSkipped()) return;
    for (const char* number : {"0", "1"}) {
      peer_->connect(edge(number), std::string("far") + number);
      run("ip addr add 10.7" + std::string(number) + ".0.1/24 dev " + edge(number));
      (*peer_)("ip addr add 10.7" + std::string(number) + ".0.2/24 dev far" + number);
    }
    run("ip addr add 2001:db8:77::1/64 dev edge0 nodad");
    (*peer_)("ip addr add 2001:db8:77::2/64 dev far0 nodad");
  }
  void TearDown() override {
    if (!peer_) return;
    for (const char* number : {"0", "1"}) run("ip link del " + edge(number));
    peer_.reset();
  }

  static std::string edge(const std::string& number) { return "edge" + number; }

  // True if it comes to the socket. What stands before it in the way of a packet stands before the one that proves it.
  bool arrives(Receiver& receiver, const std::string& address, int port) {
    const std::string text = "number " + std::to_string(++sent_);
    (*peer_)("bash -c 'printf \"" + text + "\" > /dev/udp/" + address + "/" + std::to_string(port) + "'");
    return receiver.got(text);  // over veth it is there when the sender returns
  }

  static IngressFilter open(std::vector<std::string> interfaces, std::vector<net::Endpoint> endpoints) {
    core::Result<IngressFilter> filter = IngressFilter::open(interfaces, endpoints);
    if (!filter) throw std::runtime_error(filter.error());
    return std::move(*filter);
  }
  static net::Endpoint endpoint(std::string_view address, uint16_t port) { return {*net::parse_ip(address), port}; }

  int sent_ = 0;
};

TEST_F(IngressFilterTest, WhatIsForAnEndpointEndsBehindThePacketSockets) {
  Receiver listener(endpoint("10.70.0.1", 5060)), packets("edge0");
  ASSERT_TRUE(arrives(listener, "10.70.0.1", 5060));
  std::optional filter = open({"edge0"}, {endpoint("10.70.0.1", 5060)});
  EXPECT_FALSE(arrives(listener, "10.70.0.1", 5060));
  packets.got("");
  EXPECT_TRUE(arrives(packets, "10.70.0.1", 5060)) << "a packet socket sees it as before";
  filter.reset();
  EXPECT_TRUE(arrives(listener, "10.70.0.1", 5060)) << "it ends with the filter";
}

TEST_F(IngressFilterTest, EverythingElseGoesToTheKernel) {
  Receiver other_port(endpoint("10.70.0.1", 5070)), other_address(endpoint("10.71.0.1", 5060));
  Receiver other_family(endpoint("2001:db8:77::1", 5060));
  const IngressFilter filter = open({"edge0", "edge1"}, {endpoint("10.70.0.1", 5060), endpoint("10.71.0.1", 5070)});
  EXPECT_TRUE(arrives(other_port, "10.70.0.1", 5070));
  EXPECT_TRUE(arrives(other_address, "10.71.0.1", 5060));
  EXPECT_TRUE(arrives(other_family, "2001:db8:77::1", 5060));
}

TEST_F(IngressFilterTest, BothFamiliesAndEveryInterface) {
  Receiver four(endpoint("10.70.0.1", 5060)), second(endpoint("10.71.0.1", 5080)),
      six(endpoint("2001:db8:77::1", 5060));
  const IngressFilter filter = open(
      {"edge0", "edge1"}, {endpoint("10.70.0.1", 5060), endpoint("2001:db8:77::1", 5060), endpoint("10.71.0.1", 5080)});
  EXPECT_FALSE(arrives(four, "10.70.0.1", 5060));
  EXPECT_FALSE(arrives(second, "10.71.0.1", 5080));
  EXPECT_FALSE(arrives(six, "2001:db8:77::1", 5060));
}

TEST_F(IngressFilterTest, ThoseOfTwoProgramsStandSideBySide) {
  Receiver first(endpoint("10.70.0.1", 5060)), second(endpoint("10.70.0.1", 5070));
  std::optional one = open({"edge0"}, {endpoint("10.70.0.1", 5060)});
  const IngressFilter other = open({"edge0"}, {endpoint("10.70.0.1", 5070)});
  one.reset();
  EXPECT_TRUE(arrives(first, "10.70.0.1", 5060));
  EXPECT_FALSE(arrives(second, "10.70.0.1", 5070));
}

// Opens a filter in a process of its own, which `prepare`s first.
class Owner {
 public:
  explicit Owner(void (*prepare)() = [] {}) {
    int answer[2];
    EXPECT_EQ(pipe(answer), 0);
    pid_ = fork();
    if (pid_ == 0) {
      prepare();
      const std::vector<std::string> interfaces{"edge0"};
      const std::vector<net::Endpoint> endpoints{{*net::parse_ip("10.70.0.1"), 5060}};
      const auto filter = IngressFilter::open(interfaces, endpoints);
      const std::string said = filter ? "opened" : filter.error();
      if (write(answer[1], said.data(), said.size()) > 0) pause();
      _exit(1);
    }
    close(answer[1]);
    char buffer[256];
    const ssize_t size = read(answer[0], buffer, sizeof buffer);
    close(answer[0]);
    said_.assign(buffer, size < 0 ? 0 : static_cast<size_t>(size));
  }
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;
  ~Owner() { end(); }

  const std::string& said() const { return said_; }
  void end() {
    if (pid_ < 0) return;
    kill(pid_, SIGKILL);
    waitpid(std::exchange(pid_, -1), nullptr, 0);
  }

 private:
  pid_t pid_ = -1;
  std::string said_;
};

TEST_F(IngressFilterTest, ItGoesWithAProcessThatIsKilled) {
  Receiver listener(endpoint("10.70.0.1", 5060));
  Owner owner;
  ASSERT_EQ(owner.said(), "opened");
  EXPECT_FALSE(arrives(listener, "10.70.0.1", 5060));
  owner.end();
  EXPECT_TRUE(arrives(listener, "10.70.0.1", 5060));
}

TEST_F(IngressFilterTest, ManyEndpoints) {
  std::vector<net::Endpoint> endpoints;
  for (unsigned i = 0; i < 4096; ++i) endpoints.push_back(endpoint("10.70.0.1", static_cast<uint16_t>(20000 + i)));
  Receiver last(endpoints.back());
  const IngressFilter filter = open({"edge0"}, endpoints);
  EXPECT_FALSE(arrives(last, "10.70.0.1", endpoints.back().port));
}

TEST_F(IngressFilterTest, ARefusalSaysWhy) {
  const std::vector<net::Endpoint> endpoints{endpoint("10.70.0.1", 5060)};
  const Owner nobody([] {
    if (setuid(65534) != 0) _exit(1);
  });
  EXPECT_EQ(nobody.said(), "CAP_NET_ADMIN is needed");
  const auto odd = IngressFilter::open(std::vector<std::string>{"ed\"ge"}, endpoints);
  ASSERT_FALSE(odd);
  EXPECT_EQ(odd.error(), "nft cannot write the name of ed\"ge");
  const auto many = IngressFilter::open(std::vector<std::string>{"edge0"}, std::vector<net::Endpoint>(20000));
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error(), "20000 addresses and ports are more than 16384");
}

}  // namespace
}  // namespace viaduct::control
