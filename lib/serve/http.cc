// The library serves a connection with a thread of its own as long as its peer likes: every octet may take five
// seconds, and there may be any number of them. So connections are served here: its parser and its writer work on a
// Stream that ends when a deadline passes or a request grows too large, and a full queue is answered with 503.
#include "serve/http.h"

#include <httplib.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "fmt/format.h"

namespace viaduct::serve {
namespace {

using Clock = std::chrono::steady_clock;

// Set while a job runs only to be turned away, see BoundedQueue.
thread_local bool turned_away = false;

// Set while a request is answered that has a body: nobody reads it, so that nothing can follow it.
thread_local bool has_body = false;

// A request could be read, and was answered by a page; behind one that could not nobody knows where the next begins.
thread_local bool was_read = false;

class BoundedQueue : public httplib::TaskQueue {
 public:
  BoundedQueue() {
    for (size_t i = 0; i < Http::threads; ++i) threads_.emplace_back([this] { work(); });
  }
  // A job that is thrown away would leave its connection open, so it is run to refuse it.
  void enqueue(std::function<void()> job) override {
    {
      const std::lock_guard lock(mutex_);
      if (jobs_.size() < Http::waiting_max) {
        jobs_.push_back(std::move(job));
        wake_.notify_one();
        return;
      }
    }
    turned_away = true;
    job();
    turned_away = false;
  }
  void shutdown() override {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  void work() {
    for (;;) {
      std::function<void()> job;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return ended_ || !jobs_.empty(); });
        if (jobs_.empty()) return;
        job = std::move(jobs_.front());
        jobs_.pop_front();
      }
      job();
    }
  }
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  std::vector<std::thread> threads_;
  bool ended_ = false;
};

class BoundedStream : public httplib::Stream {
 public:
  explicit BoundedStream(int socket) : socket_(socket) {}

  // A request begins: its time and its octets are counted from here.
  void begin() {
    restart_deadline();
    left_ = Http::request_bytes_max;
  }
  bool ready(short events) const {
    const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
    pollfd waiting{socket_, events, 0};
    return time > 0 && poll(&waiting, 1, static_cast<int>(time)) == 1 && (waiting.revents & events) != 0;
  }
  bool has_input() const { return next_ < size_; }
  bool comes_within(int milliseconds) const {
    pollfd waiting{socket_, POLLIN, 0};
    return has_input() || poll(&waiting, 1, milliseconds) == 1;
  }
  bool is_readable() const override { return has_input() || ready(POLLIN); }
  bool is_writable() const override { return ready(POLLOUT); }
  ssize_t read(char* out, size_t size) override {
    size = std::min(size, left_);
    if (size == 0) return -1;
    written_ = false;
    if (!has_input()) {
      if (!ready(POLLIN)) return -1;
      const ssize_t count = recv(socket_, buffer_, sizeof buffer_, 0);
      if (count <= 0) return count;
      next_ = 0;
      size_ = static_cast<size_t>(count);
    }
    size = std::min(size, size_ - next_);
    std::copy_n(buffer_ + next_, size, out);
    next_ += size;
    left_ -= size;
    return static_cast<ssize_t>(size);
  }
  ssize_t write(const char* data, size_t size) override {
    if (!std::exchange(written_, true)) restart_deadline();  // what the page took is not its reader's fault
    return ready(POLLOUT) ? send(socket_, data, size, MSG_NOSIGNAL | MSG_DONTWAIT) : -1;
  }
  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    ip.clear();
    port = 0;
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override { get_remote_ip_and_port(ip, port); }
  int socket() const override { return socket_; }

 private:
  void restart_deadline() { deadline_ = Clock::now() + std::chrono::seconds(Http::request_seconds_max); }

  int socket_;
  Clock::time_point deadline_;
  bool written_ = false;  // of the answer
  size_t left_ = 0;
  char buffer_[4096];
  size_t next_ = 0, size_ = 0;
};

class BoundedServer : public httplib::Server {
  bool process_and_close_socket(int socket) override {
    turned_away ? turn_away(socket) : serve(socket);
    ::shutdown(socket, SHUT_RDWR);
    close(socket);
    return true;
  }
  static void turn_away(int socket) {
    constexpr std::string_view sentence =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nRetry-After: 1\r\nConnection: close\r\n"
        "Content-Length: 21\r\n\r\ntoo many connections\n";
    (void)!send(socket, sentence.data(), sentence.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  void serve(int socket) {
    BoundedStream stream(socket);
    for (int left = Http::requests_max; left > 0 && is_running(); --left) {
      if (!stream.comes_within(left == Http::requests_max ? Http::request_seconds_max * 1000
                                                          : Http::idle_milliseconds_max)) {
        return;
      }
      stream.begin();
      bool closed = false;
      has_body = was_read = false;
      if (!process_request(stream, left == 1, closed, nullptr) || closed || has_body || !was_read) return;
    }
  }
};

class HttpServer : public Http {
 public:
  explicit HttpServer(Pages& pages) : pages_(pages) {}
  core::Status listen(const std::string& address, uint16_t port) {
    server_.new_task_queue = [] { return new BoundedQueue; };
    server_.set_payload_max_length(request_bytes_max);
    // What its answers say of it: less than a second (idle_milliseconds_max), and so many requests.
    server_.set_keep_alive_timeout(0);
    server_.set_keep_alive_max_count(requests_max);
    server_.set_default_headers(
        {{"Cache-Control", "no-store"},
         {"X-Content-Type-Options", "nosniff"},
         {"Referrer-Policy", "no-referrer"},
         {"Content-Security-Policy",
          "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"}});
    server_.set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      answer(request, response);
      return httplib::Server::HandlerResponse::Handled;
    });
    const int bound = port == 0 ? server_.bind_to_any_port(address)
                                : (server_.bind_to_port(address, port) ? static_cast<int>(port) : -1);
    if (bound <= 0) {
      return core::Error{fmt::format(
          "cannot listen on {} port {}: is the address one of this machine, and the port free?", address, port)};
    }
    port_ = static_cast<uint16_t>(bound);
    return core::Done{};
  }
  uint16_t port() const override { return port_; }
  void run() override { server_.listen_after_bind(); }
  void stop() override { server_.stop(); }

 private:
  void answer(const httplib::Request& request, httplib::Response& response) {
    was_read = true;
    Wanted wanted{request.method,
                  request.path,
                  {},
                  request.get_header_value("Accept"),
                  request.get_header_value("Authorization"),
                  request.get_header_value("Host")};
    if (request.get_header_value_count("Host") > 1) wanted.host = "more than one";
    has_body = request.has_header("Transfer-Encoding") ||
               (request.has_header("Content-Length") && request.get_header_value("Content-Length") != "0");
    for (const auto& [key, value] : request.params) wanted.query.emplace_back(key, value);
    const Page page = pages_.get(wanted);
    response.status = page.status;
    if (page.status == 405) response.set_header("Allow", "GET, HEAD");
    response.set_content(page.body, page.type);
  }

  Pages& pages_;
  BoundedServer server_;
  uint16_t port_ = 0;
};

}  // namespace

core::Result<std::unique_ptr<Http>> Http::open(const std::string& address, uint16_t port, Pages& pages) {
  auto server = std::make_unique<HttpServer>(pages);
  if (const core::Status listening = server->listen(address, port); !listening) return core::Error{listening.error()};
  return std::unique_ptr<Http>(std::move(server));
}

}  // namespace viaduct::serve
