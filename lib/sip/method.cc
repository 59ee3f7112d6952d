#include "sip/method.h"

#include <algorithm>
#include <array>

#include "sip/octets16.h"

namespace viaduct::sip {
namespace {

struct Entry {
  std::string_view name;
  Method method;
};

constexpr std::array methods{
    Entry{"INVITE", Method::invite},       Entry{"ACK", Method::ack},         Entry{"BYE", Method::bye},
    Entry{"CANCEL", Method::cancel},       Entry{"OPTIONS", Method::options}, Entry{"REGISTER", Method::register_},
    Entry{"SUBSCRIBE", Method::subscribe}, Entry{"NOTIFY", Method::notify},   Entry{"REFER", Method::refer},
    Entry{"MESSAGE", Method::message},     Entry{"INFO", Method::info},       Entry{"UPDATE", Method::update},
    Entry{"PRACK", Method::prack},         Entry{"PUBLISH", Method::publish},
};

// The only candidate of a length and a first letter, as index into `methods` plus 1; 0: none.
constexpr size_t name_max = 9;
constexpr size_t slot(std::string_view name) { return name.size() * 32 + (static_cast<uint8_t>(name.front()) & 31); }

constexpr auto candidates = [] {
  std::array<uint8_t, (name_max + 1) * 32> table{};
  for (size_t i = 0; i < methods.size(); ++i) table[slot(methods[i].name)] = static_cast<uint8_t>(i + 1);
  return table;
}();
static_assert(std::count(candidates.begin(), candidates.end(), 0) == candidates.size() - methods.size(),
              "two methods of one length and first letter");

constexpr auto keys = [] {
  std::array<uint64_t, methods.size()> numbers{};
  for (size_t i = 0; i < methods.size(); ++i) numbers[i] = key_of(methods[i].name);
  return numbers;
}();

}  // namespace

Method method_of(std::string_view name, const char* readable) {
  if (name.empty() || name.size() > name_max) return Method::other;
  const size_t candidate = candidates[slot(name)];
  if (candidate == 0) return Method::other;
  const Entry& entry = methods[candidate - 1];
  if (word_key(name.data(), name.size(), readable) != keys[candidate - 1]) return Method::other;
  return name.size() <= 8 || name.back() == entry.name.back() ? entry.method : Method::other;
}

bool is_known_method_in_other_case(std::string_view name) {
  for (const Entry& entry : methods) {
    if (entry.name == name || entry.name.size() != name.size()) continue;
    size_t same = 0;
    while (same < name.size() && to_lower(name[same]) == to_lower(entry.name[same])) ++same;
    if (same == name.size()) return true;
  }
  return false;
}

}  // namespace viaduct::sip
