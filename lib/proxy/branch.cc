#include "proxy/branch.h"

#include "proxy/digits.h"

namespace viaduct::proxy {
namespace {

// INVITE, its CANCEL and its ACK are one transaction to whoever compares branches.
bool shares_invite_branch(sip::Method method) {
  return method == sip::Method::invite || method == sip::Method::ack || method == sip::Method::cancel;
}

steer::Hash128 hash_of(const sip::Message& message, const net::Endpoint& next_hop, const Keys& keys) {
  LoneHashInput input;
  put_branch_input(input, message, next_hop, keys);
  return input.hash128();
}

}  // namespace

void put_branch_input(HashInput& input, const sip::Message& message, const net::Endpoint& next_hop, const Keys& keys) {
  const sip::Via& top = message.via[0];
  input.begin(keys.branch, top.has_cookie ? '3' : '2');
  input.folded(message.text(top.host.text)).number(top.host.port != 0 ? top.host.port : sip::default_port);
  input.text(message.text(message.call_id)).number(message.cseq_number).folded(message.text(message.from_tag));
  input.endpoint(next_hop);
  if (top.has_cookie) {
    input.folded(message.text(top.branch));
  } else {
    input.squeezed(message.text(top.value)).text(message.text(message.request_uri.text));
    if (!shares_invite_branch(message.method)) input.folded(message.text(message.to_tag));
  }
}

Branch::Branch(const sip::Message& message, const net::Endpoint& next_hop, const Keys& keys)
    : Branch(hash_of(message, next_hop, keys)) {}

Branch::Branch(const steer::Hash128& hash) : hash_(hash.low) {
  std::memset(text_ + size, 0, sizeof text_ - size);
  std::memcpy(text_, prefix.data(), prefix.size());
  static_assert(hash_digits == 20);
  write_twice_ten(hash.low, hash.high, text_ + prefix.size());
}

}  // namespace viaduct::proxy
