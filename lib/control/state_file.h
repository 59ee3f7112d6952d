// What survives a restart: who is drained, and who was dead.
//
// A small JSON file, replaced as a whole by renaming, so that a reader finds the old one or the new one and never half.
// It is a help and no need: without it, or with nonsense in it, Viaduct starts as configured and says so once.
// Thread: control.
#pragma once

#include <string>

#include "control/running.h"
#include "core/result.h"

namespace viaduct::control {

class StateFile {
 public:
  // Health older than this says nothing any more, nor does that of a clock that was ahead; what the operator said does
  // not age.
  static constexpr int64_t health_seconds_max = 600;

  explicit StateFile(std::string path) : path_(std::move(path)) {}  // empty: none

  // What was saved, of backends that are configured. No file is no error; the rest is told in a sentence.
  core::Result<Running> read(const config::Config& config, int64_t now_seconds) const;
  // Nothing is written if nothing changed and nobody is unhealthy: that has to be said again before it is too old.
  core::Status write(const Running& running, int64_t now_seconds);

  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::string written_;  // the backends' part of what was written last
};

}  // namespace viaduct::control
