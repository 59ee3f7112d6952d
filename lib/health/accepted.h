// Which answers to a probe show a server that works.
#pragma once

#include <bitset>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace viaduct::health {

class Accepted {
 public:
  Accepted() = default;
  // Patterns such as "2xx" and "404"; what is neither is left out.
  explicit Accepted(std::span<const std::string> patterns);

  bool contains(uint16_t status) const { return status < statuses_.size() && statuses_.test(status); }
  bool operator==(const Accepted&) const = default;

 private:
  void add(std::string_view pattern);
  std::bitset<700> statuses_;
};

}  // namespace viaduct::health
