// What the log is told. fmt's library does the formatting; left to spdlog, it would be compiled into every file that
// says something, which takes longer than the rest of that file. Safe from any thread.
#pragma once

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <string>
#include <utility>

namespace viaduct::core {

template <typename... Args>
void log(spdlog::level::level_enum level, fmt::format_string<Args...> format, Args&&... args) {
  spdlog::logger* const logger = spdlog::default_logger_raw();
  if (!logger->should_log(level)) return;
  const std::string text = fmt::format(format, std::forward<Args>(args)...);
  logger->log(level, spdlog::string_view_t(text));
}
template <typename... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
  log(spdlog::level::err, format, std::forward<Args>(args)...);
}
template <typename... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
  log(spdlog::level::warn, format, std::forward<Args>(args)...);
}
template <typename... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  log(spdlog::level::info, format, std::forward<Args>(args)...);
}
template <typename... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  log(spdlog::level::debug, format, std::forward<Args>(args)...);
}

}  // namespace viaduct::core
