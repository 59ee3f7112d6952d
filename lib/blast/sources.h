// Where the calls come from: so many addresses in a row, so many ports on each, taken in turn.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "net/address.h"

namespace viaduct::blast {

struct Source {
  net::Endpoint endpoint;
  uint8_t text_bytes = 0;
  uint16_t text_sum = 0;                                  // of the text, and
  uint16_t address_sum = 0;                               // of the address on the wire: partial_sum.h
  std::array<char, net::endpoint_text_bytes_max> text{};  // as in a Via's sent-by

  std::string_view sent_by() const { return {text.data(), text_bytes}; }
};

class Sources {
 public:
  // An error if addresses or ports run out.
  static core::Result<Sources> make(const net::Endpoint& first, uint32_t addresses, uint32_t ports);

  size_t size() const { return all_.size(); }
  const Source& operator[](size_t i) const { return all_[i]; }
  // Calls with the same number have the same source.
  const Source& of(uint64_t number) const { return all_[number % all_.size()]; }
  // It is one of them.
  bool contains(const net::Endpoint& endpoint) const {
    const net::Endpoint& first = all_.front().endpoint;
    const net::Words words = net::words_of(endpoint.address), first_words = net::words_of(first.address);
    const uint32_t port = uint32_t{endpoint.port} - first.port;
    const uint64_t address = words.low - first_words.low;
    return words.high == first_words.high && port < ports_ && address < all_.size() &&
           address * ports_ + port < all_.size();
  }
  net::Family family() const { return all_.front().endpoint.address.family(); }

 private:
  std::vector<Source> all_;
  uint32_t ports_ = 1;
};

}  // namespace viaduct::blast
