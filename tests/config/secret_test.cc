// The secret: 64 hexadecimal digits in a file.
#include "config/secret.h"

#include <gtest/gtest.h>

#include <fstream>

#include "support/folder.h"

namespace viaduct::config {
namespace {

class SecretTest : public ::testing::Test {
 protected:
  std::variant<SecretBytes, SecretProblem> read(const std::string& content) {
    std::ofstream(path_, std::ios::binary) << content;
    return read_secret({path_, {8, 16}}, "viaduct.toml");
  }
  std::string complaint(const std::string& content) {
    const auto read_result = read(content);
    const auto* problem = std::get_if<SecretProblem>(&read_result);
    return problem == nullptr ? "" : to_string(problem->diagnostic);
  }

  const test::Folder folder_;
  const std::string path_ = folder_ / "secret";
  const std::string good_ = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";
};

TEST_F(SecretTest, digits_in_either_case_with_or_without_a_line_end) {
  for (const char* tail : {"", "\n", "\r\n", " \n\n"}) {
    const auto secret = read(good_ + tail);
    ASSERT_TRUE(std::holds_alternative<SecretBytes>(secret));
    for (size_t i = 0; i < 32; ++i) EXPECT_EQ(std::get<SecretBytes>(secret)[i], i);
  }
}

TEST_F(SecretTest, says_where_it_is_wrong_and_never_what_it_holds) {
  EXPECT_EQ(complaint("").rfind(path_ + ":1:1: the secret ends after 0 digits; 64 hexadecimal digits", 0), 0u);
  EXPECT_EQ(complaint(good_.substr(2)).rfind(path_ + ":1:63: the secret ends after 62 digits", 0), 0u);
  EXPECT_EQ(complaint(good_ + "00").rfind(path_ + ":1:65: the secret goes on", 0), 0u);
  std::string wrong = good_;
  wrong[10] = 'x';
  EXPECT_EQ(complaint(wrong).rfind(path_ + ":1:11: the secret has a character that is no hexadecimal digit", 0), 0u);
  EXPECT_EQ(complaint(wrong).find("0102"), std::string::npos);
}

TEST_F(SecretTest, file_that_is_not_there_is_named_at_its_place_in_the_configuration) {
  const auto secret = read_secret({"/nonexistent/secret", {8, 16}}, "viaduct.toml");
  const auto* problem = std::get_if<SecretProblem>(&secret);
  ASSERT_NE(problem, nullptr);
  EXPECT_TRUE(problem->unreadable);
  EXPECT_EQ(to_string(problem->diagnostic)
                .rfind("viaduct.toml:8:16: secret file \"/nonexistent/secret\" cannot be read (No such file", 0),
            0u);
}

TEST_F(SecretTest, without_a_file_it_is_random) {
  const auto first = read_secrets(Config{});
  const auto second = read_secrets(Config{});
  ASSERT_TRUE(std::holds_alternative<Secrets>(first));
  EXPECT_NE(std::get<Secrets>(first).current, std::get<Secrets>(second).current);
  EXPECT_TRUE(std::get<Secrets>(first).old.empty());
}

TEST_F(SecretTest, every_file_that_is_wrong_is_reported) {
  std::ofstream(path_) << good_;
  Config config;
  config.runtime.secret_file = SecretFile{path_, {1, 1}};
  config.runtime.old_secret_files = {{path_, {2, 1}}};
  const auto good = read_secrets(config);
  ASSERT_TRUE(std::holds_alternative<Secrets>(good));
  EXPECT_EQ(std::get<Secrets>(good).old.size(), 1u);
  EXPECT_EQ(std::get<Secrets>(good).old[0], std::get<Secrets>(good).current);

  config.runtime.secret_file->path = "/nonexistent/a";
  config.runtime.old_secret_files[0].path = "/nonexistent/b";
  const auto bad = read_secrets(config);
  ASSERT_TRUE(std::holds_alternative<std::vector<SecretProblem>>(bad));
  EXPECT_EQ(std::get<std::vector<SecretProblem>>(bad).size(), 2u);
}

}  // namespace
}  // namespace viaduct::config
