#include "control/kernel_twin.h"

#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>

#include <set>
#include <utility>

#include "control/kernel_twin_tables.h"

namespace viaduct::control {
namespace {

// Room for a burst of changes, such as a routing daemon that starts; what does not fit costs a full read, nothing else.
constexpr int event_buffer_bytes = 1 << 20;
constexpr int dump_attempts = 5;
constexpr size_t wanted_max = 4096;

struct SocketCloser {
  void operator()(nl_sock* socket) const { nl_socket_free(socket); }
};
using Socket = std::unique_ptr<nl_sock, SocketCloser>;

core::Error netlink_error(const std::string& what, int code) {
  return {"the kernel's routing information cannot be read: " + what + ": " + nl_geterror(code)};
}

core::Result<Socket> connect() {
  Socket socket(nl_socket_alloc());
  if (!socket) return core::Error{"out of memory for a netlink socket"};
  if (const int code = nl_connect(socket.get(), NETLINK_ROUTE); code < 0) return netlink_error("connect", code);
  // Several dumped objects come in one datagram; the default of one page would cut large ones.
  nl_socket_set_msg_buf_size(socket.get(), 1 << 16);
  return socket;
}

void put_address(nl_msg* message, int attribute, const net::IpAddress& address) {
  const bool v4 = address.is_v4();
  nla_put(message, attribute, v4 ? 4 : 16, v4 ? address.v4_bytes() : address.bytes.data());
}

class Twin final : public KernelTwin {
 public:
  Twin(std::vector<Interface> interfaces, Socket events, Socket requests)
      : interfaces_(std::move(interfaces)),
        events_(std::move(events)),
        requests_(std::move(requests)),
        tables_(interfaces_) {}

  int fd() const override { return nl_socket_get_fd(events_.get()); }
  std::vector<net::Prefix> addresses(uint16_t port) const override { return tables_.addresses(port); }
  uint64_t incarnation(uint16_t port) const override { return tables_.incarnation(port); }
  std::optional<net::Mac> mac(uint16_t port) const override { return tables_.mac(port); }
  uint32_t mtu(uint16_t port) const override { return tables_.mtu(port); }
  std::vector<dataplane::Route> routes() const override { return tables_.routes(); }
  std::vector<dataplane::Adjacency::Neighbor> neighbors() const override { return tables_.neighbors(); }

  core::Result<bool> read_changes() override;
  core::Result<bool> read_everything();
  core::Status add_address(uint16_t port, const net::Prefix& address) override;
  void want(uint16_t port, const net::IpAddress& address) override;
  void ask(uint16_t port, const net::IpAddress& address) override;
  std::vector<Loss> take_losses() override { return std::exchange(losses_, {}); }
  bool give_up(const Neighbor& neighbor) override { return tables_.give_up(neighbor); }

 private:
  struct Reading {
    KernelTables* tables;
    bool changed = false;
    bool resync = false;
  };
  static int take(nl_msg* message, void* reading);
  static core::Status dump(nl_sock* socket, int type, Reading& reading);
  void refresh_stale();
  bool settle_losses();

  std::vector<Interface> interfaces_;
  Socket events_;    // subscribed to changes; never blocks
  Socket requests_;  // dumps and wishes, each answered before the next
  KernelTables tables_;
  std::set<Neighbor> wanted_;
  std::vector<Loss> losses_;
  bool resync_due_ = false;  // the tables are not the kernel's until everything has been read
};

int Twin::take(nl_msg* message, void* argument) {
  auto& reading = *static_cast<Reading*>(argument);
  switch (reading.tables->take(*nlmsg_hdr(message))) {
    case KernelTables::Effect::none: break;
    case KernelTables::Effect::changed: reading.changed = true; break;
    case KernelTables::Effect::resync: reading.resync = true; break;
  }
  return NL_OK;
}

core::Status Twin::dump(nl_sock* socket, int type, Reading& reading) {
  nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, take, &reading);
  rtgenmsg every_family{};
  int code = nl_send_simple(socket, type, NLM_F_DUMP, &every_family, sizeof(every_family));
  if (code >= 0) code = nl_recvmsgs_default(socket);
  nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_DEFAULT, nullptr, nullptr);
  if (code < 0) return netlink_error("dump", code);
  return core::Done{};
}

// True if anything differs from before. A dump during which the kernel's tables changed is taken again.
core::Result<bool> Twin::read_everything() {
  std::string problem;
  for (int attempt = 0; attempt < dump_attempts; ++attempt) {
    KernelTables fresh(interfaces_);
    Reading reading{&fresh};
    bool complete = true;
    for (const int type : {RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE, RTM_GETNEIGH}) {
      if (const core::Status status = dump(requests_.get(), type, reading); !status) {
        problem = status.error();
        complete = false;
        break;
      }
    }
    if (!complete) continue;
    fresh.succeed(tables_);
    const bool changed = !fresh.same_content(tables_);
    tables_ = std::move(fresh);
    refresh_stale();
    return settle_losses() || changed;
  }
  return core::Error{problem};
}

core::Result<bool> Twin::read_changes() {
  Reading reading{&tables_};
  nl_socket_modify_cb(events_.get(), NL_CB_VALID, NL_CB_CUSTOM, take, &reading);
  for (;;) {
    const int code = nl_recvmsgs_default(events_.get());
    if (code >= 0) continue;
    if (code == -NLE_AGAIN) break;
    // libnl's name for ENOBUFS: messages were lost because we read too slowly.
    if (code != -NLE_NOMEM && code != -NLE_MSG_TRUNC) return netlink_error("changes", code);
    reading.resync = true;
  }
  refresh_stale();
  reading.changed |= settle_losses();
  resync_due_ |= reading.resync;
  if (!resync_due_) return reading.changed;
  const core::Result<bool> everything = read_everything();
  if (!everything) return everything;
  resync_due_ = false;
  return *everything || reading.changed;
}

core::Status Twin::add_address(uint16_t port, const net::Prefix& prefix) {
  nl_msg* message = nlmsg_alloc_simple(RTM_NEWADDR, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE);
  if (message == nullptr) return core::Error{"out of memory for a netlink message"};
  const bool v4 = prefix.address.is_v4();
  ifaddrmsg address{};
  address.ifa_family = v4 ? AF_INET : AF_INET6;
  address.ifa_prefixlen = prefix.length;
  address.ifa_flags = v4 ? 0 : IFA_F_NODAD;
  address.ifa_index = static_cast<unsigned>(tables_.index_of(port));
  nlmsg_append(message, &address, sizeof address, NLMSG_ALIGNTO);
  put_address(message, IFA_LOCAL, prefix.address);
  put_address(message, IFA_ADDRESS, prefix.address);
  const int code = nl_send_sync(requests_.get(), message);
  if (code >= 0) return core::Done{};
  return core::Error{"address " + net::to_string(prefix) + ": " + nl_geterror(code)};
}

void Twin::want(uint16_t port, const net::IpAddress& address) {
  if (wanted_.size() >= wanted_max) wanted_.clear();
  wanted_.emplace(port, address);
  ask(port, address);
}

// The kernel's own traffic keeps an entry fresh; ours goes past it. So an entry that we asked for once is asked for
// again when it has become stale: the kernel then probes it, and finds out if it has moved or gone.
void Twin::refresh_stale() {
  for (const auto& [port, address] : tables_.take_stale()) {
    if (wanted_.contains({port, address})) ask(port, address);
  }
}

// The kernel tidies away who seems unused, without saying first that the entry is invalid. True if anybody is gone.
bool Twin::settle_losses() {
  bool gone = false;
  for (Loss& loss : tables_.take_losses()) {
    if (loss.deleted && loss.fresh && !wanted_.contains(loss.neighbor)) {
      loss.kept = false;
      gone |= tables_.give_up(loss.neighbor);
    }
    losses_.push_back(loss);
  }
  return gone;
}

void Twin::ask(uint16_t port, const net::IpAddress& address) {
  const int interface = tables_.index_of(port);
  if (interface == 0) return;
  nl_msg* message = nlmsg_alloc_simple(RTM_NEWNEIGH, NLM_F_REQUEST | NLM_F_CREATE);
  if (message == nullptr) return;
  ndmsg neighbor{};
  neighbor.ndm_family = address.is_v4() ? AF_INET : AF_INET6;
  neighbor.ndm_ifindex = interface;
  neighbor.ndm_flags = NTF_USE;
  nlmsg_append(message, &neighbor, sizeof(neighbor), NLMSG_ALIGNTO);
  put_address(message, NDA_DST, address);
  // A refusal (interface down, table full) is not worth a word: the next packet repeats the wish.
  static_cast<void>(nl_send_sync(requests_.get(), message));
}

}  // namespace

core::Result<std::unique_ptr<KernelTwin>> KernelTwin::open(std::vector<Interface> interfaces) {
  core::Result<Socket> events = connect();
  if (!events) return core::Error{events.error()};
  core::Result<Socket> requests = connect();
  if (!requests) return core::Error{requests.error()};

  nl_socket_disable_seq_check(events->get());
  nl_socket_set_buffer_size(events->get(), event_buffer_bytes, 0);
  const int code = nl_socket_add_memberships(events->get(), RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
                                             RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_NEIGH, 0);
  if (code < 0) return netlink_error("subscribe", code);
  // Linux 5.3; an older one has no nexthop objects to tell of.
  static_cast<void>(nl_socket_add_memberships(events->get(), RTNLGRP_NEXTHOP, 0));
  nl_socket_set_nonblocking(events->get());

  auto twin = std::make_unique<Twin>(std::move(interfaces), std::move(*events), std::move(*requests));
  if (const core::Result<bool> read = twin->read_everything(); !read) return core::Error{read.error()};
  return std::unique_ptr<KernelTwin>(std::move(twin));
}

}  // namespace viaduct::control
