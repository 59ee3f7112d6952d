// Methods (RFC 3261 section 7.1).
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "sip/message.h"
#include "sip/octets16.h"

namespace viaduct::sip {
namespace detail {

struct MethodName {
  std::string_view name;
  Method method;
};

inline constexpr std::array methods{
    MethodName{"INVITE", Method::invite},
    MethodName{"ACK", Method::ack},
    MethodName{"BYE", Method::bye},
    MethodName{"CANCEL", Method::cancel},
    MethodName{"OPTIONS", Method::options},
    MethodName{"REGISTER", Method::register_},
    MethodName{"SUBSCRIBE", Method::subscribe},
    MethodName{"NOTIFY", Method::notify},
    MethodName{"REFER", Method::refer},
    MethodName{"MESSAGE", Method::message},
    MethodName{"INFO", Method::info},
    MethodName{"UPDATE", Method::update},
    MethodName{"PRACK", Method::prack},
    MethodName{"PUBLISH", Method::publish},
};

// The only method that a length and a first letter leave, if any.
struct MethodTable {
  static constexpr size_t longest = 9;

  struct Candidate {
    uint64_t key = 0;  // of its first eight octets
    char last = 0;
    Method method = Method::other;
  };
  std::array<Candidate, (longest + 1) * 32> candidates{};

  static constexpr size_t slot(size_t size, char first) { return size * 32 + (static_cast<uint8_t>(first) & 31); }
  constexpr MethodTable() {
    for (const MethodName& entry : methods) {
      candidates[slot(entry.name.size(), entry.name.front())] = {key_of(entry.name), entry.name.back(), entry.method};
    }
  }
};

inline constexpr MethodTable method_table;
static_assert(std::ranges::all_of(methods,
                                  [](const MethodName& entry) {
                                    const auto slot = MethodTable::slot(entry.name.size(), entry.name.front());
                                    return method_table.candidates[slot].method == entry.method;
                                  }),
              "two methods of one length and first letter");

}  // namespace detail

// As requests write them.
inline constexpr auto method_names = [] {
  std::array<std::string_view, detail::methods.size()> names;
  for (size_t i = 0; i < names.size(); ++i) names[i] = detail::methods[i].name;
  return names;
}();

// "other" where it is none of those.
constexpr std::string_view text_of(Method method) {
  for (const detail::MethodName& known : detail::methods) {
    if (known.method == method) return known.name;
  }
  return "other";
}

// Case-sensitive. Nothing is read from `readable` on, which is not within `name`.
inline Method method_of(std::string_view name, const char* readable) {
  if (name.empty() || name.size() > detail::MethodTable::longest) return Method::other;
  const auto& candidate = detail::method_table.candidates[detail::MethodTable::slot(name.size(), name.front())];
  const bool same = word_key(name.data(), name.size(), readable) == candidate.key && name.back() == candidate.last;
  return same ? candidate.method : Method::other;
}

// True for a known method written with lower-case letters: a common mistake, and another method to everybody.
bool is_known_method_in_other_case(std::string_view name);

}  // namespace viaduct::sip
