#include "control/ingress_filter.h"

#include <errno.h>
#include <fmt/format.h>
#include <linux/netlink.h>
#include <nftables/libnftables.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

#include "control/capabilities.h"

namespace viaduct::control {
namespace {

// Beyond these the rule would take longer to set than a program may take to start.
constexpr size_t endpoints_max = 16384;

// One lookup for all endpoints of a family; nothing if it has none.
std::string rule(std::span<const net::Endpoint> endpoints, bool v4) {
  std::vector<std::string> elements;
  for (const net::Endpoint& endpoint : endpoints) {
    if (endpoint.address.is_v4() != v4) continue;
    elements.push_back(fmt::format("{} . {}", net::to_string(endpoint.address), endpoint.port));
  }
  if (elements.empty()) return {};
  return fmt::format("{} daddr . udp dport {{ {} }} drop;\n", v4 ? "ip" : "ip6", fmt::join(elements, ", "));
}

// What the library would answer by ending the process, or by a line of its own on standard error.
core::Status may_filter() {
  if ((own_capabilities().effective & capability_bit(CAP_NET_ADMIN)) == 0) {
    return core::Error{"CAP_NET_ADMIN is needed"};
  }
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  if (fd < 0) return core::Error{fmt::format("no socket for netfilter's netlink: {}", std::strerror(errno))};
  close(fd);
  return core::Done{};
}

// The sentence in what the library prints: "internal:0:0-0: Error: Could not process rule: Operation not permitted",
// and then the command with a mark below.
std::string reason(const char* complaint) {
  std::string_view text = complaint;
  text = text.substr(0, text.find('\n'));
  constexpr std::string_view lead = "Error: ";
  if (const size_t at = text.find(lead); at != std::string_view::npos) text.remove_prefix(at + lead.size());
  return text.empty() ? "nf_tables says nothing" : std::string(text);
}

}  // namespace

void IngressFilter::Free::operator()(nft_ctx* context) const { nft_ctx_free(context); }

core::Result<IngressFilter> IngressFilter::open(std::span<const std::string> interfaces,
                                                std::span<const net::Endpoint> endpoints) {
  if (endpoints.size() > endpoints_max) {
    return core::Error{fmt::format("{} addresses and ports are more than {}", endpoints.size(), endpoints_max)};
  }
  // The kernel allows them in names, nft's language has no way to write them.
  for (const std::string& name : interfaces) {
    if (name.find_first_of("\"\\") != std::string::npos) return core::Error{"nft cannot write the name of " + name};
  }
  if (const core::Status may = may_filter(); !may) return core::Error{may.error()};
  std::unique_ptr<nft_ctx, Free> context(nft_ctx_new(NFT_CTX_DEFAULT));
  if (!context) return core::Error{"nf_tables cannot be opened"};
  nft_ctx_buffer_output(context.get());
  nft_ctx_buffer_error(context.get());
  // A number by chance: process numbers repeat where containers share the host's network.
  const std::string table = fmt::format("netdev {}-{:08x}", program_invocation_short_name, std::random_device{}());
  const std::string commands = fmt::format(
      "table {} {{\nflags owner;\nchain ingress {{\ntype filter hook ingress devices = {{ \"{}\" }} priority 0;\n"
      "{}{}}}\n}}\n",
      table, fmt::join(interfaces, "\", \""), rule(endpoints, true), rule(endpoints, false));
  if (nft_run_cmd_from_buffer(context.get(), commands.c_str()) != 0) {
    return core::Error{reason(nft_ctx_get_error_buffer(context.get()))};
  }
  return IngressFilter(std::move(context));
}

}  // namespace viaduct::control
