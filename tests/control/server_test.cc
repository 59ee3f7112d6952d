// The control socket over real Unix sockets.
#include "control/server.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "control/client.h"
#include "core/clock.h"
#include "support/folder.h"
#include "support/until.h"

namespace viaduct::control {
namespace {

class ServerTest : public ::testing::Test {
 protected:
  void TearDown() override { stop(); }
  void start(Server::Handler handler = [](std::string_view line) { return "you said " + std::string(line); }) {
    auto opened = Server::open(path_, 0600, std::move(handler));
    ASSERT_TRUE(opened) << opened.error();
    server_ = std::move(*opened);
    thread_ = std::thread([this] {
      while (!stop_) {
        server_->turn();
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
    });
  }
  // No turn is made any more: the server can be looked at.
  void halt() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  void stop() {
    halt();
    server_.reset();
  }
  std::string answer_to(std::string_view line) const {
    const auto answer = ask(path_, line);
    return answer ? *answer : "no answer: " + answer.error();
  }
  int connected() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path_.begin(), path_.end(), address.sun_path);
    const int client = socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT_EQ(connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const timeval timeout{5, 0};
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    return client;
  }
  static std::string read_all(int client) {
    std::string text;
    char buffer[4096];
    for (ssize_t count; (count = recv(client, buffer, sizeof buffer, 0)) > 0;)
      text.append(buffer, static_cast<size_t>(count));
    return text;
  }
  static void say(int client, std::string_view text) {
    ASSERT_EQ(send(client, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }

  const test::Folder folder_;
  const std::string path_ = folder_ / "deep/viaduct.sock";
  std::unique_ptr<Server> server_;
  std::thread thread_;
  std::atomic<bool> stop_{false};
};

TEST_F(ServerTest, answers_a_command) {
  start();
  const auto answer = ask(path_, "show stat");
  ASSERT_TRUE(answer) << answer.error();
  EXPECT_EQ(*answer, "you said show stat\n");
}

TEST_F(ServerTest, several_commands_on_one_connection_each_end_with_an_empty_line) {
  start();
  const int client = connected();
  say(client, "one\r\n\ntwo\nthr");
  say(client, "ee");
  shutdown(client, SHUT_WR);
  EXPECT_EQ(read_all(client), "you said one\n\nyou said two\n\nyou said three\n\n");
  close(client);
}

// "slow" is answered when somebody else says "finish".
Server::Handler slow_handler(std::unique_ptr<Server>& server) {
  return [&server](std::string_view line) {
    Server::Reply reply("you said " + std::string(line));
    if (line == "slow") reply.later = 7;
    if (line == "finish") server->answer(7, "at last");
    return reply;
  };
}

TEST_F(ServerTest, an_answer_that_comes_later_is_waited_for_by_its_client_alone) {
  start(slow_handler(server_));
  const int patient = connected();
  say(patient, "one\nslow\ntwo\nthr");
  say(patient, "ee\n");
  shutdown(patient, SHUT_WR);
  ASSERT_TRUE(ask(path_, "show stat"));
  EXPECT_EQ(*ask(path_, "finish"), "you said finish\n");
  EXPECT_EQ(read_all(patient), "you said one\n\nat last\n\nyou said two\n\nyou said three\n\n");
  close(patient);
}

TEST_F(ServerTest, half_an_answer_is_an_error) {
  std::atomic<bool> asked{false};
  start([&](std::string_view) {
    asked = true;
    Server::Reply reply({});
    reply.later = 7;
    return reply;
  });
  std::thread stopping([&] {
    EXPECT_TRUE(test::until([&] { return asked.load(); }));
    stop();
  });
  const auto answer = ask(path_, "slow");
  stopping.join();
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().find("closed the connection before it had answered"), std::string::npos) << answer.error();
}

// A feed of pieces, said one by one, whose balancer then is silent. What `follow` gives, and in `heard` what it told
// while that `goes_on`.
core::Status follow_pieces(const std::vector<std::string_view>& pieces, std::string& heard,
                           const std::function<bool()>& goes_on) {
  const test::Folder folder;
  const std::string path = folder / "s";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), address.sun_path);
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  EXPECT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(listen(listener, 1), 0);
  int client = -1;
  std::thread balancer([&] {
    client = accept(listener, nullptr, nullptr);
    for (const std::string_view piece : pieces) {
      (void)send(client, piece.data(), piece.size(), MSG_NOSIGNAL);
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
  core::Status status = follow(path, "feed", [&](std::string_view piece) {
    heard += piece;
    return goes_on();
  });
  balancer.join();
  close(client);
  close(listener);
  return status;
}

TEST(Follow, a_refusal_is_an_error_in_however_many_pieces_it_comes) {
  std::string heard;
  int times = 0;
  const auto refused = follow_pieces({"err", "or: no such", " field\n\n"}, heard, [&] { return ++times < 50; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), "no such field");
  EXPECT_EQ(heard, "");
}

TEST(Follow, what_begins_like_a_refusal_later_is_of_the_feed) {
  const std::string wanted = "events\nerror: of a caller\n\nmore\n";
  std::string heard;
  const auto done = follow_pieces({"e", "vents\n", "error: of a caller\n\n", "more\n"}, heard,
                                  [&] { return heard.size() < wanted.size(); });
  EXPECT_TRUE(done) << done.error();
  EXPECT_EQ(heard, wanted);
}

TEST(Follow, half_a_refusal_is_not_waited_for_longer_than_one_wants) {
  std::string heard;
  int times = 0;
  const auto refused = follow_pieces({"error: hal"}, heard, [&] { return ++times < 4; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), "hal");
}

TEST_F(ServerTest, who_is_one_too_many_hears_why) {
  start();
  std::vector<int> clients;
  for (size_t i = 0; i < Server::clients_max; ++i) clients.push_back(connected());
  say(clients.back(), "hello\n");  // the last one is in
  char heard[32];
  ASSERT_GT(recv(clients.back(), heard, sizeof heard, 0), 0);
  for (int i = 0; i < 20; ++i) {
    const auto answer = ask(path_, "show stat");
    ASSERT_TRUE(answer) << answer.error();
    EXPECT_EQ(*answer, "error: too many clients on the control socket; try again later\n");
  }
  for (const int client : clients) close(client);
}

TEST_F(ServerTest, who_waits_for_an_answer_may_go) {
  start(slow_handler(server_));
  const int gone = connected();
  say(gone, "slow\n");
  ASSERT_TRUE(ask(path_, "show stat"));
  close(gone);
  ASSERT_TRUE(ask(path_, "finish"));
  ASSERT_TRUE(ask(path_, "finish"));
  halt();
  EXPECT_EQ(server_->counts().accepted, 4u);
}

TEST_F(ServerTest, who_waits_for_an_answer_may_say_more_but_not_without_end) {
  start(slow_handler(server_));
  const int eager = connected();
  say(eager, "slow\n");
  const std::string more(Server::line_bytes_max, 'x');
  for (int i = 0; i < 3; ++i) (void)send(eager, more.data(), more.size(), MSG_NOSIGNAL);
  EXPECT_NE(read_all(eager).find("error: a command has at most"), std::string::npos);
  close(eager);
}

TEST_F(ServerTest, who_says_much_at_once_is_answered_line_by_line) {
  start();
  const int client = connected();
  std::string lines, wanted;
  for (int i = 0; i < 300; ++i) {
    const std::string line = std::to_string(i) + std::string(1000, 'x');
    lines += line + '\n';
    wanted += "you said " + line + "\n\n";
  }
  ASSERT_GT(lines.size(), Server::line_bytes_max);
  std::thread speaker([&] {
    say(client, lines);
    shutdown(client, SHUT_WR);
  });
  EXPECT_EQ(read_all(client), wanted);
  speaker.join();
  close(client);
}

TEST_F(ServerTest, permission_bits_are_as_asked) {
  start();
  struct stat found {};
  ASSERT_EQ(stat(path_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
}

TEST_F(ServerTest, a_client_that_never_reads_holds_nobody_up) {
  start([](std::string_view) { return std::string(256 * 1024, 'x'); });
  const int slow = connected();
  for (int i = 0; i < 8; ++i) say(slow, "big\n");
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(ask(path_, "big"));
  close(slow);
}

TEST_F(ServerTest, who_reads_gets_answers_of_any_size_however_many_it_has_asked_for) {
  std::atomic<size_t> answered{0};
  start([&answered](std::string_view) {
    ++answered;
    return std::string(Server::unread_bytes_max / 2, 'x');
  });
  const int late = connected();
  for (int i = 0; i < 16; ++i) say(late, "big\n");
  shutdown(late, SHUT_WR);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_LE(answered, 4u) << "who does not read is answered no more";
  EXPECT_EQ(read_all(late).size(), 16 * (Server::unread_bytes_max / 2 + 2));
  EXPECT_EQ(ask(path_, "big")->size(), Server::unread_bytes_max / 2 + 1);
  close(late);
}

TEST_F(ServerTest, an_endless_line_is_refused) {
  start();
  const int client = connected();
  say(client, std::string(Server::line_bytes_max + 1, 'a'));
  EXPECT_EQ(read_all(client), "error: a command has at most 135168 bytes\n\n");
  close(client);
}

TEST_F(ServerTest, clients_are_bounded_and_places_come_back) {
  start();
  std::vector<int> clients;
  for (size_t i = 0; i < Server::clients_max; ++i) {
    clients.push_back(connected());
    say(clients.back(), "hello\n");
    char buffer[64];
    ASSERT_GT(recv(clients.back(), buffer, sizeof buffer, 0), 0);
  }
  const int late = connected();
  EXPECT_EQ(read_all(late), "error: too many clients on the control socket; try again later\n\n");
  close(late);
  for (const int client : clients) close(client);
  EXPECT_TRUE(test::until([&] { return answer_to("again") == "you said again\n"; })) << answer_to("again");
}

// Feeds, turned by hand: what is published has to come between two turns.
class FeedTest : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    auto opened = Server::open(path_, 0600, [](std::string_view line) {
      if (!line.starts_with("follow")) return Server::Reply("an answer");
      Server::Reply reply("so far\n", Server::Feed::events_text);
      if (line.size() > 7) reply.topic = line.substr(7);
      return reply;
    });
    ASSERT_TRUE(opened) << opened.error();
    server_ = std::move(*opened);
  }
  int following(const char* line = "follow\n") {
    const int client = connected();
    say(client, line);
    for (int i = 0; i < 4; ++i) server_->turn();
    return client;
  }
};

TEST_F(FeedTest, who_follows_gets_every_line_and_others_do_not) {
  const int client = following(), other = connected();
  say(other, "hello\n");
  for (int i = 0; i < 4; ++i) server_->turn();
  EXPECT_EQ(server_->counts().followers, 1u);
  server_->publish(Server::Feed::events_text, "port", "one\n", "{} left out\n");
  server_->publish(Server::Feed::events_json, "port", "not this\n", "{} left out\n");
  server_->publish(Server::Feed::events_text, "port", "two\n", "{} left out\n");
  server_.reset();
  EXPECT_EQ(read_all(client), "so far\none\ntwo\n");
  EXPECT_EQ(read_all(other), "an answer\n\n");
  close(client);
  close(other);
}

TEST_F(FeedTest, who_follows_a_topic_gets_its_lines_alone) {
  const int all = following(), ports = following("follow port\n"), bans = following("follow ban\n");
  server_->publish(Server::Feed::events_text, "port", "one\n", "{} left out\n");
  server_->publish(Server::Feed::events_text, "ban", "two\n", "{} left out\n");
  server_.reset();
  EXPECT_EQ(read_all(all), "so far\none\ntwo\n");
  EXPECT_EQ(read_all(ports), "so far\none\n");
  EXPECT_EQ(read_all(bans), "so far\ntwo\n");
  for (const int client : {all, ports, bans}) close(client);
}

TEST_F(FeedTest, who_has_ended_its_own_side_still_follows_until_it_is_gone) {
  const int client = connected();
  say(client, "follow\n");
  shutdown(client, SHUT_WR);
  for (int i = 0; i < 4; ++i) server_->turn();
  server_->publish(Server::Feed::events_text, "port", "one\n", "{} left out\n");
  char buffer[64];
  EXPECT_EQ(recv(client, buffer, sizeof buffer, 0), 11);
  EXPECT_EQ(server_->counts().followers, 1u);
  close(client);
  server_->turn();
  EXPECT_EQ(server_->counts().clients, 0u);
}

TEST_F(FeedTest, who_reads_too_slowly_misses_lines_and_is_told_how_many) {
  const int slow = following(), quick = following();
  const std::string line(1023, 'x');
  std::string heard;
  char buffer[65536];
  const auto hear = [&](int client) {
    for (ssize_t count; (count = recv(client, buffer, sizeof buffer, MSG_DONTWAIT)) > 0;) {
      heard.append(buffer, static_cast<size_t>(count));
    }
  };
  for (int i = 0; i < 2000; ++i) {
    server_->publish(Server::Feed::events_text, "port", line + '\n', "{} left out\n");
    hear(quick);
  }
  EXPECT_EQ(heard.size(), 2000u * 1024 + 7) << "a slow one takes nothing from a quick one";
  const uint64_t left_out = server_->counts().lines_left_out;
  EXPECT_GT(left_out, 1000u);
  heard.clear();
  for (int i = 0; i < 8; ++i) {
    hear(slow);
    server_->turn();
  }
  server_->publish(Server::Feed::events_text, "port", "at last\n", "{} left out\n");
  hear(slow);
  EXPECT_TRUE(heard.ends_with(std::to_string(left_out) + " left out\nat last\n")) << heard.substr(heard.size() - 64);
  close(slow);
  close(quick);
}

TEST_F(FeedTest, who_leaves_too_much_unread_and_does_not_read_is_cut_off_and_counted) {
  server_.reset();
  auto opened = Server::open(path_, 0600, [](std::string_view) { return std::string(6 << 20, 'x'); });
  ASSERT_TRUE(opened) << opened.error();
  server_ = std::move(*opened);
  const int slow = connected(), greedy = connected();
  say(slow, "big\n");
  say(greedy, "big\n");
  core::Instant now{};
  const auto turn = [&](std::chrono::milliseconds time) {
    for (int i = 0; i < 8; ++i) server_->turn();
    server_->tidy(now += time);
  };
  turn({});
  std::vector<char> buffer(400'000);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(server_->counts().clients, 2u) << i;
    EXPECT_EQ(server_->counts().cut_off, 0u);
    EXPECT_GT(recv(slow, buffer.data(), buffer.size(), 0), 0);
    turn(std::chrono::seconds(2));
  }
  EXPECT_EQ(server_->counts().clients, 1u);
  EXPECT_EQ(server_->counts().cut_off, 1u);
  EXPECT_GT(recv(slow, buffer.data(), buffer.size(), 0), 0) << "it reads, if slowly";
  close(slow);
  close(greedy);
}

TEST_F(FeedTest, of_each_client_one_line_is_obeyed_in_a_turn) {
  server_.reset();
  std::vector<std::string> obeyed;
  auto opened = Server::open(path_, 0600, [&obeyed](std::string_view line) {
    obeyed.emplace_back(line);
    return std::string("done");
  });
  ASSERT_TRUE(opened) << opened.error();
  server_ = std::move(*opened);
  const int talkative = connected(), terse = connected();
  server_->turn();
  say(talkative, "a1\n\na2\na3\na4\n");
  server_->turn();
  EXPECT_EQ(obeyed, (std::vector<std::string>{"a1"}));
  say(terse, "b1\n");
  pollfd ready{server_->fd(), POLLIN, 0};
  for (size_t turns = 2; turns <= 4; ++turns) {
    ASSERT_EQ(poll(&ready, 1, 0), 1) << "a turn is wanted";
    server_->turn();
    EXPECT_EQ(obeyed.size(), turns + 1);
    EXPECT_EQ(std::count(obeyed.begin(), obeyed.end(), "b1"), 1) << "in the first turn since it was said";
  }
  std::erase(obeyed, "b1");
  EXPECT_EQ(obeyed, (std::vector<std::string>{"a1", "a2", "a3", "a4"}));
  server_->turn();
  EXPECT_EQ(poll(&ready, 1, 0), 0) << "nobody waits any more";
  for (const int client : {talkative, terse}) close(client);
}

TEST_F(FeedTest, who_has_been_idle_longest_gives_its_place_to_who_comes_when_all_are_taken) {
  core::Instant now{};
  const auto turn = [&](std::chrono::seconds time) {
    for (int i = 0; i < 4; ++i) server_->turn();
    server_->tidy(now += time);
  };
  std::vector<int> clients{following()};
  turn(std::chrono::seconds(1));
  while (clients.size() < Server::clients_max) clients.push_back(connected());
  turn(Server::idle_time_min - std::chrono::seconds(1));
  say(clients[1], "hello\n");
  turn(std::chrono::seconds(0));
  const int early = connected();
  turn(std::chrono::seconds(1));
  EXPECT_EQ(read_all(early), "error: too many clients on the control socket; try again later\n\n");
  say(clients[2], "wai");
  server_->turn();
  say(clients[3], "not heard yet\n");
  const int late = connected();
  server_->turn();
  say(late, "hello\n");
  turn(std::chrono::seconds(0));
  EXPECT_EQ(server_->counts().let_go, 1u);
  EXPECT_EQ(server_->counts().refused, 1u);
  EXPECT_EQ(server_->counts().clients, Server::clients_max);
  EXPECT_EQ(server_->counts().followers, 1u);
  server_.reset();
  EXPECT_EQ(read_all(late), "an answer\n\n");
  EXPECT_EQ(read_all(clients[0]), "so far\n");
  EXPECT_EQ(read_all(clients[1]), "an answer\n\n");
  EXPECT_EQ(read_all(clients[2]), "");
  EXPECT_EQ(read_all(clients[3]), "an answer\n\n");
  EXPECT_EQ(read_all(clients[4]), "error: you were silent for long, and another needed the place\n\n");
  EXPECT_EQ(read_all(clients[5]), "");
  for (const int client : clients) close(client);
  for (const int client : {early, late}) close(client);
}

// A balancer that has stood still must not do later what its operator was told it had not done.
TEST_F(FeedTest, who_has_gone_is_not_obeyed_any_more) {
  server_.reset();
  std::string obeyed;
  auto opened = Server::open(path_, 0600, [&obeyed](std::string_view line) {
    obeyed += std::string(line) + ';';
    Server::Reply reply("done");
    if (line == "slow") reply.later = 7;
    return reply;
  });
  ASSERT_TRUE(opened) << opened.error();
  server_ = std::move(*opened);
  const int gone = connected(), waits = connected(), impatient = connected();
  say(gone, "drain\n");
  close(gone);
  say(waits, "look\n");
  shutdown(waits, SHUT_WR);
  say(impatient, "slow\n");
  for (int i = 0; i < 4; ++i) server_->turn();
  EXPECT_EQ(obeyed, "look;slow;");
  EXPECT_EQ(read_all(waits), "done\n\n");
  EXPECT_TRUE(server_->is_awaited(7));
  close(impatient);
  EXPECT_FALSE(server_->is_awaited(7)) << "even before a turn has seen it go";
  close(waits);
}

TEST_F(ServerTest, a_socket_that_nobody_listens_on_is_replaced) {
  start();
  // What a killed process leaves: a bound socket file without a listener.
  stop();
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(path_.begin(), path_.end(), address.sun_path);
  const int dead = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(dead, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  close(dead);
  stop_ = false;
  start();
  EXPECT_EQ(answer_to("alive"), "you said alive\n");
}

TEST_F(ServerTest, somebody_elses_socket_is_left_alone) {
  start();
  const auto second = Server::open(path_, 0600, [](std::string_view) { return std::string(); });
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().find("another process listens"), std::string::npos);
  EXPECT_EQ(answer_to("still there"), "you said still there\n");
}

TEST_F(ServerTest, a_file_in_its_place_is_left_alone) {
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path());
  std::ofstream(path_) << "precious";
  const auto refused = Server::open(path_, 0600, [](std::string_view) { return std::string(); });
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("no socket"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(ServerTest, the_socket_is_gone_when_the_server_is) {
  start();
  stop();
  EXPECT_FALSE(std::filesystem::exists(path_));
  const auto answer = ask(path_, "anybody?");
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().find("is viaduct running"), std::string::npos);
}

}  // namespace
}  // namespace viaduct::control
