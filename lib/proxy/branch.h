// The branch of our Via: what makes a proxy without memory possible (RFC 3261 section 16.11).
//
// It is a keyed hash over what a retransmission, the CANCEL and the ACK for a non-2xx share with their INVITE, and what
// tells transactions apart. In: the branch the client chose, and beside it, because private addresses repeat behind
// NATs and some clients repeat branches, sent-by, Call-ID, CSeq number and From tag (TXN-08, TXN-09); and the next hop,
// since another destination is another transaction (TXN-16). Out: method, To tag, source port, core, time, lower Vias
// (TXN-03 to TXN-06, TXN-15).
//
// A client of RFC 2543 has no branch that could be trusted; then the whole top Via as received, Request-URI and To tag
// stand in (TXN-11), the To tag not for INVITE, ACK and CANCEL, which must agree although only the ACK has one
// (TXN-12).
//
// A spiral is told apart (TXN-17) because the elements between its passes put their own Via on top: the branch that
// comes in is another one. The Request-URI is left out where the client's branch can be trusted: some clients write
// another one into the ACK for a non-2xx, and it would no longer match.
#pragma once

#include <cstring>
#include <string_view>

#include "net/address.h"
#include "proxy/hash_input.h"
#include "proxy/view.h"
#include "sip/message.h"

namespace viaduct::proxy {

// What is hashed, with 128 bits.
void put_branch_input(HashInput& input, const sip::Message& message, const net::Endpoint& next_hop, const Keys& keys);
// The same under another key: for what shall be equal for all that have the same branch.
void put_transaction_input(HashInput& input, const sip::Message& message, const net::Endpoint& next_hop,
                           const steer::HashKey& key);

class Branch {
 public:
  static constexpr size_t size = 29;

  Branch() {}  // whatever text
  Branch(const sip::Message& message, const net::Endpoint& next_hop, const Keys& keys);
  explicit Branch(const steer::Hash128& hash);
  std::string_view text() const { return {text_, size}; }
  // Writes the text and some octets behind it, and returns where it ends.
  char* write(char* out) const {
    std::memcpy(out, text_, sizeof text_);
    return out + size;
  }
  uint64_t hash() const { return hash_; }  // 64 of its 100 bits, for Transactions
  // Octets of its text that hold 35 bits of it; 0 if it is not of our form. They lie in the vector that was written
  // first, so that nobody waits for the second.
  static uint64_t mark_of(std::string_view text) {
    uint64_t mark = 0;
    if (text.size() == size) std::memcpy(&mark, text.data() + 8, sizeof mark);
    return mark;
  }

 private:
  static constexpr std::string_view prefix = "z9hG4bKvd";
  static constexpr unsigned hash_digits = 20;  // base32: 100 bits (TXN-18)
  static_assert(size == prefix.size() + hash_digits);
  uint64_t hash_ = 0;
  char text_[32];
};

}  // namespace viaduct::proxy
