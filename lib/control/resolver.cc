#include "control/resolver.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <tuple>
#include <utility>

#include "fmt/format.h"

namespace viaduct::control {

// What a lookup under way must remember. c-ares calls back exactly once for each, at the latest when the channel ends.
struct Resolver::Query {
  Resolver* resolver;
  std::string key;
  std::string host;
  uint16_t port;
};

struct Resolver::SrvRecord {
  uint16_t priority, weight, port;
  std::string host;
};

namespace {

constexpr uint16_t sip_port = 5060;
constexpr int answer_sockets_max = 16;

// The smallest TTL of the SRV answers: `ares_parse_srv_reply` does not tell it. Names are skipped by c-ares.
uint32_t srv_ttl_of(const unsigned char* reply, int length) {
  if (length < NS_HFIXEDSZ) return 0;
  const int questions = reply[4] << 8 | reply[5];
  const int answers = reply[6] << 8 | reply[7];
  const unsigned char* at = reply + NS_HFIXEDSZ;
  const unsigned char* const end = reply + length;
  const auto skip_name = [&] {
    char* name = nullptr;
    long encoded = 0;
    if (ares_expand_name(at, reply, length, &name, &encoded) != ARES_SUCCESS) return false;
    ares_free_string(name);
    at += encoded;
    return true;
  };
  for (int i = 0; i < questions; ++i) {
    if (!skip_name() || end - at < NS_QFIXEDSZ) return 0;
    at += NS_QFIXEDSZ;
  }
  uint32_t ttl = UINT32_MAX;
  for (int i = 0; i < answers; ++i) {
    if (!skip_name() || end - at < NS_RRFIXEDSZ) return 0;
    ttl = std::min(ttl, uint32_t{at[4]} << 24 | uint32_t{at[5]} << 16 | uint32_t{at[6]} << 8 | at[7]);
    const int size = at[8] << 8 | at[9];
    at += NS_RRFIXEDSZ;
    if (end - at < size) return 0;
    at += size;
  }
  return ttl == UINT32_MAX ? 0 : ttl;
}

net::IpAddress address_of(const ares_addrinfo_node& node) {
  if (node.ai_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, node.ai_addr, sizeof in);
    return net::IpAddress::v4(reinterpret_cast<const uint8_t*>(&in.sin_addr));
  }
  sockaddr_in6 in{};
  std::memcpy(&in, node.ai_addr, sizeof in);
  return net::IpAddress::v6(reinterpret_cast<const uint8_t*>(&in.sin6_addr));
}

// IPv4 before IPv6, then by value: the same order on every node, whatever order the server rotates to.
bool before(const net::IpAddress& a, const net::IpAddress& b) {
  return a.is_v4() != b.is_v4() ? a.is_v4() : a < b;
}

}  // namespace

core::Result<std::unique_ptr<Resolver>> Resolver::open(const Options& options) {
  if (const int status = ares_library_init(ARES_LIB_INIT_ALL); status != ARES_SUCCESS) {
    return core::Error{fmt::format("c-ares does not start: {}", ares_strerror(status))};
  }
  std::unique_ptr<Resolver> resolver(new Resolver(options));
  resolver->epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (resolver->epoll_ < 0) return core::Error{fmt::format("epoll for name lookups: {}", std::strerror(errno))};
  ares_options settings{};
  settings.timeout = static_cast<int>(options.timeout.count());
  settings.tries = 2;
  settings.sock_state_cb = [](void* self, ares_socket_t socket, int readable, int writable) {
    static_cast<Resolver*>(self)->watch(socket, readable != 0, writable != 0);
  };
  settings.sock_state_cb_data = resolver.get();
  const int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
  if (const int status = ares_init_options(&resolver->channel_, &settings, mask); status != ARES_SUCCESS) {
    return core::Error{fmt::format("name lookups cannot be set up: {}", ares_strerror(status))};
  }
  if (!options.servers.empty() &&
      ares_set_servers_ports_csv(resolver->channel_, options.servers.c_str()) != ARES_SUCCESS) {
    return core::Error{fmt::format("'{}' is not a list of name servers (address or address:port, separated by commas)",
                                   options.servers)};
  }
  return resolver;
}

Resolver::~Resolver() {
  closing_ = true;
  if (channel_ != nullptr) ares_destroy(channel_);
  if (epoll_ >= 0) close(epoll_);
  ares_library_cleanup();
}

void Resolver::watch(int socket, bool readable, bool writable) {
  epoll_event event{};
  event.events = (readable ? uint32_t{EPOLLIN} : 0) | (writable ? uint32_t{EPOLLOUT} : 0);
  event.data.fd = socket;
  if (event.events == 0) {
    epoll_ctl(epoll_, EPOLL_CTL_DEL, socket, nullptr);
  } else if (epoll_ctl(epoll_, EPOLL_CTL_MOD, socket, &event) != 0 && errno == ENOENT) {
    epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event);
  }
}

bool Resolver::want(std::string_view name) {
  if (names_.find(name) != names_.end()) return true;
  if (names_.size() >= options_.names_max) {
    ++refused_;
    return false;
  }
  const auto [at, fresh] = names_.emplace(std::string(name), Name{});
  ask(at->first, at->second);
  return true;
}

bool Resolver::turn(Time now) {
  now_ = now;
  epoll_event events[answer_sockets_max];
  const int count = epoll_wait(epoll_, events, answer_sockets_max, 0);
  for (int i = 0; i < count; ++i) {
    const int socket = events[i].data.fd;
    const bool in = (events[i].events & ~uint32_t{EPOLLOUT}) != 0;
    const bool out = (events[i].events & EPOLLOUT) != 0;
    ares_process_fd(channel_, in ? socket : ARES_SOCKET_BAD, out ? socket : ARES_SOCKET_BAD);
  }
  ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // timeouts
  for (auto& [key, name] : names_) {
    if (!name.asking && now >= name.due) ask(key, name);
  }
  return std::exchange(changed_, false);
}

void Resolver::ask(const std::string& key, Name& name) {
  name.asking = true;
  name.srv_ttl = 0;
  if (const size_t colon = key.rfind(':'); colon != std::string::npos) {
    uint16_t port = 0;
    std::from_chars(key.data() + colon + 1, key.data() + key.size(), port);
    return ask_addresses(key, key.substr(0, colon), port);
  }
  auto* query = new Query{this, key, key, sip_port};
  ares_query(
      channel_, ("_sip._udp." + key).c_str(), ns_c_in, ns_t_srv,
      [](void* argument, int status, int, unsigned char* reply, int length) {
        const std::unique_ptr<Query> finished(static_cast<Query*>(argument));
        finished->resolver->answered_srv(*finished, status, reply, length);
      },
      query);
}

void Resolver::answered_srv(const Query& query, int status, const unsigned char* reply, int length) {
  if (closing_) return;
  ares_srv_reply* list = nullptr;
  std::vector<SrvRecord> records;
  if (status == ARES_SUCCESS && ares_parse_srv_reply(reply, length, &list) == ARES_SUCCESS) {
    for (const ares_srv_reply* at = list; at != nullptr; at = at->next) {
      if (at->port != 0 && at->host[0] != '\0') records.push_back({at->priority, at->weight, at->port, at->host});
    }
    ares_free_data(list);
  }
  // A server that does not answer at all is not a "no": the next lookup may say otherwise, so no fall back to A.
  if (records.empty()) {
    if (status != ARES_SUCCESS && status != ARES_ENODATA && status != ARES_ENOTFOUND) return failed(query.key, status);
    return ask_addresses(query.key, query.host, sip_port);
  }
  const SrvRecord& best = *std::min_element(records.begin(), records.end(), [](const SrvRecord& a, const SrvRecord& b) {
    return std::tuple(a.priority, -int{a.weight}, a.host, a.port) <
           std::tuple(b.priority, -int{b.weight}, b.host, b.port);
  });
  if (const auto at = names_.find(query.key); at != names_.end()) at->second.srv_ttl = srv_ttl_of(reply, length);
  ask_addresses(query.key, best.host, best.port);
}

void Resolver::ask_addresses(const std::string& key, const std::string& host, uint16_t port) {
  auto* query = new Query{this, key, host, port};
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_flags = ARES_AI_NOSORT;
  ares_getaddrinfo(
      channel_, host.c_str(), nullptr, &hints,
      [](void* argument, int status, int, ares_addrinfo* info) {
        const std::unique_ptr<Query> finished(static_cast<Query*>(argument));
        finished->resolver->answered_addresses(*finished, status, info);
        if (info != nullptr) ares_freeaddrinfo(info);
      },
      query);
}

void Resolver::answered_addresses(const Query& query, int status, ares_addrinfo* info) {
  const auto at = names_.find(query.key);
  if (closing_ || at == names_.end()) return;
  if (status != ARES_SUCCESS || info == nullptr || info->nodes == nullptr) return failed(query.key, status);
  Name& name = at->second;
  std::vector<net::IpAddress> addresses;
  uint32_t ttl = name.srv_ttl != 0 ? name.srv_ttl : UINT32_MAX;
  for (const ares_addrinfo_node* node = info->nodes; node != nullptr; node = node->ai_next) {
    addresses.push_back(address_of(*node));
    ttl = std::min(ttl, static_cast<uint32_t>(std::max(node->ai_ttl, 0)));
  }
  const bool pinned = name.known && name.endpoint.port == query.port &&
                      std::find(addresses.begin(), addresses.end(), name.endpoint.address) != addresses.end();
  if (!pinned) {
    name.endpoint = {*std::min_element(addresses.begin(), addresses.end(), before), query.port};
    name.known = changed_ = true;
  }
  name.failures = 0;
  name.problem.clear();
  name.asking = false;
  name.due = now_ + std::clamp(std::chrono::seconds(ttl), options_.ttl_min, options_.ttl_max);
}

void Resolver::failed(const std::string& key, int status) {
  const auto at = names_.find(key);
  if (at == names_.end()) return;
  Name& name = at->second;
  ++name.failures;
  name.problem = ares_strerror(status);
  name.asking = false;
  name.due = now_ + options_.retry;
}

std::map<std::string, net::Endpoint, std::less<>> Resolver::answers() const {
  std::map<std::string, net::Endpoint, std::less<>> known;
  for (const auto& [key, name] : names_) {
    if (name.known) known.emplace(key, name.endpoint);
  }
  return known;
}

std::vector<Resolver::Entry> Resolver::entries() const {
  std::vector<Entry> list;
  for (const auto& [key, name] : names_) {
    list.push_back({key, name.endpoint, name.known, name.asking, name.failures, name.problem});
  }
  return list;
}

}  // namespace viaduct::control
