// What was in force is kept for what is older than the change, and forgotten in time.
#include "control/past.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "control/compile.h"
#include "control/running.h"

namespace viaduct::control {
namespace {

using namespace std::chrono_literals;

class PastTest : public ::testing::Test {
 protected:
  static config::Config configuration(std::string_view names) {
    std::string text =
        "[[port]]\nname = \"e\"\ndevice = \"af_packet:eth0\"\n[[listener]]\nname = \"l\"\naddress = \"192.0.2.1\"\n"
        "pool = \"p\"\n[[pool]]\nname = \"p\"\n";
    for (const char name : names) {
      text += std::string("[[pool.backend]]\nname = \"") + name + "\"\naddress = \"10.0.0." +
              std::to_string(name - 'a' + 1) + "\"\n";
    }
    const config::Loaded loaded = config::load_text(text, "f");
    for (const auto& error : loaded.errors) ADD_FAILURE() << config::to_string(error);
    return loaded.config.value_or(config::Config{});
  }
  // As the cluster does it.
  void change_to(std::string_view names, const Running& running = {}) {
    if (view_) past_.note(*view_, now_);
    lay(names, running);
  }
  void lay(std::string_view names, const Running& running = {}) {
    const config::Config config = configuration(names);
    const auto base = past_.with_departing(compile_proxy(config, {}));
    const auto view = lay_over(config, *base, running, view_.get());
    past_.add_tables(*view);
    view_ = view;
  }
  static std::string owners(const proxy::View& view, const steer::Table& table) {
    std::string owners;
    for (const uint16_t member : table.slots()) owners += member == steer::no_member ? "-" : view.backends[member].name;
    return owners;
  }
  std::string now() const { return owners(*view_, view_->pools[0].overlay); }
  std::string before(size_t i) const { return owners(*view_, view_->pools[0].previous.at(i)); }
  size_t kept() const { return view_->pools[0].previous.size(); }

  core::Instant now_{1h};
  Past past_;
  std::shared_ptr<const proxy::View> view_;
};

TEST_F(PastTest, the_table_from_before_an_addition_is_kept_in_the_new_numbers) {  // LBG-01
  change_to("bcd");
  const std::string was = now();
  EXPECT_EQ(kept(), 0u);
  change_to("abcd");  // in front, so that everybody has another number
  EXPECT_NE(now(), was);
  ASSERT_EQ(kept(), 1u);
  EXPECT_EQ(before(0), was);
}

TEST_F(PastTest, who_left_is_departing_and_still_found) {  // LBG-08
  change_to("abc");
  const std::string was = now();
  const uint32_t cookie = view_->backends[1].cookie_id;
  change_to("ac");
  ASSERT_EQ(view_->backends.size(), 3u);
  const proxy::Backend& gone = view_->backends[2];
  EXPECT_EQ(gone.name, "b");
  EXPECT_TRUE(gone.departing);
  EXPECT_TRUE(gone.reachable());
  EXPECT_FALSE(gone.takes_new());
  EXPECT_EQ(view_->backend_of_cookie.at(cookie), 2) << "by the name in its dialogs' Route";
  EXPECT_EQ(view_->backend_of.at(*net::parse_endpoint("10.0.0.2:5060")), 2);
  EXPECT_EQ(now().find('b'), std::string::npos) << "no new calls";
  EXPECT_EQ(before(0), was);
  const auto alone = compile_proxy(configuration("ac"), {});
  EXPECT_EQ(now(), owners(*alone, alone->pools[0].overlay)) << "the table is that of the configured ones";
  EXPECT_EQ(view_->pools[0].table.fingerprint(), alone->pools[0].table.fingerprint());
}

TEST_F(PastTest, both_are_forgotten_after_a_while) {
  change_to("abc");
  change_to("ac");
  now_ += Past::kept - 1s;
  EXPECT_FALSE(past_.expire(now_));
  now_ += 1s;
  EXPECT_TRUE(past_.expire(now_));
  lay("ac");
  EXPECT_EQ(kept(), 0u);
  EXPECT_EQ(view_->backends.size(), 2u);
  now_ += Past::kept;
  EXPECT_FALSE(past_.expire(now_)) << "nothing is left to forget";
}

TEST_F(PastTest, a_drain_and_its_end_keep_what_was) {
  change_to("abc");
  const std::string was = now();
  Running running;
  running["p/b"].state = proxy::OperatorState::drain;
  change_to("abc", running);
  const std::string drained = now();
  ASSERT_EQ(kept(), 1u);
  EXPECT_EQ(before(0), was);
  change_to("abc");
  EXPECT_EQ(now(), was);
  ASSERT_EQ(kept(), 1u) << "what is in force is no past";
  EXPECT_EQ(before(0), drained);
}

TEST_F(PastTest, changes_without_end_keep_a_bounded_past) {
  change_to("abc");
  for (int i = 0; i < 100; ++i) {
    Running running;
    running["p/b"].weight = static_cast<uint32_t>(i + 1);
    change_to("abc", running);
    ASSERT_LE(kept(), Past::tables_max);
  }
  EXPECT_EQ(kept(), Past::tables_max);
  for (int i = 0; i < 10; ++i) {
    change_to("abc");
    change_to("ab");
  }
  EXPECT_EQ(view_->backends.size(), 3u);
}

TEST_F(PastTest, an_address_that_is_configured_again_is_its_new_owners) {
  change_to("ab");
  config::Config renamed = configuration("ab");
  renamed.pools[0].backends[1].name = "z";
  past_.note(*view_, now_);
  const auto base = past_.with_departing(compile_proxy(renamed, {}));
  EXPECT_EQ(base->backends.size(), 2u);
}

}  // namespace
}  // namespace viaduct::control
