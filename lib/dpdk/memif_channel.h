// One end of the conversation that comes before a memif is connected, and that tells when it is over.
//
// Lockstep, as the protocol is: the client says one thing and waits for its acknowledgement. Whoever does not like what
// it hears says `disconnect` with a reason and hangs up.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "dpdk/file.h"
#include "dpdk/memif_link.h"

namespace viaduct::dpdk {

// Thread: one at a time.
class MemifChannel {
 public:
  struct Terms {
    std::string name;        // of the port, told to the other end
    MemifLink::Shape shape;  // a client's; a server takes up to so many pairs
  };
  // On a connected socket. A server greets at once.
  MemifChannel(bool server, Terms terms, File socket);

  int fd() const { return socket_.fd(); }
  // Reads and answers a message. An error: the conversation is over, for this reason.
  core::Status serve();
  // Set once both ends agree. Then a server, once it is ready, confirms.
  std::unique_ptr<MemifLink> take_link() { return agreed_ ? std::move(link_) : nullptr; }
  bool agreed() const { return agreed_; }
  core::Status confirm();
  // Whether the server hung up on a client while it was told of more pairs than one.
  bool pairs_refused() const { return pairs_refused_; }
  // Says that it is over, and why.
  void hang_up(const std::string& reason);

 private:
  struct Letter {
    memif::Message message;
    int file = -1;
  };
  core::Status send(const Letter& letter);
  core::Status as_server(const memif::Message& message, File file);
  core::Status as_client(const memif::Message& message);
  core::Status take_hello(const memif::Hello& hello);
  core::Status take_init(const memif::Init& init);
  std::vector<Letter> letters() const;

  const bool server_;
  const Terms terms_;
  File socket_;
  std::unique_ptr<MemifLink> link_;
  bool introduced_ = false;
  bool agreed_ = false;
  bool tells_of_pairs_ = false, pairs_refused_ = false;
  std::vector<Letter> to_say_;  // a client's, the last first
};

// The first `size` octets of a message, and a file beside it, unless that is -1. False: the other end does not take it.
bool send_memif_message(int socket, const memif::Message& message, int file = -1, size_t size = sizeof(memif::Message));
memif::Message memif_disconnection(const std::string& reason);

}  // namespace viaduct::dpdk
