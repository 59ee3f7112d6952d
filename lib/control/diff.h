// What differs between two configurations, and what that does to calls.
//
// A section is a list of (field, text); two lists differ field by field. What an operator reads before a reload comes
// from here: which lines of the file count, and the share of each pool's calls that will be chosen anew, predicted by
// comparing the two overlays slot by slot, by the names of the backends.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "proxy/view.h"

namespace viaduct::control {

struct Difference {
  enum class Kind : uint8_t { added, removed, changed };
  Kind kind;
  std::string section;  // "backend proxies/p1", "listener public", "[sip]"
  std::string detail;   // "weight: 100 -> 50", or what the new one is
};
std::string_view text_of(Difference::Kind kind);

// What can change while running.
std::vector<Difference> differences(const config::Config& before, const config::Config& after);

// What cannot: `[runtime]` but for the secrets, `[[port]]`, `[control]`, `[resolver]` and the listeners' addresses,
// whose places are on the wire. Empty: nothing of that differs.
std::vector<Difference> fixed_differences(const config::Config& before, const config::Config& after);

// One setting as it is in force, with defaults filled in. Of secrets there is the file that holds them, no more.
struct Setting {
  std::string section;  // like a Difference's
  std::string name;
  std::string value;
};
std::vector<Setting> settings(const config::Config& config);

// The share of a pool's calls, from 0 to 1, whose backend differs between two Views; pools are found by name. Nothing
// for a pool that one of the two does not have. Where the key or the hash differs, so that every call is chosen anew,
// it is what chance leaves.
struct Movement {
  std::string pool;
  double share = 0;
};
std::vector<Movement> movements(const proxy::View& before, const proxy::View& after);

}  // namespace viaduct::control
