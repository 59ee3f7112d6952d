// An input of way_fuzz: pieces, each a command to a small network.
//
// Pieces are parted by two octets that no SIP message has, so that what libFuzzer inserts or takes away leaves the
// other pieces what they are. A piece is a head of five octets and a content; one that begins with a capital letter is
// all content: a message of the first caller, so any corpus of SIP messages is one of such inputs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace viaduct::test {

struct Piece {
  enum class Kind : uint8_t { message, fragments, part, frame, answer, icmp, turn };
  static constexpr size_t kinds = 7, head_bytes = 5;

  Kind kind = Kind::message;
  bool at_once = false;  // the workers turn before the next piece
  bool v6 = false;
  bool tagged = false;                   // VLAN
  uint8_t who = 0;                       // it is from
  uint8_t where = 0;                     // it goes to
  uint8_t number = 0;                    // of the kind's own: sizes, orders, codes
  uint8_t spoil_at = 0, spoil_with = 0;  // one octet of the frame is changed; with 0: none
  std::string_view content;
};

class Pieces {
 public:
  Pieces(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  // The next one; false at the end.
  bool next(Piece& piece) {
    if (rest_.empty()) return false;
    constexpr std::string_view parting("\0\xff", 2);
    const size_t end = rest_.find(parting);
    const std::string_view text = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + parting.size());
    piece = {};
    piece.content = text;
    if (text.size() < Piece::head_bytes || (text[0] >= 'A' && text[0] <= 'Z')) return true;
    const auto octet = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
    piece.kind = static_cast<Piece::Kind>((octet(0) & 0x0f) % Piece::kinds);
    piece.v6 = octet(0) & 0x10, piece.tagged = octet(0) & 0x20, piece.at_once = octet(0) & 0x80;
    piece.who = octet(1) >> 4, piece.where = octet(1) & 0x0f;
    piece.number = octet(2);
    piece.spoil_at = octet(3), piece.spoil_with = octet(4);
    piece.content = text.substr(Piece::head_bytes);
    return true;
  }

 private:
  std::string_view rest_;
};

}  // namespace viaduct::test
