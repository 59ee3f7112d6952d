// A file replaced as a whole, or not at all.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace viaduct::control {

// Writes a file of a name of its own beside `path` and renames it, so that a reader finds the old content or the new
// one, after a power cut too. Mode and owner are those of the file that was there; a symbolic link is followed, not
// replaced. What fails leaves everything as it was. Thread: control; waits for the disk.
core::Status replace_file(const std::string& path, std::string_view content);

}  // namespace viaduct::control
