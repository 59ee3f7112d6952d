#include "policy/pattern.h"

#include <optional>

namespace viaduct::policy {
namespace {

constexpr size_t program_max = 20'000;  // instructions: repeats of repeats would grow without bound
constexpr unsigned repeat_max = 1000;
constexpr unsigned depth_max = 50;

bool is_word(uint8_t octet) {
  return (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z') || (octet >= '0' && octet <= '9') ||
         octet == '_';
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::optional<unsigned> hex_value(char c) {
  if (is_digit(c)) return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

bool is_boundary(std::string_view text, size_t place) {
  const bool before = place > 0 && is_word(static_cast<uint8_t>(text[place - 1]));
  const bool after = place < text.size() && is_word(static_cast<uint8_t>(text[place]));
  return before != after;
}

}  // namespace

// Recursive descent over the text; each piece of program is relocated where it is put.
class PatternCompiler {
 public:
  using Step = Pattern::Step;
  using Program = std::vector<Pattern::Instruction>;

  explicit PatternCompiler(std::string_view text) : text_(text) {}

  core::Result<Pattern> compile() {
    if (text_.starts_with("(?i)")) {
      ignore_case_ = true;
      at_ = 4;
    }
    Program program = alternatives(0);
    if (problem_.empty() && at_ < text_.size()) fail("')' without '('");
    if (!problem_.empty()) return core::Error{problem_ + " at index " + std::to_string(problem_at_)};
    program.push_back({Step::match, 0, 0});
    pattern_.program_ = std::move(program);
    return std::move(pattern_);
  }

 private:
  bool more() const { return problem_.empty() && at_ < text_.size(); }
  bool take(char c) {
    if (!more() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void fail(std::string sentence) {
    if (!problem_.empty()) return;
    problem_ = std::move(sentence);
    problem_at_ = at_;
  }

  void append(Program& to, const Program& what) {
    const auto base = static_cast<uint32_t>(to.size());
    if (to.size() + what.size() > program_max) return fail("the pattern is too large");
    for (Pattern::Instruction instruction : what) {
      if (instruction.step == Step::fork || instruction.step == Step::jump) instruction.first += base;
      if (instruction.step == Step::fork) instruction.second += base;
      to.push_back(instruction);
    }
  }

  Program alternatives(unsigned depth) {
    if (depth > depth_max) fail("groups are nested too deep");
    Program program = sequence(depth);
    while (take('|')) {
      const Program other = sequence(depth);
      Program both{{Step::fork, 1, static_cast<uint32_t>(program.size() + 2)}};
      append(both, program);
      both.push_back({Step::jump, static_cast<uint32_t>(program.size() + 2 + other.size()), 0});
      append(both, other);
      program = std::move(both);
    }
    return program;
  }

  Program sequence(unsigned depth) {
    Program program;
    while (more() && text_[at_] != '|' && text_[at_] != ')') {
      const Program piece = repeated(depth);
      append(program, piece);
    }
    return program;
  }

  Program repeated(unsigned depth) {
    Program piece = single(depth);
    unsigned least = 1, most = 1;
    bool any_number = false, quantified = false;
    while (more() && quantifier(least, most, any_number)) {
      if (quantified) fail("a quantifier follows a quantifier");
      quantified = true;
      if (take('?')) continue;  // lazy: the same language
    }
    return quantified && problem_.empty() ? repeat(piece, least, most, any_number) : piece;
  }

  Program repeat(const Program& piece, unsigned least, unsigned most, bool any_number) {
    Program program;
    for (unsigned i = 0; i < least; ++i) append(program, piece);
    if (any_number) {
      Program loop{{Step::fork, 1, static_cast<uint32_t>(piece.size() + 2)}};
      append(loop, piece);
      loop.push_back({Step::jump, 0, 0});
      append(program, loop);
      return program;
    }
    for (unsigned i = least; i < most; ++i) {
      Program maybe{{Step::fork, 1, static_cast<uint32_t>(piece.size() + 1)}};
      append(maybe, piece);
      append(program, maybe);
    }
    return program;
  }

  bool quantifier(unsigned& least, unsigned& most, bool& any_number) {
    switch (text_[at_]) {
      case '*': least = 0, any_number = true; break;
      case '+': least = 1, any_number = true; break;
      case '?': least = 0, most = 1; break;
      case '{': return bounds(least, most, any_number);
      default: return false;
    }
    ++at_;
    return true;
  }

  // `{m}`, `{m,}`, `{m,n}`; anything else is a brace.
  bool bounds(unsigned& least, unsigned& most, bool& any_number) {
    size_t at = at_ + 1;
    const auto number = [&]() -> std::optional<unsigned> {
      const size_t begin = at;
      unsigned value = 0;
      while (at < text_.size() && is_digit(text_[at]) && value <= repeat_max) {
        value = value * 10 + static_cast<unsigned>(text_[at++] - '0');
      }
      return at == begin ? std::nullopt : std::optional(value);
    };
    const auto low = number();
    auto high = low;
    bool open = false;
    if (low && at < text_.size() && text_[at] == ',') {
      ++at;
      high = number();
      open = !high;
    }
    if (!low || at >= text_.size() || text_[at] != '}') return false;
    at_ = at + 1;
    least = *low, any_number = open, most = high.value_or(*low);
    if (least > repeat_max || most > repeat_max || (!open && most < least)) fail("a repeat's bounds are wrong");
    return true;
  }

  Program single(unsigned depth) {
    const char c = text_[at_++];
    switch (c) {
      case '(': return group(depth);
      case '[': return one_of(char_class());
      case '.': return one_of(~Pattern::Octets().set('\n'));
      case '^': return {{Step::begin, 0, 0}};
      case '$': return {{Step::end, 0, 0}};
      case '\\': return escaped();
      case '*':
      case '+':
      case '?':
        --at_;
        fail("a quantifier has nothing to repeat");
        return {};
      default: return one_of(octet(static_cast<uint8_t>(c)));
    }
  }

  Program group(unsigned depth) {
    if (take('?')) {
      if (!take(':')) {
        fail("only (?:...) groups are known, and (?i) in front");
        return {};
      }
    }
    Program program = alternatives(depth + 1);
    if (!take(')')) fail("'(' without ')'");
    return program;
  }

  Program escaped() {
    if (!more()) {
      fail("a backslash stands at the end");
      return {};
    }
    if (take('b')) return {{Step::boundary, 0, 0}};
    if (take('B')) return {{Step::no_boundary, 0, 0}};
    return one_of(escape());
  }

  // What stands behind a backslash, in a class or outside.
  Pattern::Octets escape() {
    const char c = text_[at_++];
    const auto all = [](auto&& belongs) {
      Pattern::Octets set;
      for (unsigned i = 0; i < 256; ++i) set.set(i, belongs(static_cast<uint8_t>(i)));
      return set;
    };
    const auto space = [](uint8_t o) { return o == ' ' || (o >= 9 && o <= 13); };
    switch (c) {
      case 'd': return all([](uint8_t o) { return o >= '0' && o <= '9'; });
      case 'D': return all([](uint8_t o) { return o < '0' || o > '9'; });
      case 'w': return all(is_word);
      case 'W': return all([](uint8_t o) { return !is_word(o); });
      case 's': return all(space);
      case 'S': return all([&](uint8_t o) { return !space(o); });
      case 't': return Pattern::Octets().set('\t');
      case 'r': return Pattern::Octets().set('\r');
      case 'n': return Pattern::Octets().set('\n');
      case 'x': return hex();
      default: break;
    }
    if (is_word(static_cast<uint8_t>(c))) fail(std::string("\\") + c + " is not known");
    return octet(static_cast<uint8_t>(c));
  }

  Pattern::Octets hex() {
    const auto high = at_ < text_.size() ? hex_value(text_[at_]) : std::nullopt;
    const auto low = at_ + 1 < text_.size() ? hex_value(text_[at_ + 1]) : std::nullopt;
    if (!high || !low) {
      fail("\\x wants two hexadecimal digits");
      return {};
    }
    at_ += 2;
    return octet(static_cast<uint8_t>(*high << 4 | *low));
  }

  Pattern::Octets char_class() {
    const bool negated = take('^');
    Pattern::Octets set;
    for (bool first = true; more() && (first || text_[at_] != ']'); first = false) {
      const Pattern::Octets low = class_item();
      if (!more() || text_[at_] != '-' || at_ + 1 >= text_.size() || text_[at_ + 1] == ']') {
        set |= low;
        continue;
      }
      ++at_;
      add_range(set, low, class_item());
    }
    if (!take(']')) fail("'[' without ']'");
    fold(set);  // before it is negated: a negated class is what its letters, in either case, leave
    return negated ? ~set : set;
  }

  Pattern::Octets class_item() {
    const char c = text_[at_++];
    if (c == '[' && at_ < text_.size() && (text_[at_] == ':' || text_[at_] == '.' || text_[at_] == '=')) {
      fail("named classes are not known");
    }
    if (c != '\\') return Pattern::Octets().set(static_cast<uint8_t>(c));
    if (!more()) return {};
    return escape();
  }

  void add_range(Pattern::Octets& set, const Pattern::Octets& low, const Pattern::Octets& high) {
    if (low.count() != 1 || high.count() != 1) return fail("a range has no ends");
    size_t from = 0, to = 0;
    while (!low.test(from)) ++from;
    while (!high.test(to)) ++to;
    if (from > to) return fail("a range runs backwards");
    for (size_t i = from; i <= to; ++i) set.set(i);
  }

  Pattern::Octets octet(uint8_t value) const {
    Pattern::Octets set;
    set.set(value);
    fold(set);
    return set;
  }

  void fold(Pattern::Octets& set) const {
    if (!ignore_case_) return;
    for (size_t c = 'a'; c <= 'z'; ++c) {
      const bool any = set.test(c) || set.test(c - 32);
      set.set(c, any), set.set(c - 32, any);
    }
  }

  Program one_of(const Pattern::Octets& set) {
    pattern_.sets_.push_back(set);
    return {{Step::set, static_cast<uint32_t>(pattern_.sets_.size() - 1), 0}};
  }

  std::string_view text_;
  size_t at_ = 0;
  bool ignore_case_ = false;
  std::string problem_;
  size_t problem_at_ = 0;
  Pattern pattern_;
};

core::Result<Pattern> Pattern::compile(std::string_view text) { return PatternCompiler(text).compile(); }

// Adds all places that can be reached from `at` without an octet. True: a match is among them.
bool Pattern::follow(uint32_t at, std::string_view text, size_t place, std::vector<uint32_t>& states,
                     std::vector<size_t>& seen) const {
  std::vector<uint32_t> open{at};
  while (!open.empty()) {
    const uint32_t state = open.back();
    open.pop_back();
    if (seen[state] == place + 1) continue;
    seen[state] = place + 1;
    const Instruction& instruction = program_[state];
    const bool last = place == text.size() || (place + 1 == text.size() && text[place] == '\n');
    switch (instruction.step) {
      case Step::set: states.push_back(state); break;
      case Step::fork:
        open.push_back(instruction.second);
        open.push_back(instruction.first);
        break;
      case Step::jump: open.push_back(instruction.first); break;
      case Step::begin:
        if (place == 0) open.push_back(state + 1);
        break;
      case Step::end:
        if (last) open.push_back(state + 1);
        break;
      case Step::boundary:
        if (is_boundary(text, place)) open.push_back(state + 1);
        break;
      case Step::no_boundary:
        if (!is_boundary(text, place)) open.push_back(state + 1);
        break;
      case Step::match: return true;
    }
  }
  return false;
}

bool Pattern::search(std::string_view text) const {
  std::vector<uint32_t> states, next;
  std::vector<size_t> seen(program_.size(), 0);
  for (size_t place = 0; place <= text.size(); ++place) {
    if (follow(0, text, place, states, seen)) return true;
    if (place == text.size()) break;
    next.clear();
    const auto octet = static_cast<uint8_t>(text[place]);
    std::vector<uint32_t> moved;
    for (const uint32_t state : states) {
      if (sets_[program_[state].first].test(octet)) moved.push_back(state + 1);
    }
    for (const uint32_t state : moved) {
      if (follow(state, text, place + 1, next, seen)) return true;
    }
    states.swap(next);
  }
  return false;
}

}  // namespace viaduct::policy
