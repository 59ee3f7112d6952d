#include "proxy/to_tag.h"

#include <algorithm>

#include "proxy/hash_input.h"

namespace viaduct::proxy {

ToTag::ToTag(const sip::Message& message, const Keys& keys) {
  const sip::Via& top = message.via[0];
  LoneHashInput input(keys.to_tag, 't');
  input.folded(message.text(top.host.text)).number(top.host.port != 0 ? top.host.port : sip::default_port);
  input.folded(message.text(top.branch)).text(message.text(message.call_id)).number(message.cseq_number);
  input.folded(message.text(message.from_tag));
  uint64_t hash = input.hash64();
  text_[0] = 'v';
  text_[1] = 'd';
  for (size_t i = sizeof text_; i-- > 2; hash >>= 4) text_[i] = "0123456789abcdef"[hash & 15];
}

bool is_ack_to_own_reply(const sip::Message& message, const View& view) {
  if (message.method != sip::Method::ack || !message.has_to_tag || message.via_count == 0) return false;
  const std::string_view tag = message.text(message.to_tag);
  if (!tag.starts_with("vd")) return false;
  if (equal_in_constant_time(tag, ToTag(message, view.keys).text())) return true;
  return std::any_of(view.old_keys.begin(), view.old_keys.end(),
                     [&](const Keys& old) { return equal_in_constant_time(tag, ToTag(message, old).text()); });
}

}  // namespace viaduct::proxy
