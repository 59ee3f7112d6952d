// Flow tokens: where a client was heard from, in the userinfo of our own Record-Route and Path (RFC 5626 section 5.2).
//
// A request that a backend sends to a client behind a NAT must leave from the very socket and go to the very address
// and port of the client's binding. Nobody here remembers bindings; the URI that comes back in Route does:
//
//   base32( MAC[10 bytes] | family[1 bit] local socket[15 bits] | remote address[4 or 16 bytes] | remote port[2 bytes]
//   )
//
// The MAC covers protocol, local and remote address. The local socket is named by a hash of its address, which outlives
// a change of the configuration's order. A token is followed only when a backend presents it: clients hold each other's
// tokens (NAT-10).
#pragma once

#include <optional>
#include <string_view>

#include "net/address.h"
#include "proxy/edits.h"
#include "proxy/hash_input.h"
#include "proxy/view.h"

namespace viaduct::proxy {

struct Flow {
  uint16_t socket = none;  // ours
  net::Endpoint remote;
};

// Writes the token and some octets behind it, and returns where it ends. `mac` if it is known already.
inline constexpr size_t flow_token_bytes_max = 48;
char* write_flow_token(char* out, const View& view, uint16_t socket, const net::Endpoint& remote,
                       const steer::Hash128* mac = nullptr);

// What is hashed for it, with 128 bits; `local` is our socket's address.
void put_flow_input(HashInput& input, const Keys& keys, const net::Endpoint& local, const net::Endpoint& remote);

// Nothing if `token` is not one of ours, or for a socket we no longer have.
std::optional<Flow> read_flow_token(std::string_view token, const View& view);

}  // namespace viaduct::proxy
