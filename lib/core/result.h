// A value, or the sentence that says why there is none.
//
// For work outside the hot path that can fail for reasons an operator must read. The hot path
// uses enums whose names come from the lists in *.def files.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace viaduct::core {

// One sentence: what was found, where, and what would be accepted.
struct Error {
  std::string sentence;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return content_.index() == 0; }
  T& operator*() & { return std::get<0>(content_); }
  const T& operator*() const& { return std::get<0>(content_); }
  T&& operator*() && { return std::get<0>(std::move(content_)); }
  T* operator->() { return &std::get<0>(content_); }
  const T* operator->() const { return &std::get<0>(content_); }
  const std::string& error() const { return std::get<1>(content_).sentence; }

 private:
  std::variant<T, Error> content_;
};

// For work that yields nothing but success.
struct Done {};
using Status = Result<Done>;

}  // namespace viaduct::core
