#include "control/client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "core/socket_path.h"
#include "fmt/format.h"

namespace viaduct::control {
namespace {

constexpr int silence_ms = 200;  // after which who follows is asked whether it still wants to
constexpr std::string_view refusal_begin = "error: ", refusal_end = "\n\n";

// Connected, and the line is said; closes itself.
class Asker {
 public:
  ~Asker() {
    if (socket_ >= 0) close(socket_);
  }
  core::Status say(const std::string& path, std::string_view command, int timeout_ms) {
    sockaddr_un address{};
    if (!core::fill_address(address, path)) {
      return core::Error{
          fmt::format("'{}' is no path for a socket: 1 to {} bytes are", path, sizeof address.sun_path - 1)};
    }
    socket_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval timeout{timeout_ms / 1000, timeout_ms % 1000 * 1000};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      return core::Error{
          fmt::format("nothing answers at '{}': {}; is viaduct running, and is this its [control] socket?", path,
                      std::strerror(errno))};
    }
    std::string line(command);
    line += '\n';
    const ssize_t sent = send(socket_, line.data(), line.size(), MSG_NOSIGNAL);
    const bool turned_away = sent >= 0 || errno == EPIPE || errno == ECONNRESET;  // and perhaps told why
    if (sent != static_cast<ssize_t>(line.size()) && !turned_away) {
      return core::Error{fmt::format("'{}' does not take commands: {}", path, std::strerror(errno))};
    }
    (void)shutdown(socket_, SHUT_WR);
    return core::Done{};
  }
  ssize_t hear(std::vector<char>& buffer) const { return recv(socket_, buffer.data(), buffer.size(), 0); }

 private:
  int socket_ = -1;
};

// The sentence, without what frames it.
std::string refusal_of(std::string_view answer) {
  answer.remove_prefix(refusal_begin.size());
  while (answer.ends_with('\n')) answer.remove_suffix(1);
  return std::string(answer);
}

}  // namespace

core::Result<std::string> ask(const std::string& path, std::string_view command, int timeout_ms) {
  Asker asker;
  if (const core::Status said = asker.say(path, command, timeout_ms); !said) return core::Error{said.error()};
  std::string answer;
  std::vector<char> buffer(65536);
  for (;;) {
    const ssize_t count = asker.hear(buffer);
    if (count > 0) {
      answer.append(buffer.data(), static_cast<size_t>(count));
      continue;
    }
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) {
      const bool is_order = !command.starts_with("show ") && !command.starts_with("explain ");
      return core::Error{fmt::format("no answer from '{}' within {} ms{}", path, timeout_ms,
                                     is_order ? "; it may still be carried out: 'viaductctl events' tells" : "")};
    }
    break;  // who closes without having read what we said resets the connection, and may have said why
  }
  if (!answer.ends_with("\n\n")) {
    return core::Error{
        fmt::format("'{}' closed the connection before it had answered: viaduct has been stopped, or has ended", path)};
  }
  answer.pop_back();
  return answer;
}

core::Status follow(const std::string& path, std::string_view command,
                    const std::function<bool(std::string_view)>& hear) {
  Asker asker;
  if (const core::Status said = asker.say(path, command, silence_ms); !said) return said;
  std::vector<char> buffer(65536);
  std::string opening;  // what has come, as long as that may be a refusal
  bool may_be_refused = true;
  for (;;) {
    const ssize_t count = asker.hear(buffer);
    if (count < 0 && errno != EINTR && errno != EAGAIN) {
      return core::Error{fmt::format("'{}' does not answer any more: {}", path, std::strerror(errno))};
    }
    std::string_view piece(buffer.data(), count < 0 ? 0 : static_cast<size_t>(count));
    bool refused = false;
    if (may_be_refused) {
      opening += piece;
      refused = opening.starts_with(refusal_begin);
      may_be_refused = refused || refusal_begin.starts_with(opening);
      piece = may_be_refused ? std::string_view() : opening;
    }
    const bool over = count == 0 || (refused && opening.ends_with(refusal_end)) || !hear(piece);
    if (over && refused) return core::Error{refusal_of(opening)};
    if (over) return core::Done{};
  }
}

}  // namespace viaduct::control
