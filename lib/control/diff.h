// What differs between two configurations.
//
// A configuration is taken apart into sections, and a section is a list of (field, text); two lists differ field by
// field. What an operator reads before a reload, what he cannot change with one, and what is in force come from the
// same parts.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

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

}  // namespace viaduct::control
