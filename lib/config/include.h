// Several TOML files as one document: `include = ["rules.toml"]` at the top of a file.
//
// What an included file holds stands where the include does, before the rest of the file that names it: its [[pool]]
// and [[rule]] come first, in order. A table that there is once, such as [runtime], may stand in one of the files only.
// Relative paths count from the directory of the file that names them.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "config/document.h"
#include "config/problems.h"
#include "core/result.h"

namespace viaduct::config {

// The content of a file, or why there is none: `cannot be read (No such file or directory)`.
using ReadFile = std::function<core::Result<std::string>(const std::string& path)>;
core::Result<std::string> read_text_file(const std::string& path);

// Editors of some systems begin a file with one, which nobody sees.
std::string_view without_byte_order_mark(std::string_view text);

// `named` as it stands in `file`, relative to the directory of that file.
std::string path_beside(const std::string& file, const std::string& named);

// The document of `path` with everything it includes; every file gets its number in `problems`, `path` being 0. What is
// wrong, syntax too, is reported, and then the document has the rest.
Node read_documents(const std::string& path, const ReadFile& read, Problems& problems);

}  // namespace viaduct::config
