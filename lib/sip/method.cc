#include "sip/method.h"

#include <array>

#include "sip/charset.h"

namespace viaduct::sip {
namespace {

struct Entry {
  std::string_view name;
  std::string_view lower;
  Method method;
};

constexpr std::array methods{
    Entry{"INVITE", "invite", Method::invite},
    Entry{"ACK", "ack", Method::ack},
    Entry{"BYE", "bye", Method::bye},
    Entry{"CANCEL", "cancel", Method::cancel},
    Entry{"OPTIONS", "options", Method::options},
    Entry{"REGISTER", "register", Method::register_},
    Entry{"SUBSCRIBE", "subscribe", Method::subscribe},
    Entry{"NOTIFY", "notify", Method::notify},
    Entry{"REFER", "refer", Method::refer},
    Entry{"MESSAGE", "message", Method::message},
    Entry{"INFO", "info", Method::info},
    Entry{"UPDATE", "update", Method::update},
    Entry{"PRACK", "prack", Method::prack},
    Entry{"PUBLISH", "publish", Method::publish},
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
    if (entry.name != name && equals_ignoring_case(name, entry.lower)) return true;
  }
  return false;
}

}  // namespace viaduct::sip
