// Probes over real sockets on the loopback.
#include "control/prober.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

namespace viaduct::control {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// A SIP server of one sentence.
class Server {
 public:
  Server() {
    socket_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    socklen_t size = sizeof address;
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~Server() { die(); }
  void die() {
    if (socket_ >= 0) close(socket_);
    socket_ = -1;
  }
  net::Endpoint endpoint() const { return {net::IpAddress::v4(127, 0, 0, 1), port_}; }
  // Answers what has come; from another socket where `forged`.
  void answer(std::string_view status_line, bool forged = false) {
    char buffer[4096];
    sockaddr_in from{};
    for (socklen_t size = sizeof from;;) {
      const ssize_t count = recvfrom(socket_, buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (count < 0) return;
      ++asked_;
      std::string text(buffer, static_cast<size_t>(count));
      last_ = text;
      text.replace(0, text.find("\r\n"), status_line);
      const int stranger = forged ? ::socket(AF_INET, SOCK_DGRAM, 0) : -1;
      (void)sendto(forged ? stranger : socket_, text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
      if (forged) close(stranger);
    }
  }
  int asked() const { return asked_; }
  const std::string& last() const { return last_; }

 private:
  int socket_ = -1;
  uint16_t port_ = 0;
  int asked_ = 0;
  std::string last_;
};

class ProberTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto prober = Prober::open();
    ASSERT_TRUE(prober);
    prober_ = std::move(*prober);
    health_.enabled = true;
    health_.interval = 100ms;
    health_.timeout = 50ms;
    health_.accept = {"2xx", "404"};
    configure();
  }
  void configure() {
    prober_->configure({{.key = "proxies/p1", .address = server_.endpoint(), .health = health_}}, Clock::now());
  }
  // Turns prober and server until `done`, at most some seconds.
  template <class Done>
  bool until(std::string_view status_line, Done done, bool forged = false) {
    for (const auto end = Clock::now() + 5s; Clock::now() < end;) {
      for (Prober::Change& change : prober_->turn(Clock::now())) changes_.push_back(std::move(change));
      server_.answer(status_line, forged);
      if (done()) return true;
      pollfd ready{prober_->fd(), POLLIN, 0};
      (void)poll(&ready, 1, 2);
    }
    return false;
  }
  Prober::Row row() const { return prober_->rows().at(0); }

  Server server_;
  config::Health health_;
  std::unique_ptr<Prober> prober_;
  std::vector<Prober::Change> changes_;
};

TEST_F(ProberTest, a_server_that_answers_stays_up) {
  ASSERT_TRUE(until("SIP/2.0 200 OK", [&] { return server_.asked() >= 4; }));
  ASSERT_TRUE(until("SIP/2.0 200 OK", [&] { return row().last == "200"; }));
  EXPECT_TRUE(changes_.empty());
  EXPECT_GT(row().last_ms, 0);
  EXPECT_NE(server_.last().find("Max-Forwards: 1\r\n"), std::string::npos);
}

TEST_F(ProberTest, a_dead_one_is_seen_and_its_return_too) {  // LBG-21, LBG-23
  ASSERT_TRUE(until("SIP/2.0 200 OK", [&] { return server_.asked() >= 1; }));
  server_.die();
  ASSERT_TRUE(until("", [&] { return !changes_.empty(); }));
  EXPECT_FALSE(changes_[0].healthy);
  EXPECT_EQ(changes_[0].why, "3 probes in a row failed; the last one: no answer within 50ms");
  EXPECT_GT(row().last_ms, 0) << "of the last answer; the misses since had none";
  EXPECT_GT(row().hints, 0u) << "ICMP port unreachable brought a probe forward";
}

TEST_F(ProberTest, counters_do_not_fall_when_a_reload_has_it_probed_in_another_way) {
  ASSERT_TRUE(until("SIP/2.0 500 No", [&] { return row().failed >= 2; }));
  const Prober::Row before = row();
  health_.interval = 200ms;
  configure();
  EXPECT_EQ(row().probes, before.probes);
  EXPECT_EQ(row().failed, before.failed);
}

TEST_F(ProberTest, hearsay_about_a_backend_buys_a_probe_and_judges_nothing) {  // LBG-21
  health_.interval = 60s;
  configure();
  const core::Instant now = Clock::now();
  for (int i = 0; i < 1000; ++i) prober_->unreachable(server_.endpoint(), now);
  prober_->unreachable({server_.endpoint().address, 9}, now);
  ASSERT_TRUE(until("SIP/2.0 200 OK", [&] { return row().last == "200"; }));
  EXPECT_EQ(row().hints, 1u);
  EXPECT_EQ(server_.asked(), 1);
  EXPECT_TRUE(changes_.empty()) << "it answers, so it stays up";
}

TEST_F(ProberTest, an_answer_that_is_not_accepted_is_a_failure) {
  ASSERT_TRUE(until("SIP/2.0 503 Service Unavailable", [&] { return !changes_.empty(); }));
  EXPECT_EQ(changes_[0].why, "3 probes in a row failed; the last one: 503, not accepted");
  ASSERT_TRUE(until("SIP/2.0 404 Not Found", [&] { return changes_.size() == 2; }));
  EXPECT_TRUE(changes_[1].healthy);
  EXPECT_EQ(changes_[1].why, "2 probes in a row answered; the last one: 404");
}

TEST_F(ProberTest, answers_from_elsewhere_do_not_count) {
  ASSERT_TRUE(until(
      "SIP/2.0 200 OK", [&] { return !changes_.empty(); }, true));
  EXPECT_FALSE(changes_[0].healthy);
}

TEST_F(ProberTest, a_configuration_that_is_the_same_disturbs_nobody) {
  for (int i = 0; i < 10; ++i) {
    const int asked = server_.asked();
    ASSERT_TRUE(until("SIP/2.0 503 No", [&] { return server_.asked() > asked || !changes_.empty(); }));
    configure();
  }
  EXPECT_EQ(changes_.size(), 1u) << "counts go on over reloads";
  health_.from = "sip:other@example.com";
  configure();
  EXPECT_EQ(row().last, "none yet") << "another probe: judged anew";
  prober_->configure({}, Clock::now());
  EXPECT_TRUE(prober_->rows().empty());
}

}  // namespace
}  // namespace viaduct::control
