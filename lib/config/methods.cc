#include "config/methods.h"

#include <vector>

#include "config/problems.h"
#include "sip/method.h"

namespace viaduct::config {

std::span<const std::string> known_methods() {
  static const std::vector<std::string> names(sip::method_names.begin(), sip::method_names.end());
  return names;
}

std::string unknown_method(std::string_view name, std::span<const std::string> accepted) {
  std::string hint = did_you_mean(name, accepted);
  if (hint.empty()) hint = "; a method such as \"REGISTER\" is expected, in upper case";
  return "method " + quoted(name) + " is not known" + hint;
}

}  // namespace viaduct::config
