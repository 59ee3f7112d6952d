#include "control/journal.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "core/socket_path.h"
#include "fmt/format.h"

namespace viaduct::control {

bool stderr_is_journal() {
  const char* said = std::getenv("JOURNAL_STREAM");
  struct stat found {};
  return said != nullptr && fstat(STDERR_FILENO, &found) == 0 &&
         said == fmt::format("{}:{}", found.st_dev, found.st_ino);
}

// A value with line ends goes out with its length, little-endian, in front.
std::string journal_datagram(std::span<const JournalField> fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    out += name;
    if (value.find('\n') == std::string_view::npos) {
      out += '=';
    } else {
      out += '\n';
      for (uint64_t rest = value.size(), i = 0; i < 8; ++i, rest >>= 8) out += static_cast<char>(rest & 0xff);
    }
    out += value;
    out += '\n';
  }
  return out;
}

Journal::Journal(const std::string& path) {
  sockaddr_un address{};
  if (!core::fill_address(address, path)) return;
  socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket_ < 0 || connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return;
  close(socket_);
  socket_ = -1;
}

Journal::~Journal() {
  if (socket_ >= 0) close(socket_);
}

bool Journal::send(std::span<const JournalField> fields) const {
  const std::string datagram = journal_datagram(fields);
  return datagram.size() <= datagram_bytes_max &&
         ::send(socket_, datagram.data(), datagram.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(datagram.size());
}

}  // namespace viaduct::control
