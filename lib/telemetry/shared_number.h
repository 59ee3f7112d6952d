// Plain numbers with one writer and any readers, and zeroed memory for rows of them, of which the machine gives pages
// as they are written.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace viaduct::telemetry {

// For the writer.
template <class Number>
void bump(Number& counter) {
  std::atomic_ref<Number> shared(counter);
  shared.store(shared.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}
template <class Number>
void store(Number& number, Number value) {
  std::atomic_ref(number).store(value, std::memory_order_relaxed);
}
// For readers.
template <class Number>
Number read(const Number& counter) {
  return std::atomic_ref<Number>(const_cast<Number&>(counter)).load(std::memory_order_relaxed);
}

// A row that becomes another's has a version, which is odd while it changes hands; who reads the row compares it before
// and after (Boehm, "Can seqlocks get along with programming language memory models?", 2012). For the writer:
inline void begin_change(uint32_t& version) {
  store(version, version + 1);
  std::atomic_thread_fence(std::memory_order_release);
}
inline void end_change(uint32_t& version) { std::atomic_ref(version).store(version + 1, std::memory_order_release); }
// For readers: before anything else of the row, and after all of it.
inline uint32_t version_before(const uint32_t& version) {
  return std::atomic_ref(const_cast<uint32_t&>(version)).load(std::memory_order_acquire);
}
inline bool was_stable(const uint32_t& version, uint32_t before) {
  std::atomic_thread_fence(std::memory_order_acquire);
  return before % 2 == 0 && read(version) == before;
}

struct FreeZeroed {
  void operator()(void* rows) const { std::free(rows); }
};
template <class Row>
using ZeroedRows = std::unique_ptr<Row[], FreeZeroed>;

// Ends the process where there is no memory.
template <class Row>
ZeroedRows<Row> zeroed_rows(size_t count) {
  ZeroedRows<Row> rows(static_cast<Row*>(std::calloc(count, sizeof(Row))));
  if (rows == nullptr) std::abort();
  return rows;
}

}  // namespace viaduct::telemetry
