#include "sip/method.h"

#include "sip/charset.h"

namespace viaduct::sip {

bool is_known_method_in_other_case(std::string_view name) {
  for (const detail::MethodName& entry : detail::methods) {
    if (entry.name == name || entry.name.size() != name.size()) continue;
    size_t same = 0;
    while (same < name.size() && to_lower(name[same]) == to_lower(entry.name[same])) ++same;
    if (same == name.size()) return true;
  }
  return false;
}

}  // namespace viaduct::sip
