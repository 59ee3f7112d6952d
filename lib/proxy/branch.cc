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
  put_transaction_input(input, message, next_hop, keys.branch);
}

void put_transaction_input(HashInput& input, const sip::Message& message, const net::Endpoint& next_hop,
                           const steer::HashKey& key) {
  const sip::Via& top = message.via[0];
  input.begin(key, top.has_cookie ? '3' : '2');
  input.folded(message.text(top.host.text)).number(top.host.port != 0 ? top.host.port : sip::default_port);
  input.text(message.text(message.call_id)).number(message.cseq_number).folded(message.text(message.from_tag));
  input.endpoint(next_hop);
  if (top.has_cookie) {
    input.last_folded(message.text(top.branch));
  } else {
    input.squeezed(message.text(top.value)).text(message.text(message.request_uri.text));
    if (!shares_invite_branch(message.method)) input.folded(message.text(message.to_tag));
  }
}

Branch::Branch(const sip::Message& message, const net::Endpoint& next_hop, const Keys& keys)
    : Branch(hash_of(message, next_hop, keys)) {}

Branch::Branch(const steer::Hash128& hash) : hash_(hash.low) {
  // In two whole vectors, which can be loaded at once: what small stores have written waits for them.
  static_assert(hash_digits == 20 && prefix.size() == 9);
  Octets sixteen, four;
  twice_ten(hash.low, hash.high, sixteen, four);
  constexpr char head[] = "z9hG4bKvd\0\0\0\0\0\0";
  static_assert(sizeof head == sizeof(Octets) && std::string_view(head) == prefix);
  store_octets(_mm_or_si128(load_octets(head), _mm_slli_si128(sixteen, 9)), text_);
  store_octets(_mm_or_si128(_mm_srli_si128(sixteen, 7), _mm_slli_si128(four, 9)), text_ + 16);
}

}  // namespace viaduct::proxy
