#include "dpdk/memif_end.h"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/log.h"
#include "core/socket_path.h"

namespace viaduct::dpdk {
namespace {

using namespace std::chrono_literals;

constexpr auto conversation_time = 2000ms;  // from the first word to the last
constexpr auto reconnect_time = 50ms;       // between two attempts
constexpr auto refused_time = 500ms;        // the same, where somebody listens and does not want us
constexpr auto starving_time = 50ms;        // while no more files can be opened
constexpr auto reclaim_time = 10ms;
constexpr auto forever = -1ms;

// What names a file, whatever its path leads to by now.
std::pair<dev_t, ino_t> file_at(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino};
}

File make_memif_socket() { return File(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

}  // namespace

MemifEnd::MemifEnd(Settings settings)
    : settings_(std::move(settings)), stop_(eventfd(0, EFD_CLOEXEC)), sights_(settings_.workers) {}

core::Result<std::unique_ptr<MemifEnd>> MemifEnd::open(Settings settings) {
  std::unique_ptr<MemifEnd> end(new MemifEnd(std::move(settings)));
  if (end->stop_.fd() < 0) return core::Error{fmt::format("no eventfd can be made: {}", std::strerror(errno))};
  if (end->settings_.server) {
    if (const core::Status status = end->listen(); !status) return core::Error{status.error()};
  }
  end->thread_ = std::thread(&MemifEnd::run, end.get());
  pthread_setname_np(end->thread_.native_handle(), "memif");
  return end;
}

MemifEnd::~MemifEnd() {
  if (!thread_.joinable()) return;
  const uint64_t once = 1;
  (void)!write(stop_.fd(), &once, sizeof(once));
  thread_.join();
  if (channel_) channel_->hang_up("the port is closed");
  if (settings_.server && file_at(settings_.path) == socket_file_) unlink(settings_.path.c_str());
}

core::Status MemifEnd::listen() {
  File socket = make_memif_socket();
  sockaddr_un address{};
  core::fill_address(address, settings_.path);
  if (socket.fd() < 0 || bind(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(socket.fd(), 4) != 0) {
    return core::Error{errno == EADDRINUSE ? fmt::format("somebody else listens at \"{}\"", settings_.path)
                                           : fmt::format("\"{}\": {}", settings_.path, std::strerror(errno))};
  }
  listener_ = std::move(socket);
  socket_file_ = file_at(settings_.path);
  return core::Done{};
}

bool MemifEnd::wait(std::chrono::milliseconds patience) const {
  for (const auto end = Clock::now() + patience; !connected(); std::this_thread::sleep_for(2ms)) {
    if (Clock::now() > end) return false;
  }
  return true;
}

std::string MemifEnd::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void MemifEnd::run() {
  for (;;) {
    if (!settings_.server && !channel_ && Clock::now() >= next_attempt_) connect();
    const bool accepts = Clock::now() >= next_accept_;
    pollfd heard[3] = {{stop_.fd(), POLLIN, 0},
                       {accepts ? listener_.fd() : -1, POLLIN, 0},  // none: passed over
                       {channel_ ? channel_->fd() : -1, POLLIN, 0}};
    poll(heard, 3, static_cast<int>(patience().count()));
    if (heard[0].revents != 0) return;
    if (heard[2].revents != 0) talk();
    if (heard[1].revents != 0) accept();
    if (channel_ && !channel_->agreed() && Clock::now() > deadline_) {
      channel_->hang_up("too slow");
      end("the other end does not go on");
    }
    let_go();
  }
}

// How long nothing may happen before something has to be done.
std::chrono::milliseconds MemifEnd::patience() const {
  if (!old_.empty() || Clock::now() < next_accept_) return reclaim_time;
  if (!channel_) return settings_.server ? forever : reconnect_time;
  return channel_->agreed() ? forever : reconnect_time;
}

void MemifEnd::accept() {
  File socket(accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (socket.fd() < 0) {
    if (errno != EAGAIN && errno != EINTR) next_accept_ = Clock::now() + starving_time;  // it goes on being readable
    return;
  }
  // One client at a time. Who has gone without a word has gone by now.
  if (channel_) talk();
  if (channel_) {
    send_memif_message(socket.fd(), memif_disconnection("already connected"));
    return;
  }
  channel_ = std::make_unique<MemifChannel>(true, settings_.terms, std::move(socket));
  deadline_ = Clock::now() + conversation_time;
}

void MemifEnd::connect() {
  File socket = make_memif_socket();
  sockaddr_un address{};
  core::fill_address(address, settings_.path);
  if (socket.fd() < 0 || ::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    // That nobody listens, or not yet, needs no words.
    if (errno != ENOENT && errno != ECONNREFUSED && errno != EAGAIN) note(std::strerror(errno));
    next_attempt_ = Clock::now() + reconnect_time;
    modest_ = false;  // another server comes
    return;
  }
  MemifChannel::Terms terms = settings_.terms;
  if (modest_) terms.shape.pairs = 1;
  channel_ = std::make_unique<MemifChannel>(false, std::move(terms), std::move(socket));
  deadline_ = Clock::now() + conversation_time;
}

void MemifEnd::talk() {
  const bool agreed_before = channel_->agreed();
  const core::Status status = channel_->serve();
  if (!status) return end(status.error());
  if (agreed_before || !channel_->agreed()) return;
  // The other end must not send before our workers could take it.
  offer(channel_->take_link());
  if (const core::Status confirmed = channel_->confirm(); !confirmed) end(confirmed.error());
}

// Before the first link whoever waits for it is told.
void MemifEnd::note(const std::string& reason) {
  const std::lock_guard lock(mutex_);
  if (met_ && trouble_ != reason) {
    core::log_info("port {}: no link at \"{}\": {}", settings_.terms.name, settings_.path, reason);
  }
  trouble_ = reason;
}

void MemifEnd::end(const std::string& reason) {
  note(reason);
  modest_ = channel_->pairs_refused();
  next_attempt_ = Clock::now() + (channel_->agreed() || modest_ ? reconnect_time : refused_time);
  channel_.reset();
  offered_.store(nullptr);
  if (link_) old_.push_back(std::move(link_));
}

void MemifEnd::offer(std::unique_ptr<MemifLink> link) {
  met_ = true;
  {
    const std::lock_guard lock(mutex_);
    trouble_.clear();
  }
  link_ = std::move(link);
  offered_.store(link_.get());
}

void MemifEnd::let_go() {
  std::erase_if(old_, [this](const auto& link) {
    return std::none_of(sights_.begin(), sights_.end(),
                        [&](const Sight& sight) { return sight.held.load() == link.get(); });
  });
}

}  // namespace viaduct::dpdk
