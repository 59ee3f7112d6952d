// Capture files: read what tcpdump, tshark and Wireshark write, write what they read.
//
// Read: classic pcap with microseconds or nanoseconds, in either byte order, and pcapng (enhanced and simple packet
// blocks). Files are streamed, so a pipe will do. Whatever the link type, the caller sees Ethernet frames. Written:
// classic pcap with nanoseconds. Formats: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng. Thread: control, tools.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "core/bytes.h"
#include "core/result.h"

namespace viaduct::net {

struct CapturedFrame {
  core::ByteView bytes;          // an Ethernet frame; the reader's, until its next call
  uint32_t original_length = 0;  // as it was on the wire; more than `bytes.size()` where the capture cut it
  uint64_t time_ns = 0;          // since 1970; 0 where the file does not say
};

// tcpdump's own bound on a packet; a record that claims more is damage.
inline constexpr uint32_t captured_bytes_max = 262144;

class CaptureFormat;

class PcapReader {
 public:
  static core::Result<PcapReader> open(const std::string& path);
  PcapReader(PcapReader&&) noexcept;
  PcapReader& operator=(PcapReader&&) noexcept;
  ~PcapReader();

  // The next frame, or nothing at the end of the file. An error names the file and the offset where reading stopped;
  // nothing comes after it.
  core::Result<std::optional<CapturedFrame>> next();

 private:
  explicit PcapReader(std::unique_ptr<CaptureFormat> format);
  std::unique_ptr<CaptureFormat> format_;  // none behind an error
};

class PcapWriter {
 public:
  static core::Result<PcapWriter> create(const std::string& path);

  core::Status write(core::ByteView frame, uint64_t time_ns);
  // Flushes, and says whether everything arrived; without it a full disk goes unnoticed.
  core::Status close();

 private:
  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  PcapWriter(std::FILE* file, std::string path) : file_(file), path_(std::move(path)) {}
  core::Error failure() const;

  std::unique_ptr<std::FILE, Closer> file_;
  std::string path_;
};

}  // namespace viaduct::net
