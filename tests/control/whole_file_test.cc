// A file replaced as a whole, beside files of others.
#include "control/whole_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "support/folder.h"

namespace viaduct::control {
namespace {

using Names = std::set<std::string>;

class WholeFile : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const { std::ofstream(folder_ / name) << text; }
  std::string read(const std::string& name) const {
    std::ifstream file(folder_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  Names names() const {
    Names names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "")) names.insert(entry.path().filename());
    return names;
  }
  const test::Folder folder_;
};

TEST_F(WholeFile, replaces_its_own_and_nobody_elses) {
  write("v.toml", "old");
  write("v.toml.new", "of the operator");
  const core::Status done = replace_file(folder_ / "v.toml", "new");
  ASSERT_TRUE(done) << done.error();
  EXPECT_EQ(read("v.toml"), "new");
  EXPECT_EQ(read("v.toml.new"), "of the operator");
  EXPECT_EQ(names(), (Names{"v.toml", "v.toml.new"}));
}

TEST_F(WholeFile, that_cannot_be_replaced_leaves_everything_as_it_was) {
  std::filesystem::create_directory(folder_ / "v.toml");
  write("v.toml.new", "of the operator");
  const core::Status done = replace_file(folder_ / "v.toml", "new");
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().find("rename: Is a directory"), std::string::npos) << done.error();
  EXPECT_EQ(read("v.toml.new"), "of the operator");
  EXPECT_EQ(names(), (Names{"v.toml", "v.toml.new"}));
}

TEST_F(WholeFile, keeps_its_mode_and_the_link_that_leads_to_it) {
  write("secret.toml", "old");
  std::filesystem::permissions(folder_ / "secret.toml", std::filesystem::perms{0604});
  std::filesystem::create_symlink("secret.toml", folder_ / "v.toml");
  ASSERT_TRUE(replace_file(folder_ / "v.toml", "new"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "v.toml"));
  EXPECT_EQ(read("secret.toml"), "new");
  struct stat found {};
  ASSERT_EQ(stat((folder_ / "secret.toml").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0604u);
}

TEST_F(WholeFile, that_is_new_is_for_its_owner_and_his_group) {
  ASSERT_TRUE(replace_file(folder_ / "state.json", "{}"));
  struct stat found {};
  ASSERT_EQ(stat((folder_ / "state.json").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777 & ~0640u, 0u);
  EXPECT_EQ(read("state.json"), "{}");
}

}  // namespace
}  // namespace viaduct::control
