// Lookups against a name server of our own on loopback, with real packets.
#include "control/resolver.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <thread>

namespace viaduct::control {
namespace {

using namespace std::chrono_literals;

// Answers what it was told to, NXDOMAIN else; one question a packet.
class NameServer {
 public:
  NameServer() : socket_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::abort();
    socklen_t size = sizeof address;
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~NameServer() {
    stop_ = true;
    thread_.join();
    close(socket_);
  }

  std::string text() const { return "127.0.0.1:" + std::to_string(port_); }
  void a(const std::string& name, std::vector<std::string> addresses, uint32_t ttl = 300) {
    const std::lock_guard lock(mutex_);
    auto& list = answers_[{name, 1}];
    list.clear();
    for (const std::string& text : addresses) {
      in_addr raw{};
      inet_pton(AF_INET, text.c_str(), &raw);
      list.push_back({ttl, std::string(reinterpret_cast<const char*>(&raw), 4)});
    }
  }
  void srv(const std::string& name, uint16_t priority, uint16_t weight, uint16_t port, const std::string& target) {
    const std::lock_guard lock(mutex_);
    std::string data = number(priority) + number(weight) + number(port) + encode(target);
    answers_[{name, 33}].push_back({300, data});
  }
  void silent(bool yes) { silent_ = yes; }
  int asked() const { return asked_; }

 private:
  struct Record {
    uint32_t ttl;
    std::string data;
  };
  static std::string number(uint16_t value) { return {static_cast<char>(value >> 8), static_cast<char>(value)}; }
  static std::string encode(const std::string& name) {
    std::string wire;
    size_t at = 0;
    while (at < name.size()) {
      const size_t dot = std::min(name.find('.', at), name.size());
      wire += static_cast<char>(dot - at) + name.substr(at, dot - at);
      at = dot + 1;
    }
    return wire + '\0';
  }
  void serve() {
    while (!stop_) {
      pollfd ready{socket_, POLLIN, 0};
      if (poll(&ready, 1, 20) != 1) continue;
      char packet[1500];
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const ssize_t length = recvfrom(socket_, packet, sizeof packet, 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (length < 17 || silent_) continue;
      ++asked_;
      const std::string reply = answer(std::string(packet, static_cast<size_t>(length)));
      sendto(socket_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
  }
  std::string answer(const std::string& question) {
    std::string name;
    size_t at = 12;
    while (question[at] != 0) {
      if (!name.empty()) name += '.';
      name += question.substr(at + 1, static_cast<size_t>(question[at]));
      at += 1 + static_cast<size_t>(question[at]);
    }
    const uint16_t type = static_cast<uint16_t>(static_cast<uint8_t>(question[at + 1]) << 8 | static_cast<uint8_t>(question[at + 2]));
    const std::lock_guard lock(mutex_);
    const auto found = answers_.find({name, type});
    const auto& list = found == answers_.end() ? std::vector<Record>{} : found->second;
    std::string reply = question.substr(0, 2) + std::string(1, '\x81') + (list.empty() ? '\x83' : '\x80') + number(1) +
                        number(static_cast<uint16_t>(list.size())) + number(0) + number(0);
    reply += question.substr(12, at + 5 - 12);
    for (const Record& record : list) {
      reply += "\xc0\x0c" + number(type) + number(1) + number(static_cast<uint16_t>(record.ttl >> 16)) +
               number(static_cast<uint16_t>(record.ttl)) + number(static_cast<uint16_t>(record.data.size())) + record.data;
    }
    return reply;
  }

  int socket_;
  uint16_t port_ = 0;
  std::map<std::pair<std::string, uint16_t>, std::vector<Record>> answers_;
  std::mutex mutex_;
  std::atomic<bool> stop_{false}, silent_{false};
  std::atomic<int> asked_{0};
  std::thread thread_;
};

class ResolverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Resolver::Options options;
    options.servers = server_.text();
    options.timeout = 200ms;
    options.names_max = 4;
    auto opened = Resolver::open(options);
    ASSERT_TRUE(opened) << opened.error();
    resolver_ = std::move(*opened);
  }
  // Turns until nothing is under way.
  void settle(Resolver::Time now = std::chrono::steady_clock::now()) {
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    bool busy = true;
    while (busy && std::chrono::steady_clock::now() < deadline) {
      changed_ = resolver_->turn(now) || changed_;
      busy = false;
      for (const auto& entry : resolver_->entries()) busy = busy || entry.asking;
      pollfd ready{resolver_->fd(), POLLIN, 0};
      if (busy) poll(&ready, 1, 20);
    }
    ASSERT_FALSE(busy) << "a lookup never ended";
  }
  std::string known(const std::string& name) {
    const auto answers = resolver_->answers();
    const auto at = answers.find(name);
    return at == answers.end() ? "" : net::to_string(at->second);
  }

  NameServer server_;
  std::unique_ptr<Resolver> resolver_;
  bool changed_ = false;
};

TEST_F(ResolverTest, a_name_without_srv_is_its_address_at_port_5060) {
  server_.a("proxy.example.com", {"192.0.2.7"});
  EXPECT_TRUE(resolver_->want("proxy.example.com"));
  settle();
  EXPECT_TRUE(changed_);
  EXPECT_EQ(known("proxy.example.com"), "192.0.2.7:5060");
}

TEST_F(ResolverTest, srv_gives_target_and_port_lowest_priority_then_highest_weight) {
  server_.srv("_sip._udp.example.com", 20, 9, 5070, "late.example.com");
  server_.srv("_sip._udp.example.com", 10, 1, 5080, "light.example.com");
  server_.srv("_sip._udp.example.com", 10, 5, 5090, "heavy.example.com");
  server_.a("heavy.example.com", {"192.0.2.9"});
  resolver_->want("example.com");
  settle();
  EXPECT_EQ(known("example.com"), "192.0.2.9:5090");
}

TEST_F(ResolverTest, a_port_in_the_uri_means_no_srv) {  // RFC 3263 section 4.2
  server_.srv("_sip._udp.example.com", 10, 5, 5090, "heavy.example.com");
  server_.a("example.com", {"192.0.2.1"});
  resolver_->want("example.com:5062");
  settle();
  EXPECT_EQ(known("example.com:5062"), "192.0.2.1:5062");
}

TEST_F(ResolverTest, the_choice_does_not_depend_on_the_servers_order_and_stays_pinned) {  // TGT-10
  server_.a("many.example.com", {"192.0.2.30", "192.0.2.10", "192.0.2.20"});
  resolver_->want("many.example.com");
  const auto start = std::chrono::steady_clock::now();
  settle(start);
  EXPECT_EQ(known("many.example.com"), "192.0.2.10:5060");
  server_.a("many.example.com", {"192.0.2.5", "192.0.2.10"});
  changed_ = false;
  settle(start + 301s);
  EXPECT_EQ(known("many.example.com"), "192.0.2.10:5060") << "still among the answers: pinned";
  EXPECT_FALSE(changed_);
  server_.a("many.example.com", {"192.0.2.5"});
  settle(start + 602s);
  EXPECT_EQ(known("many.example.com"), "192.0.2.5:5060");
  EXPECT_TRUE(changed_);
}

TEST_F(ResolverTest, a_failed_lookup_keeps_the_last_answer_and_says_why) {
  server_.a("proxy.example.com", {"192.0.2.7"}, 60);
  resolver_->want("proxy.example.com");
  const auto start = std::chrono::steady_clock::now();
  settle(start);
  server_.silent(true);
  settle(start + 61s);
  EXPECT_EQ(known("proxy.example.com"), "192.0.2.7:5060");
  EXPECT_EQ(resolver_->entries().at(0).failures, 1u);
  EXPECT_FALSE(resolver_->entries().at(0).problem.empty());
  server_.silent(false);
  settle(start + 72s);
  EXPECT_EQ(resolver_->entries().at(0).failures, 0u);
}

TEST_F(ResolverTest, an_unknown_name_has_no_answer) {
  resolver_->want("nowhere.example.com");
  settle();
  EXPECT_EQ(known("nowhere.example.com"), "");
  EXPECT_EQ(resolver_->entries().at(0).failures, 1u);
  EXPECT_FALSE(changed_);
}

TEST_F(ResolverTest, a_short_ttl_does_not_make_a_storm) {
  server_.a("busy.example.com", {"192.0.2.7"}, 0);
  resolver_->want("busy.example.com");
  const auto start = std::chrono::steady_clock::now();
  settle(start);
  const int asked = server_.asked();
  settle(start + 29s);
  EXPECT_EQ(server_.asked(), asked);
}

TEST_F(ResolverTest, names_are_bounded) {
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(resolver_->want("n" + std::to_string(i) + ".example.com"));
  EXPECT_FALSE(resolver_->want("one-too-many.example.com"));
  EXPECT_TRUE(resolver_->want("n0.example.com")) << "known names are not refused";
  EXPECT_EQ(resolver_->refused(), 1u);
  settle();
}

TEST_F(ResolverTest, ends_with_lookups_under_way) {
  server_.silent(true);
  resolver_->want("slow.example.com");
  resolver_->turn();
  resolver_.reset();
}

TEST(Resolver, refuses_servers_that_are_none) {
  Resolver::Options options;
  options.servers = "not an address";
  const auto opened = Resolver::open(options);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().find("not an address"), std::string::npos);
}

}  // namespace
}  // namespace viaduct::control
