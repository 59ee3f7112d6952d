// The 32 bytes from which every key is derived (`secret_file`).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "config/config.h"

namespace viaduct::config {

using SecretBytes = std::array<uint8_t, 32>;

struct Secrets {
  SecretBytes current{};
  std::vector<SecretBytes> old;
};

// Why a secret cannot be had. A file that cannot be opened may be fine on the machine, or for the user, that will run
// the balancer; one with wrong content is wrong everywhere.
struct SecretProblem {
  Diagnostic diagnostic;
  bool unreadable = false;
};

// Reads 64 hexadecimal digits; white space at the end is allowed.
std::variant<SecretBytes, SecretProblem> read_secret(const SecretFile& file, const std::string& config_file);

// All secrets of a configuration; without secret_file a random one. Every problem is reported.
std::variant<Secrets, std::vector<SecretProblem>> read_secrets(const Config& config);

}  // namespace viaduct::config
