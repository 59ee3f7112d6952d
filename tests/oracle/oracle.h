// Runs one of the Python scripts beside this file and returns what it prints.
//
// An oracle is a second implementation that shares nothing with the first but the paper. The build defines
// VIADUCT_ORACLES as the directory of the scripts.
#pragma once

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

#include "support/folder.h"

namespace viaduct::oracle {

inline bool have_python() { return std::system("python3 -c '' >/dev/null 2>&1") == 0; }

// Nothing if the script failed; its own words are on stderr then.
inline std::optional<std::string> run(std::string_view script, std::string_view arguments, std::string_view input) {
  const test::Folder folder;
  const std::string input_path = folder / "input";
  const bool written = static_cast<bool>(std::ofstream(input_path) << input << std::flush);

  std::string command = "python3 '" VIADUCT_ORACLES "/";
  command.append(script).append("' ").append(arguments).append(" <").append(input_path);
  std::string output;
  int status = -1;
  if (FILE* pipe = written ? popen(command.c_str(), "r") : nullptr) {
    std::array<char, 65536> chunk;
    while (const size_t got = fread(chunk.data(), 1, chunk.size(), pipe)) output.append(chunk.data(), got);
    status = pclose(pipe);
  }
  if (status != 0) return std::nullopt;
  return output;
}

}  // namespace viaduct::oracle
