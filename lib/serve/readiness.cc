#include "serve/readiness.h"

#include <fmt/format.h>

#include <set>

namespace viaduct::serve {
namespace {

using Json = nlohmann::ordered_json;

// A balancer of another version may leave out what is looked for.
const Json& member(const Json& object, const char* name) {
  static const Json nothing;
  return object.is_object() && object.contains(name) ? object[name] : nothing;
}

std::string text(const Json& value) { return value.is_string() ? value.get<std::string>() : std::string(); }

}  // namespace

std::vector<std::string> reasons_against(const Json& info, const Json& ports) {
  std::vector<std::string> reasons;
  const Json& known = member(ports, "ports");
  if (known.empty()) reasons.push_back("it names no ports");
  for (const auto& [name, port] : known.items()) {
    if (text(member(port, "link")) != "up") reasons.push_back(fmt::format("port {} has no link", name));
  }
  std::set<std::string> asked_for;
  for (const Json& listener : member(info, "listeners")) asked_for.insert(text(member(listener, "pool")));
  asked_for.erase("");
  for (const Json& pool : member(info, "pools")) {
    const std::string name = text(member(pool, "pool"));
    if (asked_for.erase(name) == 0) continue;
    const Json& usable = member(pool, "usable");
    if (!usable.is_number() || usable == 0) reasons.push_back(fmt::format("pool {} has no usable backend", name));
  }
  for (const std::string& name : asked_for) reasons.push_back(fmt::format("pool {} is not told of", name));
  return reasons;
}

}  // namespace viaduct::serve
