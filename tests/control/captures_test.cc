#include "control/captures.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "capture/pcapng_stream.h"
#include "capture/record.h"
#include "control/client.h"
#include "net/socket_address.h"
#include "support/folder.h"
#include "support/packet_builder.h"

namespace viaduct::control {
namespace {

using namespace std::chrono_literals;
using test::endpoint;

const std::string options =
    "OPTIONS sip:example.com SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKabc\r\n"
    "From: <sip:alice@example.org>;tag=1\r\n"
    "To: <sip:example.com>\r\n"
    "Call-ID: one@host\r\n"
    "CSeq: 1 OPTIONS\r\n"
    "Content-Length: 0\r\n\r\n";

class CapturesTest : public ::testing::Test {
 protected:
  CapturesTest() : captures_({&taps_[0], &taps_[1]}, {"edge", "core"}, "viaduct test", events_) {}

  // As a worker would.
  void copy(size_t worker, uint64_t time_ns, uint8_t wanted_by, std::string_view text = options) {
    const test::Bytes frame = test::packet().between("198.51.100.7:5060", "192.0.2.10:5060").payload(text).frame();
    capture::RecordHead head;
    head.time_ns = time_ns;
    head.source = endpoint("198.51.100.7:5060");
    head.destination = endpoint("192.0.2.10:5060");
    head.wanted_by = wanted_by;
    head.worker = static_cast<uint16_t>(worker);
    head.l3 = 14;
    head.l4 = 34;
    head.payload = 42;
    head.payload_bytes = static_cast<uint16_t>(text.size());
    const capture::RecordNames names{"proxies", "p1", ""};
    uint8_t* const room = taps_[worker].ring.reserve(capture::record_bytes(names, frame.size()));
    ASSERT_NE(room, nullptr);
    capture::write_record(room, head, names, frame);
    taps_[worker].ring.commit();
  }

  core::Instant now() const { return core::SteadyClock().now() + 1h; }  // every slot has rested
  Events events_;
  dataplane::Tap taps_[2];
  Captures captures_;
};

TEST_F(CapturesTest, UnderstandsWhatIsWanted) {
  const auto reply = captures_.begin("drops sample 100 filter method=INVITE and backend=p1", now());
  EXPECT_EQ(reply.follows, Server::Feed::stream);
  ASSERT_NE(captures_.current(), nullptr);
  ASSERT_EQ(captures_.current()->all().size(), 1u);
  const capture::Tapping& tapping = captures_.current()->all()[0];
  EXPECT_TRUE(tapping.drops_only);
  EXPECT_EQ(tapping.sample, 100u);
  EXPECT_EQ(tapping.filter.text(), "method=INVITE and backend=p1");
  EXPECT_EQ(events_.kept().back().what,
            "gets copies of what is dropped of one call in 100 with method=INVITE and backend=p1");
}

TEST_F(CapturesTest, SaysWhatItDoesNotUnderstand) {
  EXPECT_EQ(captures_.begin("everything", now()).text,
            "error: 'everything': 'capture [drops] [sample N] [filter EXPRESSION]' is expected");
  EXPECT_EQ(captures_.begin("sample 0", now()).text, "error: sample '0': a number from 1 to 1000000 is expected");
  EXPECT_TRUE(
      captures_.begin("filter colour=red", now()).text.starts_with("error: filter, character 1: 'colour' is no"));
  EXPECT_EQ(captures_.current(), nullptr);
}

TEST_F(CapturesTest, HasRoomForEight) {
  for (int i = 0; i < 8; ++i) EXPECT_EQ(captures_.begin("", now()).follows, Server::Feed::stream);
  EXPECT_EQ(captures_.begin("", now()).text, "error: 8 capture already; end one of them");
}

// A client over a real socket, which gets what workers wrote in the order of time; it leaves, and the capture ends.
TEST_F(CapturesTest, StreamsToItsClient) {
  const test::Folder folder;
  const std::string path = folder / "s";
  auto server = Server::open(path, 0600u, [this](std::string_view line) {
    line.remove_prefix(sizeof "capture" - 1);
    return captures_.begin(line, now());
  });
  ASSERT_TRUE(server) << server.error();
  std::vector<std::string> comments;
  std::vector<uint64_t> times;
  uint64_t missed = 0;
  std::atomic<bool> done{false};
  std::thread client([&] {
    capture::PcapngStream stream([&](const capture::StreamBlock& block) {
      if (block.kind == capture::StreamBlock::Kind::statistics) missed = block.dropped;
      if (block.kind != capture::StreamBlock::Kind::packet) return true;
      comments.emplace_back(block.comment);
      times.push_back(block.time_ns);
      return comments.size() < 4;
    });
    const core::Status status = follow(path, "capture", [&](std::string_view piece) {
      return stream.feed(piece) == capture::PcapngStream::State::more;
    });
    EXPECT_TRUE(status) << status.error();
    done = true;
  });
  const auto turn_until = [&](const auto& reached) {
    for (int i = 0; i < 2000 && !reached(); ++i) {
      (*server)->turn();
      captures_.turn(server->get(), now());
      std::this_thread::sleep_for(1ms);
    }
  };
  turn_until([&] { return captures_.current() != nullptr; });
  ASSERT_NE(captures_.current(), nullptr);
  taps_[0].lost.add(3);
  copy(0, 2000, 1);
  copy(0, 4000, 1);
  copy(1, 1000, 1);
  copy(1, 3000, 1);
  copy(1, 5000, 2);  // somebody else's
  turn_until([&] { return done.load(); });
  client.join();
  EXPECT_EQ(comments,
            (std::vector<std::string>{
                "verdict=forward backend=proxies/p1 worker=1", "verdict=forward backend=proxies/p1 worker=0",
                "verdict=forward backend=proxies/p1 worker=1", "verdict=forward backend=proxies/p1 worker=0"}));
  for (size_t i = 1; i < times.size(); ++i) EXPECT_EQ(times[i] - times[i - 1], 1000u);
  turn_until([&] { return captures_.current() == nullptr; });
  EXPECT_EQ(captures_.current(), nullptr) << "the client is gone";
  EXPECT_EQ(events_.kept().back().what, "gets no copies any more");
}

// One who does not read misses copies, which are counted, and told once he reads; nobody waits for him.
TEST_F(CapturesTest, WaitsForNobody) {
  const test::Folder folder;
  const std::string path = folder / "s";
  auto server = Server::open(path, 0600u, [this](std::string_view) { return captures_.begin("", now()); });
  ASSERT_TRUE(server) << server.error();
  const int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(send(client, "capture\n", 8, MSG_NOSIGNAL), 8);
  for (int i = 0; i < 100 && captures_.current() == nullptr; ++i) (*server)->turn();
  ASSERT_NE(captures_.current(), nullptr);
  const std::string large = options + std::string(50'000, 'x');
  constexpr uint64_t copies = 400;  // 20 MB
  for (uint64_t i = 0; i < copies; ++i) {
    copy(0, i, 1, large);
    captures_.turn(server->get(), now());
  }
  ASSERT_EQ(captures_.rows(now()).size(), 1u);
  const Captures::Row row = captures_.rows(now())[0];
  EXPECT_EQ(row.written + row.missed, copies);
  EXPECT_GT(row.missed, copies / 2);
  EXPECT_TRUE(taps_[0].ring.front().empty());

  uint64_t seen = 0, told = 0;
  capture::PcapngStream stream([&](const capture::StreamBlock& block) {
    if (block.kind == capture::StreamBlock::Kind::packet) ++seen;
    if (block.kind == capture::StreamBlock::Kind::statistics) told = block.dropped;
    return true;
  });
  std::vector<char> piece(1 << 20);
  for (int i = 0; i < 100; ++i) {
    captures_.turn(server->get(), now() + 1s * i);
    (*server)->turn();
    const ssize_t got = recv(client, piece.data(), piece.size(), MSG_DONTWAIT);
    if (got > 0) {
      EXPECT_EQ(stream.feed({piece.data(), static_cast<size_t>(got)}), capture::PcapngStream::State::more);
    }
  }
  EXPECT_EQ(seen, row.written);
  EXPECT_EQ(told, row.missed);
  close(client);
}

TEST_F(CapturesTest, SendsHepToTheCollector) {
  const int collector = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const net::SocketAddress any = net::socket_address(endpoint("127.0.0.1:1"));
  sockaddr_in address{};
  std::memcpy(&address, &any.storage, sizeof address);
  address.sin_port = 0;
  ASSERT_EQ(bind(collector, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  socklen_t size = sizeof address;
  getsockname(collector, reinterpret_cast<sockaddr*>(&address), &size);
  config::Hep hep;
  hep.collector = net::Endpoint{test::ip("127.0.0.1"), ntohs(address.sin_port)};
  hep.capture_id = 7;
  hep.sample = 1;
  ASSERT_TRUE(captures_.export_to(hep, now()));
  copy(0, 1000, 1);
  copy(0, 1001, 1, "\r\n\r\n");  // no message: not for Homer
  captures_.turn(nullptr, now());
  char datagram[2048];
  const ssize_t got = recv(collector, datagram, sizeof datagram, MSG_DONTWAIT);
  ASSERT_GT(got, 0);
  const std::string_view text(datagram, static_cast<size_t>(got));
  EXPECT_TRUE(text.starts_with("HEP3"));
  EXPECT_TRUE(text.ends_with(options));
  EXPECT_NE(text.find("one@host"), std::string_view::npos);
  EXPECT_LT(recv(collector, datagram, sizeof datagram, MSG_DONTWAIT), 0);
  ASSERT_EQ(captures_.rows(now()).size(), 1u);
  EXPECT_EQ(captures_.rows(now())[0].written, 1u);

  const auto before = captures_.current();
  ASSERT_TRUE(captures_.export_to(hep, now()));
  EXPECT_EQ(captures_.current(), before) << "an unchanged collector goes on";
  hep.collector = std::nullopt;
  ASSERT_TRUE(captures_.export_to(hep, now()));
  EXPECT_EQ(captures_.current(), nullptr);
  close(collector);
}

}  // namespace
}  // namespace viaduct::control
