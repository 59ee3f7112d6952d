// The torture messages of RFC 4475 and RFC 5118. They lie outside the project: beside it, or in VIADUCT_SHARED. The
// build defines VIADUCT_SOURCE_ROOT.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace viaduct::test {

struct TortureMessage {
  std::string file;     // "rfc4475/wsinv.sip"
  std::string verdict;  // that it must get, as expected.csv has it
  std::string text;
};

inline std::string torture_folder() {
  const char* shared = std::getenv("VIADUCT_SHARED");
  return std::string(shared != nullptr ? shared : VIADUCT_SOURCE_ROOT "/../shared") + "/corpus/";
}

// None where they are not.
inline std::vector<TortureMessage> torture_corpus() {
  std::vector<TortureMessage> messages;
  std::ifstream table(torture_folder() + "expected.csv");
  std::string row;
  std::getline(table, row);
  while (std::getline(table, row)) {
    std::istringstream fields(row);
    TortureMessage& message = messages.emplace_back();
    std::getline(fields, message.file, ',');
    std::getline(fields, message.verdict, ',');
    std::ifstream file(torture_folder() + message.file, std::ios::binary);
    EXPECT_TRUE(file) << message.file;
    std::ostringstream text;
    text << file.rdbuf();
    message.text = text.str();
  }
  return messages;
}

}  // namespace viaduct::test
