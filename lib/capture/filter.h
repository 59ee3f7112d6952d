// Which messages somebody wants to see: `method=INVITE and (source=192.0.2.0/24 or backend=p1) and not status<400`.
//
// A filter is asked by workers about every message while somebody captures, so it is a tree of plain comparisons over
// what is known already: it reads nothing twice and needs no memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "capture/seen.h"
#include "core/result.h"
#include "net/address.h"

namespace viaduct::capture {

class Filter {
 public:
  static constexpr size_t text_bytes_max = 2048;
  static constexpr size_t terms_max = 64;
  static constexpr size_t depth_max = 16;  // of parentheses and `not`

  Filter() = default;  // everything
  // The error says at which character what was found and what would be accepted.
  static core::Result<Filter> parse(std::string_view text);

  // Thread: any; no allocation.
  bool matches(const Seen& seen) const { return nodes_.empty() || holds(nodes_.back(), seen); }
  const std::string& text() const { return text_; }

  // The fields, and what they are compared with, for help and manual: one line each.
  static std::string help();

  enum class Field : uint8_t {
    call_id,
    method,
    kind,
    status,
    size,
    source,
    destination,
    address,
    pool,
    backend,
    verdict,
    reason,
    rule,
    worker,
    from,
    to,
    request_uri,
    user_agent,
    message,
  };
  enum class Compare : uint8_t { equal, unequal, contains, less, more, at_most, at_least };

 private:
  friend class FilterReader;
  enum class Kind : uint8_t { term, negation, both, either };
  struct Node {
    Kind kind = Kind::term;
    uint16_t left = 0, right = 0;  // of `nodes_`; a negation has a left one
    Field field{};
    Compare compare = Compare::equal;
    std::string text;     // lower case where case does not count
    uint64_t number = 0;  // also a verdict, a reason, a kind
    net::Prefix prefix;
    uint16_t port = 0;  // 0: any
  };
  bool holds(const Node& node, const Seen& seen) const;
  static bool term_holds(const Node& node, const Seen& seen);

  std::string text_;
  std::vector<Node> nodes_;  // children before parents
};

}  // namespace viaduct::capture
