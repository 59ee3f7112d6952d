// A value changed in the text of a configuration file, and every other byte left as it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"
#include "core/result.h"

namespace viaduct::config {

struct BackendEdit {
  std::string pool;
  std::string backend;
  std::optional<BackendState> state;
  std::optional<uint32_t> weight;
};

// `text` with the edit made: values replaced where they stand, keys that are missing added below the backend's name,
// comments and spacing kept. The error says why it cannot be done. Thread: any; allocates.
core::Result<std::string> edit_backend(std::string_view text, const std::string& file, const BackendEdit& edit);

}  // namespace viaduct::config
