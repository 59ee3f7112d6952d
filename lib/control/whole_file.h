// A file replaced as a whole, or not at all.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace viaduct::control {

// Writes a file beside `path` and renames it, so that a reader finds the old content or the new one. Mode and owner are
// those of the file that was there; a symbolic link is followed, not replaced. Thread: control.
core::Status replace_file(const std::string& path, std::string_view content);

}  // namespace viaduct::control
