// What must hold of any input: says where it does not, and ends the run there.
#pragma once

#include <cstdlib>
#include <iostream>

#define REQUIRE(condition)                           \
  do {                                               \
    if (!(condition)) {                              \
      std::cerr << __LINE__ << ": " #condition "\n"; \
      std::abort();                                  \
    }                                                \
  } while (false)
