#include "config/secret.h"

#include <sys/random.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "config/problems.h"

namespace viaduct::config {
namespace {

constexpr std::string_view secret_expected =
    "; 64 hexadecimal digits are expected, as `openssl rand -hex 32` prints them";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

std::variant<SecretBytes, SecretProblem> read_secret(const SecretFile& file, const std::string& config_file) {
  constexpr size_t read_bytes_max = 4096;
  errno = 0;
  std::ifstream stream(file.path, std::ios::binary);
  char buffer[read_bytes_max];
  stream.read(buffer, sizeof buffer);
  if (!stream.eof() && stream.gcount() == 0) {
    return SecretProblem{{config_file, file.place.line, file.place.column,
                          "secret file " + quoted(file.path) + " cannot be read (" +
                              std::strerror(errno == 0 ? EIO : errno) + ")" + std::string(secret_expected)},
                         true};
  }
  std::string_view text(buffer, static_cast<size_t>(stream.gcount()));
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  // What is wrong is shown by its column, never by content: this text may end up in a log.
  const auto wrong = [&](size_t column, const std::string& what) {
    return SecretProblem{{file.path, 1, static_cast<uint32_t>(column), what + std::string(secret_expected)}, false};
  };
  SecretBytes secret;
  const size_t digits = 2 * secret.size();
  for (size_t i = 0; i < digits; ++i) {
    const int value = i < text.size() ? hex_value(text[i]) : -1;
    if (i >= text.size()) return wrong(i + 1, "the secret ends after " + std::to_string(i) + " digits");
    if (value < 0) return wrong(i + 1, "the secret has a character that is no hexadecimal digit");
    secret[i / 2] = static_cast<uint8_t>(i % 2 == 0 ? value << 4 : secret[i / 2] | value);
  }
  if (text.size() > digits) return wrong(digits + 1, "the secret goes on after 64 characters");
  return secret;
}

std::variant<Secrets, std::vector<SecretProblem>> read_secrets(const Config& config) {
  Secrets secrets;
  std::vector<SecretProblem> problems;
  const auto take = [&](const SecretFile& file) -> SecretBytes {
    const bool placed = file.place.file < config.files.size();
    std::variant<SecretBytes, SecretProblem> read =
        read_secret(file, placed ? config.files[file.place.file] : config.file);
    if (auto* problem = std::get_if<SecretProblem>(&read)) {
      problems.push_back(std::move(*problem));
      return {};
    }
    return std::get<SecretBytes>(read);
  };
  if (config.runtime.secret_file) {
    secrets.current = take(*config.runtime.secret_file);
  } else if (getrandom(secrets.current.data(), secrets.current.size(), 0) !=
             static_cast<ssize_t>(secrets.current.size())) {
    problems.push_back(
        {{config.file, 0, 0, "the kernel gave no random secret; name a secret_file in [runtime]"}, false});
  }
  for (const SecretFile& file : config.runtime.old_secret_files) secrets.old.push_back(take(file));
  if (!problems.empty()) return problems;
  return secrets;
}

}  // namespace viaduct::config
