// A View lives as long as anybody may look at it, and no longer.
#include "dpdk/qsbr.h"

#include <gtest/gtest.h>

#include "dpdk/eal.h"
#include "dpdk/fixture.h"

namespace viaduct::dpdk {
namespace {

using dataplane::View;

std::shared_ptr<const View> numbered(uint64_t epoch) {
  auto view = std::make_shared<View>();
  view->epoch = epoch;
  return view;
}

void with_publisher(size_t workers, const std::function<void(Publisher&)>& body) {
  test::isolated([&] {
    const auto eal = Eal::start(test::small_config());
    ASSERT_TRUE(eal) << eal.error();
    const auto publisher = Publisher::create(workers);
    ASSERT_TRUE(publisher) << publisher.error();
    body(**publisher);
  });
}

TEST(Qsbr, AViewLivesUntilTheLastWorkerHasReported) {
  with_publisher(2, [](Publisher& publisher) {
    auto first = numbered(1);
    const std::weak_ptr<const View> watched = first;
    publisher.publish(std::move(first));
    publisher.enter(0);
    publisher.enter(1);
    EXPECT_EQ(publisher.current().load()->epoch, 1u);

    publisher.publish(numbered(2));
    EXPECT_EQ(publisher.current().load()->epoch, 2u);
    EXPECT_FALSE(publisher.reclaim());
    EXPECT_FALSE(watched.expired()) << "both workers may still read it";
    publisher.report_of(0)();
    publisher.report_of(0)();
    EXPECT_FALSE(publisher.reclaim());
    EXPECT_FALSE(watched.expired()) << "one may";
    publisher.report_of(1)();
    EXPECT_TRUE(publisher.reclaim());
    EXPECT_TRUE(watched.expired());
  });
}

TEST(Qsbr, AWorkerThatHasLeftHoldsNothingUp) {
  with_publisher(2, [](Publisher& publisher) {
    auto first = numbered(1);
    const std::weak_ptr<const View> watched = first;
    publisher.publish(std::move(first));
    publisher.enter(0);
    publisher.enter(1);
    publisher.leave(1);
    publisher.publish(numbered(2));
    EXPECT_FALSE(publisher.reclaim());
    publisher.report_of(0)();
    EXPECT_TRUE(publisher.reclaim());
    EXPECT_TRUE(watched.expired());
  });
}

TEST(Qsbr, ViewsGoInTheOrderTheyCame) {
  with_publisher(1, [](Publisher& publisher) {
    std::vector<std::weak_ptr<const View>> watched;
    publisher.enter(0);
    for (uint64_t epoch = 1; epoch <= 4; ++epoch) {
      auto view = numbered(epoch);
      watched.push_back(view);
      publisher.publish(std::move(view));
      if (epoch == 2) publisher.report_of(0)();
    }
    publisher.reclaim();
    EXPECT_TRUE(watched[0].expired());
    EXPECT_FALSE(watched[1].expired()) << "replaced after the report";
    EXPECT_FALSE(watched[2].expired());
    EXPECT_FALSE(watched[3].expired()) << "the current one";
    publisher.report_of(0)();
    EXPECT_TRUE(publisher.reclaim());
    EXPECT_TRUE(watched[2].expired());
    EXPECT_FALSE(watched[3].expired());
  });
}

}  // namespace
}  // namespace viaduct::dpdk
