// [[peer]]: names for those who send, in reports.
#include <algorithm>

#include "config/draft.h"
#include "config/read_lists.h"
#include "config/values.h"

namespace viaduct::config {

void read_peer(const Node& table, Draft& draft, Problems& problems) {
  constexpr size_t peers_max = 1024;
  Peer peer;
  std::vector<Peer>& peers = draft.config.peers;
  Section section(table, "[[peer]]", problems);
  section.require("name", "a name such as \"carrier-a\"");
  if (section.read_name("name", peer.name)) {
    section.set_title("[[peer]] \"" + peer.name + '"');
    if (std::any_of(peers.begin(), peers.end(), [&](const Peer& other) { return other.name == peer.name; })) {
      problems.error(section.place_of("name"),
                     "two [[peer]]s are named \"" + peer.name + "\"; each needs its own name");
    }
  }
  section.require("prefixes", "addresses and prefixes such as [\"203.0.113.0/24\"]");
  read_prefixes(section, peer.prefixes, problems);
  section.report_unknown();
  if (peers.size() == peers_max) problems.error(section.place(), "more than 1024 tables [[peer]]");
  peers.push_back(std::move(peer));
}

}  // namespace viaduct::config
