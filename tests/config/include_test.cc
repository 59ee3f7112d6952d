// Several files read as one.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "config/sample.h"
#include "support/folder.h"

namespace viaduct::config {
namespace {

class Include : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directory(path("more")); }

  std::string write(const std::string& name, std::string_view text) const {
    std::ofstream(path(name)) << text;
    return path(name);
  }
  std::string path(const std::string& name) const { return folder_ / name; }

  const test::Folder folder_;
};

constexpr std::string_view two_pools = R"([[pool]]
name = "a"
[[pool.backend]]
name = "a1"
address = "10.0.2.1"
[[pool]]
name = "b"
[[pool.backend]]
name = "b1"
address = "10.0.2.2"
)";

TEST_F(Include, stands_before_the_rest_of_the_file_and_counts_from_its_directory) {
  write("more/pools.toml", R"(include = "deeper.toml")"
                           "\n" +
                               std::string(two_pools));
  write("more/deeper.toml", "[[pool]]\nname = \"c\"\n[[pool.backend]]\nname = \"c1\"\naddress = \"10.0.2.3\"\n");
  write("runtime.toml", "[runtime]\nmemory_mb = 640\n");
  const std::string main =
      write("main.toml", "include = [\"more/pools.toml\", \"./runtime.toml\"]\n" + std::string(smallest));
  const Loaded loaded = load(main);
  ASSERT_TRUE(loaded.config) << all_of(loaded.errors);
  std::string names;
  for (const Pool& pool : loaded.config->pools) names += pool.name + ' ';
  EXPECT_EQ(names, "c a b proxies ");
  EXPECT_EQ(loaded.config->runtime.memory_mb, 640u);
  EXPECT_EQ(loaded.config->file, main);
  const std::vector<std::string> files{main, path("more/pools.toml"), path("more/deeper.toml"), path("runtime.toml")};
  EXPECT_EQ(loaded.config->files, files);
  EXPECT_EQ(loaded.config->pools[1].backends[0].place.file, 1);
  EXPECT_EQ(loaded.config->pools[3].backends[0].place.file, 0);
}

TEST_F(Include, mistakes_name_the_file_they_are_in) {
  write("pools.toml", replaced(two_pools, "\"10.0.2.2\"", "\"10.0.2.1\"") + "colour = 3\n");
  const std::string main = write("main.toml", "include = [\"pools.toml\"]\n" + std::string(smallest) + "weight = -1\n");
  const std::string errors = all_of(load(main).errors);
  EXPECT_NE(errors.find(path("pools.toml") + ":11:1: unknown key \"colour\""), std::string::npos) << errors;
  EXPECT_NE(errors.find(main + ":14:10: weight is -1"), std::string::npos) << errors;
}

TEST_F(Include, what_was_named_first_in_another_file_is_said_with_that_file) {
  write("pools.toml", two_pools);
  const std::string main =
      write("main.toml", "include = [\"pools.toml\"]\n" +
                             replaced(smallest, "[[pool]]\nname = \"proxies\"", "[[pool]]\nname = \"a\""));
  const std::string errors = all_of(load(main).errors);
  EXPECT_NE(errors.find(main + ":10:8: pool name \"a\" is taken (" + path("pools.toml") + ":2)"), std::string::npos)
      << errors;
}

TEST_F(Include, a_table_of_which_there_is_one_stands_in_one_file) {
  write("runtime.toml", "\n[runtime]\nmemory_mb = 640\n");
  const std::string main = write("main.toml", "include = \"runtime.toml\"\n[runtime]\n" + std::string(smallest));
  const std::string errors = all_of(load(main).errors);
  EXPECT_NE(errors.find(main + ":2:2: \"runtime\" stands in another file already (" + path("runtime.toml") + ":2)"),
            std::string::npos)
      << errors;
}

TEST_F(Include, loops_and_second_includes_are_refused) {
  write("a.toml", "include = [\"more/../b.toml\"]\n");
  write("b.toml", "include = [\"a.toml\"]\n");
  std::string errors = all_of(load(write("main.toml", "include = [\"a.toml\"]\n" + std::string(smallest))).errors);
  EXPECT_EQ(errors, path("b.toml") +
                        ":1:12: include of \"a.toml\", which leads back to this file; a file that is not "
                        "being read is expected\n");
  errors = all_of(load(write("self.toml", "include = [\"self.toml\"]\n" + std::string(smallest))).errors);
  EXPECT_NE(errors.find("leads back to this file"), std::string::npos) << errors;
  write("c.toml", "");
  errors = all_of(load(write("main.toml", "include = [\"c.toml\", \"./c.toml\"]\n" + std::string(smallest))).errors);
  EXPECT_EQ(errors, path("main.toml") + ":1:22: \"./c.toml\" is included already; one include of a file is expected\n");
}

TEST_F(Include, a_file_that_is_not_there_or_is_not_toml_is_named) {
  std::string errors = all_of(load(write("main.toml", "include = [\"none.toml\"]\n" + std::string(smallest))).errors);
  EXPECT_EQ(errors, path("main.toml") + ":1:12: \"" + path("none.toml") +
                        "\" cannot be read (No such file or directory); a configuration file is expected\n");
  write("broken.toml", "a = [\n");
  errors = all_of(load(write("main.toml", "include = [\"broken.toml\"]\n" + std::string(smallest))).errors);
  EXPECT_EQ(errors.find(path("broken.toml") + ":"), 0u) << errors;
  EXPECT_NE(errors.find("not TOML"), std::string::npos) << errors;
  errors = all_of(load(write("main.toml", "include = 3\n" + std::string(smallest))).errors);
  EXPECT_NE(errors.find(":1:11: include is 3; a string or an array of strings is expected"), std::string::npos)
      << errors;
}

// What the missing file would have named is not missed.
TEST_F(Include, what_else_is_wrong_is_told_beside_a_file_that_is_not_there) {
  const std::string main = write("main.toml",
                                 "include = [\"none.toml\"]\ncolour = 3\n[sip]\nretry_after = 5\n"
                                 "[[listener]]\nname = \"l\"\naddress = \"192.0.2.1\"\npool = \"elsewhere\"\n");
  const Loaded loaded = load(main);
  ASSERT_EQ(loaded.errors.size(), 3u) << all_of(loaded.errors);
  EXPECT_NE(loaded.errors[0].sentence.find("none.toml\" cannot be read"), std::string::npos);
  EXPECT_NE(loaded.errors[1].sentence.find("unknown key \"colour\""), std::string::npos);
  EXPECT_NE(loaded.errors[2].sentence.find("retry_after is 5"), std::string::npos);
}

TEST_F(Include, of_a_list_of_wrong_lines_five_are_shown_and_the_rest_counted) {
  std::string list = "\xef\xbb\xbf 192.0.2.1\n";
  for (int line = 2; line <= 21; ++line) list += "  \u00e4 x" + std::to_string(line) + " ; y\n";
  write("l.txt", list);
  const Loaded loaded = load(write("main.toml", std::string(smallest) + "[[list]]\nname = \"l\"\nfile = \"l.txt\"\n"));
  ASSERT_EQ(loaded.errors.size(), 6u) << all_of(loaded.errors);
  EXPECT_EQ(to_string(loaded.errors[0]).find(path("l.txt") + ":2:3: \"\u00e4 x2\" is no prefix; "), 0u)
      << to_string(loaded.errors[0]);
  EXPECT_EQ(to_string(loaded.errors[5]).find(path("l.txt") + ":21:3: the last of 15 more lines that are no prefix"), 0u)
      << to_string(loaded.errors[5]);
}

TEST_F(Include, an_edited_file_is_read_in_place_of_what_is_there) {
  write("pools.toml", two_pools);
  const std::string main = write("main.toml", "include = [\"pools.toml\"]\n" + std::string(smallest));
  const Loaded loaded =
      load_edited(main, {{path("pools.toml"), replaced(two_pools, "name = \"b1\"", "name = \"b1\"\nweight = 7")}});
  ASSERT_TRUE(loaded.config) << all_of(loaded.errors);
  EXPECT_EQ(loaded.config->pools[1].backends[0].weight, 7u);
}

}  // namespace
}  // namespace viaduct::config
