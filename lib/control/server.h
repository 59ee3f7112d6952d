// The control socket: lines in, answers out, and no client can hold anything up.
//
// A Unix stream socket. Each line is a command; each answer ends with an empty line, so that a client may send several.
// `echo 'show stat' | socat - UNIX:/run/viaduct/viaduct.sock` works: what was sent before the client closed its writing
// side is answered before the server closes. Everything is non-blocking and bounded: clients, the length of a line, and
// what a client may leave unread. Of each client one line is obeyed in a turn, so that whoever says many waits for
// others as they wait for him. An answer may be large; who has much of it unread is answered nothing more until it
// has read, and who does not read at all is disconnected, and counted.
//
// An answer that takes a while comes later, and nothing waits for it but its client, whose next commands stay in line.
// Commands of a client that has closed are not carried out any more.
//
// Whoever comes when all places are taken gets that of the client that has been idle longest, if one has been for a
// while: a session that somebody has forgotten locks nobody out.
//
// A client may follow a feed: its answer does not end, and every line that is published there is sent to it, as long as
// it is connected. Who follows too slowly misses lines, and is told how many. A stream is a feed of octets for one
// client.
//
// Thread: control. Who asks is in control/client.h.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/result.h"

namespace viaduct::control {

class Server {
 public:
  static constexpr size_t clients_max = 64;
  static constexpr size_t line_bytes_max = 132 << 10;  // a message of the largest size, to be explained, in hexadecimal
  static constexpr size_t unread_bytes_max = 4 << 20;  // a JSON answer over every counter is some 100 KB
  // How long a client may leave more than that unread, without reading any of it.
  static constexpr std::chrono::seconds unread_time_max{5};
  // How long a client is idle, at the least, that gives its place to another: follows nothing, awaits nothing, says
  // nothing.
  static constexpr std::chrono::seconds idle_time_min{10};

  // Whose the socket is, and who may use it. A directory that has to be made is the owner's, too, lest the socket stay
  // behind when it is closed.
  struct Access {
    Access(uint32_t mode_bits) : mode(mode_bits) {}
    uint32_t mode;
    uid_t owner = static_cast<uid_t>(-1);  // as the process
    gid_t group = static_cast<gid_t>(-1);
  };

  static constexpr size_t followed_bytes_max = 256 << 10;  // what may wait for one follower

  static constexpr size_t streamed_bytes_max = 4 << 20;  // and for one who has a stream

  enum class Feed : uint8_t { none, events_text, events_json, stream };
  struct Reply {
    Reply(std::string answer, Feed feed = Feed::none) : text(std::move(answer)), follows(feed) {}
    std::string text;     // without the empty line at the end
    Feed follows;         // what is sent from now on
    std::string topic;    // with a feed of events: those alone are sent that are of it; empty: all
    uint64_t stream = 0;  // with Feed::stream: which one; chosen by the handler, never twice
    uint64_t later = 0;   // not 0: there is no text yet, `answer` will bring it under this number; likewise never twice
  };
  using Handler = std::function<Reply(std::string_view line)>;

  struct Counts {
    size_t clients = 0, followers = 0;  // now
    uint64_t accepted = 0;
    uint64_t refused = 0;         // one too many
    uint64_t cut_off = 0;         // left too much unread
    uint64_t let_go = 0;          // idle, and another needed the place
    uint64_t lines_left_out = 0;  // of feeds
  };

  // Creates the socket's directory if it is missing, replaces a socket that nobody listens on, and fails with a
  // sentence if somebody does or if something else lies there.
  static core::Result<std::unique_ptr<Server>> open(const std::string& path, Access access, Handler handler);
  ~Server();  // closes every connection and removes the socket
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  int fd() const { return epoll_; }  // readable: call `turn`
  void turn();
  // Now and then, also where nothing is readable: who does not read is cut off. The clock by which clients are idle.
  void tidy(core::Instant now);
  Counts counts() const;

  // The answer that was to come later. Nobody hears it if the client is gone.
  void answer(uint64_t later, std::string_view text);
  bool is_awaited(uint64_t later) const;  // its client is still there

  // Octets for the client that follows `stream`; none: only looks whether it is there. What is refused is lost.
  enum class Sent : uint8_t { taken, refused, gone };
  Sent send(uint64_t stream, std::string_view octets);

  // One line for all who follow `feed`, and in it `topic` or all; `left_out` is what they are told who have missed
  // some, with {} for how many.
  void publish(Feed feed, std::string_view topic, std::string_view line, std::string_view left_out);

 private:
  struct Client {
    std::string input;
    std::string output;
    bool ended = false;   // sends no more; close once everything is written
    uint32_t events = 0;  // what epoll is asked to tell of it
    Feed follows = Feed::none;
    std::string topic;
    uint64_t stream = 0;
    uint64_t later = 0;      // what it waits for, before it can go on
    uint64_t obeyed_in = 0;  // which turn, the last time
    uint64_t left_out = 0;   // lines, since the last one that it got
    uint64_t read = 0;       // octets
    uint64_t read_seen = 0;  // by `tidy`, the last time
    core::Instant stalled_since{};
    core::Instant busy{};  // the last time that it said something or was told something
    bool is_quiet() const { return follows == Feed::none && later == 0 && !waits() && output.empty(); }
    bool full() const { return output.size() > unread_bytes_max; }  // has to read before it hears more
    bool waits() const { return later == 0 && input.find('\n') != std::string::npos; }  // for the next answer
    bool is_next() const { return waits() && !full(); }
    bool is_heard() const { return !ended && !full() && !waits(); }  // what it says next has room
    std::string take_line();
  };
  Server(std::string path, Handler handler) : path_(std::move(path)), handler_(std::move(handler)) {}
  void accept_all();
  bool make_room();  // false: nobody has been idle for long
  void obey_waiting();
  bool serve(int socket, Client& client, uint32_t events);  // false: disconnect
  bool receive(int socket, Client& client);
  bool answer(int socket, Client& client);
  bool go_on(int socket, Client& client);
  bool flush(int socket, Client& client);
  void disconnect(std::map<int, Client>::iterator client);

  std::string path_;
  Handler handler_;
  int epoll_ = -1;
  int listener_ = -1;
  int waiting_ = -1;  // an eventfd: somebody's next line is to be obeyed in the next turn
  bool bound_ = false;
  uint64_t turn_ = 0;
  core::Instant now_{};  // when `tidy` was called last
  std::map<int, Client> clients_;
  Counts counts_;
};

}  // namespace viaduct::control
