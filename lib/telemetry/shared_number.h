// Plain numbers with one writer and any readers, and zeroed memory for rows of them, of which the machine gives pages
// as they are written.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <memory>

namespace viaduct::telemetry {

// For the writer.
template <class Number>
void bump(Number& counter) {
  std::atomic_ref<Number> shared(counter);
  shared.store(shared.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}
// For readers.
template <class Number>
Number read(const Number& counter) {
  return std::atomic_ref<Number>(const_cast<Number&>(counter)).load(std::memory_order_relaxed);
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
