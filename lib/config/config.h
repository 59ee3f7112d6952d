// The configuration file, checked.
//
// `load` reads TOML, applies defaults and checks every value and every reference; it reports all problems at once, each
// with its place, and yields a Config only if there are none. Nothing here knows how the values are used.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/place.h"
#include "config/rules.h"
#include "core/result.h"
#include "net/address.h"

namespace viaduct::config {

// `file:line:column: sentence`; line and column count from 1, 0 where there is no place.
struct Diagnostic {
  std::string file;
  uint32_t line = 0;
  uint32_t column = 0;   // in characters, as editors count
  std::string sentence;  // what was found and what would be accepted
};
std::string to_string(const Diagnostic& diagnostic);

// Whose side of the balancer a listener faces.
enum class Side : uint8_t { outside, inside };
enum class PoolKey : uint8_t { call_id, branch, from, to, request_uri, source, aor };
enum class BackendState : uint8_t { up, drain, down };
// How a pool's slots are given out (steer/table.h).
enum class TableKind : uint8_t { rendezvous, maglev };
// What becomes of a dialog whose backend is dead: its requests are refused, or go to another one of the pool.
enum class Failover : uint8_t { strict, pool };
// Whether REGISTERs leave with our Path (RFC 3327): never, where the client supports it, always.
enum class PathMode : uint8_t { off, auto_, force };

enum class AffinityMode : uint8_t { transaction, queue };
enum class IdleMode : uint8_t { poll, adaptive };
// What becomes of system calls that a running balancer does not need: they fail and are logged, are logged, or pass.
enum class SandboxMode : uint8_t { enforce, log, off };

struct SecretFile {
  std::string path;
  Place place;
};

// Fragments that wait for the others of their datagram.
struct Reassembly {
  uint32_t entries = 4096;  // datagrams under way at one worker; 0: fragments are dropped
  std::chrono::milliseconds timeout{2000};

  bool operator==(const Reassembly&) const = default;
};

struct Runtime {
  std::vector<unsigned> workers{1};
  unsigned control_core = 0;
  bool hugepages = true;
  uint32_t memory_mb = 512;
  AffinityMode affinity = AffinityMode::transaction;
  IdleMode idle = IdleMode::poll;
  Reassembly reassembly;
  std::string user;  // to be once everything is open; empty: whoever started it
  SandboxMode sandbox = SandboxMode::enforce;
  bool dpdk_telemetry = false;               // commands of DPDK's telemetry socket
  std::optional<SecretFile> secret_file;     // absent: a random secret, with a warning
  std::vector<SecretFile> old_secret_files;  // verified with, never signed with, while dialogs outlive a rotation
};

struct Control {
  std::string socket = "/run/viaduct/viaduct.sock";
  uint32_t mode = 0660;
  std::string owner, group;                                // of the socket; empty: as the process
  std::string state_file = "/var/lib/viaduct/state.json";  // what survives a restart; empty: nothing does
  bool state_file_named = false;                           // in the file, so that its absence is worth a word
};

enum class DeviceKind : uint8_t { af_packet, af_xdp, memif, tap, pcap, pci };

struct Device {
  DeviceKind kind = DeviceKind::af_packet;
  std::string text;    // as written: "af_packet:eth0"
  std::string target;  // interface, socket path, PCI address with its domain, TAP name; for pcap: the input file
  std::string output;  // pcap: the output file
  bool memif_server = false;
  uint32_t memif_ring = 1024;  // frames in each direction; of the two ends the client decides
};

struct Neighbor {
  net::IpAddress address;
  net::Mac mac;
};

struct Port {
  std::string name;
  Device device;
  std::vector<net::Prefix> addresses;  // for ports without a kernel behind them
  std::optional<net::IpAddress> gateway;
  std::optional<net::IpAddress> gateway6;
  std::vector<Neighbor> neighbors;
  std::string twin;  // a TAP that is made for the kernel; empty: none
  uint16_t mtu = 1500;
};

// Requests that go to another pool than the listener's: those with one of the methods and one of the domains.
struct ListenerRoute {
  std::vector<std::string> methods;  // empty: all; INVITE means its ACK and CANCEL, too
  std::vector<std::string> domains;  // of the Request-URI, lower case; empty: all
  std::string pool;

  bool operator==(const ListenerRoute&) const = default;
};

struct Listener {
  std::string name;
  std::vector<net::Endpoint> addresses;
  std::string pool;                   // empty for inside listeners that have none
  std::vector<ListenerRoute> routes;  // in order: the first that matches
  bool record_route = false;
  bool force_rport = false;
  Side side = Side::outside;
  std::vector<std::string> aliases;  // lower case
  std::vector<std::string> domains;  // lower case
  PathMode path = PathMode::off;
  bool require_path = false;               // with Path: demand that the registrar understands it
  std::vector<std::string> strip_headers;  // lower case: taken off what strangers send
};

inline constexpr uint32_t weight_max = 1000;  // of a backend

struct Backend {
  std::string name;
  net::Endpoint address;  // of a host to look up only the port, 0 where none is written
  std::string host;       // to look up, lower case: `sip.example.net`, or `_sip._udp.example.net` for SRV; or empty
  uint32_t weight = 100;
  uint16_t priority = 0;  // lower ones first
  BackendState state = BackendState::up;
  Place place;         // of its name
  std::string origin;  // where it comes from if not from a [[pool.backend]] of its own, which can be edited
};

struct Health {
  bool enabled = false;  // a [pool.health] table is present
  std::string method = "OPTIONS";
  std::chrono::milliseconds interval{2000};
  std::chrono::milliseconds timeout{1000};
  uint32_t rise = 2;
  uint32_t fall = 3;
  std::vector<std::string> accept;  // "2xx", "403"
  std::string from;                 // URI of the probe's From; empty: of the probe's socket
  std::string to;                   // URI of the probe's To; empty: of the backend
  uint8_t max_forwards = 1;
  std::chrono::milliseconds silence{10000};  // requests without a response for so long: an extra probe; 0: never

  bool operator==(const Health&) const = default;
};

struct Pool {
  std::string name;
  PoolKey key = PoolKey::call_id;
  TableKind table = TableKind::rendezvous;
  Failover failover = Failover::strict;
  std::chrono::milliseconds slow_start{0};  // from a backend's coming up to its full share; 0: at once
  std::string backup;                       // the pool that serves while nobody here can; empty: none
  bool feedback = false;                    // its backends may say how much less they want (RFC 7339)
  Health health;
  std::vector<Backend> backends;
};

// [sip]: limits and choices of the proxy, with the rule book's defaults.
struct Sip {
  uint32_t message_bytes_max = 65507;
  uint32_t request_uri_bytes_max = 4096;
  uint32_t max_breadth = 60;  // RFC 5393 section 5.3.3; 0: off
  bool answer_incomplete = true;
  bool rewrite_503 = false;
  bool time_responses = true;  // requests leave with the time in our Via
  uint16_t retry_after_s = 5;
  std::string server;                   // Server header of our own answers; empty: none
  std::vector<std::string> extensions;  // Proxy-Require tags the cluster understands
};

// [overload]: what is too much, and what then.
struct Overload {
  uint32_t answers = 1000;  // of our own to one source in `answers_interval`; 0: without limit
  std::chrono::milliseconds answers_interval{1000};
  uint32_t answers_burst = 1000;              // at once
  uint32_t answers_entries = 16384;           // sources that are told apart
  uint8_t shed = 0;                           // percent of new work that is refused whatever the load
  uint8_t shed_max = 0;                       // percent that a worker which cannot keep up may refuse
  std::chrono::milliseconds flood_after{50};  // a queue that does not run empty for so long
  std::chrono::milliseconds flood_calm{1000};

  bool operator==(const Overload&) const = default;
};

// [resolver]: who is asked for names.
struct Resolver {
  std::vector<std::string> servers;         // `192.0.2.53:53`; empty: as the system is configured
  std::chrono::milliseconds timeout{2000};  // of one question to one server

  bool operator==(const Resolver&) const = default;
};

// [hep]: who is sent copies of messages.
struct Hep {
  std::optional<net::Endpoint> collector;  // none: nobody
  uint32_t capture_id = 0;
  std::string node;      // what Homer shows as the node's name; empty: nothing
  std::string password;  // the collector's, sent in clear; empty: none
  uint32_t sample = 1;   // one call in so many
  std::string filter;    // as capture::Filter reads it; empty: everything

  bool operator==(const Hep&) const = default;
};

// Whose addresses these are, in reports.
struct Peer {
  std::string name;
  std::vector<net::Prefix> prefixes;

  bool operator==(const Peer&) const = default;
};

struct Config {
  std::string file;
  std::vector<std::string> files;  // `file`, then what was read besides: `include`, `dispatcher`
  Runtime runtime;
  Control control;
  std::vector<Port> ports;
  std::vector<Listener> listeners;
  std::vector<Pool> pools;
  Sip sip;
  Rules rules;
  Overload overload;
  Resolver resolver;
  Hep hep;
  std::vector<Peer> peers;
};

struct Loaded {
  std::optional<Config> config;    // present only without errors
  std::vector<Diagnostic> errors;  // in order of place
  std::vector<Diagnostic> warnings;
  // With errors: what could be read all the same, good for finding more of them in one go and for nothing else.
  Config partial;
};

// Reads and checks `path`. Thread: control; allocates.
Loaded load(const std::string& path);
// The same for text already read; `file` is used in diagnostics, and files that it names are looked for beside it.
Loaded load_text(std::string_view text, const std::string& file);
// The same, with `texts` for the content of the files that it names: `path`, or what that includes.
Loaded load_edited(const std::string& path, const std::map<std::string, std::string>& texts);

}  // namespace viaduct::config
