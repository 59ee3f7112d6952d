#include "control/server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "core/socket_path.h"
#include "fmt/format.h"

namespace viaduct::control {
namespace {

constexpr int events_max = 64;

core::Error problem(const std::string& path, std::string_view what) {
  return core::Error{fmt::format("control socket '{}': {}: {}", path, what, std::strerror(errno))};
}

// Both ways: who has only ended its own side waits for answers.
bool has_gone(int socket) {
  pollfd ends{socket, 0, 0};
  return poll(&ends, 1, 0) == 1;
}

// What has not been received yet.
bool has_said(int socket) {
  pollfd said{socket, POLLIN, 0};
  return poll(&said, 1, 0) == 1;
}

// An answer ends with an empty line.
void finish_answer(std::string& output, std::string_view text) {
  output += text;
  if (!text.ends_with('\n')) output += '\n';
  output += '\n';
}

// Removes what a dead process left at `path`; anything else that is there stays.
core::Status clear_stale(const std::string& path, const sockaddr_un& address) {
  struct stat found {};
  if (lstat(path.c_str(), &found) != 0) return core::Done{};
  if (!S_ISSOCK(found.st_mode)) {
    return core::Error{fmt::format(
        "control socket '{}': a file that is no socket is in its place; remove it or choose another path", path)};
  }
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int connected = connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const bool refused = connected != 0 && errno == ECONNREFUSED;
  close(probe);
  if (!refused) {
    return core::Error{
        fmt::format("control socket '{}': another process listens on it; stop that one or choose another path", path)};
  }
  unlink(path.c_str());
  return core::Done{};
}

}  // namespace

core::Result<std::unique_ptr<Server>> Server::open(const std::string& path, Access access, Handler handler) {
  sockaddr_un address{};
  if (!core::fill_address(address, path)) {
    return core::Error{
        fmt::format("control socket '{}': the path must have 1 to {} bytes", path, sizeof address.sun_path - 1)};
  }
  std::error_code failure;
  const auto folder = std::filesystem::path(path).parent_path();
  const bool made = !folder.empty() && std::filesystem::create_directories(folder, failure);
  if (failure)
    return core::Error{fmt::format("control socket '{}': its directory cannot be made: {}", path, failure.message())};
  if (made && chown(folder.c_str(), access.owner, access.group) != 0) return problem(path, "chown of its directory");
  if (const core::Status clear = clear_stale(path, address); !clear) return core::Error{clear.error()};

  std::unique_ptr<Server> server(new Server(path, std::move(handler)));
  server->listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (server->listener_ < 0) return problem(path, "socket");
  // Owner and mode are in force before anybody can connect: bind creates the file, listen opens the door.
  if (bind(server->listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return problem(path, "bind");
  server->bound_ = true;
  if (chown(path.c_str(), access.owner, access.group) != 0) return problem(path, "chown");
  if (chmod(path.c_str(), access.mode & 0777) != 0) return problem(path, "chmod");
  if (listen(server->listener_, static_cast<int>(clients_max)) != 0) return problem(path, "listen");
  server->epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (server->epoll_ < 0) return problem(path, "epoll");
  server->waiting_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (server->waiting_ < 0) return problem(path, "eventfd");
  for (const int fd : {server->listener_, server->waiting_}) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (epoll_ctl(server->epoll_, EPOLL_CTL_ADD, fd, &event) != 0) return problem(path, "epoll");
  }
  return server;
}

Server::~Server() {
  for (const auto& [socket, client] : clients_) close(socket);
  if (listener_ >= 0) close(listener_);
  if (waiting_ >= 0) close(waiting_);
  if (epoll_ >= 0) close(epoll_);
  if (bound_) unlink(path_.c_str());
}

void Server::turn() {
  ++turn_;
  epoll_event events[events_max];
  const int count = epoll_wait(epoll_, events, events_max, 0);
  for (int i = 0; i < count; ++i) {
    const int socket = events[i].data.fd;
    if (socket == listener_) accept_all();
    if (socket == waiting_) obey_waiting();
    const auto client = clients_.find(socket);
    if (client != clients_.end() && !serve(socket, client->second, events[i].events)) disconnect(client);
  }
}

void Server::obey_waiting() {
  uint64_t ignored;
  (void)!read(waiting_, &ignored, sizeof ignored);
  for (auto next = clients_.begin(); next != clients_.end();) {
    const auto here = next++;
    if (here->second.is_next() && !go_on(here->first, here->second)) disconnect(here);
  }
}

void Server::accept_all() {
  for (;;) {
    const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socket < 0) return;
    if (clients_.size() >= clients_max && !make_room()) {
      ++counts_.refused;
      constexpr std::string_view sentence = "error: too many clients on the control socket; try again later\n\n";
      (void)::send(socket, sentence.data(), sentence.size(), MSG_NOSIGNAL);
      close(socket);
      continue;
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = socket;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event) != 0) {
      close(socket);
      continue;
    }
    ++counts_.accepted;
    Client& client = clients_.emplace(socket, Client{}).first->second;
    client.events = event.events;
    client.busy = now_;
  }
}

bool Server::make_room() {
  auto idlest = clients_.end();
  for (auto at = clients_.begin(); at != clients_.end(); ++at) {
    const auto& [socket, client] = *at;
    if (!client.is_quiet() || now_ - client.busy < idle_time_min || has_said(socket)) continue;
    if (idlest == clients_.end() || client.busy < idlest->second.busy) idlest = at;
  }
  if (idlest == clients_.end()) return false;
  ++counts_.let_go;
  constexpr std::string_view sentence = "error: you were silent for long, and another needed the place\n\n";
  (void)::send(idlest->first, sentence.data(), sentence.size(), MSG_NOSIGNAL);
  disconnect(idlest);
  return true;
}

bool Server::serve(int socket, Client& client, uint32_t events) {
  if ((events & EPOLLERR) != 0) return false;
  if ((events & (EPOLLIN | EPOLLHUP)) != 0 && client.is_heard() && !receive(socket, client)) return false;
  if (!go_on(socket, client)) return false;
  return (client.follows == Feed::none && client.later == 0) || (events & EPOLLHUP) == 0;
}

// Answers what can be answered. False: disconnect.
bool Server::go_on(int socket, Client& client) {
  if (!flush(socket, client) || !answer(socket, client) || !flush(socket, client)) return false;
  constexpr uint64_t one = 1;
  if (client.is_next()) (void)!write(waiting_, &one, sizeof one);
  return client.follows != Feed::none || client.later != 0 || !client.ended || client.waits() || !client.output.empty();
}

void Server::tidy(core::Instant now) {
  now_ = now;
  for (auto next = clients_.begin(); next != clients_.end();) {
    const auto here = next++;
    Client& client = here->second;
    if (!client.full() || std::exchange(client.read_seen, client.read) != client.read) {
      client.stalled_since = now;
      continue;
    }
    if (now - client.stalled_since < unread_time_max) continue;
    ++counts_.cut_off;
    disconnect(here);
  }
}

void Server::answer(uint64_t later, std::string_view text) {
  const auto here = std::find_if(clients_.begin(), clients_.end(),
                                 [later](const auto& entry) { return entry.second.later == later; });
  if (here == clients_.end()) return;
  auto& [socket, client] = *here;
  client.later = 0;
  finish_answer(client.output, text);
  if (!go_on(socket, client)) disconnect(here);
}

void Server::disconnect(std::map<int, Client>::iterator client) {
  close(client->first);
  clients_.erase(client);
}

Server::Counts Server::counts() const {
  Counts counts = counts_;
  counts.clients = clients_.size();
  for (const auto& [socket, client] : clients_) counts.followers += client.follows == Feed::none ? 0 : 1;
  return counts;
}

void Server::publish(Feed feed, std::string_view topic, std::string_view line, std::string_view left_out) {
  for (auto next = clients_.begin(); next != clients_.end();) {
    const auto here = next++;
    auto& [socket, client] = *here;
    if (client.follows != feed || !(client.topic.empty() || client.topic == topic)) continue;
    if (client.output.size() + line.size() > followed_bytes_max) {
      ++client.left_out;
      ++counts_.lines_left_out;
      continue;
    }
    if (const uint64_t missed = std::exchange(client.left_out, 0)) {
      client.output += fmt::format(fmt::runtime(left_out), missed);
    }
    client.output += line;
    if (!flush(socket, client)) disconnect(here);
  }
}

Server::Sent Server::send(uint64_t stream, std::string_view octets) {
  const auto here = std::find_if(clients_.begin(), clients_.end(), [stream](const auto& entry) {
    return entry.second.follows == Feed::stream && entry.second.stream == stream;
  });
  if (here == clients_.end()) return Sent::gone;
  auto& [socket, client] = *here;
  if (client.output.size() + octets.size() > streamed_bytes_max) return Sent::refused;
  client.output += octets;
  if (flush(socket, client)) return Sent::taken;
  disconnect(here);
  return Sent::gone;
}

bool Server::receive(int socket, Client& client) {
  char buffer[4096];
  const ssize_t count = recv(socket, buffer, sizeof buffer, 0);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  if (count == 0) {
    client.ended = true;
    if (!client.input.empty() && client.input.back() != '\n') client.input += '\n';
    return true;
  }
  client.input.append(buffer, static_cast<size_t>(count));
  client.busy = now_;
  return true;
}

bool Server::is_awaited(uint64_t later) const {
  return std::any_of(clients_.begin(), clients_.end(),
                     [later](const auto& entry) { return entry.second.later == later && !has_gone(entry.first); });
}

// The next line that says something; empty: it has not come yet.
std::string Server::Client::take_line() {
  for (size_t end; (end = input.find('\n')) != std::string::npos;) {
    std::string line = input.substr(0, end);
    input.erase(0, end + 1);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (!line.empty()) return line;
  }
  return {};
}

// Obeys the next line, unless one was in this turn. Who has gone was told that nobody answers, and is not obeyed any
// more.
bool Server::answer(int socket, Client& client) {
  if (client.follows != Feed::none) client.input.clear();  // it has said all it can say
  const std::string line = client.is_next() && client.obeyed_in != turn_ ? client.take_line() : std::string();
  if (line == "quit") {
    client.ended = true;
    client.input.clear();
  } else if (!line.empty()) {
    if (has_gone(socket)) return false;
    client.obeyed_in = turn_;
    const Reply reply = handler_(line);
    client.follows = reply.follows;
    client.topic = reply.topic;
    client.stream = reply.stream;
    client.later = reply.later;
    if (client.follows != Feed::none) {
      client.output += reply.text;
    } else if (client.later == 0) {
      finish_answer(client.output, reply.text);
    }
  }
  if (client.input.size() <= line_bytes_max || client.waits()) return true;
  client.input.clear();
  client.later = 0;
  client.output += fmt::format("error: a command has at most {} bytes\n\n", line_bytes_max);
  client.ended = true;
  return true;
}

bool Server::flush(int socket, Client& client) {
  while (!client.output.empty()) {
    const ssize_t count = ::send(socket, client.output.data(), client.output.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno != EAGAIN) return false;
    if (count < 0) break;
    client.read += static_cast<uint64_t>(count);
    client.busy = now_;
    client.output.erase(0, static_cast<size_t>(count));
  }
  const bool writing = !client.output.empty();
  const uint32_t events = (client.is_heard() ? uint32_t{EPOLLIN} : 0u) | (writing ? uint32_t{EPOLLOUT} : 0u);
  if (std::exchange(client.events, events) != events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = socket;
    epoll_ctl(epoll_, EPOLL_CTL_MOD, socket, &event);
  }
  return true;
}

}  // namespace viaduct::control
