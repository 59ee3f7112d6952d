#include "control/whole_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "fmt/format.h"

namespace viaduct::control {
namespace {

constexpr mode_t fresh_mode = 0640;

bool write_all(int file, std::string_view content) {
  while (!content.empty()) {
    const ssize_t count = write(file, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    content.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

}  // namespace

core::Status replace_file(const std::string& path, std::string_view content) {
  char resolved[PATH_MAX];
  const std::string target = realpath(path.c_str(), resolved) != nullptr ? resolved : path;
  const std::string beside = target + ".new";
  const auto problem = [&](std::string_view what) {
    const int reason = errno;
    unlink(beside.c_str());
    return core::Error{fmt::format("'{}' cannot be written: {}: {}", target, what, std::strerror(reason))};
  };
  struct stat before {};
  const bool there = stat(target.c_str(), &before) == 0;
  const int file = open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, fresh_mode);
  if (file < 0) return problem("open");
  const bool written = write_all(file, content);
  // Whoever may not give files away keeps the new one as his own, which is no reason to lose the content.
  if (there) (void)!fchown(file, before.st_uid, before.st_gid);
  const bool moded = !there || fchmod(file, before.st_mode & 07777) == 0;
  const bool synced = written && fdatasync(file) == 0;
  if (close(file) != 0 || !written || !moded || !synced) return problem("write");
  if (rename(beside.c_str(), target.c_str()) != 0) return problem("rename");
  return core::Done{};
}

}  // namespace viaduct::control
