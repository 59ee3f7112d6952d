// `viaductctl top`: what goes on, live, in a terminal; or a page each interval where there is none.
#pragma once

#include <cstddef>
#include <string>

namespace viaduct::ctl {

struct TopRequest {
  std::string socket;
  double seconds = 1;        // between two questions
  size_t count = 0;          // pages, then the end; 0: a screen, or pages without end
  bool plain = false;        // pages, though there is a terminal
  std::string view = "all";  // what is shown first
};

std::string names_of_views();  // "all, backends, ..."

// Until it is quit. Returns the exit code.
int top(const TopRequest& request);

}  // namespace viaduct::ctl
