#include "sip/method.h"

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

}  // namespace

Method method_of(std::string_view name) {
  for (const Entry& entry : methods) {
    if (entry.name == name) return entry.method;
  }
  return Method::other;
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
