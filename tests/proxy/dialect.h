// Requests as stacks write them that nobody here has seen.
//
// A `Content` is what a request says, made by the grammar of RFC 3261 section 25.1: methods and URIs of every kind,
// names and tags and parameters of every form, Vias of other elements, preloaded Routes, headers that nobody knows,
// bodies of any octets. A `Dialect` is how it is said: names long, compact or in odd case, white space and folds
// wherever the grammar has LWS, rows in any order, values joined by commas or in rows of their own. One content in two
// dialects is one request: what is done with it must be the same, and what leaves must be the sender's own octets.
//
// In the value of a row '\n' stands for SWS, where white space may be, and '\t' for LWS, where some must be. What is in
// rows of `opaque` values is sent as it stands.
#pragma once

#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace viaduct::test {

class Dice {
 public:
  explicit Dice(uint32_t seed) : random_(seed) {}
  size_t below(size_t limit) { return random_() % limit; }
  bool one_in(size_t n) { return below(n) == 0; }
  template <class T>
  const T& one_of(const std::vector<T>& all) {
    return all[below(all.size())];
  }
  std::string run(std::string_view letters, size_t size) {
    std::string text;
    while (text.size() < size) text += letters[below(letters.size())];
    return text;
  }

 private:
  std::mt19937 random_;
};

inline constexpr std::string_view alphanum = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
inline constexpr std::string_view token_octets =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~";

enum class RowKind { other, opaque, via, route, record_route, path, max_forwards, max_breadth };

struct ContentRow {
  RowKind kind;
  std::string name;
  char compact;  // '\0': none
  std::string value;
};

struct Content {
  std::string method = "INVITE", uri = "sip:bob@example.com";
  bool to_has_tag = false;
  std::vector<std::string> vias;    // the top one first
  bool via_names_source = false;    // the address in the top Via is the sender's
  std::vector<std::string> routes;  // in order; the first `own_routes` name us
  size_t own_routes = 0;
  bool has_max_forwards = true;
  unsigned max_forwards = 70;
  std::vector<ContentRow> rows;  // everything else
  std::string body;
  bool has_content_length = true;

  ContentRow* find(std::string_view name) {
    for (ContentRow& row : rows) {
      if (row.name == name) return &row;
    }
    return nullptr;
  }
};

// Who sends, and what his address looks like.
struct Sender {
  std::string address;                 // as the source
  std::vector<std::string> spellings;  // of this address in a Via
  bool inside = false;                 // a backend, which calls somebody outside
};

Content make_content(Dice& dice, const Sender& sender);

// The people of the test bed (support/proxy_view.h): Alice, somebody with an IPv6 address, and a backend.
inline const Sender alice_calls = {"198.51.100.7", {"198.51.100.7"}, false};
inline const Sender alice6_calls = {"2001:db8::9:1", {"[2001:db8::9:1]", "[2001:DB8:0::0009:1]"}, false};
inline const Sender b0_calls = {"10.0.1.1", {"10.0.1.1"}, true};

// A request as octets, with the rows as they were written.
struct Rendered {
  struct Line {
    RowKind kind;
    std::string before;               // name, colon and white space
    std::vector<std::string> values;  // of Via and Route with the comma and white space behind each
    std::string text() const {
      std::string line = before;
      for (const std::string& value : values) line += value;
      return line + "\r\n";
    }
  };
  std::string lead, start, tail;  // line ends before; with its CRLF; octets behind the body
  std::vector<Line> lines;
  std::string body;

  std::string str() const {
    std::string text = lead + start;
    for (const Line& line : lines) text += line.text();
    return text + "\r\n" + body + tail;
  }
};

// `plain`: names as RFC 3261 has them, one value a row, single spaces.
Rendered render(const Content& content, Dice& dice, bool plain);

// What a user agent server says to a request with these Vias, our own on top, as it came to it.
Rendered render_answer(const Content& content, const std::vector<std::string>& vias, const std::string& status,
                       Dice& dice);

}  // namespace viaduct::test
