// Memory that a memif's two ends share: that of one file, mapped.
#pragma once

#include <cstdint>
#include <utility>

#include "core/result.h"
#include "dpdk/file.h"

namespace viaduct::dpdk {

class MemifRegion {
 public:
  // A place and a length of 32 bits reach no further.
  static constexpr uint64_t bytes_max = uint64_t{8} << 30;

  static core::Result<MemifRegion> make(uint64_t bytes);  // of our own
  // Of the other end's, which gives it pages as they are touched. `flags`: of mmap(2).
  static core::Result<MemifRegion> map(File file, uint64_t bytes, int flags = 0);
  ~MemifRegion();
  MemifRegion(MemifRegion&& other) noexcept
      : file_(std::move(other.file_)),
        base_(std::exchange(other.base_, nullptr)),
        bytes_(other.bytes_),
        mapped_(other.mapped_) {}
  MemifRegion& operator=(MemifRegion&&) = delete;

  int fd() const { return file_.fd(); }
  uint64_t bytes() const { return bytes_; }
  uint8_t* base() const { return base_; }
  // nullptr: not all of it lies within.
  uint8_t* at(uint64_t offset, uint64_t bytes) const {
    return offset <= bytes_ && bytes <= bytes_ - offset ? base_ + offset : nullptr;
  }

 private:
  MemifRegion(File file, uint8_t* base, uint64_t bytes, uint64_t mapped)
      : file_(std::move(file)), base_(base), bytes_(bytes), mapped_(mapped) {}
  File file_;
  uint8_t* base_;
  uint64_t bytes_, mapped_;
};

}  // namespace viaduct::dpdk
