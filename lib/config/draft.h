// A configuration while it is being read: the structs, and the places that the check of references will need.
#pragma once

#include <vector>

#include "config/config.h"
#include "config/document.h"
#include "config/include.h"
#include "config/problems.h"

namespace viaduct::config {

struct RoutePlaces {
  Place table;
  Place pool;
};

struct ListenerPlaces {
  Place table;
  Place pool;
  std::vector<RoutePlaces> routes;
  std::vector<Place> addresses;  // of Listener::addresses, one each
};

struct PortPlaces {
  Place name;
  Place device;
  Place addresses;
  Place gateway;
  Place gateway6;
  Place twin;
};

struct BackendPlaces {
  Place name;
  Place address;
  bool has_address = false;  // a wrong one has been reported; nothing more can be said about it
};

struct PoolPlaces {
  Place table;
  Place name;
  Place backup;
  std::vector<BackendPlaces> backends;
};

struct Draft {
  Config config;
  ReadFile read;  // further files that it names
  std::vector<PortPlaces> ports;
  std::vector<ListenerPlaces> listeners;
  std::vector<Place> listener_names;
  std::vector<PoolPlaces> pools;
};

// Whose addresses and routes are the kernel's, too.
inline bool has_kernel(const Port& port) {
  const DeviceKind kind = port.device.kind;
  return !port.twin.empty() || (kind != DeviceKind::memif && kind != DeviceKind::pcap);
}

// Each reads one table; what is wrong is reported and left at its default.
void read_runtime(const Node& table, Draft& draft, Problems& problems);
void read_control(const Node& table, Draft& draft, Problems& problems);
void read_resolver(const Node& table, Draft& draft, Problems& problems);
void read_sip(const Node& table, Draft& draft, Problems& problems);
void read_hep(const Node& table, Draft& draft, Problems& problems);
void read_overload(const Node& table, Draft& draft, Problems& problems);
void read_port(const Node& table, Draft& draft, Problems& problems);
void read_listener(const Node& table, Draft& draft, Problems& problems);
void read_pool(const Node& table, Draft& draft, Problems& problems);
void read_list(const Node& table, Draft& draft, Problems& problems);
void read_access(const Node& table, Draft& draft, Problems& problems);
void read_rule(const Node& table, Draft& draft, Problems& problems);
void read_limit(const Node& table, Draft& draft, Problems& problems);
void read_peer(const Node& table, Draft& draft, Problems& problems);

// Part of a listener.
class Section;
void read_listener_routes(Section& section, Listener& listener, ListenerPlaces& places, Problems& problems);

// Rules that choose a pool do so by what INVITE, CANCEL and ACK share.
void check_steering(const Rules& rules, Problems& problems);
void check_rules(const Draft& draft, Problems& problems);

// What no table can know alone: duplicates, references, what must be there at all.
void check_references(const Draft& draft, Problems& problems);

}  // namespace viaduct::config
