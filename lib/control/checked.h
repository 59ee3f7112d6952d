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

// Writes every warning and error to stderr, one a line, with its place. Nothing if there was an error.
std::optional<Checked> read_configuration(const std::string& path, SecretUse use);

// `--check` and `viaductctl check`: one line on stdout if the file is fine. Returns the exit code.
int check_configuration(const std::string& path);

}  // namespace viaduct::control
