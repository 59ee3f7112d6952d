#include "sip/shape.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <type_traits>

#include "sip/host.h"
#include "sip/octet_kind.h"
#include "sip/raw_rows.h"

namespace viaduct::sip {
namespace {

// What may stand for what, by where it stands.
constexpr uint8_t alphanumeric = kind_digit | kind_letter | kind_late_letter;
constexpr uint8_t of_tokens = alphanumeric | kind_mark | kind_underscore;  // each is in token, word, and display names
constexpr uint8_t of_ipv4 = kind_digit | kind_mark;                        // and then it is seen whether it is one
constexpr uint8_t visible = of_tokens | kind_separator | kind_bracket;     // but those of one kind with SP
constexpr uint8_t visible_or_space = visible | kind_spaced;

}  // namespace

// Notes of a message that was parsed what may stand where. Knows of each field what the readers ask of its octets.
class Mould {
 public:
  Mould(const Message& message, Shape& shape) : message_(message), shape_(shape) {}

  // False if the message is none to keep.
  bool can_cast() const {
    return message_.fault == Fault::none && message_.start_line.begin == 0 && message_.end == message_.bytes.size() &&
           message_.body >= ShapeText::bytes_least && message_.body <= ShapeText::bytes_max &&
           message_.row_count <= Shape::rows_max && has_plain_lines();
  }

  void cast() {
    shape_.bytes_ = message_.body;
    shape_.address_count_ = 0;
    std::memcpy(shape_.text_.octets.data(), message_.bytes.data(), message_.body);
    std::memset(shape_.text_.kinds.data(), 0, message_.body);
    if (message_.is_request()) cast_uri(message_.request_uri);
    for (size_t i = 0; i < std::min<size_t>(message_.via_count, message_.via.size()); ++i) cast_via(message_.via[i]);
    cast_rows();
    set_numbers();
    std::memcpy(shape_.fields_.data(), octets_of(message_) + ShapeFields::begin,
                ShapeFields::bytes(message_.row_count));
    shape_.blocks_ = static_cast<uint16_t>(ShapeFields::blocks(message_.row_count));
  }

 private:
  template <class Of>
  static const char* octets_of(const Of& of) {
    return reinterpret_cast<const char*>(&of);
  }
  char at(size_t place) const { return message_.bytes[place]; }
  static bool is_of(char c, uint8_t kinds) { return (kind_tables.kind_of(c) & kinds) != 0; }

  // CR LF at the end of each, no others, no folds, no NUL.
  bool has_plain_lines() const {
    for (size_t i = 0; i < message_.body; ++i) {
      const char c = at(i);
      if (c == '\0' || (c == '\r' && (i + 1 == message_.body || at(i + 1) != '\n'))) return false;
      if (c != '\n') continue;
      if (i == 0 || at(i - 1) != '\r') return false;
      if (i + 1 != message_.body && (at(i + 1) == ' ' || at(i + 1) == '\t')) return false;
    }
    return true;
  }

  static Slice without_first(Slice slice, uint16_t octets) {
    return {static_cast<uint16_t>(slice.begin + octets), slice.end};
  }

  void free_octets(Slice slice, uint8_t kinds) {
    for (size_t i = slice.begin; i < slice.end; ++i) {
      if (is_of(at(i), kinds)) shape_.text_.kinds[i] = kinds;
    }
  }
  // The same where `%` and two digits are one character.
  void free_escaped(Slice slice, uint8_t kinds) {
    for (size_t i = slice.begin; i < slice.end; ++i) {
      const bool escaped = at(i - 1) == '%' || at(i - 2) == '%';
      if (!escaped && is_of(at(i), kinds)) shape_.text_.kinds[i] = kinds;
    }
  }

  // If it is one of few digits, it may be another from `least` to `most`, which goes to `field` of the Message.
  template <class Field>
  void free_number(Slice text, const Field& field, uint16_t least, uint32_t most) {
    const std::string_view digits = message_.text(text);
    const bool few =
        !digits.empty() && digits.size() <= ShapeNumbers::digits_max && text.end >= ShapeNumbers::digits_max;
    const bool number = std::all_of(digits.begin(), digits.end(), [](char c) { return is_of(c, kind_digit); });
    if (!few || !number || number_count_ == numbers_.size()) return;
    free_octets(text, kind_digit);
    numbers_[number_count_++] = {.text = text,
                                 .field = static_cast<uint16_t>(octets_of(field) - octets_of(message_)),
                                 .bytes = sizeof(Field),
                                 .least = least,
                                 .most = most};
  }
  void set_numbers() {
    ShapeNumbers& shaped = shape_.numbers_;
    std::sort(numbers_.begin(), numbers_.begin() + number_count_,
              [](const Number& a, const Number& b) { return a.field < b.field; });
    shaped.count = number_count_;
    for (size_t i = 0; i < numbers_.size(); ++i) {
      const Number number = i < number_count_ ? numbers_[i] : Number{};
      shaped.in_front[i] = 8 * (ShapeNumbers::digits_max - size_t{number.text.size()});
      shaped.least[i] = number.least;
      shaped.most[i] = number.most;
      shaped.end[i] = std::max<uint16_t>(number.text.end, ShapeNumbers::digits_max);
      assert(i >= number_count_ || number.field >= ShapeFields::begin + sizeof(uint32_t));
      shaped.field[i] = number.field;
      uint32_t here;
      std::memcpy(&here, octets_of(message_) + number.field, sizeof here);
      shaped.beside[i] = here & static_cast<uint32_t>(~uint64_t{0} << 8 * number.bytes);
    }
  }
  // It may be another of its family; of IPv6 one with colons and dots where they are.
  void free_address(Slice text, bool v4) {
    if (shape_.address_count_ == Shape::addresses_max || text.begin + octets16 > message_.body) return;
    free_octets(text, v4 ? of_ipv4 : alphanumeric);
    shape_.addresses_[shape_.address_count_++] = {text, v4};
  }
  void free_host(const Host& host, uint16_t end) {
    if (host.kind == HostKind::ipv4 || host.kind == HostKind::ipv6)
      free_address(host.text, host.kind == HostKind::ipv4);
    const int colon = host.kind == HostKind::ipv6 ? host.text.end + 1 : host.text.end;
    if (host.port != 0) free_number({static_cast<uint16_t>(colon + 1), end}, host.port, 1, UINT16_MAX);
  }
  // One of IPv4 stays one; of all else only its letters are looked at.
  void free_received(Slice text) {
    const bool v4 =
        text.begin + octets16 <= message_.body && is_ipv4(load16(message_.bytes.data() + text.begin), text.size());
    if (v4) return free_address(text, v4);
    free_octets(text, alphanumeric);
  }

  void cast_uri(const Uri& uri) {
    if (uri.scheme != Scheme::sip) return;
    free_escaped(uri.user, alphanumeric);
    free_host(uri.host, uri.params.begin != 0 ? uri.params.begin : uri.text.end);
    free_escaped(uri.vd, alphanumeric);
  }

  void cast_via(const Via& via) {
    constexpr uint16_t cookie_bytes = 7;
    if (!via.well_formed) return;
    free_host(via.host, via.sent_by.end);
    if (via.has_cookie) free_octets(without_first(via.branch, cookie_bytes), of_tokens);
    free_octets(via.vd, of_tokens);
    free_received(via.received);
    if (via.rport == 0) return;
    uint16_t begin = via.rport_param.end;
    while (is_of(at(begin - 1u), kind_digit)) --begin;
    free_number({begin, via.rport_param.end}, via.rport, 1, UINT16_MAX);
  }

  void cast_rows() {
    const Row* row = message_.rows.data();
    const Row* const end = row + message_.row_count;
    for (RawRowWalk walk(message_.bytes, message_.first_row, message_.headers_end); walk.next();) {
      if (row != end && row->begin == walk.row().begin) {
        cast_row(*row++);
      } else {
        free_octets(walk.row().value, visible_or_space);
      }
    }
  }

  void cast_row(const Row& row) {
    switch (row.header) {
      case Header::from: return cast_party(row.value, message_.from_tag);
      case Header::to: return cast_party(row.value, message_.to_tag);
      case Header::call_id: return free_octets(row.value, visible);
      case Header::cseq: {
        uint16_t digits = row.value.begin;
        while (digits != row.value.end && is_of(at(digits), kind_digit)) ++digits;
        return free_number({row.value.begin, digits}, message_.cseq_number, 0, ~uint32_t{0} >> 1);
      }
      case Header::max_forwards:
        if (message_.has_max_forwards) free_number(row.value, message_.max_forwards, 0, 255);
        return;
      case Header::content_length:
        if (message_.has_content_length) free_number(row.value, message_.content_length, 0, ~uint32_t{0});
        return;
      case Header::route:
        if (message_.routes_apart) free_octets(row.value, of_tokens);
        return;
      case Header::record_route:
      case Header::path:
      case Header::supported:
      case Header::contact:
      case Header::user_agent: return free_octets(row.value, visible);
      default: return;
    }
  }

  // In From and To nothing is read but the brackets and the tag behind them.
  void cast_party(Slice value, Slice tag) {
    Slice uri, params;
    if (!parse_name_addr(message_.bytes, value, uri, params)) return;
    if (uri.begin == value.begin || at(uri.begin - 1u) != '<') return;
    free_octets({value.begin, uri.end}, of_tokens);
    free_octets(tag, of_tokens);
  }

  // One that other messages have another of: from `least` to `most`, in so many octets at `field` of the Message.
  struct Number {
    Slice text;
    uint16_t field = ShapeFields::begin;
    uint8_t bytes = 0;
    uint16_t least = 0;
    uint32_t most = 0;
  };

  const Message& message_;
  Shape& shape_;
  std::array<Number, ShapeNumbers::count_max> numbers_;
  size_t number_count_ = 0;
};

bool Shape::keep(const Message& message) {
  Mould mould(message, *this);
  if (!mould.can_cast()) return false;
  mould.cast();
  return true;
}

bool Shape::recall(const ShapeKernel& kernel, std::string_view datagram, Message& message) const {
  static_assert(std::is_standard_layout_v<Message> && std::is_trivially_copyable_v<Message>);
  const char* const octets = datagram.data();
  if (bytes_ == 0 || datagram.size() < bytes_ || datagram.size() > UINT16_MAX) return false;
  if (!kernel.fits(octets, text_, bytes_)) return false;
  for (size_t i = 0; i < address_count_; ++i) {
    const auto [text, v4] = addresses_[i];
    const bool is_one =
        v4 ? is_ipv4(load16(octets + text.begin), text.size()) : all({octets + text.begin, text.size()}, ipv6_char);
    if (!is_one) return false;
  }
  message.bytes = datagram;
  char* const fields = reinterpret_cast<char*>(&message);
  kernel.copy(fields_.data(), blocks_, fields + ShapeFields::begin);
  if (!kernel.read(octets, numbers_, fields)) return false;
  message.end = static_cast<uint16_t>(datagram.size());
  return !message.has_content_length || message.content_length == datagram.size() - message.body;
}

}  // namespace viaduct::sip
