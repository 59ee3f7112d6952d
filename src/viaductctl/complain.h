// What went wrong, for people: on stderr, with the program's name in front.
#pragma once

#include <cstdio>
#include <string>

namespace viaduct::ctl {

inline void complain(const std::string& sentence) { std::fprintf(stderr, "viaductctl: %s\n", sentence.c_str()); }

}  // namespace viaduct::ctl
