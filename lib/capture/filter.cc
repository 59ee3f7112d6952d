#include "capture/filter.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "core/number.h"
#include "sip/charset.h"

namespace viaduct::capture {
namespace {

using Field = Filter::Field;
using Compare = Filter::Compare;

enum class Type : uint8_t { text, word, number, status, address, verdict, reason, kind };

struct FieldText {
  std::string_view name;
  Type type;
  std::string_view help;
};

// In the order of Field.
constexpr FieldText fields[] = {
    {"call_id", Type::text, "the Call-ID"},
    {"method", Type::word, "INVITE, or any other; of a response that of its CSeq"},
    {"kind", Type::kind, "request or response"},
    {"status", Type::status, "of a response, or of our own answer: 486, 4xx, with < and > too"},
    {"size", Type::number, "of the message, in octets"},
    {"source", Type::address, "where it came from: 192.0.2.7, 192.0.2.0/24, 192.0.2.7:5060, [2001:db8::1]:5060"},
    {"destination", Type::address, "where it leaves for"},
    {"address", Type::address, "either of the two, or our own that it came to"},
    {"pool", Type::word, "the pool that was chosen from"},
    {"backend", Type::word, "the backend that gets it or sent it: p1, or proxies/p1"},
    {"verdict", Type::verdict, "forward, reply, absorb, drop"},
    {"reason", Type::reason, "why it was not forwarded, as 'show drops' names it"},
    {"rule", Type::word, "the rule that decided, or tagged it"},
    {"worker", Type::number, "the worker that decided"},
    {"from", Type::text, "the From header's value"},
    {"to", Type::text, "the To header's value"},
    {"request_uri", Type::text, "the Request-URI"},
    {"user_agent", Type::text, "the User-Agent header's value"},
    {"message", Type::text, "all of it"},
};
static_assert(std::size(fields) == static_cast<size_t>(Field::message) + 1);

const FieldText& text_of(Field field) { return fields[static_cast<size_t>(field)]; }

// `part` is in lower case.
bool has_part(std::string_view text, std::string_view part) {
  for (size_t at = 0; at + part.size() <= text.size(); ++at) {
    if (sip::equals_ignoring_case(text.substr(at, part.size()), part)) return true;
  }
  return false;
}

bool compares(Compare compare, uint64_t value, uint64_t with) {
  switch (compare) {
    case Compare::equal: return value == with;
    case Compare::unequal: return value != with;
    case Compare::less: return value < with;
    case Compare::more: return value > with;
    case Compare::at_most: return value <= with;
    case Compare::at_least: return value >= with;
    case Compare::contains: return false;
  }
  return false;
}

std::string_view header_text(const sip::Message& message, sip::Header header) {
  const sip::Row* row = message.row_of(header);
  return row == nullptr ? std::string_view() : message.text(row->value);
}

std::string_view text_in(Field field, const Seen& seen) {
  if (field == Field::message) return seen.datagram;
  if (field == Field::pool) return seen.pool;
  if (field == Field::rule) return seen.rule;
  const sip::Message* message = seen.message;
  if (message == nullptr) return {};
  switch (field) {
    case Field::call_id: return message->text(message->call_id);
    case Field::method: return message->text(message->is_request() ? message->method_text : message->cseq_method);
    case Field::from: return header_text(*message, sip::Header::from);
    case Field::to: return header_text(*message, sip::Header::to);
    case Field::user_agent: return header_text(*message, sip::Header::user_agent);
    case Field::request_uri: return message->text(message->request_uri.text);
    default: return {};
  }
}

// As written, or with its pool in front.
bool names_backend(std::string_view wanted, const Seen& seen) {
  const size_t slash = wanted.find('/');
  if (slash == std::string_view::npos) return sip::equals_ignoring_case(seen.backend, wanted);
  return sip::equals_ignoring_case(seen.pool, wanted.substr(0, slash)) &&
         sip::equals_ignoring_case(seen.backend, wanted.substr(slash + 1));
}

bool is_at(const net::Endpoint& endpoint, const net::Prefix& prefix, uint16_t port) {
  return prefix.contains(endpoint.address) && (port == 0 || port == endpoint.port);
}

}  // namespace

// Recursive descent over
//
//   either = both ("or" both)*      both = single ("and" single)*
//   single = "not" single | "(" either ")" | FIELD COMPARE VALUE
class FilterReader {
 public:
  explicit FilterReader(std::string_view text) : text_(text) {}

  core::Result<Filter> read() {
    text_.remove_prefix(std::min(text_.size(), text_.find_first_not_of(" \t")));
    filter_.text_ = text_;
    if (text_.size() > Filter::text_bytes_max) {
      return core::Error{"the filter has " + std::to_string(text_.size()) + " characters; " +
                         std::to_string(Filter::text_bytes_max) + " are the most"};
    }
    if (at_ == text_.size()) return std::move(filter_);
    if (!either(0)) return core::Error{error_};
    if (at_ != text_.size()) {
      complain(at_, "'and', 'or' or the end is expected, not '" + rest() + "'");
      return core::Error{error_};
    }
    return std::move(filter_);
  }

 private:
  using Node = Filter::Node;
  using Kind = Filter::Kind;
  using Index = std::optional<uint16_t>;

  Index either(size_t depth) {
    Index left = both(depth);
    while (left && takes("or", "||")) left = join(Kind::either, left, both(depth));
    return left;
  }
  Index both(size_t depth) {
    Index left = single(depth);
    while (left && takes("and", "&&")) left = join(Kind::both, left, single(depth));
    return left;
  }
  Index single(size_t depth) {
    if (depth > Filter::depth_max) {
      return complain(at_, "parentheses and 'not' may be " + std::to_string(Filter::depth_max) + " deep");
    }
    if (takes("not", "!")) {
      const Index inner = single(depth + 1);
      return inner ? join(Kind::negation, inner, inner) : inner;
    }
    if (takes("", "(")) {
      const size_t opened = at_ - 1;
      const Index inner = either(depth + 1);
      if (!inner || takes("", ")")) return inner;
      return at_ == text_.size() ? complain(opened, "this '(' has no ')'")
                                 : complain(at_, "'and', 'or' or ')' is expected, not '" + rest() + "'");
    }
    return term();
  }

  Index term() {
    const size_t begin = at_;
    const std::string_view name = name_here();
    const auto found =
        std::find_if(std::begin(fields), std::end(fields), [&](const FieldText& field) { return field.name == name; });
    if (found == std::end(fields)) {
      std::string known;
      for (const FieldText& field : fields) known += (known.empty() ? "" : ", ") + std::string(field.name);
      if (name.empty()) {
        return complain(begin, (at_ == text_.size() ? std::string("a field is missing at the end")
                                                    : "a field is expected, not '" + rest() + "'") +
                                   "; there are " + known);
      }
      return complain(begin, "'" + std::string(name) + "' is no field; there are " + known);
    }
    Node node;
    node.field = static_cast<Field>(found - std::begin(fields));
    const size_t compare_at = at_;
    if (!compare_here(node.compare)) {
      return complain(compare_at, "=, !=, ~, <, <=, > or >= is expected behind '" + std::string(name) + "'");
    }
    const bool ordered =
        node.compare != Compare::equal && node.compare != Compare::unequal && node.compare != Compare::contains;
    const bool is_number = found->type == Type::number || found->type == Type::status;
    const bool is_textual = found->type == Type::text || found->type == Type::word;
    if ((ordered && !is_number) || (node.compare == Compare::contains && !is_textual)) {
      return complain(compare_at, "'" + std::string(name) + "' is compared with = or !=" +
                                      (is_number    ? ", <, <=, > or >="
                                       : is_textual ? ", or ~ for a part of it"
                                                    : ""));
    }
    const size_t value_at = at_;
    const std::optional<std::string> value = value_here();
    if (!value) return std::nullopt;
    if (const std::string wrong = fill(node, *found, *value); !wrong.empty()) return complain(value_at, wrong);
    if (++terms_ > Filter::terms_max) {
      return complain(begin, "there may be " + std::to_string(Filter::terms_max) + " comparisons");
    }
    return add(std::move(node));
  }

  // What is wrong with the value; empty: nothing.
  static std::string fill(Node& node, const FieldText& field, const std::string& value) {
    const auto refused = [&](std::string_view accepted) {
      return "'" + value + "' is no " + std::string(field.name) + "; " + std::string(accepted);
    };
    switch (field.type) {
      case Type::text:
      case Type::word:
        node.text = sip::lowered(value);
        if (node.field == Field::call_id && node.compare != Compare::contains) node.text = value;  // RFC 3261 20.8
        return {};
      case Type::number: {
        const auto number = core::whole_number<uint64_t>(value);
        if (!number) return refused("a number is");
        node.number = *number;
        return {};
      }
      case Type::status:
        if (value.size() == 3 && (value.ends_with("xx") || value.ends_with("XX")) && value[0] >= '1' &&
            value[0] <= '6' && (node.compare == Compare::equal || node.compare == Compare::unequal)) {
          node.number = static_cast<uint64_t>(value[0] - '0');
          return {};
        }
        if (const auto status = core::whole_number<uint64_t>(value); status && *status >= 100 && *status <= 699) {
          node.number = *status;
          return {};
        }
        return refused("100 to 699, or 4xx is");
      case Type::address: {
        if (const auto network = net::parse_network(value)) {
          node.prefix = *network;
          return {};
        }
        const auto endpoint = net::parse_endpoint(value);
        if (!endpoint) return refused("192.0.2.7, 192.0.2.0/24, 192.0.2.7:5060 or [2001:db8::1]:5060 is");
        node.prefix = net::host_prefix(endpoint->address);
        node.port = endpoint->port;
        return {};
      }
      case Type::verdict:
        return one_of(verdict_names, value, node) ? "" : refused("forward, reply, absorb, drop or punt is");
      case Type::kind: {
        constexpr std::string_view kinds[] = {"request", "response"};
        return one_of(kinds, value, node) ? "" : refused("request or response is");
      }
      case Type::reason:
        for (size_t i = 0; i < telemetry::reason_count; ++i) {
          if (telemetry::reason_texts[i].name == value) return node.number = i, "";
        }
        return refused("the names that 'show drops' has are");
    }
    return {};
  }

  template <size_t count>
  static bool one_of(const std::string_view (&names)[count], std::string_view value, Node& node) {
    const auto found = std::find(std::begin(names), std::end(names), value);
    node.number = static_cast<uint64_t>(found - std::begin(names));
    return found != std::end(names);
  }

  Index join(Kind kind, Index left, Index right) {
    if (!left || !right) return std::nullopt;
    Node node;
    node.kind = kind;
    node.left = *left;
    node.right = *right;
    return add(std::move(node));
  }
  Index add(Node node) {
    filter_.nodes_.push_back(std::move(node));
    return static_cast<uint16_t>(filter_.nodes_.size() - 1);
  }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  static bool is_name(char c) {
    return (sip::to_lower(c) >= 'a' && sip::to_lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '_';
  }
  std::string_view name_here() {
    const size_t begin = at_;
    while (at_ < text_.size() && is_name(text_[at_])) ++at_;
    const std::string_view name = text_.substr(begin, at_ - begin);
    skip_space();
    return name;
  }
  // A word that stands alone, or a sign.
  bool takes(std::string_view word, std::string_view sign) {
    const std::string_view here = text_.substr(at_);
    size_t taken = 0;
    if (!word.empty() && here.starts_with(word) && (here.size() == word.size() || !is_name(here[word.size()]))) {
      taken = word.size();
    } else if (here.starts_with(sign)) {
      taken = sign.size();
    }
    at_ += taken;
    if (taken != 0) skip_space();
    return taken != 0;
  }
  bool compare_here(Compare& compare) {
    constexpr std::pair<std::string_view, Compare> signs[] = {
        {"==", Compare::equal}, {"!=", Compare::unequal}, {"<=", Compare::at_most}, {">=", Compare::at_least},
        {"=", Compare::equal},  {"~", Compare::contains}, {"<", Compare::less},     {">", Compare::more}};
    for (const auto& [sign, meaning] : signs) {
      if (!takes("", sign)) continue;
      compare = meaning;
      return true;
    }
    return false;
  }
  // In quotes, or up to a space or a closing parenthesis.
  std::optional<std::string> value_here() {
    const size_t begin = at_;
    std::string value;
    if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) {
      const size_t end = text_.find(text_[at_], at_ + 1);
      if (end == std::string_view::npos) return complain(begin, "this quote has no end"), std::nullopt;
      value = text_.substr(at_ + 1, end - at_ - 1);
      at_ = end + 1;
    } else {
      while (at_ < text_.size() && text_[at_] != ' ' && text_[at_] != '\t' && text_[at_] != ')') value += text_[at_++];
      if (value.empty()) return complain(begin, "a value is expected; an empty one is written \"\""), std::nullopt;
    }
    skip_space();
    return value;
  }
  std::string rest() const {
    const size_t end = std::min(text_.size(), text_.find(' ', at_));
    return std::string(text_.substr(at_, end - at_));
  }
  std::nullopt_t complain(size_t at, const std::string& sentence) {
    if (error_.empty()) error_ = "filter, character " + std::to_string(at + 1) + ": " + sentence;
    return std::nullopt;
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t terms_ = 0;
  Filter filter_;
  std::string error_;
};

core::Result<Filter> Filter::parse(std::string_view text) { return FilterReader(text).read(); }

bool Filter::holds(const Node& node, const Seen& seen) const {
  switch (node.kind) {
    case Kind::term: return term_holds(node, seen);
    case Kind::negation: return !holds(nodes_[node.left], seen);
    case Kind::both: return holds(nodes_[node.left], seen) && holds(nodes_[node.right], seen);
    case Kind::either: return holds(nodes_[node.left], seen) || holds(nodes_[node.right], seen);
  }
  return false;
}

bool Filter::term_holds(const Node& node, const Seen& seen) {
  const bool wanted = node.compare != Compare::unequal;
  switch (text_of(node.field).type) {
    case Type::text:
    case Type::word: {
      if (node.field == Field::backend) {
        if (node.compare == Compare::contains) return has_part(seen.backend, node.text);
        return names_backend(node.text, seen) == wanted;
      }
      const std::string_view text = text_in(node.field, seen);
      if (node.compare == Compare::contains) return has_part(text, node.text);
      return (node.field == Field::call_id ? text == node.text : sip::equals_ignoring_case(text, node.text)) == wanted;
    }
    case Type::number:
      return compares(node.compare, node.field == Field::size ? seen.datagram.size() : seen.worker, node.number);
    case Type::status:
      if (seen.status == 0) return !wanted;
      return compares(node.compare, node.number < 10 ? seen.status / 100 : seen.status, node.number);
    case Type::address: {
      const bool from = is_at(seen.source, node.prefix, node.port);
      if (node.field == Field::source) return from == wanted;
      const bool to = seen.sent_to.port != 0 && is_at(seen.sent_to, node.prefix, node.port);
      if (node.field == Field::destination) return to == wanted;
      return (from || to || is_at(seen.destination, node.prefix, node.port)) == wanted;
    }
    case Type::verdict: return (static_cast<uint64_t>(seen.verdict) == node.number) == wanted;
    case Type::reason: return (seen.reason && static_cast<uint64_t>(*seen.reason) == node.number) == wanted;
    case Type::kind:
      return seen.message != nullptr && (static_cast<uint64_t>(seen.message->kind) == node.number) == wanted;
  }
  return false;
}

std::string Filter::help() {
  std::string text;
  for (const FieldText& field : fields) {
    text += "  " + std::string(field.name) + std::string(14 - field.name.size(), ' ') + std::string(field.help) + "\n";
  }
  return text;
}

}  // namespace viaduct::capture
