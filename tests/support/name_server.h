// A name server on loopback, with real packets, that says what a test tells it to.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace viaduct::test {

// Answers what it was told to, NXDOMAIN else; one question a packet.
class NameServer {
 public:
  NameServer() : socket_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::abort();
    socklen_t size = sizeof address;
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~NameServer() {
    stop_ = true;
    thread_.join();
    close(socket_);
  }

  std::string text() const { return "127.0.0.1:" + std::to_string(port_); }
  void a(const std::string& name, std::vector<std::string> addresses, uint32_t ttl = 300) {
    const std::lock_guard lock(mutex_);
    auto& list = answers_[{name, 1}];
    list.clear();
    for (const std::string& text : addresses) {
      in_addr raw{};
      inet_pton(AF_INET, text.c_str(), &raw);
      list.push_back({ttl, std::string(reinterpret_cast<const char*>(&raw), 4)});
    }
  }
  void srv(const std::string& name, uint16_t priority, uint16_t weight, uint16_t port, const std::string& target,
           uint32_t ttl = 300) {
    const std::lock_guard lock(mutex_);
    std::string data = number(priority) + number(weight) + number(port) + encode(target);
    answers_[{name, 33}].push_back({ttl, data});
  }
  void forget(const std::string& name) {
    const std::lock_guard lock(mutex_);
    std::erase_if(answers_, [&](const auto& entry) { return entry.first.first == name; });
  }
  void silent(bool yes) { silent_ = yes; }
  // To every question; 0: answers. 2 is SERVFAIL, 3 NXDOMAIN.
  void fails(uint8_t code) { code_ = code; }
  int asked() const { return asked_; }

 private:
  struct Record {
    uint32_t ttl;
    std::string data;
  };
  static std::string number(uint16_t value) { return {static_cast<char>(value >> 8), static_cast<char>(value)}; }
  static std::string encode(const std::string& name) {
    std::string wire;
    size_t at = 0;
    while (at < name.size()) {
      const size_t dot = std::min(name.find('.', at), name.size());
      wire += static_cast<char>(dot - at) + name.substr(at, dot - at);
      at = dot + 1;
    }
    return wire + '\0';
  }
  void serve() {
    while (!stop_) {
      pollfd ready{socket_, POLLIN, 0};
      if (poll(&ready, 1, 20) != 1) continue;
      char packet[1500];
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const ssize_t length = recvfrom(socket_, packet, sizeof packet, 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (length < 17 || silent_) continue;
      ++asked_;
      const std::string reply = answer(std::string(packet, static_cast<size_t>(length)));
      sendto(socket_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
  }
  std::string answer(const std::string& question) {
    std::string name;
    size_t at = 12;
    while (question[at] != 0) {
      if (!name.empty()) name += '.';
      name += question.substr(at + 1, static_cast<size_t>(question[at]));
      at += 1 + static_cast<size_t>(question[at]);
    }
    const auto octet = [&](size_t i) { return static_cast<uint8_t>(question[i]); };
    const auto type = static_cast<uint16_t>(octet(at + 1) << 8 | octet(at + 2));
    const std::lock_guard lock(mutex_);
    const auto found = answers_.find({name, type});
    const uint8_t refusal = code_;
    const auto& list = found == answers_.end() || refusal != 0 ? std::vector<Record>{} : found->second;
    const char code = static_cast<char>(0x80 | (refusal != 0 ? refusal : list.empty() ? 3 : 0));
    std::string reply = question.substr(0, 2) + std::string(1, '\x81') + code + number(1) +
                        number(static_cast<uint16_t>(list.size())) + number(0) + number(0);
    reply += question.substr(12, at + 5 - 12);
    for (const Record& record : list) {
      reply += "\xc0\x0c" + number(type) + number(1) + number(static_cast<uint16_t>(record.ttl >> 16)) +
               number(static_cast<uint16_t>(record.ttl)) + number(static_cast<uint16_t>(record.data.size())) +
               record.data;
    }
    return reply;
  }

  int socket_;
  uint16_t port_ = 0;
  std::map<std::pair<std::string, uint16_t>, std::vector<Record>> answers_;
  std::mutex mutex_;
  std::atomic<bool> stop_{false}, silent_{false};
  std::atomic<int> asked_{0};
  std::atomic<uint8_t> code_{0};
  std::thread thread_;
};

}  // namespace viaduct::test
