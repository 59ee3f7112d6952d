// Ends of memifs for tests: honest ones, and a client that says and writes what it likes.
#pragma once

#include <sys/socket.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "core/socket_path.h"
#include "dpdk/fixture.h"
#include "dpdk/memif_channel.h"
#include "dpdk/memif_end.h"

namespace viaduct::test {

using dpdk::File;
using dpdk::MemifEnd;
using dpdk::MemifLink;
using dpdk::send_memif_message;
namespace memif = dpdk::memif;

inline MemifEnd::Settings settings_of(const std::string& path, bool server, uint16_t pairs = 1, size_t workers = 1) {
  return {.path = path, .server = server, .terms = {.name = "wire", .shape = {.pairs = pairs}}, .workers = workers};
}

inline std::unique_ptr<MemifEnd> end_of(const MemifEnd::Settings& settings) {
  auto end = MemifEnd::open(settings);
  if (!end) throw std::runtime_error(end.error());
  return std::move(*end);
}

// A socket, and its address.
struct MemifSocket {
  explicit MemifSocket(const std::string& path) : file(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)) {
    core::fill_address(address, path);
  }
  bool connect() const { return ::connect(file.fd(), generic(), sizeof(address)) == 0; }
  bool listen() const { return bind(file.fd(), generic(), sizeof(address)) == 0 && ::listen(file.fd(), 4) == 0; }
  const sockaddr* generic() const { return reinterpret_cast<const sockaddr*>(&address); }
  File file;
  sockaddr_un address{};
};

// A client of our own making, which says what it likes.
class Liar {
 public:
  explicit Liar(const std::string& path, uint8_t log2_slots = 4) : socket_(path) {
    if (!socket_.connect()) throw std::runtime_error("nobody listens");
    if (answer().type != memif::hello) throw std::runtime_error("no greeting");
    auto link = MemifLink::make({.log2_slots = log2_slots});
    if (!link) throw std::runtime_error(link.error());
    link_ = std::move(*link);
  }
  memif::Message answer() {
    memif::Message message{};
    if (recv(socket_.file.fd(), &message, sizeof(message), 0) <= 0) message.type = memif::none;
    return message;
  }
  // What is said to it, or the reason why nothing is any more.
  std::string say(const memif::Message& message, int file = -1, size_t size = sizeof(memif::Message)) {
    if (!send_memif_message(socket_.file.fd(), message, file, size)) return "gone";
    const memif::Message heard = answer();
    switch (heard.type) {
      case memif::ack: return "ack";
      case memif::connected: return "connected";
      case memif::disconnect: return heard.disconnect.reason;
      default: return "gone";
    }
  }
  static memif::Message init() {
    memif::Message message{};
    message.type = memif::init;
    message.init.version = memif::version;
    return message;
  }
  memif::Message region() const {
    memif::Message message{};
    message.type = memif::add_region;
    message.add_region.size = link_->regions()[0].bytes();
    return message;
  }
  memif::Message ring(size_t number) const {
    memif::Message message{};
    message.type = memif::add_ring;
    message.add_ring = link_->places()[number].ring;
    return message;
  }
  int memory() const { return link_->regions()[0].fd(); }
  int bell(size_t number) const { return link_->places()[number].bell; }
  // All that an honest client says.
  std::string connect_well() {
    say(init());
    say(region(), memory());
    for (size_t i = 0; i < 2; ++i) say(ring(i), bell(i));
    memif::Message message{};
    message.type = memif::connect;
    return say(message);
  }
  MemifLink& link() { return *link_; }
  memif::Ring& shared_ring(size_t number) {
    return *reinterpret_cast<memif::Ring*>(link_->regions()[0].base() + link_->places()[number].ring.offset);
  }
  memif::Descriptor& descriptor(size_t ring, size_t slot) {
    return reinterpret_cast<memif::Descriptor*>(&shared_ring(ring) + 1)[slot];
  }

 private:
  MemifSocket socket_;
  std::unique_ptr<MemifLink> link_;
};

}  // namespace viaduct::test
