// The dashboard: the files of lib/serve/page, made into bytes when this is built.
#pragma once

#include <span>
#include <string_view>

namespace viaduct::serve {

struct PageFile {
  std::string_view path;  // "/", "/page.css"
  std::string_view type;
  std::string_view content;
};
std::span<const PageFile> page_files();

}  // namespace viaduct::serve
