// Lines of the log, and how many.
#include "control/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>

#include "control/events.h"
#include "control/log_throttle.h"
#include "core/log.h"
#include "support/folder.h"

namespace viaduct::control {
namespace {

using std::chrono::seconds;

TEST(LogThrottle, a_kind_is_a_line_without_its_numbers) {
  LogThrottle throttle;
  LogThrottle::Time now{};
  size_t passed = 0;
  for (int i = 0; i < 100; ++i) passed += throttle.ask("ban of 192.0.2." + std::to_string(i), now).passes ? 1 : 0;
  EXPECT_EQ(passed, 20u);
  EXPECT_EQ(throttle.left_out(), 80u);
  EXPECT_TRUE(throttle.ask("something else", now).passes) << "others are not held back";
  now += seconds(1);
  const auto next = throttle.ask("ban of 192.0.2.7", now);
  EXPECT_TRUE(next.passes);
  EXPECT_EQ(next.left_out, 80u);
  EXPECT_EQ(throttle.ask("ban of 192.0.2.7", now).left_out, 0u) << "told once";
}

TEST(LogThrottle, addresses_in_hexadecimal_are_numbers) {
  LogThrottle throttle;
  const LogThrottle::Time now{};
  size_t passed = 0;
  for (const char* address : {"::1", "2001:db8::10", "2001:DB8:0:a::", "::ffff:192.0.2.1", "fe80::5054:ff:fe12:3456"}) {
    for (const std::string form : {"ban of {}: flood", "ban of {}/64: flood", "ban of [{}]:5060: flood"}) {
      std::string line = form;
      line.replace(line.find("{}"), 2, address);
      for (int i = 0; i < 10; ++i) passed += throttle.ask(line, now).passes ? 1 : 0;
    }
  }
  EXPECT_EQ(throttle.kinds(), 3u) << "one for each form";
  EXPECT_EQ(passed, 3 * 20u);
}

TEST(LogThrottle, words_with_a_colon_stay_words) {
  LogThrottle throttle;
  for (const char* line :
       {"reload: done", "bed: done", "add: done", "pool/dead: done", "std::bad: done", "a b: done"}) {
    (void)throttle.ask(line, {});
  }
  EXPECT_EQ(throttle.kinds(), 6u);
}

TEST(LogThrottle, kinds_are_bounded_and_no_count_is_lost) {
  LogThrottle throttle;
  LogThrottle::Time now{};
  for (int i = 0; i < 25; ++i) (void)throttle.ask("noise", now);
  std::string text;
  uint64_t told = 0;
  for (size_t i = 0; i < 2 * LogThrottle::kinds_max; ++i) {
    now += seconds(1);
    told += throttle.ask(text += 'x', now).left_out;
    EXPECT_LE(throttle.kinds(), LogThrottle::kinds_max);
  }
  EXPECT_EQ(told, 5u);
}

TEST(LogLine, fields_are_quoted_so_that_nothing_breaks_out_of_them) {  // SEC-15
  const std::chrono::system_clock::time_point time{std::chrono::milliseconds(1234)};
  const Event event{.time = time, .number = 7, .kind = EventKind::ban, .subject = "a\"b", .what = ""};
  EXPECT_EQ(
      log_line(LogFormat::keys, time, "info", "x\n\x1b[2J y", &event),
      "time=1970-01-01T00:00:01.234Z level=info event=7 kind=ban subject=\"a\\\"b\" message=\"x\\u000a\\u001b[2J y\"");
  EXPECT_EQ(log_line(LogFormat::json, time, "error", "a\\b", nullptr),
            R"({"time":"1970-01-01T00:00:01.234Z","level":"error","message":"a\\b"})");
}

// Stands in for journald: its socket, and what came there.
class JournalTest : public ::testing::Test {
 protected:
  void SetUp() override {
    socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  void TearDown() override {
    unsetenv("JOURNAL_STREAM");
    close(socket_);
    (void)open_log({});
  }
  static void say_that_stderr_is_the_journal() {
    struct stat found {};
    ASSERT_EQ(fstat(STDERR_FILENO, &found), 0);
    setenv("JOURNAL_STREAM", (std::to_string(found.st_dev) + ':' + std::to_string(found.st_ino)).c_str(), 1);
  }
  std::string heard() const {
    char buffer[4096];
    const ssize_t size = recv(socket_, buffer, sizeof buffer, 0);
    return size < 0 ? "" : std::string(buffer, static_cast<size_t>(size));
  }
  const test::Folder folder_;
  const std::string path_ = folder_ / "journal";
  int socket_ = -1;
};

TEST_F(JournalTest, gets_lines_as_fields_where_stderr_is_the_journal) {
  say_that_stderr_is_the_journal();
  ASSERT_TRUE(open_log({.journal_socket = path_}));
  core::log_warning("something is odd");
  EXPECT_EQ(heard(), "MESSAGE=something is odd\nPRIORITY=4\nSYSLOG_IDENTIFIER=viaduct\n");
  log_event({.time = {}, .number = 3, .kind = EventKind::health, .subject = "proxies/p1", .what = "down"},
            {"backend proxies/p1 is down", spdlog::level::warn});
  EXPECT_EQ(heard(),
            "MESSAGE=backend proxies/p1 is "
            "down\nPRIORITY=4\nSYSLOG_IDENTIFIER=viaduct\nVIADUCT_EVENT=3\nVIADUCT_KIND=health\n"
            "VIADUCT_SUBJECT=proxies/p1\n");
}

TEST_F(JournalTest, gets_line_ends_within_a_field) {  // no field can be forged
  const std::string text = "x\nPRIORITY=0";
  const JournalField fields[]{{"MESSAGE", text}, {"A", "b"}};
  EXPECT_EQ(journal_datagram(fields), std::string("MESSAGE\n\x0c\0\0\0\0\0\0\0x\nPRIORITY=0\nA=b\n", 33));
}

TEST_F(JournalTest, gets_nothing_where_stderr_is_something_else) {
  setenv("JOURNAL_STREAM", "1:2", 1);
  ASSERT_TRUE(open_log({.journal_socket = path_}));
  testing::internal::CaptureStderr();
  core::log_info("to stderr");
  EXPECT_NE(testing::internal::GetCapturedStderr().find("info to stderr\n"), std::string::npos);
  EXPECT_EQ(heard(), "");
}

TEST_F(JournalTest, without_its_socket_lines_with_a_priority_go_to_stderr) {
  testing::internal::CaptureStderr();
  say_that_stderr_is_the_journal();
  ASSERT_TRUE(open_log({.journal_socket = path_ + ".missing"}));
  core::log_error("bad");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "<3>bad\n");
}

TEST_F(JournalTest, other_formats_stay_lines) {
  testing::internal::CaptureStderr();
  say_that_stderr_is_the_journal();
  ASSERT_TRUE(open_log({.format = LogFormat::keys, .journal_socket = path_}));
  core::log_info("a");
  const std::string line = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(line.starts_with("<6>time=")) << line;
  EXPECT_TRUE(line.ends_with(" level=info message=\"a\"\n")) << line;
  EXPECT_EQ(heard(), "");
}

// stderr that nobody empties before it is asked for.
class UnreadStderr {
 public:
  UnreadStderr(int read_end, int write_end) : read_end_(read_end), saved_(dup(STDERR_FILENO)) {
    fcntl(read_end_, F_SETFL, O_NONBLOCK);
    dup2(write_end, STDERR_FILENO);
    close(write_end);
  }
  ~UnreadStderr() {
    dup2(saved_, STDERR_FILENO);
    close(saved_);
    close(read_end_);
  }
  std::string take() const {
    std::string text;
    char buffer[4096];
    for (ssize_t count; (count = read(read_end_, buffer, sizeof buffer)) > 0;) {
      text.append(buffer, static_cast<size_t>(count));
    }
    return text;
  }
  // Of as many kinds as lines.
  void log_lines(size_t count) const {
    log_without_waiting([count] {
      for (size_t i = 0; i < count; ++i) {
        std::string kind;
        for (size_t rest = i; rest != 0; rest /= 20) kind += static_cast<char>('a' + rest % 20);
        core::log_info("backend {} is down", kind);
      }
    });
  }
  // Where the writer waits, which is a failure, what it has written is taken, so that it comes to its end.
  template <class Lines>
  void log_without_waiting(const Lines& lines) const {
    auto written = std::async(std::launch::async, lines);
    if (written.wait_for(seconds(10)) == std::future_status::ready) return;
    ADD_FAILURE() << "who logs waits for who reads";
    while (written.wait_for(seconds(0)) != std::future_status::ready) (void)take();
  }

 private:
  const int read_end_, saved_;
};

size_t lines_of(std::string_view text) { return static_cast<size_t>(std::count(text.begin(), text.end(), '\n')); }

TEST_F(JournalTest, that_is_stuck_holds_nobody_up_and_hears_later_how_much_it_missed) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  const UnreadStderr stream(ends[0], ends[1]);
  say_that_stderr_is_the_journal();
  ASSERT_TRUE(open_log({.journal_socket = path_}));
  constexpr size_t lines = 3000;
  stream.log_lines(lines);
  size_t taken = lines_of(stream.take());
  while (!heard().empty()) ++taken;
  core::log_warning("at last");
  EXPECT_EQ(heard(), "MESSAGE=" + std::to_string(lines - taken) +
                         " lines were lost: there was no room for them\nPRIORITY=4\nSYSLOG_IDENTIFIER=viaduct\n");
  EXPECT_EQ(heard(), "MESSAGE=at last\nPRIORITY=4\nSYSLOG_IDENTIFIER=viaduct\n");
  core::log_warning("once");
  EXPECT_EQ(heard(), "MESSAGE=once\nPRIORITY=4\nSYSLOG_IDENTIFIER=viaduct\n");
}

TEST(Log, a_full_pipe_holds_nobody_up_and_hears_later_how_much_it_missed) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const UnreadStderr pipe(ends[0], ends[1]);
  ASSERT_TRUE(open_log({}));
  constexpr size_t lines = 3000;
  pipe.log_lines(lines);
  const size_t taken = lines_of(pipe.take());
  EXPECT_GT(taken, 500u);
  core::log_warning("at last");
  const std::string text = pipe.take();
  EXPECT_NE(text.find(std::to_string(lines - taken) + " lines were lost"), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with("warning at last\n")) << text;
}

TEST(Log, a_line_that_was_cut_takes_nothing_from_the_next_one) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const UnreadStderr pipe(ends[0], ends[1]);
  ASSERT_TRUE(open_log({}));
  pipe.log_without_waiting([] { core::log_info("{}", std::string(1 << 20, 'x')); });
  EXPECT_TRUE(pipe.take().ends_with("xxx"));
  core::log_info("whole");
  const std::string text = pipe.take();
  EXPECT_TRUE(text.starts_with('\n')) << text;
  EXPECT_EQ(lines_of(text), 3u) << text;
  EXPECT_TRUE(text.ends_with("info whole\n")) << text;
}

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Log, goes_to_a_file_at_the_level_that_is_said_and_follows_a_rename) {
  const test::Folder folder;
  const std::string path = folder / "log", moved = folder / "log.1";
  ASSERT_TRUE(open_log({.format = LogFormat::json, .file = path, .level = "warning"}));
  core::log_info("not this");
  core::log_warning("this");
  EXPECT_TRUE(set_log_level("info"));
  EXPECT_FALSE(set_log_level("loud"));
  log_event({.time = {}, .number = 3, .kind = EventKind::health, .subject = "proxies/p1", .what = "down"},
            {"backend proxies/p1 is down"});
  std::filesystem::rename(path, moved);
  ASSERT_TRUE(reopen_log());
  core::log_info("after");
  const std::string before = content_of(moved), after = content_of(path);
  EXPECT_EQ(before.find("not this"), std::string::npos);
  EXPECT_NE(before.find(R"("level":"warning","message":"this"})"), std::string::npos) << before;
  EXPECT_NE(before.find(R"("event":3,"kind":"health","subject":"proxies/p1","message":"backend proxies/p1 is down"})"),
            std::string::npos)
      << before;
  EXPECT_NE(after.find(R"("message":"after")"), std::string::npos) << after;
  EXPECT_FALSE(open_log({.format = LogFormat::text, .file = "/nonexistent/viaduct.log", .level = "info"}));
}

}  // namespace
}  // namespace viaduct::control
