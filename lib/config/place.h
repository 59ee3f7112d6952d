// Where something stands in the configuration.
#pragma once

#include <cstdint>

namespace viaduct::config {

// For complaints that come after reading; line 0: none.
struct Place {
  uint32_t line = 0;
  uint32_t column = 0;
  uint16_t file = 0;  // of Config::files
};

}  // namespace viaduct::config
