#include "control/prober.h"

#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "config/values.h"
#include "fmt/format.h"
#include "net/socket_address.h"

namespace viaduct::control {
namespace {

constexpr int events_max = 64;
constexpr int datagrams_max = 16;  // of one socket in one turn: nobody may keep the control thread busy
constexpr size_t datagram_bytes_max = 8192;

std::string local_text(int socket) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return "";
  net::Endpoint endpoint;
  if (storage.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &storage, sizeof in);
    endpoint = {net::IpAddress::v4(reinterpret_cast<const uint8_t*>(&in.sin_addr)), ntohs(in.sin_port)};
  } else {
    sockaddr_in6 in{};
    std::memcpy(&in, &storage, sizeof in);
    endpoint = {net::IpAddress::v6(reinterpret_cast<const uint8_t*>(&in.sin6_addr)), ntohs(in.sin6_port)};
  }
  return net::to_string(endpoint);
}

// What an ICMP error says, if it says that the backend cannot be reached (LBG-21); source quench, time exceeded and
// packet-too-big do not.
std::string_view meaning_of(const sock_extended_err& error) {
  if (error.ee_origin == SO_EE_ORIGIN_ICMP) {
    if (error.ee_type == ICMP_PARAMETERPROB) return "ICMP parameter problem";
    if (error.ee_type != ICMP_DEST_UNREACH) return "";
    switch (error.ee_code) {
      case ICMP_NET_UNREACH: return "ICMP network unreachable";
      case ICMP_HOST_UNREACH: return "ICMP host unreachable";
      case ICMP_PROT_UNREACH: return "ICMP protocol unreachable";
      case ICMP_PORT_UNREACH: return "ICMP port unreachable";
      default: return "";
    }
  }
  if (error.ee_origin == SO_EE_ORIGIN_ICMP6) {
    if (error.ee_type == ICMP6_PARAM_PROB) return "ICMPv6 parameter problem";
    if (error.ee_type != ICMP6_DST_UNREACH) return "";
    return error.ee_code == ICMP6_DST_UNREACH_NOPORT ? "ICMPv6 port unreachable" : "ICMPv6 destination unreachable";
  }
  return "";
}

health::Timing timing_of(const config::Health& health) {
  return {.interval = health.interval, .timeout = health.timeout, .rise = health.rise, .fall = health.fall};
}

// No route, or one that refuses: unreachable, blackhole, prohibit.
bool has_no_route(int problem) {
  return problem == ENETUNREACH || problem == EHOSTUNREACH || problem == EINVAL || problem == EACCES;
}

}  // namespace

core::Result<std::unique_ptr<Prober>> Prober::open() {
  std::unique_ptr<Prober> prober(new Prober);
  prober->epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (prober->epoll_ < 0) return core::Error{fmt::format("health probes: epoll: {}", std::strerror(errno))};
  return prober;
}

Prober::~Prober() {
  for (auto& [id, peer] : peers_) close_socket(peer);
  if (epoll_ >= 0) close(epoll_);
}

void Prober::configure(const std::vector<Target>& targets, core::Instant now) {
  std::map<std::string, Id, std::less<>> kept;
  for (const Target& target : targets) {
    const auto known = id_of_.find(target.key);
    const bool same = known != id_of_.end() && peers_.at(known->second).target.address == target.address &&
                      peers_.at(known->second).target.health == target.health;
    if (same) {
      kept.insert(id_of_.extract(known));
      continue;
    }
    const Id id = scheduler_.add(target.key, timing_of(target.health), target.healthy, now);
    Peer& peer = peers_[id];
    peer.target = target;
    peer.accepted = health::Accepted(target.health.accept);
    if (known != id_of_.end()) {  // counters do not fall because somebody is probed in another way
      const Peer& before = peers_.at(known->second);
      peer.probes = before.probes;
      peer.failed = before.failed;
      peer.hints = before.hints;
    }
    kept[target.key] = id;
  }
  for (auto at = peers_.begin(); at != peers_.end();) {
    const auto found = kept.find(at->second.target.key);
    if (found != kept.end() && found->second == at->first) {
      ++at;
      continue;
    }
    close_socket(at->second);
    scheduler_.remove(at->first);
    at = peers_.erase(at);
  }
  id_of_ = std::move(kept);
}

std::vector<Prober::Change> Prober::turn(core::Instant now) {
  std::vector<Change> changes;
  // Answers first: what has arrived counts, however late we look.
  epoll_event events[events_max];
  const int count = epoll_wait(epoll_, events, events_max, 0);
  for (int i = 0; i < count; ++i) {
    const Id id = events[i].data.u32;
    const auto peer = peers_.find(id);
    if (peer != peers_.end()) receive(id, peer->second, now, changes);
  }
  const health::Scheduler::Turn turn = scheduler_.turn(now);
  for (const auto& [id, number] : turn.missed) {
    Peer& peer = peers_.at(id);
    peer.stale = true;
    ++peer.failed;
    if (peer.waiting.erase(number) == 0) continue;  // it never left, and `last` says why
    peer.last = "no answer within " + config::duration_text(peer.target.health.timeout);
  }
  for (const auto& [id, number] : turn.forgotten) peers_.at(id).waiting.erase(number);
  for (const auto& change : turn.changes) changes.push_back(change_of(change));
  for (const auto& [id, number] : turn.send) send(id, peers_.at(id), number, now);
  return changes;
}

Prober::Change Prober::change_of(const health::Scheduler::Change& change) const {
  const Peer& peer = peers_.at(change.target);
  const config::Health& health = peer.target.health;
  const uint32_t needed = change.healthy ? health.rise : health.fall;
  return {peer.target.key, change.healthy,
          fmt::format("{} {} {}; the last one: {}", needed, needed == 1 ? "probe" : "probes in a row",
                      change.healthy ? "answered" : "failed", peer.last)};
}

bool Prober::open_socket(Id id, Peer& peer) {
  close_socket(peer);
  const net::SocketAddress address = net::socket_address(peer.target.address);
  const bool v4 = peer.target.address.address.is_v4();
  peer.socket = socket(address.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (peer.socket < 0) return false;
  const int on = 1;
  setsockopt(peer.socket, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_RECVERR : IPV6_RECVERR, &on, sizeof on);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = id;
  if (connect(peer.socket, address.get(), address.size) != 0 ||
      epoll_ctl(epoll_, EPOLL_CTL_ADD, peer.socket, &event) != 0) {
    const int reason = errno;
    close_socket(peer);
    errno = reason;
    return false;
  }
  peer.local = local_text(peer.socket);
  peer.stale = false;
  return true;
}

void Prober::close_socket(Peer& peer) {
  if (peer.socket >= 0) close(peer.socket);
  peer.socket = -1;
}

void Prober::send(Id id, Peer& peer, uint64_t number, core::Instant now) {
  // An answer may still be on its way to a socket that has another probe out.
  const bool reopen = peer.socket < 0 || (peer.stale && peer.waiting.empty());
  Waiting waiting{.secret = 0, .sent = now};
  const bool ready = getrandom(&waiting.secret, sizeof waiting.secret, 0) == sizeof waiting.secret;
  if (!ready || (reopen && !open_socket(id, peer))) {
    peer.last = fmt::format("not sent: {}", std::strerror(errno));
    // Without a route the data path has none either, which is a miss; everything else is a want of ours.
    if (!has_no_route(errno)) scheduler_.withdraw(number);
    return;
  }
  const config::Health& health = peer.target.health;
  const health::Question question{.method = health.method,
                                  .backend = net::to_string(peer.target.address),
                                  .local = peer.local,
                                  .from = health.from,
                                  .to = health.to,
                                  .max_forwards = health.max_forwards};
  const std::string text = health::probe_text(question, {number, waiting.secret});
  ssize_t sent = ::send(peer.socket, text.data(), text.size(), MSG_NOSIGNAL);
  // An ICMP error that came since is told by the next call, whatever that does.
  if (sent < 0 && (errno == ECONNREFUSED || errno == EHOSTUNREACH)) {
    take_errors(id, peer, now);
    sent = ::send(peer.socket, text.data(), text.size(), MSG_NOSIGNAL);
  }
  if (sent < 0) {
    peer.last = fmt::format("not sent: {}", std::strerror(errno));
    peer.stale = true;
    if (!has_no_route(errno) && errno != ECONNREFUSED) scheduler_.withdraw(number);
    return;
  }
  ++peer.probes;
  peer.waiting[number] = waiting;
}

void Prober::receive(Id id, Peer& peer, core::Instant now, std::vector<Change>& changes) {
  take_errors(id, peer, now);
  char buffer[datagram_bytes_max];
  for (int i = 0; i < datagrams_max && peer.socket >= 0; ++i) {
    const ssize_t count = recv(peer.socket, buffer, sizeof buffer, MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count < 0) continue;  // the error has been taken with it
    take_answer(peer, {buffer, static_cast<size_t>(count)}, now, changes);
  }
}

void Prober::take_answer(Peer& peer, std::string_view datagram, core::Instant now, std::vector<Change>& changes) {
  const auto answer = health::read_answer(datagram);
  if (!answer) return;
  const auto asked = peer.waiting.find(answer->ticket.number);
  if (asked == peer.waiting.end() || asked->second.secret != answer->ticket.secret) return;
  const bool accepted = peer.accepted.contains(answer->status);
  peer.last = accepted ? fmt::format("{}", answer->status) : fmt::format("{}, not accepted", answer->status);
  peer.last_ms = std::chrono::duration<double, std::milli>(now - asked->second.sent).count();
  peer.waiting.erase(asked);
  if (!accepted) ++peer.failed;
  if (const auto change = scheduler_.answered(answer->ticket.number, accepted)) changes.push_back(change_of(*change));
}

void Prober::take_errors(Id id, Peer& peer, core::Instant now) {
  for (int i = 0; i < datagrams_max; ++i) {
    alignas(cmsghdr) char control[512];
    char data[64];
    iovec part{data, sizeof data};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (recvmsg(peer.socket, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return;
    for (cmsghdr* at = CMSG_FIRSTHDR(&message); at != nullptr; at = CMSG_NXTHDR(&message, at)) {
      const bool is_error = (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_RECVERR) ||
                            (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_RECVERR);
      if (!is_error) continue;
      sock_extended_err error{};
      std::memcpy(&error, CMSG_DATA(at), sizeof error);
      const std::string_view meaning = meaning_of(error);
      if (!meaning.empty()) hint(id, peer, std::string(meaning), now);
    }
  }
}

void Prober::hint(Id id, Peer& peer, const std::string& what, core::Instant now) {
  if (!scheduler_.hint(id, now)) return;
  ++peer.hints;
  if (scheduler_.healthy(id)) peer.last = "none yet after " + what;
}

void Prober::unreachable(const net::Endpoint& address, core::Instant now) {
  for (auto& [id, peer] : peers_) {
    if (peer.target.address == address) hint(id, peer, "an ICMP error", now);
  }
}

void Prober::observe(std::string_view key, uint64_t requests, uint64_t responses, core::Instant now) {
  const auto found = id_of_.find(key);
  if (found == id_of_.end()) return;
  Peer& peer = peers_.at(found->second);
  const auto limit = peer.target.health.silence;
  if (limit.count() == 0 || !peer.silence.take(requests, responses, now, limit)) return;
  hint(found->second, peer, "silence", now);
}

std::vector<Prober::Row> Prober::rows() const {
  std::vector<Row> rows;
  for (const auto& [key, id] : id_of_) {
    const Peer& peer = peers_.at(id);
    const bool healthy = scheduler_.healthy(id);
    rows.push_back({.key = key,
                    .healthy = healthy,
                    .against = scheduler_.against(id),
                    .needed = healthy ? peer.target.health.fall : peer.target.health.rise,
                    .last = peer.last,
                    .last_ms = peer.last_ms,
                    .probes = peer.probes,
                    .failed = peer.failed,
                    .hints = peer.hints});
  }
  return rows;
}

}  // namespace viaduct::control
