// A copy of some bytes whose last one lies right in front of a page nobody may touch: reading one byte too far is a
// crash at the very instruction, not a finding of luck.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string_view>

namespace viaduct::test {

class GuardedBuffer {
 public:
  // `misalignment` bytes lie between the end of the copy and the forbidden page: 0, except where a test wants the start
  // of the copy at other addresses.
  explicit GuardedBuffer(std::string_view bytes, size_t misalignment = 0) : size_(bytes.size()) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t readable = (bytes.size() + misalignment + page - 1) / page * page + page;
    mapped_ = readable + page;
    void* memory = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("no memory for a guarded buffer");
    memory_ = static_cast<char*>(memory);
    if (mprotect(memory_ + readable, page, PROT_NONE) != 0) throw std::runtime_error("no guard page");
    limit_ = memory_ + readable - misalignment;
    start_ = limit_ - bytes.size();
    if (!bytes.empty()) std::memcpy(start_, bytes.data(), bytes.size());
  }
  ~GuardedBuffer() { munmap(memory_, mapped_); }
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;

  std::string_view bytes() const { return {start_, size_}; }
  char* data() { return start_; }

  // The same buffer with other, at most as many, bytes: cheaper than a new one for every prefix of a message.
  std::string_view refill(std::string_view bytes) {
    if (static_cast<size_t>(limit_ - memory_) < bytes.size()) throw std::runtime_error("guarded buffer too small");
    start_ = limit_ - bytes.size();
    size_ = bytes.size();
    if (size_ != 0) std::memmove(start_, bytes.data(), size_);
    return this->bytes();
  }

 private:
  char* memory_ = nullptr;
  char* limit_ = nullptr;
  char* start_ = nullptr;
  size_t size_ = 0;
  size_t mapped_ = 0;
};

}  // namespace viaduct::test
