#include "capture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "capture/ladder.h"
#include "capture/pcapng_stream.h"
#include "complain.h"
#include "control/client.h"
#include "core/bytes.h"
#include "fmt/format.h"
#include "net/frame.h"
#include "sip/message.h"

namespace viaduct::ctl {
namespace {

using Clock = std::chrono::steady_clock;
using capture::PcapngStream;
using capture::StreamBlock;

volatile sig_atomic_t interrupted = 0;

// Without SA_RESTART: who waits for the balancer is woken.
void heed_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = 1; };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

// The end that was asked for.
class Deadline {
 public:
  explicit Deadline(double seconds)
      : ends_(seconds > 0),
        end_(Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds))) {}
  bool over() const { return interrupted != 0 || (ends_ && Clock::now() >= end_); }

 private:
  const bool ends_;
  const Clock::time_point end_;
};

// Captures until `take` has enough or the deadline is over. False: it went wrong, which has been said.
bool follow_capture(const std::string& socket, const std::string& command, const Deadline& deadline,
                    const std::function<bool(const StreamBlock&)>& take) {
  bool begun = false;  // the balancer has answered
  PcapngStream stream([&](const StreamBlock& block) {
    begun = true;
    return take(block);
  });
  auto state = PcapngStream::State::more;
  const core::Status done = control::follow(socket, command, [&](std::string_view piece) {
    state = stream.feed(piece);
    return state == PcapngStream::State::more && !deadline.over();
  });
  if (!done) {
    complain(done.error());
  } else if (state == PcapngStream::State::damaged) {
    complain("what the balancer sends is no capture; is it of another version?");
  } else if (state == PcapngStream::State::more && !deadline.over()) {
    complain("the balancer has ended the capture");
  } else if (!begun) {
    complain(fmt::format("'{}' did not answer: nothing was captured", socket));
  }
  return done && begun && (state == PcapngStream::State::enough || deadline.over());
}

// Calls are private: the file is its owner's alone, also where it was there before with other permissions.
std::FILE* open_output(const std::string& path) {
  if (path == "-") return stdout;
  const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return nullptr;
  struct stat found {};
  const bool is_file = fstat(descriptor, &found) == 0 && S_ISREG(found.st_mode);
  if (!is_file || (fchmod(descriptor, 0600) == 0 && ftruncate(descriptor, 0) == 0)) return fdopen(descriptor, "wb");
  const int reason = errno;
  close(descriptor);
  errno = reason;
  return nullptr;
}

// Draws one message of the call; false: it is of another one.
bool draw(const StreamBlock& block, std::string_view call_id, capture::Ladder& ladder, std::string& lines) {
  net::FrameView frame;
  if (net::parse_frame(block.frame, frame) != net::FrameError::none) return false;
  const std::string_view datagram = core::text_of(block.frame.subspan(frame.payload, frame.payload_bytes));
  const auto message = std::make_unique<sip::Message>();
  if (sip::parse(datagram, *message) != sip::Datagram::sip) return false;
  if (message->text(message->call_id) != call_id) return false;
  const bool in = block.direction == capture::Direction::in;
  using Ours = capture::Ladder::Step::Ours;
  capture::Ladder::Step step{.time_ns = block.time_ns,
                             .ours = block.comment.empty() ? Ours::neither
                                     : in                  ? Ours::destination
                                                           : Ours::source,
                             .source = frame.source,
                             .destination = frame.destination,
                             .label = capture::label_of(datagram),
                             .note = {}};
  // What leaves has had its say when it came, but for where it goes.
  const bool plain = block.comment.starts_with("verdict=forward ");
  if (in && !block.comment.empty()) step.note = block.comment.substr(plain ? sizeof "verdict=forward" : 0);
  lines = ladder.add(step);
  return true;
}

// How the filter's language writes it.
std::optional<std::string> quoted(const std::string& text) {
  if (text.find('"') == std::string::npos) return '"' + text + '"';
  if (text.find('\'') == std::string::npos) return '\'' + text + '\'';
  return std::nullopt;
}

int trace_file(const TraceRequest& request) {
  std::ifstream file(request.file, std::ios::binary);
  if (!file) {
    complain(fmt::format("'{}' cannot be read: {}", request.file, std::strerror(errno)));
    return 1;
  }
  capture::Ladder ladder;
  size_t drawn = 0;
  PcapngStream stream([&](const StreamBlock& block) {
    std::string lines;
    if (block.kind == StreamBlock::Kind::packet && draw(block, request.call_id, ladder, lines)) {
      ++drawn;
      std::fputs(lines.c_str(), stdout);
    }
    return true;
  });
  std::string piece(1 << 16, '\0');
  auto state = PcapngStream::State::more;
  while (file && state == PcapngStream::State::more) {
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    state = stream.feed(std::string_view(piece).substr(0, static_cast<size_t>(file.gcount())));
  }
  if (state == PcapngStream::State::damaged || !stream.at_block_end()) {
    complain(fmt::format("'{}' is no whole pcapng file as 'viaductctl capture' writes it", request.file));
    return 1;
  }
  if (drawn != 0) return 0;
  complain(fmt::format("'{}' has no message with this Call-ID", request.file));
  return 1;
}

}  // namespace

int capture(const CaptureRequest& request) {
  heed_signals();
  std::string command = "capture";
  if (request.drops) command += " drops";
  if (request.sample > 1) command += fmt::format(" sample {}", request.sample);
  if (!request.filter.empty()) command += " filter " + request.filter;
  uint64_t copies = 0, missed = 0;
  bool written = true;
  std::FILE* output = nullptr;  // not before there is something to write: what the file has may be of worth
  const Deadline deadline(request.seconds);
  const bool fine = follow_capture(request.socket, command, deadline, [&](const StreamBlock& block) {
    if (output == nullptr) output = open_output(request.output);
    written = output != nullptr &&
              std::fwrite(block.bytes.data(), 1, block.bytes.size(), output) == block.bytes.size() &&
              std::fflush(output) == 0;
    if (block.kind == StreamBlock::Kind::packet) ++copies;
    if (block.kind == StreamBlock::Kind::statistics) missed = block.dropped;
    return written && (request.count == 0 || copies < request.count);
  });
  if (!written) complain(fmt::format("'{}' cannot be written: {}", request.output, std::strerror(errno)));
  if (output != nullptr && (output == stdout ? std::fflush(output) : std::fclose(output)) != 0 && written) {
    complain(fmt::format("'{}' cannot be written to the end: {}", request.output, std::strerror(errno)));
    written = false;
  }
  if (copies != 0 || fine) {
    std::fprintf(stderr, "%llu messages captured, as they came or as they left; %llu missed\n",
                 static_cast<unsigned long long>(copies), static_cast<unsigned long long>(missed));
  }
  return fine && written ? 0 : 1;
}

int trace(const TraceRequest& request) {
  if (!request.file.empty()) return trace_file(request);
  heed_signals();
  const auto call_id = quoted(request.call_id);
  if (!call_id) {
    complain("a Call-ID with both kinds of quotes cannot be asked for; capture everything, then trace --file");
    return 2;
  }
  capture::Ladder ladder;
  const Deadline deadline(request.seconds);
  const bool fine =
      follow_capture(request.socket, "capture filter call_id=" + *call_id, deadline, [&](const StreamBlock& block) {
        std::string lines;
        if (block.kind != StreamBlock::Kind::packet || !draw(block, request.call_id, ladder, lines)) return true;
        return std::fputs(lines.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
      });
  return fine ? 0 : 1;
}

}  // namespace viaduct::ctl
