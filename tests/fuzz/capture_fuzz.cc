// Any octets as a capture file, pcap or pcapng, and what `explain` says of the datagrams in it.
//
//   a file is read to its end, or an error of one line says where reading stopped; nothing comes after it
//   frames are no longer than frames may be, and their explanations are JSON that says what became of each
//   frames that are written are the frames that are read again
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "capture/pcapng_stream.h"
#include "control/explain_capture.h"
#include "fuzz/require.h"
#include "net/pcap.h"
#include "support/lab.h"

namespace viaduct::test {
namespace {

// A file that is nowhere but in memory.
class Scratch {
 public:
  explicit Scratch(const char* name) : file_(memfd_create(name, 0)), path_("/proc/self/fd/" + std::to_string(file_)) {
    REQUIRE(file_ >= 0);
  }
  ~Scratch() { close(file_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  void fill(const uint8_t* data, size_t size) const {
    REQUIRE(ftruncate(file_, 0) == 0);
    REQUIRE(pwrite(file_, data, size, 0) == static_cast<ssize_t>(size));
  }
  const std::string& path() const { return path_; }

 private:
  int file_;
  std::string path_;
};

struct Frame {
  Bytes bytes;
  uint64_t time_ns;
  bool operator==(const Frame&) const = default;
};

void check_error(const std::string& error) {
  REQUIRE(!error.empty());
  for (const char c : error) REQUIRE(static_cast<unsigned char>(c) >= ' ');
}

std::vector<Frame> frames_of(const std::string& path) {
  std::vector<Frame> frames;
  core::Result<net::PcapReader> reader = net::PcapReader::open(path);
  if (!reader) {
    check_error(reader.error());
    return frames;
  }
  for (;;) {
    const auto next = reader->next();
    if (!next) {
      check_error(next.error());
      const auto behind = reader->next();
      REQUIRE(!behind || !*behind);
      return frames;
    }
    if (!*next) return frames;
    const net::CapturedFrame& frame = **next;
    REQUIRE(frame.bytes.size() <= net::captured_bytes_max + 64);
    frames.push_back({Bytes(frame.bytes.begin(), frame.bytes.end()), frame.time_ns});
  }
}

void check_round_trip(const std::vector<Frame>& frames) {
  static const Scratch copy("copy");
  core::Result<net::PcapWriter> writer = net::PcapWriter::create(copy.path());
  REQUIRE(writer);
  for (const Frame& frame : frames) REQUIRE(writer->write(frame.bytes, frame.time_ns));
  REQUIRE(writer->close());
  const std::vector<Frame> again = frames_of(copy.path());
  REQUIRE(again.size() == frames.size());
  for (size_t i = 0; i < frames.size(); ++i) REQUIRE(again[i].bytes == frames[i].bytes);
}

// Whatever it is, it ends, and whole blocks are given as they came.
void stream(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  size_t given = 0;
  capture::PcapngStream stream([&](const capture::StreamBlock& block) {
    REQUIRE(text.substr(given).starts_with(block.bytes));
    given += block.bytes.size();
    return true;
  });
  const size_t half = size / 2;
  if (stream.feed(text.substr(0, half)) == capture::PcapngStream::State::more) (void)stream.feed(text.substr(half));
  REQUIRE(given <= size);
}

void explain_all(const std::string& path, std::optional<uint16_t> to, size_t frames) {
  static const std::shared_ptr<const proxy::View> view = lab_proxy({.record_route = true});
  static const std::set<std::string> verdicts{"forward", "reply", "absorb", "drop"};
  size_t explained = 0;
  const core::Status done = control::explain_capture(view, path, to, [&](const nlohmann::ordered_json& object) {
    ++explained;
    REQUIRE(verdicts.contains(object.at("verdict").get<std::string>()));
    REQUIRE(!object.dump().empty());  // throws where a text is no text
  });
  if (!done) check_error(done.error());
  REQUIRE(explained <= frames);
}

}  // namespace
}  // namespace viaduct::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace viaduct::test;
  static const Scratch file("capture");
  file.fill(data, size);
  stream(data, size);
  const std::vector<Frame> frames = frames_of(file.path());
  explain_all(file.path(), size % 2 == 0 ? std::nullopt : std::optional<uint16_t>(0), frames.size());
  if (!frames.empty()) check_round_trip(frames);
  return 0;
}
