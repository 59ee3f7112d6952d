// Reloads in their order, over a real thread and a real file.
#include "control/reload_queue.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace viaduct::control {
namespace {

class ReloadQueueTest : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::temp_directory_path() / ("viaduct-reload-queue-" + std::to_string(getpid()) + ".toml");
    std::string patterns;
    for (int i = 0; i < 100; ++i) patterns += "'scanner" + std::to_string(i) + "[a-z]+x', ";
    std::ofstream(path_) << "[[port]]\nname = \"edge\"\ndevice = \"memif:/run/edge.sock\"\n"
                            "[[listener]]\nname = \"public\"\naddress = \"192.0.2.10:5060\"\npool = \"proxies\"\n"
                            "[[pool]]\nname = \"proxies\"\n[[pool.backend]]\nname = \"p1\"\naddress = \"10.0.1.1\"\n"
                            "[[rule]]\nname = \"many\"\nmatch = { user-agent = ["
                         << patterns << "] }\naction = \"drop\"\n";
    open(path_);
  }
  void TearDown() override { std::filesystem::remove(path_); }

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

  std::string path_;
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

TEST_F(ReloadQueueTest, WhoLeavesWaitsForWhatIsAtWork) {
  queue_->add({"reload", 1});
  queue_->add({"reload", 2});
  queue_.reset();
}

}  // namespace
}  // namespace viaduct::control
