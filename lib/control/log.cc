#include "control/log.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <mutex>
#include <vector>

#include "control/events.h"
#include "control/journal.h"
#include "control/log_throttle.h"
#include "control/words.h"
#include "core/log.h"
#include "fmt/format.h"
#include "spdlog/sinks/sink.h"

namespace viaduct::control {
namespace {

thread_local const Event* event_of_line = nullptr;

std::string_view level_name(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug: return "debug";
    case spdlog::level::info: return "info";
    case spdlog::level::warn: return "warning";
    default: return "error";
  }
}

// sd-daemon(3): the priority in front of a line.
int journal_priority(std::string_view level) {
  return level == "debug" ? 7 : level == "info" ? 6 : level == "warning" ? 4 : 3;
}

std::string log_time(std::chrono::system_clock::time_point time, bool utc) {
  const auto since_epoch = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  return fmt::format("{}.{:03}{}", utc ? time_text(time, "%Y-%m-%dT%H:%M:%S", gmtime_r) : wall_time(time),
                     since_epoch % 1000, utc ? "Z" : "");
}

// In quotes, as JSON has it; what no terminal should obey is escaped.
std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (octet < 0x20 || octet == 0x7f) {
      out += fmt::format("\\u{:04x}", octet);
    } else {
      out += c;
    }
  }
  return out + '"';
}

// Lines into a descriptor. Nobody waits for who empties a pipe or a socket: what finds no room there is lost.
class LineOutput {
 public:
  explicit LineOutput(int fd) : fd_(fd) {
    struct stat found {};
    if (fstat(fd, &found) == 0) type_ = found.st_mode & S_IFMT;
  }
  int fd() const { return fd_; }

  // One write a line: lines of several threads, or processes, do not mix. False: it is lost, or its end is.
  bool put(std::string line) {
    if (cut_) line.insert(0, 1, '\n');
    line += '\n';
    std::string_view rest = line;
    for (ssize_t count; !rest.empty() && (count = write_now(rest)) > 0;) rest.remove_prefix(static_cast<size_t>(count));
    if (rest.size() < line.size()) cut_ = !rest.empty();
    return rest.empty();
  }

 private:
  ssize_t write_now(std::string_view octets) const {
    if (type_ == S_IFSOCK) return send(fd_, octets.data(), octets.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (type_ == S_IFIFO) {
      pollfd room{fd_, POLLOUT, 0};
      if (poll(&room, 1, 0) != 1 || room.revents != POLLOUT) return -1;
      octets = octets.substr(0, PIPE_BUF);  // who has room has room for that (pipe(7))
    }
    return write(fd_, octets.data(), octets.size());
  }

  int fd_;
  mode_t type_ = 0;
  bool cut_ = false;  // the last line has no end
};

class LogSink : public spdlog::sinks::sink {
 public:
  LogSink(LogOptions options, int fd)
      : options_(std::move(options)), output_(fd), is_journal_(fd == STDERR_FILENO && stderr_is_journal()) {
    if (is_journal_ && options_.format == LogFormat::text) {
      auto journal = std::make_unique<Journal>(options_.journal_socket);
      if (journal->is_open()) journal_ = std::move(journal);
    }
  }
  ~LogSink() override {
    if (output_.fd() != STDERR_FILENO) close(output_.fd());
  }
  void log(const spdlog::details::log_msg& message) override {
    const std::string_view text(message.payload.data(), message.payload.size());
    const std::lock_guard lock(mutex_);
    const auto verdict = throttle_.ask(text, LogThrottle::Time::clock::now());
    if (!verdict.passes) return;
    if (verdict.left_out != 0) {
      tell(message, fmt::format("{} lines like the next one were left out", verdict.left_out), nullptr);
    }
    tell(message, text, event_of_line);
  }
  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

  core::Status reopen() {
    if (options_.file.empty()) return core::Done{};
    const int fresh = open_file(options_.file);
    if (fresh < 0) return core::Error{fmt::format("log file '{}': {}", options_.file, std::strerror(errno))};
    const std::lock_guard lock(mutex_);
    close(output_.fd());
    output_ = LineOutput(fresh);
    return core::Done{};
  }
  static int open_file(const std::string& path) {
    return open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  }

 private:
  // A full disk, or a journal that is stuck, loses lines and no calls. How many is told as soon as there is room.
  void tell(const spdlog::details::log_msg& message, std::string_view text, const Event* event) {
    if (lost_ != 0 && put(message, fmt::format("{} lines were lost: there was no room for them", lost_), nullptr)) {
      lost_ = 0;
    }
    if (lost_ != 0 || !put(message, text, event)) ++lost_;
  }

  bool put(const spdlog::details::log_msg& message, std::string_view text, const Event* event) {
    const std::string_view level = level_name(message.level);
    // Where the journal does not take its own protocol, the stream to it is still there.
    if (journal_ && send_to_journal(level, text, event)) return true;
    std::string line;
    if (is_journal_) line = fmt::format("<{}>", journal_priority(level));
    if (is_journal_ && options_.format == LogFormat::text) {
      line += text;
    } else {
      line += log_line(options_.format, message.time, level, text, event);
    }
    return output_.put(std::move(line));
  }

  bool send_to_journal(std::string_view level, std::string_view text, const Event* event) const {
    const std::string priority = std::to_string(journal_priority(level));
    std::vector<JournalField> fields{{"MESSAGE", text}, {"PRIORITY", priority}, {"SYSLOG_IDENTIFIER", "viaduct"}};
    std::string number;
    if (event != nullptr) {
      number = std::to_string(event->number);
      fields.insert(
          fields.end(),
          {{"VIADUCT_EVENT", number}, {"VIADUCT_KIND", text_of(event->kind)}, {"VIADUCT_SUBJECT", event->subject}});
    }
    return journal_->send(fields);
  }

  std::mutex mutex_;
  const LogOptions options_;
  LineOutput output_;
  const bool is_journal_;
  std::unique_ptr<Journal> journal_;  // its own protocol; none: lines
  LogThrottle throttle_;
  uint64_t lost_ = 0;  // lines since the last one that found room
};

std::shared_ptr<LogSink> sink_in_use;

}  // namespace

std::string log_line(LogFormat format, std::chrono::system_clock::time_point time, std::string_view level,
                     std::string_view message, const Event* event) {
  if (format == LogFormat::text) return fmt::format("{} {} {}", log_time(time, false), level, message);
  if (format == LogFormat::keys) {
    std::string line = fmt::format("time={} level={}", log_time(time, true), level);
    if (event != nullptr) {
      line +=
          fmt::format(" event={} kind={} subject={}", event->number, text_of(event->kind), json_string(event->subject));
    }
    return line + " message=" + json_string(message);
  }
  std::string line = fmt::format(R"({{"time":"{}","level":"{}")", log_time(time, true), level);
  if (event != nullptr) {
    line += fmt::format(R"(,"event":{},"kind":{},"subject":{})", event->number, json_string(text_of(event->kind)),
                        json_string(event->subject));
  }
  return line + ",\"message\":" + json_string(message) + '}';
}

core::Status open_log(const LogOptions& options) {
  int fd = STDERR_FILENO;
  if (!options.file.empty()) {
    fd = LogSink::open_file(options.file);
    if (fd < 0) return core::Error{fmt::format("log file '{}': {}", options.file, std::strerror(errno))};
  }
  sink_in_use = std::make_shared<LogSink>(options, fd);
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("viaduct", sink_in_use));
  if (set_log_level(options.level)) return core::Done{};
  return core::Error{fmt::format("'{}' is no level of the log; {} are", options.level, log_levels)};
}

core::Status reopen_log() { return sink_in_use ? sink_in_use->reopen() : core::Status(core::Done{}); }

bool set_log_level(std::string_view level) {
  for (const auto each : {spdlog::level::debug, spdlog::level::info, spdlog::level::warn, spdlog::level::err}) {
    if (level != level_name(each)) continue;
    spdlog::set_level(each);
    return true;
  }
  return false;
}

void log_event(const Event& event, const LogLine& line) {
  event_of_line = &event;
  core::log(line.level, "{}", line.text);
  event_of_line = nullptr;
}

}  // namespace viaduct::control
