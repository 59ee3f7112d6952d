// Pages over HTTP, by cpp-httplib, bounded where that library is not: threads, connections that wait for one, the time
// and the octets that a request may take.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/result.h"
#include "serve/pages.h"

namespace viaduct::serve {

class Http {
 public:
  static constexpr size_t threads = 4;
  static constexpr size_t waiting_max = 32;  // connections that no thread serves yet; the next one gets 503
  static constexpr int request_seconds_max = 5;
  static constexpr size_t request_bytes_max = 16 << 10;
  static constexpr int requests_max = 100;  // on one connection
  // A browser keeps its connections open between the dashboard's questions; a thread does not wait there that long.
  static constexpr int idle_milliseconds_max = 400;

  // Listens on `address` ("127.0.0.1", "::1"); port 0 is any free one.
  static core::Result<std::unique_ptr<Http>> open(const std::string& address, uint16_t port, Pages& pages);
  virtual ~Http() = default;
  virtual uint16_t port() const = 0;
  virtual void run() = 0;   // until `stop`
  virtual void stop() = 0;  // from any thread
};

}  // namespace viaduct::serve
