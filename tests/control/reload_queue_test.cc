// Reloads in their order, over a real thread and a real file.
#include "control/reload_queue.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>

#include "support/folder.h"
#include "support/until.h"

namespace viaduct::control {
namespace {

class ReloadQueueTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string patterns;
    for (int i = 0; i < 100; ++i) patterns += "'scanner" + std::to_string(i) + "[a-z]+x', ";
    std::ofstream(path_) << "[[port]]\nname = \"edge\"\ndevice = \"memif:/run/edge.sock\"\n"
                            "[[listener]]\nname = \"public\"\naddress = \"192.0.2.10:5060\"\npool = \"proxies\"\n"
                            "[[pool]]\nname = \"proxies\"\n[[pool.backend]]\nname = \"p1\"\naddress = \"10.0.1.1\"\n"
                            "[[rule]]\nname = \"many\"\nmatch = { user-agent = ["
                         << patterns << "] }\naction = \"drop\"\n";
    open(path_);
  }
  void open(const std::string& file) {
    auto queue = ReloadQueue::open(file);
    ASSERT_TRUE(queue) << queue.error();
    queue_ = std::move(*queue);
  }
  // Waits for the next one; its line.
  std::string next() {
    pollfd readable{queue_->fd(), POLLIN, 0};
    if (poll(&readable, 1, 20'000) != 1) return "nothing came";
    const auto request = queue_->take();
    return request ? request->line + " " + std::to_string(request->later) : "not ready";
  }
  bool silent() {
    pollfd readable{queue_->fd(), POLLIN, 0};
    return poll(&readable, 1, 100) == 0 && !queue_->take();
  }

  const test::Folder folder_;
  const std::string path_ = folder_ / "viaduct.toml";
  std::unique_ptr<ReloadQueue> queue_;
};

TEST_F(ReloadQueueTest, NothingIsReadyBeforeItIsAskedFor) {
  EXPECT_TRUE(silent());
  queue_->add({"reload", 1});
  EXPECT_EQ(next(), "reload 1");
  EXPECT_TRUE(silent());
}

TEST_F(ReloadQueueTest, EachHasItsTurn) {
  queue_->add({"reload", 1});
  queue_->add({"reload dry-run", 2});
  queue_->add({"reload"});
  queue_->add({"reload json", 3});
  for (const char* line : {"reload 1", "reload dry-run 2", "reload 0", "reload json 3"}) EXPECT_EQ(next(), line);
  EXPECT_TRUE(silent());
}

TEST_F(ReloadQueueTest, SignalsThatWaitAreOne) {
  for (int i = 0; i < 5; ++i) queue_->add({"reload"});  // the first is at work already, with what the file said then
  EXPECT_EQ(next(), "reload 0");
  EXPECT_EQ(next(), "reload 0");
  EXPECT_TRUE(silent());
}

TEST_F(ReloadQueueTest, AFileThatIsNoneIsNoReasonToWait) {
  open("/nowhere/viaduct.toml");
  queue_->add({"reload", 1});
  EXPECT_EQ(next(), "reload 1");
}

// A file that is read for as long as the test wants: a pipe, and who holds its other end.
class SlowFileTest : public ReloadQueueTest {
 protected:
  void SetUp() override {
    const std::string pipe = folder_ / "pipe";
    ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
    open(pipe);
    queue_->add({"reload", 1});
    EXPECT_TRUE(test::until([&] { return (end_ = ::open(pipe.c_str(), O_WRONLY | O_NONBLOCK)) >= 0; })) << "not read";
  }

  int end_ = -1;  // of the file, once it is closed
};

TEST_F(SlowFileTest, WhoLeavesWaitsForWhatIsAtWork) {
  std::atomic<bool> read{false};
  std::thread reader([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    read = true;
    close(end_);
  });
  queue_.reset();
  EXPECT_TRUE(read);
  reader.join();
}

TEST_F(SlowFileTest, AtWorkIsItUntilItsTurnIsTaken) {
  EXPECT_TRUE(queue_->at_work());
  EXPECT_FALSE(queue_->take());
  EXPECT_TRUE(queue_->at_work());
  close(end_);
  EXPECT_EQ(next(), "reload 1");
  EXPECT_FALSE(queue_->at_work());
  queue_->add({"backend drain proxies/p1", 2});
  EXPECT_FALSE(queue_->at_work()) << "nothing is to be prepared";
}

TEST_F(SlowFileTest, WhenItIsClosedNobodysTurnComes) {
  queue_->add({"reload", 2});
  queue_->add({"backend drain proxies/p1", 3});
  std::string waiting;
  for (const ReloadQueue::Request& request : queue_->close()) waiting += request.line + ", ";
  EXPECT_EQ(waiting, "reload, reload, backend drain proxies/p1, ");
  EXPECT_TRUE(queue_->empty());
  EXPECT_TRUE(queue_->at_work()) << "it cannot be interrupted";
  close(end_);
  pollfd readable{queue_->fd(), POLLIN, 0};
  ASSERT_EQ(poll(&readable, 1, 20'000), 1);
  EXPECT_FALSE(queue_->take());
  EXPECT_FALSE(queue_->at_work());
}

}  // namespace
}  // namespace viaduct::control
