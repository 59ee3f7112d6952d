#include "control/dns.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "fmt/format.h"

namespace viaduct::control {
namespace {

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

// What a question under way must remember. c-ares calls back exactly once for each, at the latest when the channel
// ends.
template <class Answer>
struct Question {
  const bool* closing;
  std::function<void(const Answer&)> answered;

  void finish(const Answer& answer) const {
    if (!*closing) answered(answer);
  }
};

Dns::Failure failure_of(int status) {
  return {status == ARES_SUCCESS ? "there are no records of that kind" : ares_strerror(status),
          status == ARES_ENODATA || status == ARES_ENOTFOUND};
}

Dns::Srvs read_srvs(int status, const unsigned char* reply, int length) {
  Dns::Srvs answer;
  ares_srv_reply* list = nullptr;
  if (status == ARES_SUCCESS) status = ares_parse_srv_reply(reply, length, &list);
  if (status == ARES_SUCCESS && list == nullptr) status = ARES_ENODATA;  // an alias that leads nowhere, say
  if (status == ARES_SUCCESS) {
    for (const ares_srv_reply* at = list; at != nullptr; at = at->next) {
      if (at->port != 0 && at->host[0] != '\0') {
        answer.records.push_back({at->priority, at->weight, at->port, at->host});
      }
    }
    ares_free_data(list);
  }
  if (!answer.records.empty()) {
    answer.ttl = srv_ttl_of(reply, length);
  } else if (status == ARES_SUCCESS) {
    // A target of "." (RFC 2782): there are records, and what they say is no.
    answer.failure = {"the service is decidedly not available there", false};
  } else {
    answer.failure = failure_of(status);
  }
  return answer;
}

Dns::Addresses read_addresses(int status, const ares_addrinfo* info) {
  Dns::Addresses answer;
  answer.ttl = UINT32_MAX;
  if (status == ARES_SUCCESS && info != nullptr) {
    for (const ares_addrinfo_node* node = info->nodes; node != nullptr; node = node->ai_next) {
      answer.records.push_back(address_of(*node));
      answer.ttl = std::min(answer.ttl, static_cast<uint32_t>(std::max(node->ai_ttl, 0)));
    }
  }
  if (answer.records.empty()) answer.failure = failure_of(status);
  std::sort(answer.records.begin(), answer.records.end(), comes_before);
  answer.records.erase(std::unique(answer.records.begin(), answer.records.end()), answer.records.end());
  return answer;
}

}  // namespace

bool comes_before(const net::IpAddress& a, const net::IpAddress& b) {
  return a.is_v4() != b.is_v4() ? a.is_v4() : a < b;
}

core::Result<std::unique_ptr<Dns>> Dns::open(const Options& options) {
  if (const int status = ares_library_init(ARES_LIB_INIT_ALL); status != ARES_SUCCESS) {
    return core::Error{fmt::format("c-ares does not start: {}", ares_strerror(status))};
  }
  std::unique_ptr<Dns> dns(new Dns);
  dns->epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (dns->epoll_ < 0) return core::Error{fmt::format("epoll for name lookups: {}", std::strerror(errno))};
  ares_options settings{};
  settings.timeout = static_cast<int>(options.timeout.count());
  settings.tries = 2;
  settings.sock_state_cb = [](void* self, ares_socket_t socket, int readable, int writable) {
    static_cast<Dns*>(self)->watch(socket, readable != 0, writable != 0);
  };
  settings.sock_state_cb_data = dns.get();
  const int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
  if (const int status = ares_init_options(&dns->channel_, &settings, mask); status != ARES_SUCCESS) {
    return core::Error{fmt::format("name lookups cannot be set up: {}", ares_strerror(status))};
  }
  if (!options.servers.empty() && ares_set_servers_ports_csv(dns->channel_, options.servers.c_str()) != ARES_SUCCESS) {
    return core::Error{fmt::format("'{}' is not a list of name servers (address or address:port, separated by commas)",
                                   options.servers)};
  }
  return dns;
}

Dns::~Dns() {
  closing_ = true;
  if (channel_ != nullptr) ares_destroy(channel_);
  if (epoll_ >= 0) close(epoll_);
  ares_library_cleanup();
}

void Dns::watch(int socket, bool readable, bool writable) {
  epoll_event event{};
  event.events = (readable ? uint32_t{EPOLLIN} : 0) | (writable ? uint32_t{EPOLLOUT} : 0);
  event.data.fd = socket;
  if (event.events == 0) {
    epoll_ctl(epoll_, EPOLL_CTL_DEL, socket, nullptr);
  } else if (epoll_ctl(epoll_, EPOLL_CTL_MOD, socket, &event) != 0 && errno == ENOENT) {
    epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event);
  }
}

void Dns::turn() {
  epoll_event events[answer_sockets_max];
  const int count = epoll_wait(epoll_, events, answer_sockets_max, 0);
  for (int i = 0; i < count; ++i) {
    const int socket = events[i].data.fd;
    const bool in = (events[i].events & ~uint32_t{EPOLLOUT}) != 0;
    const bool out = (events[i].events & EPOLLOUT) != 0;
    ares_process_fd(channel_, in ? socket : ARES_SOCKET_BAD, out ? socket : ARES_SOCKET_BAD);
  }
  ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // timeouts
}

void Dns::ask_srv(const std::string& name, std::function<void(const Srvs&)> answered) {
  ares_query(
      channel_, name.c_str(), ns_c_in, ns_t_srv,
      [](void* argument, int status, int, unsigned char* reply, int length) {
        const std::unique_ptr<Question<Srvs>> question(static_cast<Question<Srvs>*>(argument));
        question->finish(read_srvs(status, reply, length));
      },
      new Question<Srvs>{&closing_, std::move(answered)});
}

void Dns::ask_addresses(const std::string& host, std::function<void(const Addresses&)> answered) {
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_flags = ARES_AI_NOSORT;
  ares_getaddrinfo(
      channel_, host.c_str(), nullptr, &hints,
      [](void* argument, int status, int, ares_addrinfo* info) {
        const std::unique_ptr<Question<Addresses>> question(static_cast<Question<Addresses>*>(argument));
        question->finish(read_addresses(status, info));
        if (info != nullptr) ares_freeaddrinfo(info);
      },
      new Question<Addresses>{&closing_, std::move(answered)});
}

}  // namespace viaduct::control
