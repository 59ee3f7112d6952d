// Flow tokens: where a client was heard from, in the userinfo of our own Record-Route and Path (RFC 5626 section 5.2).
//
// A request that a backend sends to a client behind a NAT must leave from the very socket and go to the very address
// and port of the client's binding. Nobody here remembers bindings; the URI that comes back in Route does:
//
//   base32( MAC[10 bytes] | family[1 bit] local socket[15 bits] | remote address[4 or 16 bytes] | remote port[2 bytes]
//   )
//
// The MAC covers local and remote address, under a key that is for UDP alone. The local socket is named by a hash of
// its address, which outlives a change of the configuration's order. A token is followed only when a backend presents
// it: clients hold each other's tokens (NAT-10).
#pragma once

#include <string_view>

#include "net/address.h"
#include "proxy/base32.h"
#include "proxy/edits.h"
#include "proxy/hash_input.h"
#include "proxy/view.h"

namespace viaduct::proxy {

struct Flow {
  uint16_t socket = none;  // ours; `none`: nothing is known of a flow
  net::Endpoint remote;
  bool known() const { return socket != none; }
};

// MAC, socket, address, port.
inline constexpr size_t flow_token_v4_size = base32_size(10 + 2 + 4 + 2);
inline constexpr size_t flow_token_v6_size = base32_size(10 + 2 + 16 + 2);  // the larger one

// Writes the token and some octets behind it, and returns where it ends. `mac` if it is known already.
char* write_flow_token(char* out, const View& view, uint16_t socket, const net::Endpoint& remote,
                       const steer::Hash128* mac = nullptr);

// What is hashed for it, with 128 bits; `local` is our socket's address.
void put_flow_input(HashInput& input, const Keys& keys, const net::Endpoint& local, const net::Endpoint& remote);

// What a token says.
struct FlowClaim {
  uint16_t flow_id = 0;  // Socket::flow_id
  net::Endpoint remote;
  uint64_t mac_low = 0;
  uint16_t mac_high = 0;
};
// False if it is not what we write. Results go to where they are to be: a copy of what has just been written in parts
// would wait for them.
bool read_flow_token(std::string_view token, FlowClaim& claim);
// The first of our sockets that bears the id; `none` if we no longer have it.
uint16_t socket_of(const FlowClaim& claim, const View& view);

// What it stands for: nothing, unless it is true. `mac`, if it is known already: that of our key for `socket_of`.
void verify_flow_token(const FlowClaim& claim, const View& view, Flow& flow, const steer::Hash128* mac = nullptr);

}  // namespace viaduct::proxy
