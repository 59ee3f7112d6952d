// Digits sixteen at a time, for texts that every message carries: base32 (RFC 4648 section 6, in lower case) and
// hexadecimal numbers.
//
// A base32 digit is five bits that lie in at most two neighbouring octets. PSHUFB puts such a pair into a 16-bit number
// for each digit, a multiplication by a power of two brings the five bits to its top, and a shift brings them down:
//
//   octets   ABCDEFGH IJKLMNOP ...      digit 1 (FGHIJ), pair ABCDEFGHIJKLMNOP * 32 >> 11 = FGHIJ
//
// Reading goes the other way: two multiplications with additions (PMADDUBSW, PMADDWD) make 20 bits of four digits.
// SSSE3 is below everything this project runs on (x86-64-v2), hence no dispatch.
#pragma once

#include <smmintrin.h>

#include <cstdint>

namespace viaduct::proxy {

using Octets = __m128i;

[[gnu::always_inline]] inline Octets load_octets(const void* from) {
  return _mm_loadu_si128(static_cast<const __m128i*>(from));
}
[[gnu::always_inline]] inline void store_octets(Octets octets, void* to) {
  _mm_storeu_si128(static_cast<__m128i*>(to), octets);
}
[[gnu::always_inline]] inline Octets octets_of(uint64_t first, uint64_t second) {
  return _mm_set_epi64x(static_cast<long long>(second), static_cast<long long>(first));
}

// Where a digit's pair of octets lies, and what brings its bits to the top.
struct DigitPlaces {
  alignas(16) uint8_t pairs[16];  // the second octet, then the first: numbers are little-endian
  alignas(16) uint16_t factors[8];
};

[[gnu::always_inline]] inline Octets eight_fives(Octets octets, const DigitPlaces& places) {
  const Octets pairs = _mm_shuffle_epi8(octets, _mm_load_si128(reinterpret_cast<const __m128i*>(places.pairs)));
  const Octets factors = _mm_load_si128(reinterpret_cast<const __m128i*>(places.factors));
  return _mm_srli_epi16(_mm_mullo_epi16(pairs, factors), 11);
}

[[gnu::always_inline]] inline Octets base32_letters(Octets fives) {
  const Octets is_number = _mm_cmpgt_epi8(fives, _mm_set1_epi8(25));
  const Octets from = _mm_add_epi8(_mm_set1_epi8('a'), _mm_and_si128(is_number, _mm_set1_epi8('2' - 26 - 'a')));
  return _mm_add_epi8(fives, from);
}

namespace places {

// Digit `digit` of a stream of octets, octet i of which lies at `at(i)`.
template <class At>
constexpr void put(DigitPlaces& places, unsigned index, unsigned digit, At at) {
  places.pairs[2 * index] = static_cast<uint8_t>(at(digit * 5 / 8 + 1));
  places.pairs[2 * index + 1] = static_cast<uint8_t>(at(digit * 5 / 8));
  places.factors[index] = static_cast<uint16_t>(1u << digit * 5 % 8);
}
template <class At>
constexpr DigitPlaces eight(unsigned first, At at) {
  DigitPlaces places{};
  for (unsigned i = 0; i < 8; ++i) put(places, i, first + i, at);
  return places;
}

constexpr auto as_it_lies = [](unsigned i) { return i; };
// Of two numbers, the most significant octet first.
constexpr auto of_first = [](unsigned i) { return i < 8 ? 7 - i : 23 - i; };
constexpr auto of_second = [](unsigned i) { return 15 - (i < 8 ? i : 8u); };

inline constexpr DigitPlaces octets_low = eight(0, as_it_lies), octets_high = eight(8, as_it_lies);
inline constexpr DigitPlaces number_low = eight(0, of_first), number_high = eight(8, of_first);
// The ninth and tenth digit of the first number and six of the second; the rest of the second.
inline constexpr DigitPlaces ten_middle = [] {
  DigitPlaces places{};
  for (unsigned i = 0; i < 2; ++i) put(places, i, 8 + i, of_first);
  for (unsigned i = 0; i < 6; ++i) put(places, 2 + i, i, of_second);
  return places;
}();
inline constexpr DigitPlaces ten_last = [] {
  DigitPlaces places{};
  for (unsigned i = 0; i < 4; ++i) put(places, i, 6 + i, of_second);
  return places;
}();

}  // namespace places

// The first 16 digits of ten octets.
[[gnu::always_inline]] inline Octets base32_of_octets(Octets octets) {
  return base32_letters(
      _mm_packus_epi16(eight_fives(octets, places::octets_low), eight_fives(octets, places::octets_high)));
}

// Thirteen digits of a number, the first of which has four bits; three more that mean nothing.
[[gnu::always_inline]] inline Octets base32_of_number(uint64_t number) {
  const Octets octets = octets_of(number >> 1, number << 63);
  return base32_letters(
      _mm_packus_epi16(eight_fives(octets, places::number_low), eight_fives(octets, places::number_high)));
}

// The lowest 50 bits of each, ten digits and ten: sixteen, and four more.
[[gnu::always_inline]] inline void twice_ten(uint64_t first, uint64_t second, Octets& sixteen, Octets& four) {
  const Octets octets = octets_of(first << 14, second << 14);
  sixteen = base32_letters(
      _mm_packus_epi16(eight_fives(octets, places::number_low), eight_fives(octets, places::ten_middle)));
  four = base32_letters(_mm_packus_epi16(eight_fives(octets, places::ten_last), _mm_setzero_si128()));
}

// The first `count` octets, and a (nought) for the others.
template <unsigned count>
[[gnu::always_inline]] inline Octets first_digits(Octets text) {
  const Octets cut = _mm_slli_si128(text, 16 - count);
  return _mm_or_si128(_mm_srli_si128(cut, 16 - count), _mm_slli_si128(_mm_set1_epi8('a'), count));
}

// Reads 16 digits: the first eight make `high`, the others `low`, 40 bits each. False if one of them is none.
[[gnu::always_inline]] inline bool read_base32(Octets text, uint64_t& high, uint64_t& low) {
  const Octets letter = _mm_sub_epi8(text, _mm_set1_epi8('a')), number = _mm_sub_epi8(text, _mm_set1_epi8('2'));
  const Octets is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(25)), letter);
  const Octets is_number = _mm_cmpeq_epi8(_mm_min_epu8(number, _mm_set1_epi8(5)), number);
  const Octets fives = _mm_blendv_epi8(_mm_add_epi8(number, _mm_set1_epi8(26)), letter, is_letter);
  const Octets tens = _mm_maddubs_epi16(fives, _mm_set1_epi16(0x0120));
  const Octets twenties = _mm_madd_epi16(tens, _mm_set1_epi32(0x00010400));
  const auto first = static_cast<uint64_t>(_mm_cvtsi128_si64(twenties));
  const auto second = static_cast<uint64_t>(_mm_extract_epi64(twenties, 1));
  high = (first & 0xffffffff) << 20 | first >> 32;
  low = (second & 0xffffffff) << 20 | second >> 32;
  return _mm_movemask_epi8(_mm_or_si128(is_letter, is_number)) == 0xffff;
}

// Sixteen hexadecimal digits of a number, the most significant first.
[[gnu::always_inline]] inline Octets hex_of_number(uint64_t number) {
  const Octets octets = octets_of(__builtin_bswap64(number), 0);
  const Octets four_bits = _mm_set1_epi8(0x0f);
  const Octets digits =
      _mm_unpacklo_epi8(_mm_and_si128(_mm_srli_epi16(octets, 4), four_bits), _mm_and_si128(octets, four_bits));
  return _mm_shuffle_epi8(_mm_setr_epi8('0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'),
                          digits);
}

// Reads 16 hexadecimal digits of either case. False if one of them is none.
[[gnu::always_inline]] inline bool read_hex(Octets text, uint64_t& value) {
  const Octets number = _mm_sub_epi8(text, _mm_set1_epi8('0'));
  const Octets letter = _mm_sub_epi8(_mm_or_si128(text, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
  const Octets is_number = _mm_cmpeq_epi8(_mm_min_epu8(number, _mm_set1_epi8(9)), number);
  const Octets is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(5)), letter);
  const Octets fours = _mm_blendv_epi8(_mm_add_epi8(letter, _mm_set1_epi8(10)), number, is_number);
  const Octets eights = _mm_maddubs_epi16(fours, _mm_set1_epi16(0x0110));
  value = __builtin_bswap64(static_cast<uint64_t>(_mm_cvtsi128_si64(_mm_packus_epi16(eights, eights))));
  return _mm_movemask_epi8(_mm_or_si128(is_number, is_letter)) == 0xffff;
}

}  // namespace viaduct::proxy
