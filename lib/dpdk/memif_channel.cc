#include "dpdk/memif_channel.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace viaduct::dpdk {
namespace {

using memif::Message;

constexpr uint8_t log2_slots_offered = 14;
constexpr char program_name[] = "viaduct";

Message message_of(memif::MessageType type) {
  Message message{};
  message.type = type;
  return message;
}

template <size_t size>
void put(char (&to)[size], const std::string& text) {
  text.copy(to, size - 1);
}

// How many octets came, and the file beside them.
ssize_t hear(int socket, Message& message, File& file) {
  iovec piece{&message, sizeof(message)};
  // Who asks for its peer's credentials, as DPDK's server does, gets them too; of two files the kernel keeps one back.
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(ucred))];
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  header.msg_control = space;
  header.msg_controllen = sizeof(space);
  const ssize_t size = recvmsg(socket, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT | MSG_TRUNC);
  if (size < 0) return size;
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr; control = CMSG_NXTHDR(&header, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) continue;
    for (size_t at = 0; CMSG_LEN(at + sizeof(int)) <= control->cmsg_len; at += sizeof(int)) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(control) + at, sizeof(fd));
      file = File(fd);
    }
  }
  return size;
}

}  // namespace

bool send_memif_message(int socket, const Message& message, int file, size_t size) {
  iovec piece{const_cast<Message*>(&message), size};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  if (file >= 0) {
    header.msg_control = space;
    header.msg_controllen = sizeof(space);
    cmsghdr* const control = CMSG_FIRSTHDR(&header);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(control), &file, sizeof(file));
  }
  return sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(size);
}

Message memif_disconnection(const std::string& reason) {
  Message message = message_of(memif::disconnect);
  put(message.disconnect.reason, reason);
  return message;
}

MemifChannel::MemifChannel(bool server, Terms terms, File socket)
    : server_(server), terms_(std::move(terms)), socket_(std::move(socket)) {
  if (!server_) return;
  link_ = std::make_unique<MemifLink>();
  Message greeting = message_of(memif::hello);
  memif::Hello& hello = greeting.hello;
  put(hello.name, program_name);
  hello.min_version = hello.max_version = memif::version;
  hello.max_region = 255;
  hello.max_s2c_ring = hello.max_c2s_ring = static_cast<uint16_t>(terms_.shape.pairs - 1);
  hello.max_log2_ring_size = log2_slots_offered;
  (void)send({greeting});  // who does not hear it hangs up
}

void MemifChannel::hang_up(const std::string& reason) { send_memif_message(fd(), memif_disconnection(reason)); }

core::Status MemifChannel::send(const Letter& letter) {
  if (!send_memif_message(fd(), letter.message, letter.file)) return core::Error{"the other end does not listen"};
  return core::Done{};
}

core::Status MemifChannel::serve() {
  Message message{};
  File file;
  const ssize_t size = hear(fd(), message, file);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return core::Done{};
  if (size <= 0) return core::Error{"the other end is gone"};
  if (size != sizeof(message)) {  // of all of it, however much there was room for
    hang_up("invalid message size");
    return core::Error{"the other end does not speak memif"};
  }
  if (message.type == memif::disconnect) {
    pairs_refused_ = tells_of_pairs_;
    const char* const said = message.disconnect.reason;
    return core::Error{
        fmt::format("the other end says \"{}\"", std::string(said, strnlen(said, sizeof(memif::Disconnect::reason))))};
  }
  const core::Status status = server_ ? as_server(message, std::move(file)) : as_client(message);
  if (!status) hang_up(status.error());
  return status;
}

core::Status MemifChannel::as_server(const Message& message, File file) {
  if (agreed_ || introduced_ == (message.type == memif::init)) return core::Error{"unexpected message"};
  core::Status status = core::Done{};
  switch (message.type) {
    case memif::init: status = take_init(message.init); break;
    case memif::add_region: status = link_->add_region(message.add_region, std::move(file)); break;
    case memif::add_ring:
      if (message.add_ring.index >= terms_.shape.pairs) return core::Error{"invalid ring index"};
      status = link_->add_ring(message.add_ring, std::move(file));
      break;
    case memif::connect:
      agreed_ = !link_->incoming.empty() && !link_->outgoing.empty();
      return agreed_ ? status : core::Error{"a ring in each direction is needed"};
    default: return core::Error{"unexpected message"};
  }
  return status ? send({message_of(memif::ack)}) : status;
}

core::Status MemifChannel::confirm() {
  if (!server_) return core::Done{};
  Message answer = message_of(memif::connected);
  put(answer.connect.name, terms_.name);
  return send({answer});
}

core::Status MemifChannel::take_init(const memif::Init& init) {
  if (init.version != memif::version) return core::Error{"incompatible version"};
  if (init.mode != 0) return core::Error{"only Ethernet mode is supported"};
  if (init.id != 0) return core::Error{"ID not found"};
  introduced_ = true;
  return core::Done{};
}

core::Status MemifChannel::as_client(const Message& message) {
  if (!introduced_) {
    if (message.type != memif::hello) return core::Error{"unexpected message"};
    return take_hello(message.hello);
  }
  if (!to_say_.empty()) {
    if (message.type != memif::ack) return core::Error{"unexpected message"};
    const Letter next = to_say_.back();
    to_say_.pop_back();
    tells_of_pairs_ |= next.message.type == memif::add_ring && next.message.add_ring.index > 0;
    return send(next);
  }
  if (agreed_ || message.type != memif::connected) return core::Error{"unexpected message"};
  // Not sooner: until now the server may have set its counts to nothing.
  for (const auto& ring : link_->incoming) ring->pass(0);
  agreed_ = true;
  return core::Done{};
}

core::Status MemifChannel::take_hello(const memif::Hello& hello) {
  if (hello.min_version > memif::version || hello.max_version < memif::version) {
    return core::Error{"incompatible version"};
  }
  MemifLink::Shape shape = terms_.shape;
  const uint16_t rings_max = std::min(hello.max_s2c_ring, hello.max_c2s_ring);
  shape.pairs = static_cast<uint16_t>(std::min<uint32_t>(shape.pairs, rings_max + 1u));
  shape.log2_slots = std::min(shape.log2_slots, hello.max_log2_ring_size);
  auto link = MemifLink::make(shape);
  if (!link) return core::Error{link.error()};
  link_ = std::move(*link);
  to_say_ = letters();
  Message introduction = message_of(memif::init);
  introduction.init.version = memif::version;
  put(introduction.init.name, program_name);
  introduced_ = true;
  return send({introduction});
}

std::vector<MemifChannel::Letter> MemifChannel::letters() const {
  std::vector<Letter> letters;
  const auto say = [&](const Message& message, int file = -1) { letters.push_back({message, file}); };
  const std::vector<MemifRegion>& regions = link_->regions();
  for (size_t i = 0; i < regions.size(); ++i) {
    Message message = message_of(memif::add_region);
    message.add_region = {.index = static_cast<uint16_t>(i), .size = regions[i].bytes()};
    say(message, regions[i].fd());
  }
  for (const MemifLink::Place& place : link_->places()) {
    Message message = message_of(memif::add_ring);
    message.add_ring = place.ring;
    say(message, place.bell);
  }
  Message message = message_of(memif::connect);
  put(message.connect.name, terms_.name);
  say(message);
  std::reverse(letters.begin(), letters.end());
  return letters;
}

}  // namespace viaduct::dpdk
