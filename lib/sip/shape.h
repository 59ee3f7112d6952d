// The shape of a message: what other messages must have in common with it to parse to the same offsets.
//
// What a phone or a server sends is cast in few moulds: the same rows in the same order, and in them names, numbers and
// tokens of the same lengths. A shape is made of a message that was parsed. It keeps the text of the header section,
// the Message, and for each octet what may stand in its place without any offset, flag or fault being another:
//
//   INVITE sip:+4930776183@example.com SIP/2.0                  . that octet alone
//   ............aaaaaaaaaa....................                  a letters and digits, where URIs have a user
//   Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKcbse2b-n   d digits: a number, which is read anew
//   .................iiiiiiiiiiii.dddd...............tttttttt   i what addresses are made of, if it stays one
//   Subject: Lunch                                              t what tokens are made of
//   ........vvvvvv                                              v in rows that nobody reads, all that is visible
//
// A message of which each octet fits is of this shape, and its Message is the one that was kept, with its own ports,
// CSeq, Max-Forwards and Content-Length. So no check is left out: what a parse would ask of an octet is what may stand
// there. The tests hold that against the parse for every octet in every place. Of what is read too seldom to be worth
// it (escapes, names of hosts and parameters) each octet must be the same.
//
// The idea is that of differential deserialization (Abu-Ghazaleh and Lewis, SC 2005).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "sip/message.h"

namespace viaduct::sip {

struct ShapeText {
  static constexpr size_t bytes_least = 64, bytes_max = 1024;

  alignas(64) std::array<char, bytes_max> octets;
  alignas(64) std::array<uint8_t, bytes_max> kinds;  // which may stand there instead (octet_kind.h); 0: none
};

// Numbers that each message of a shape has others of, and the fields of Message that they go to. Four are read at once,
// and each is written with its neighbours up to the fourth octet. So they stand in the order of their fields: what one
// writes over the next one's is written over by that. Places that are not taken, the last ones, write what stands
// there.
struct alignas(64) ShapeNumbers {
  static constexpr size_t count_max = 8, at_once = 4, digits_max = 8;

  std::array<uint64_t, count_max> in_front;  // bits of the eight octets before `end` that are not its digits, 64: all
  std::array<int64_t, count_max> least, most;
  std::array<uint32_t, count_max> beside;  // what is written with it: the octets of other fields up to the fourth
  std::array<uint16_t, count_max> end;     // where its digits end in the text
  std::array<uint16_t, count_max> field;   // so far from the start of Message
  size_t count;
};

struct ShapeKernel {
  std::string_view name;
  // Where lines end in the header section of `text`, of four octets at least, as a number: messages of one shape have
  // the same, and of those that have the same most are of one shape.
  uint32_t (*outline)(std::string_view text);
  // Whether each of `size` octets is the one in `text` or of a kind that may stand there. `size` is from bytes_least to
  // bytes_max, and nothing else is read.
  bool (*fits)(const char* octets, const ShapeText& text, size_t size);
  // Copies so many blocks of `block` octets.
  static constexpr size_t block = 64;
  void (*copy)(const char* from, size_t blocks, char* to);
  // Reads the numbers of a text, whose octets fit, into the fields of the Message at `fields`. False if one is less or
  // more than it may be. Where there is something else than digits the kernels need not agree.
  bool (*read)(const char* octets, const ShapeNumbers& numbers, char* fields);
};

// The kernels this CPU can run, narrowest first; the first one, for any machine, takes longer than a parse. Thread:
// any.
std::span<const ShapeKernel> shape_kernels();

// The widest. Thread: any.
const ShapeKernel& active_shape_kernel();

// The fields of Message and so many of its rows, which are copied as one. What is too much of the last block lies in
// rows that nobody counts.
struct ShapeFields {
  static constexpr size_t begin = offsetof(Message, fault);
  static constexpr size_t bytes(size_t rows) { return offsetof(Message, rows) - begin + rows * sizeof(Row); }
  static constexpr size_t blocks(size_t rows) { return (bytes(rows) + ShapeKernel::block - 1) / ShapeKernel::block; }
};

class Shape {
 public:
  // Becomes the shape of `message`, as parse filled it. False, and what it was before, if there is something wrong with
  // it, or if its header section is folded, has other line ends than CR LF, or is too short or too long.
  bool keep(const Message& message);

  // If `datagram` has this shape: fills `message` as parse would, and true. Else false, and `message` means nothing.
  bool recall(const ShapeKernel& kernel, std::string_view datagram, Message& message) const;

 private:
  friend class Mould;

  static constexpr size_t addresses_max = 5, rows_max = 24;
  static constexpr size_t fields_bytes = ShapeFields::blocks(rows_max) * ShapeKernel::block;
  static_assert(ShapeFields::begin + fields_bytes <= sizeof(Message));

  // An address that must stay one.
  struct Address {
    Slice text;
    bool v4 = false;
  };

  uint16_t bytes_ = 0;  // up to the body; 0: there is no shape
  uint8_t address_count_ = 0;
  uint16_t blocks_ = 0;
  std::array<Address, addresses_max> addresses_;
  alignas(64) std::array<char, fields_bytes> fields_;
  ShapeNumbers numbers_;
  ShapeText text_;
};

uint32_t shape_outline_scalar(std::string_view text);
bool shape_fits_scalar(const char* octets, const ShapeText& text, size_t size);
void shape_copy_scalar(const char* from, size_t blocks, char* to);
bool shape_read_scalar(const char* octets, const ShapeNumbers& numbers, char* fields);
#if VIADUCT_X86
uint32_t shape_outline_avx2(std::string_view text);
bool shape_fits_avx2(const char* octets, const ShapeText& text, size_t size);
void shape_copy_avx2(const char* from, size_t blocks, char* to);
bool shape_read_avx2(const char* octets, const ShapeNumbers& numbers, char* fields);
uint32_t shape_outline_avx512(std::string_view text);
bool shape_fits_avx512(const char* octets, const ShapeText& text, size_t size);
void shape_copy_avx512(const char* from, size_t blocks, char* to);
#endif

}  // namespace viaduct::sip
