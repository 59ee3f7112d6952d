// Configuration and secrets read for a program, problems told to its user.
#pragma once

#include <optional>
#include <string>

#include "config/config.h"
#include "config/secret.h"

namespace viaduct::control {

struct Checked {
  config::Config config;
  config::Secrets secrets;
  bool secret_missing = false;  // named, but not readable by this user; `secrets` are not the balancer's
};

// What an unreadable secret file means: fatal where traffic depends on it, a warning where somebody else will run.
enum class SecretUse { needed, optional };

using TellWarning = void (*)(const std::string& warning);
void warn_on_stderr(const std::string& warning);

// Writes every error to stderr, one a line, with its place, and gives every warning, with its own, to `warn`. Nothing
// if there was an error.
std::optional<Checked> read_configuration(const std::string& path, SecretUse use, TellWarning warn = warn_on_stderr);

// `--check` and `viaductctl check`: one line on stdout if the file is fine. Returns the exit code.
int check_configuration(const std::string& path);

}  // namespace viaduct::control
