#include "control/whole_file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "fmt/format.h"

namespace viaduct::control {
namespace {

constexpr mode_t fresh_mode = 0640, private_mode = 0600;

bool write_all(int file, std::string_view content) {
  while (!content.empty()) {
    const ssize_t count = write(file, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    content.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

// Of no file that anybody has: an operator may well have a viaduct.toml.new.
std::string name_beside(const std::string& path) {
  uint64_t number = 0;
  (void)!getrandom(&number, sizeof number, 0);  // O_EXCL finds out
  return fmt::format("{}.{:016x}", path, number);
}

// So that the new name outlives a power cut. Where the file system does not do it, the file is replaced all the same.
void sync_folder_of(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const int opened = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) return;
  (void)fsync(opened);
  close(opened);
}

}  // namespace

core::Status replace_file(const std::string& path, std::string_view content) {
  char resolved[PATH_MAX];
  const std::string target = realpath(path.c_str(), resolved) != nullptr ? resolved : path;
  const std::string beside = name_beside(target);
  const auto problem = [&](std::string_view what) {
    return core::Error{fmt::format("'{}' cannot be written: {}: {}", target, what, std::strerror(errno))};
  };
  struct stat before {};
  const bool there = stat(target.c_str(), &before) == 0;
  const int file =
      open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, there ? private_mode : fresh_mode);
  if (file < 0) return problem("open");
  const auto give_up = [&](std::string_view what) {
    core::Error error = problem(what);
    unlink(beside.c_str());
    return error;
  };
  const bool written = write_all(file, content);
  // Whoever may not give files away keeps the new one as his own, which is no reason to lose the content.
  if (there) (void)!fchown(file, before.st_uid, before.st_gid);
  const bool whole = written && (!there || fchmod(file, before.st_mode & 07777) == 0) && fsync(file) == 0;
  const int reason = errno;
  const bool closed = close(file) == 0;
  if (!whole) errno = reason;
  if (!whole || !closed) return give_up("write");
  if (rename(beside.c_str(), target.c_str()) != 0) return give_up("rename");
  sync_folder_of(target);
  return core::Done{};
}

}  // namespace viaduct::control
