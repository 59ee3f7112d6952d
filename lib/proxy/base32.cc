#include "proxy/base32.h"

#include <cstring>

#include "proxy/digits.h"

namespace viaduct::proxy {

void base32_number(uint64_t value, unsigned digits, char* out) {
  char all[sizeof(Octets)];
  constexpr unsigned most = 13;
  store_octets(base32_of_number(value), all);
  std::memcpy(out, all + most - digits, digits);
}

}  // namespace viaduct::proxy
