// All patterns of a listener over the fields of a group of messages, in one scan.
//
// The fields that patterns ask for (a Request-URI, a User-Agent) are copied behind each other into one buffer with line
// feeds between, for all messages of a group, and the buffer is scanned once: what a scan costs beside its octets is
// paid once a group. A pattern is about the text of one field alone: `^` and `$` are its ends. So a match counts
// in the field in which it ends, if it cannot have begun outside; where it could have, that one field is asked again,
// alone, and once.
//
// Hyperscan (hyperscan.cc) does the work; without it Pattern (pattern.h) does, slowly and with the same answers.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace viaduct::policy {

// What a pattern is about: a number that the caller gives to each kind of field.
using Field = uint16_t;

struct FieldPattern {
  Field field = 0;
  std::string text;

  bool operator==(const FieldPattern&) const = default;
};

// A field of a message, [begin, end) of the buffer.
struct Segment {
  uint32_t begin = 0;
  uint32_t end = 0;
  Field field = 0;
  uint16_t message = 0;
};

struct PatternProblem {
  size_t pattern = 0;  // its index
  std::string sentence;
};

// The name of what scans: "hyperscan 5.4.0", "plain".
std::string matcher_name();

class Matcher {
 public:
  // Room to scan with: one a worker and matcher.
  class Scratch {
   public:
    virtual ~Scratch() = default;
  };
  // May be called again for the same segment and pattern: matches are reported in the engine's order.
  using Sink = void (*)(void* context, const Segment& segment, uint32_t pattern);

  using Compiled = std::variant<std::unique_ptr<const Matcher>, std::vector<PatternProblem>>;
  // Thread: any that may wait. Allocates; takes milliseconds to seconds.
  static Compiled compile(std::vector<FieldPattern> patterns);

  Matcher(const Matcher&) = delete;
  Matcher& operator=(const Matcher&) = delete;
  ~Matcher();

  std::unique_ptr<Scratch> make_scratch() const;

  // `segments` ascend and have at least one octet between them, a line feed; a line feed stands in front of the first.
  // Thread: the one that `scratch` belongs to. Hyperscan allocates nothing here.
  void scan(std::string_view buffer, std::span<const Segment> segments, Scratch& scratch, Sink sink,
            void* context) const;

 private:
  struct Impl;
  explicit Matcher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace viaduct::policy
