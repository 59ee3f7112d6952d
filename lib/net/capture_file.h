// The bytes of a capture file, with the place of each for the error sentence.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "core/bytes.h"
#include "core/result.h"
#include "net/pcap.h"

namespace viaduct::net {

class CaptureFile {
 public:
  static core::Result<CaptureFile> open(const std::string& path) {
    std::FILE* file = std::fopen(path.c_str(), "rb");
    if (file == nullptr) return core::Error{path + ": cannot be opened: " + std::strerror(errno)};
    return CaptureFile(file, path);
  }

  // As many bytes as there are, at most `out.size()`.
  size_t read(core::ByteSpan out) {
    const size_t got = std::fread(out.data(), 1, out.size(), file_.get());
    offset_ += got;
    return got;
  }

  // Also where one cannot seek.
  bool skip(uint64_t count) {
    uint8_t waste[4096];
    while (count > 0) {
      const size_t step = count < sizeof waste ? static_cast<size_t>(count) : sizeof waste;
      if (read({waste, step}) != step) return false;
      count -= step;
    }
    return true;
  }

  uint64_t offset() const { return offset_; }
  bool failed() const { return std::ferror(file_.get()) != 0; }

  core::Error error_at(uint64_t offset, const std::string& sentence) const {
    if (failed()) return {path_ + ": cannot be read: " + std::strerror(errno)};
    return {path_ + ": offset " + std::to_string(offset) + ": " + sentence};
  }
  core::Error cut_at(uint64_t offset, const char* what) const {
    return error_at(offset, std::string("the file ends within ") + what + " that starts here");
  }

 private:
  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  CaptureFile(std::FILE* file, std::string path) : file_(file), path_(std::move(path)) {}

  std::unique_ptr<std::FILE, Closer> file_;
  std::string path_;
  uint64_t offset_ = 0;
};

// Numbers as the machine that captured wrote them.
class FileOrder {
 public:
  explicit FileOrder(bool swapped = false) : swapped_(swapped) {}
  uint16_t get16(const uint8_t* at) const {
    uint16_t value;
    std::memcpy(&value, at, sizeof value);
    return swapped_ ? __builtin_bswap16(value) : value;
  }
  uint32_t get32(const uint8_t* at) const {
    uint32_t value;
    std::memcpy(&value, at, sizeof value);
    return swapped_ ? __builtin_bswap32(value) : value;
  }
  uint64_t get64(const uint8_t* at) const {
    uint64_t value;
    std::memcpy(&value, at, sizeof value);
    return swapped_ ? __builtin_bswap64(value) : value;
  }

 private:
  bool swapped_;
};

// One file format.
class CaptureFormat {
 public:
  virtual ~CaptureFormat() = default;
  virtual core::Result<std::optional<CapturedFrame>> next() = 0;
};

// Both are called with `file` behind the first four bytes, which are `magic` as the machine reads them.
core::Result<std::unique_ptr<CaptureFormat>> open_classic(CaptureFile file, uint32_t magic);
core::Result<std::unique_ptr<CaptureFormat>> open_pcapng(CaptureFile file);

bool is_classic_magic(uint32_t magic);

}  // namespace viaduct::net
