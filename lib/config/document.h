// A TOML file as a tree of our own, so that only document.cc meets the TOML library.
//
// Every node and every key knows its place; members of a table stand in the order of the file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.h"

namespace viaduct::config {

enum class NodeKind : uint8_t { string, integer, real, boolean, time, array, table };

struct Member;

struct Node {
  NodeKind kind = NodeKind::table;
  Place place;
  std::string text;     // string
  int64_t integer = 0;  // integer
  double real = 0;      // real
  bool boolean = false;
  std::vector<Node> items;      // array
  std::vector<Member> members;  // table
};

struct Member {
  std::string key;
  Place place;  // of the key
  Node value;
};

// What a node is, for sentences: `"lazy"`, `17`, `true`, `an array`, `a table`.
std::string describe(const Node& node);

// The root table, or the one syntax error at which TOML's reader stops. `number` is the file's in all places.
std::variant<Node, Diagnostic> parse_document(std::string_view text, const std::string& file, uint16_t number = 0);

}  // namespace viaduct::config
