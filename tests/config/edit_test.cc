// Values changed in a file's text, and every other byte left alone.
#include "config/edit.h"

#include <gtest/gtest.h>

#include "config/sample.h"

namespace viaduct::config {
namespace {

BackendEdit edit(std::optional<BackendState> state, std::optional<uint32_t> weight, std::string backend = "p1") {
  return {.pool = "proxies", .backend = std::move(backend), .state = state, .weight = weight};
}

std::string edited(std::string_view text, const BackendEdit& wanted) {
  const auto result = edit_backend(text, "f", wanted);
  EXPECT_TRUE(result) << (result ? "" : result.error());
  return result ? *result : "";
}

TEST(Edit, values_are_replaced_where_they_stand) {
  EXPECT_EQ(edited(example, edit(BackendState::drain, {})),
            replaced(example, "state   = \"up\"", "state   = \"drain\""));
  EXPECT_EQ(edited(example, edit({}, 7)), replaced(example, "weight  = 100", "weight  = 7"));
  EXPECT_EQ(edited(example, edit({}, {})), example);
}

TEST(Edit, missing_keys_stand_below_the_name_and_comments_stay) {
  constexpr std::string_view text =
      "# who\n[[pool]]\nname = \"proxies\"   # all\n\n  [[pool.backend]]\n  name    = 'p1'  # the first\n"
      "  address = \"10.0.1.1\"\n\n[[pool.backend]]\nname = \"p2\"";
  EXPECT_EQ(edited(text, edit(BackendState::down, 20)),
            "# who\n[[pool]]\nname = \"proxies\"   # all\n\n  [[pool.backend]]\n  name    = 'p1'  # the first\n"
            "  weight  = 20\n  state   = \"down\"\n  address = \"10.0.1.1\"\n\n[[pool.backend]]\nname = \"p2\"");
  EXPECT_TRUE(edited(text, edit({}, 3, "p2")).ends_with("[[pool.backend]]\nname = \"p2\"\nweight = 3\n"));
}

TEST(Edit, tables_in_braces_other_pools_and_wide_characters_do_not_confuse_it) {
  constexpr std::string_view text =
      "[[pool]]\nname = \"other\"\nbackend = [{ name = \"p1\", state = \"up\" }]\n"
      "[[pool]]\nname = \"proxies\"\nbackend = [{ \"é\" = \"ü#\", name = \"p1\", weight = 1_0 }, { name = \"p2\" }] # "
      "état\n";
  EXPECT_EQ(
      edited(text, edit(BackendState::drain, 50)),
      "[[pool]]\nname = \"other\"\nbackend = [{ name = \"p1\", state = \"up\" }]\n"
      "[[pool]]\nname = \"proxies\"\nbackend = [{ \"é\" = \"ü#\", name = \"p1\", state = \"drain\", weight = 50 }, "
      "{ name = \"p2\" }] # état\n");
}

TEST(Edit, lines_keep_their_endings) {
  EXPECT_EQ(edited("[[pool]]\r\nname = \"proxies\"\r\n[[pool.backend]]\r\nname = \"p1\"\r\n", edit({}, 5)),
            "[[pool]]\r\nname = \"proxies\"\r\n[[pool.backend]]\r\nname = \"p1\"\r\nweight = 5\r\n");
}

TEST(Edit, what_cannot_be_edited_is_said) {
  const auto nobody = edit_backend(example, "f", edit({}, 5, "p9"));
  ASSERT_FALSE(nobody);
  EXPECT_NE(nobody.error().find("no [[pool.backend]] \"p9\" in [[pool]] \"proxies\""), std::string::npos);
  const auto broken = edit_backend("[[pool", "f", edit({}, 5));
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().find("f:1:"), std::string::npos);
  const auto many_lines = edit_backend(replaced(example, "state   = \"up\"", "state   = \"\"\"up\"\"\""), "f",
                                       edit(BackendState::down, {}));
  ASSERT_FALSE(many_lines);
  EXPECT_NE(many_lines.error().find("f:42:"), std::string::npos) << many_lines.error();
}

}  // namespace
}  // namespace viaduct::config
