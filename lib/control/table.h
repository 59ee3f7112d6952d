// What the answers of the control socket are made of, said once.
//
// A command's answer is a JSON object. Its members are tables, and each table has columns with a kind and a sentence.
// From this come aligned text, csv, the telemetry commands, completion, the manual pages and docs/control-socket.md;
// tests compare it with what is really answered.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace viaduct::control {

enum class Kind : uint8_t {
  text,
  number,   // of now: it may fall
  counter,  // since the start: it never falls
  real,     // with a fraction
  flag,
  list,  // of texts or numbers
};
std::string_view text_of(Kind kind);

// `fragments.received` is the member `received` of the member object `fragments`. Kinds but text and flag may be null
// where there is nothing to say yet.
struct Column {
  std::string_view name;
  Kind kind;
  std::string_view help;  // with the unit, if there is one
  bool key = false;       // of those that tell the rows apart
};

enum class Shape : uint8_t {
  members,  // plain members of the answer itself
  object,   // a member that is an object: a table of one row
  rows,     // a member that is an array of objects
  named,    // a member that is an object of objects, by a name; as a table, that name is the first column
};

struct Table {
  std::string_view name;  // of the member; of `members` a name for csv
  Shape shape;
  std::string_view help;
  std::span<const Column> columns;
  bool optional = false;       // the member may be absent
  std::string_view with = {};  // the argument without which it is
};

}  // namespace viaduct::control
