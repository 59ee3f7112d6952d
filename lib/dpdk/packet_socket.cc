#include "dpdk/packet_socket.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <rte_prefetch.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "dpdk/interface.h"

namespace viaduct::dpdk {
namespace {

// A block is physically contiguous, so small (64 KB, of which 60 are used: six frames) and without gaps, so that frames
// follow each other through all of them.
constexpr uint32_t slots_of_block = 6;
// What the device has not yet sent: as much as its queue may hold. Without CAP_NET_ADMIN the kernel gives less.
constexpr int send_buffer_bytes = 4 << 20;

template <typename T>
bool set(int fd, int level, int name, const T& value) {
  return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

bool filter(int fd, std::span<sock_filter> program) {
  return set(fd, SOL_SOCKET, SO_ATTACH_FILTER, sock_fprog{static_cast<unsigned short>(program.size()), program.data()});
}

// Without a protocol it receives nothing.
int make_socket() { return socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0); }

bool bind_to(int fd, int interface_index, uint16_t protocol) {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(protocol);
  address.sll_ifindex = interface_index;
  return bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

core::Error failed(const char* what) { return {fmt::format("{}: {}", what, std::strerror(errno))}; }

uint32_t status_of(const tpacket2_hdr* slot) { return __atomic_load_n(&slot->tp_status, __ATOMIC_ACQUIRE); }

// The kernel takes a VLAN's tag out of the frame and tells it beside; here it goes back to where it was on the wire.
uint32_t copy_with_tag(const tpacket2_hdr* slot, uint8_t* out) {
  constexpr uint32_t addresses = 2 * ETH_ALEN, tag_bytes = 4;
  const uint8_t* const frame = reinterpret_cast<const uint8_t*>(slot) + slot->tp_mac;
  const bool kind_told = (slot->tp_status & TP_STATUS_VLAN_TPID_VALID) != 0;
  const uint16_t tag[2] = {htons(kind_told ? slot->tp_vlan_tpid : ETH_P_8021Q), htons(slot->tp_vlan_tci)};
  static_assert(sizeof(tag) == tag_bytes);
  std::memcpy(out, frame, addresses);
  std::memcpy(out + addresses, tag, tag_bytes);
  std::memcpy(out + addresses + tag_bytes, frame + addresses, slot->tp_snaplen - addresses);
  return slot->tp_snaplen + tag_bytes;
}

uint32_t copy_frame(const tpacket2_hdr* slot, uint8_t* out) {
  if ((slot->tp_status & TP_STATUS_VLAN_VALID) != 0 && slot->tp_snaplen >= 2 * ETH_ALEN) [[unlikely]] {
    return copy_with_tag(slot, out);
  }
  std::memcpy(out, reinterpret_cast<const uint8_t*>(slot) + slot->tp_mac, slot->tp_snaplen);
  return slot->tp_snaplen;
}

}  // namespace

PacketSocket::PacketSocket(const std::string& interface, rte_mempool* frames) : interface_(interface), supply_(frames) {
  for (size_t i = 0; i < burst; ++i) {
    messages_[i].msg_hdr.msg_iov = &pieces_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
  }
}

PacketSocket::~PacketSocket() {
  if (ring_ != nullptr) munmap(ring_, size_t{slots} * frame_bytes);
  if (receiver_ >= 0) close(receiver_);
  if (sender_ >= 0) close(sender_);
}

core::Result<std::unique_ptr<PacketSocket>> PacketSocket::open(const std::string& interface, int interface_index,
                                                               rte_mempool* frames) {
  std::unique_ptr<PacketSocket> made(new PacketSocket(interface, frames));
  if (const core::Status sender = made->open_sender(interface_index); !sender) return core::Error{sender.error()};
  if (const core::Status receiver = made->open_receiver(interface_index); !receiver) {
    return core::Error{receiver.error()};
  }
  return made;
}

core::Status PacketSocket::open_sender(int interface_index) {
  sender_ = make_socket();
  if (sender_ < 0) return failed("no packet socket can be opened");
  // Straight to the driver, half the cost a packet; the price is that tc does not shape and tcpdump on this interface
  // does not show what we send.
  if (!set(sender_, SOL_PACKET, PACKET_QDISC_BYPASS, 1)) return failed("the kernel's queues cannot be gone around");
  if (!set(sender_, SOL_SOCKET, SO_SNDBUFFORCE, send_buffer_bytes)) {
    set(sender_, SOL_SOCKET, SO_SNDBUF, send_buffer_bytes);
  }
  if (!bind_to(sender_, interface_index, 0)) return failed("its packet socket cannot be bound");
  return core::Done{};
}

core::Status PacketSocket::open_receiver(int interface_index) {
  receiver_ = make_socket();
  if (receiver_ < 0) return failed("no packet socket can be opened");
  if (const core::Status ring = make_ring(); !ring) return ring;
  sock_filter nothing[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
  if (!filter(receiver_, nothing)) return failed("the kernel takes no filter");
  if (!bind_to(receiver_, interface_index, ETH_P_ALL)) return failed("its packet socket cannot be bound");
  return core::Done{};
}

core::Status PacketSocket::make_ring() {
  if (!set(receiver_, SOL_PACKET, PACKET_VERSION, int{TPACKET_V2})) return failed("the kernel has no TPACKET_V2");
  tpacket_req request{};
  request.tp_frame_size = frame_bytes;
  request.tp_frame_nr = slots;
  request.tp_block_size = slots_of_block * frame_bytes;
  request.tp_block_nr = slots / slots_of_block;
  static_assert(slots_of_block * frame_bytes % 4096 == 0 && slots % slots_of_block == 0);
  static_assert(frame_bytes % TPACKET_ALIGNMENT == 0);
  if (!set(receiver_, SOL_PACKET, PACKET_RX_RING, request)) return failed("the kernel makes no ring for packets");
  void* const ring =
      mmap(nullptr, size_t{slots} * frame_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, receiver_, 0);
  if (ring == MAP_FAILED) return failed("the ring for packets cannot be mapped");
  ring_ = static_cast<uint8_t*>(ring);
  return core::Done{};
}

core::Result<uint16_t> PacketSocket::share(std::optional<uint16_t> group) {
  // By a hash, and to the next socket if the ring of the one that is meant is full.
  constexpr int kind = PACKET_FANOUT_HASH | PACKET_FANOUT_FLAG_ROLLOVER;
  const int flags = group ? kind : kind | PACKET_FANOUT_FLAG_UNIQUEID;
  if (!set(receiver_, SOL_PACKET, PACKET_FANOUT, flags << 16 | group.value_or(0))) {
    return failed("its packet sockets cannot share what comes");
  }
  uint32_t joined = 0;
  socklen_t size = sizeof(joined);
  if (getsockopt(receiver_, SOL_PACKET, PACKET_FANOUT, &joined, &size) != 0) {
    return failed("the group of its packet sockets is not known");
  }
  return static_cast<uint16_t>(joined);
}

bool PacketSocket::hear() {
  if (hear_own_frames_only(receiver_)) return true;
  set(receiver_, SOL_SOCKET, SO_DETACH_FILTER, 0);
  return false;
}

uint32_t PacketSocket::ready(size_t most) const {
  uint32_t count = 0;
  for (uint32_t index = next_; count < most && (status_of(slot(index)) & TP_STATUS_USER) != 0; ++count) {
    if (++index == slots) index = 0;
  }
  return count;
}

uint16_t PacketSocket::receive(std::span<BareFrame> out) {
  uint32_t count = ready(std::min<size_t>(out.size(), slots));
  if (count == 0) return 0;
  count = supply_.take(out.first(count));
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < count; ++i) {
    tpacket2_hdr* const from = slot(next_);
    if (++next_ == slots) next_ = 0;
    rte_prefetch0(slot(next_));
    rte_prefetch0(reinterpret_cast<const uint8_t*>(slot(next_)) + 64);
    out[i].bytes = copy_frame(from, frame_behind(out[i].mbuf));
    __atomic_store_n(&from->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    bytes += out[i].bytes;
  }
  received_.add(count);
  bytes_received_.add(bytes);
  return static_cast<uint16_t>(count);
}

// The driver's drops and a link without a carrier are told alike, by ENOBUFS.
bool PacketSocket::concerns_this_frame_alone(int error) const {
  return error == EMSGSIZE || error == EINVAL || (error == ENOBUFS && has_carrier(interface_));
}

// How many of the first `count` pieces are done with.
size_t PacketSocket::give(size_t count) {
  size_t done = 0;
  while (done < count) {
    const int given = sendmmsg(sender_, &messages_[done], static_cast<unsigned>(count - done), MSG_DONTWAIT);
    if (given > 0) {
      uint64_t bytes = 0;
      for (size_t i = done; i < done + static_cast<size_t>(given); ++i) bytes += pieces_[i].iov_len;
      sent_.add(static_cast<uint64_t>(given));
      bytes_sent_.add(bytes);
      done += static_cast<size_t>(given);
      continue;
    }
    if (!concerns_this_frame_alone(errno)) break;  // no room, or no link, for none that follow
    refused_.add();
    ++done;
  }
  return done;
}

uint16_t PacketSocket::transmit(std::span<const OutgoingFrame> frames) {
  for (size_t i = 0; i < frames.size(); ++i) pieces_[i] = {const_cast<uint8_t*>(frames[i].data), frames[i].bytes};
  return static_cast<uint16_t>(give(frames.size()));
}

PortStatistics PacketSocket::statistics() const {
  tpacket_stats counted{};  // since it was last asked
  socklen_t size = sizeof(counted);
  if (getsockopt(receiver_, SOL_PACKET, PACKET_STATISTICS, &counted, &size) == 0) missed_ += counted.tp_drops;
  // Who is never polled is passed over by its group for good once its ring was nearly full.
  pollfd group{receiver_, POLLIN, 0};
  poll(&group, 1, 0);
  PortStatistics result;
  result.rx_packets = received_.value();
  result.tx_packets = sent_.value();
  result.rx_bytes = bytes_received_.value();
  result.tx_bytes = bytes_sent_.value();
  result.rx_missed = missed_;
  result.tx_errors = refused_.value();
  result.rx_no_buffer = supply_.shortages();
  return result;
}

bool hear_own_frames_only(int packet_socket) {
  // Ahead of the filter, so cheaper for what the host sends; it does nothing in a group.
  set(packet_socket, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, static_cast<uint32_t>(SKF_AD_OFF + SKF_AD_PKTTYPE)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_HOST, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, 0x40000),
  };
  return filter(packet_socket, program);
}

}  // namespace viaduct::dpdk
