#include "blast/message_template.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "blast/partial_sum.h"
#include "blast/template_check.h"
#include "blast/token.h"
#include "net/ethernet.h"
#include "net/ipv4.h"
#include "net/ipv6.h"
#include "net/udp.h"

namespace viaduct::blast {
namespace {

constexpr size_t cseq_digits = 7;
constexpr size_t payload_bytes_max = 65507;

// A template's own pieces: text, and placeholders without their brackets.
struct Piece {
  std::string_view text;
  bool placeholder = false;
};

bool is_letter(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
bool is_word(char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_'; }

// The name in the brackets that open at `open`; empty where they hold none, as those of an IPv6 address, in which there
// are colons.
std::string_view name_at(std::string_view text, size_t open) {
  size_t close = open + 1;
  while (close < text.size() && is_word(text[close])) ++close;
  if (close == text.size() || text[close] != ']' || close == open + 1 || !is_letter(text[open + 1])) return {};
  return text.substr(open + 1, close - open - 1);
}

// Two opening brackets are one that is meant as it stands.
std::vector<Piece> split(std::string_view text) {
  std::vector<Piece> pieces;
  size_t begin = 0;
  const auto add_text = [&](size_t until) {
    if (until != begin) pieces.push_back({text.substr(begin, until - begin)});
  };
  for (size_t open = text.find('['); open != std::string_view::npos; open = text.find('[', open)) {
    if (open + 1 < text.size() && text[open + 1] == '[') {
      add_text(++open);
      begin = ++open;
    } else if (const std::string_view name = name_at(text, open); !name.empty()) {
      add_text(open);
      pieces.push_back({name, true});
      begin = open += name.size() + 2;
    } else {
      ++open;
    }
  }
  add_text(text.size());
  return pieces;
}

std::string with_crlf(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) out += '\r';
    out += text[i];
  }
  // What editors leave out: the empty line behind the headers.
  if (out.find("\r\n\r\n") == std::string::npos) out += out.ends_with("\r\n") ? "\r\n" : "\r\n\r\n";
  return out;
}

// `size` octets of filler; long ones go on in rows that begin with `row`, for nobody likes a header of a kilobyte.
std::string filler(size_t size, std::string_view row) {
  constexpr size_t row_bytes = 100;
  std::string out(size, 'x');
  for (size_t at = row_bytes; at + row.size() < size; at += row_bytes) out.replace(at, row.size(), row);
  return out;
}

}  // namespace

// Finds the amount of filler that gives the size, renders, and notes where the fields are.
class TemplateRender {
 public:
  struct Hole {
    size_t at;
    std::string_view name;
  };

  TemplateRender(std::string_view lines, const TemplateOptions& options, const Source& source)
      : lines_(lines), options_(options), source_(source) {
    const size_t head = lines.find("\r\n\r\n") + 4;
    head_ = split(lines.substr(0, head));
    body_ = split(lines.substr(head));
  }

  core::Status run() {
    const bool pad_in_body = has(body_, "pad");
    size_t head_pad = 0, body_pad = 0;
    for (int attempt = 0; attempt < 4; ++attempt) {
      if (core::Status status = lay(head_pad, body_pad); !status) return status;
      if (options_.size == 0 || text.size() == options_.size) return core::Done{};
      size_t& pad = pad_in_body && attempt < 2 ? body_pad : head_pad;
      if (text.size() > options_.size + pad) {
        return core::Error{"messages of " + std::to_string(options_.size) +
                           " bytes are asked for; with these addresses the smallest has " +
                           std::to_string(text.size() - pad)};
      }
      pad = pad + options_.size - text.size();
    }
    return core::Error{"messages of " + std::to_string(options_.size) +
                       " bytes are asked for, but the template has no [pad] that could fill them up"};
  }

  std::string text;
  std::vector<Hole> holes;

 private:
  static bool has(const std::vector<Piece>& pieces, std::string_view name) {
    return std::any_of(pieces.begin(), pieces.end(),
                       [&](const Piece& piece) { return piece.placeholder && piece.text == name; });
  }

  core::Status lay(size_t head_pad, size_t body_pad) {
    text.clear();
    holes.clear();
    if (core::Status status = add(body_, filler(body_pad, "\r\na=x-pad:x")); !status) return status;
    body_bytes_ = text.size();
    text.clear();
    holes.clear();
    if (core::Status status = add(head_, filler(head_pad, "\r\nX-Padding: x")); !status) return status;
    return add(body_, filler(body_pad, "\r\na=x-pad:x"));
  }

  core::Status add(const std::vector<Piece>& pieces, const std::string& pad) {
    for (const Piece& piece : pieces) {
      if (!piece.placeholder) {
        text += piece.text;
      } else if (const auto constant = constant_of(piece.text, pad)) {
        text += *constant;
      } else if (const size_t width = width_of(piece.text); width != 0) {
        if (piece.text == "branch") text += std::string(branch_start) + run_text(options_.run);
        if (piece.text == "call_id") text += std::string(call_id_start) + run_text(options_.run) + options_.kind;
        holes.push_back({text.size(), piece.text});
        text.append(width, '0');
        if (piece.text == "call_id") text += call_id_end;
      } else {
        return core::Error{place_in(lines_, static_cast<size_t>(piece.text.data() - lines_.data()) - 1) +
                           "there is no placeholder [" + std::string(piece.text) +
                           "]; there are [branch] [call_id] [tag] [cseq] [user] [source] [target] [domain] [len] "
                           "[pad], and [[ for a bracket as it is"};
      }
    }
    return core::Done{};
  }

  std::optional<std::string> constant_of(std::string_view name, const std::string& pad) const {
    if (name == "target") return net::to_string(options_.target);
    if (name == "domain") {
      const std::string address = net::to_string(options_.target.address);
      return options_.target.address.is_v4() ? address : "[" + address + "]";
    }
    if (name == "len") return std::to_string(body_bytes_);
    if (name == "pad") return pad;
    return std::nullopt;
  }

  size_t width_of(std::string_view name) const {
    if (name == "branch") return 2 * hex_digits;
    if (name == "call_id" || name == "tag") return hex_digits;
    if (name == "cseq") return cseq_digits;
    if (name == "user") return decimal_digits;
    return name == "source" ? source_.text_bytes : 0;
  }

  const std::string_view lines_;
  const TemplateOptions& options_;
  const Source& source_;
  std::vector<Piece> head_, body_;
  size_t body_bytes_ = 0;
};

core::Result<MessageTemplate> MessageTemplate::compile(std::string_view text, const TemplateOptions& options,
                                                       const Sources& sources) {
  MessageTemplate result;
  result.options_ = options;
  const std::string lines = with_crlf(text);
  for (size_t i = 0; i < sources.size(); ++i) {
    if (core::Status status = result.add_variant(lines, sources[i]); !status) return core::Error{status.error()};
  }
  return result;
}

core::Status MessageTemplate::add_variant(std::string_view text, const Source& sample) {
  if (variants_.size() <= sample.text_bytes) variants_.resize(sample.text_bytes + size_t{1});
  Variant& variant = variants_[sample.text_bytes];
  if (!variant.frame.empty()) return core::Done{};
  TemplateRender render(text, options_, sample);
  if (core::Status status = render.run(); !status) return status;
  if (render.text.size() > payload_bytes_max) {
    return core::Error{"the message has " + std::to_string(render.text.size()) + " bytes; a datagram holds " +
                       std::to_string(payload_bytes_max)};
  }
  const size_t headers = frame_headers(options_.target.address.family());
  const size_t payload = render.text.size();
  variant.frame.resize(headers + payload);
  std::copy(render.text.begin(), render.text.end(), variant.frame.begin() + static_cast<std::ptrdiff_t>(headers));
  for (const auto& [at, name] : render.holes) {
    const Field field = name == "branch"    ? Field::branch
                        : name == "call_id" ? Field::call_id
                        : name == "tag"     ? Field::tag
                        : name == "cseq"    ? Field::cseq
                        : name == "user"    ? Field::user
                                            : Field::source;
    // Headers, Ethernet's apart, have an even length.
    variant.patches.push_back({static_cast<uint16_t>(headers + at), field, at % 2 != 0});
  }
  write_headers(variant.frame.data(), {options_.source_mac, options_.destination_mac, sample.endpoint, options_.target},
                payload, options_.checksum);
  add_sums(variant);
  return core::Done{};
}

// Headers and message with nothing where a call's own fields, the source and the checksums go.
void MessageTemplate::add_sums(Variant& variant) const {
  std::vector<uint8_t> bare = variant.frame;
  const auto width = [&](const Patch& patch) -> size_t {
    switch (patch.field) {
      case Field::branch: return 2 * hex_digits;
      case Field::cseq: return cseq_digits;
      case Field::user: return decimal_digits;
      case Field::source: return static_cast<size_t>(&variant - variants_.data());
      default: return hex_digits;
    }
  };
  for (const Patch& patch : variant.patches) std::memset(bare.data() + patch.at, 0, width(patch));
  uint8_t* ip_bytes = bare.data() + sizeof(net::EthernetHeader);
  const bool v4 = options_.target.address.is_v4();
  uint8_t* udp_bytes = ip_bytes + (v4 ? sizeof(net::Ipv4Header) : sizeof(net::Ipv6Header));
  auto& udp = *reinterpret_cast<net::UdpHeader*>(udp_bytes);
  udp.source_port = core::be16(0), udp.checksum = core::be16(0);
  const core::be16 protocol(net::protocol_udp);
  variant.udp_sum = folded_sum(&udp.length, sizeof udp.length) + uint64_t{folded_sum(&protocol, sizeof protocol)} +
                    folded_sum(udp_bytes, bare.size() - static_cast<size_t>(udp_bytes - bare.data()));
  if (v4) {
    auto& ip = *reinterpret_cast<net::Ipv4Header*>(ip_bytes);
    ip.source = {}, ip.checksum = core::be16(0);
    variant.udp_sum += folded_sum(&ip.destination, sizeof ip.destination);
    variant.ip_sum = folded_sum(ip_bytes, sizeof ip);
  } else {
    variant.udp_sum += folded_sum(&reinterpret_cast<net::Ipv6Header*>(ip_bytes)->destination, 16);
  }
}

void MessageTemplate::seal(const Variant& variant, uint64_t fields_sum, const Source& source, uint8_t* frame) const {
  uint8_t* ip_bytes = frame + sizeof(net::EthernetHeader);
  const bool v4 = options_.target.address.is_v4();
  uint8_t* udp_bytes = ip_bytes + (v4 ? sizeof(net::Ipv4Header) : sizeof(net::Ipv6Header));
  if (v4) {
    auto& ip = *reinterpret_cast<net::Ipv4Header*>(ip_bytes);
    std::copy_n(source.endpoint.address.v4_bytes(), 4, ip.source.begin());
    ip.checksum = core::be16(core::swap_if_little(finished(variant.ip_sum + source.address_sum)));
  } else {
    reinterpret_cast<net::Ipv6Header*>(ip_bytes)->source = source.endpoint.address.bytes;
  }
  auto& udp = *reinterpret_cast<net::UdpHeader*>(udp_bytes);
  udp.source_port = core::be16(source.endpoint.port);
  if (v4 && options_.checksum == UdpChecksum::none) return;
  const uint16_t port = core::swap_if_little(source.endpoint.port);
  uint16_t sum = finished(variant.udp_sum + fields_sum + source.address_sum + port);
  if (sum == 0) sum = 0xffff;  // RFC 768: 0 means "none"
  udp.checksum = core::be16(core::swap_if_little(sum));
}

size_t MessageTemplate::frame_bytes_max() const {
  size_t bytes = 0;
  for (const Variant& variant : variants_) bytes = std::max(bytes, variant.frame.size());
  return bytes;
}

size_t MessageTemplate::render(uint64_t number, uint64_t time_ns, const Source& source, uint8_t* frame) const {
  const Variant& variant = variants_[source.text_bytes];
  std::memcpy(frame, variant.frame.data(), variant.frame.size());
  char digits[2 * hex_digits], user[decimal_digits], cseq[decimal_digits];
  write_hex(number, digits);
  write_hex(time_ns, digits + hex_digits);
  write_decimal(static_cast<uint32_t>(number % options_.users), user);
  write_decimal(cseq_of(number), cseq);
  const uint64_t digits_sum = word_sum(digits) + word_sum(digits + 8);
  const uint16_t number_sum = fold(digits_sum);
  const uint16_t branch_sum = fold(digits_sum + word_sum(digits + 16) + word_sum(digits + 24));
  const uint16_t user_sum = fold(word_sum(user));
  uint64_t sum = 0;
  for (const Patch& patch : variant.patches) {
    uint8_t* at = frame + patch.at;
    switch (patch.field) {
      case Field::branch:
        std::memcpy(at, digits, sizeof digits);
        sum += placed(branch_sum, patch.odd);
        break;
      case Field::call_id:
      case Field::tag:
        std::memcpy(at, digits, hex_digits);
        sum += placed(number_sum, patch.odd);
        break;
      case Field::cseq:
        std::memcpy(at, cseq + 1, cseq_digits);
        sum += placed(folded_sum(cseq + 1, cseq_digits), patch.odd);
        break;
      case Field::user:
        std::memcpy(at, user, decimal_digits);
        sum += placed(user_sum, patch.odd);
        break;
      case Field::source:
        std::memcpy(at, source.text.data(), source.text_bytes);
        sum += placed(source.text_sum, patch.odd);
        break;
    }
  }
  seal(variant, sum, source, frame);
  return variant.frame.size();
}

}  // namespace viaduct::blast
