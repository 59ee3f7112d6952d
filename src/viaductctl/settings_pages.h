// The pages about the configuration file, from the table of settings (config/settings.h).
#pragma once

#include <string>

namespace viaduct::ctl {

std::string settings_page();      // docs/configuration.md
std::string settings_man_page();  // viaduct.toml(5)

}  // namespace viaduct::ctl
