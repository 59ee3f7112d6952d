// What comes in its own time is waited for.
#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace viaduct::test {

// Whether `condition` comes true within `limit`.
inline bool until(const std::function<bool()>& condition, std::chrono::seconds limit = std::chrono::seconds(10)) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace viaduct::test
