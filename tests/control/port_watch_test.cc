// What is told of ports whose links and interfaces go and come.
#include "control/port_watch.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace viaduct::control {
namespace {

using Sight = PortWatch::Sight;

struct PortWatchTest : ::testing::Test {
  // The events of one look, "port: what" each.
  std::vector<std::string> told(const std::vector<Sight>& ports) {
    const size_t before = events.kept().size();
    verdict = watch.turn(ports, events);
    std::vector<std::string> result;
    for (size_t i = before; i < events.kept().size(); ++i) {
      const Event& event = events.kept()[i];
      EXPECT_EQ(event.kind, EventKind::port);
      result.push_back(event.subject + ": " + event.what);
    }
    return result;
  }
  using Lines = std::vector<std::string>;

  Events events;
  PortWatch watch;
  core::Status verdict = core::Done{};
  const Sight up{.name = "edge", .interface = "eth0", .incarnation = 7, .link_up = true};
  const Sight down{.name = "edge", .interface = "eth0", .incarnation = 7, .link_up = false};
  const Sight gone{.name = "edge", .interface = "eth0", .incarnation = 0};
  const Sight memif{.name = "core", .interface = "", .link_up = true};
  const Sight unconnected{.name = "core", .interface = "", .link_up = false};
};

TEST_F(PortWatchTest, NothingIsToldOfPortsThatAreUpAndStaySo) {
  EXPECT_EQ(told({up, memif}), Lines{});
  EXPECT_EQ(told({up, memif}), Lines{});
  EXPECT_TRUE(verdict);
  EXPECT_FALSE(watch.lost(0));
}

TEST_F(PortWatchTest, LinksAreToldOfAsTheyChange) {
  EXPECT_EQ(told({up, unconnected}), Lines{"core: the link is down"});
  EXPECT_EQ(told({down, memif}), (Lines{"edge: the link is down", "core: the link is up"}));
  EXPECT_EQ(told({down, memif}), Lines{});
  EXPECT_EQ(told({up, memif}), Lines{"edge: the link is up"});
  EXPECT_TRUE(verdict);
}

TEST_F(PortWatchTest, AnInterfaceThatIsGoneIsToldOfOnce) {
  told({up});
  EXPECT_EQ(told({gone}), Lines{"edge: interface eth0 is gone; nothing comes or leaves there until it is back"});
  EXPECT_TRUE(watch.lost(0));
  EXPECT_EQ(told({gone}), Lines{});
  EXPECT_TRUE(verdict);
}

TEST_F(PortWatchTest, TheSameInterfaceMayComeBack) {
  told({up});
  told({gone});
  EXPECT_EQ(told({up}), Lines{"edge: interface eth0 is back"});
  EXPECT_TRUE(verdict);
  EXPECT_FALSE(watch.lost(0));
}

TEST_F(PortWatchTest, AnotherInterfaceOfTheSameNameWantsAStartOnceItIsUp) {
  Sight other = down;
  other.incarnation = 8;
  told({up});
  EXPECT_EQ(told({other}).size(), 1u) << "it may be gone and back between two looks";
  EXPECT_TRUE(verdict);
  EXPECT_TRUE(watch.lost(0));
  other.link_up = true;
  EXPECT_EQ(told({other}), Lines{});
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error(), "port edge: interface eth0 was deleted and made anew");
}

TEST_F(PortWatchTest, OneOfOursIsBackWithARestartOnly) {
  Sight twin = up;
  twin.interface = "sip0";
  twin.ours = true;
  told({twin});
  twin.incarnation = 0;
  EXPECT_EQ(told({twin}), Lines{"edge: interface sip0 is gone; a restart makes it anew"});
  EXPECT_TRUE(verdict);
}

}  // namespace
}  // namespace viaduct::control
