// What a worker counts.
//
// One block a worker, written by that worker alone with plain stores, read by anyone at any time: a reader sees
// each counter whole (aligned 64 bits) and a moment old. The ledger holds for every worker once it is quiet:
//
//   received + generated + handed_in = forwarded + replied + absorbed + punted + dropped + handed_out
//
// where replied, absorbed, punted and dropped are sums over the reasons booked there. `Ledger::closes` states it. Parts
// of datagrams are absorbed one by one; the datagram that they make, or that is given up, is generated once.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "telemetry/reason.h"

namespace viaduct::telemetry {

// A counter with one writer. Relaxed atomics: the compiler emits the plain add, and readers are not a race.
class Counter {
 public:
  void add(uint64_t amount = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  void set(uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// Backends over all pools, in configuration order; more is a configuration error.
inline constexpr size_t backend_count_max = 1024;

// What a worker spends its time on (telemetry/cycles.h).
enum class Stage : uint8_t {
  receive,  // from ports or rings
  frame,    // Ethernet to UDP, ours or not
  parse,    // and whose it is
  hash,     // side by side for a group
  decide,
  rewrite,  // route, neighbour, edits, new headers
  send,     // transmit, hand over, free
};
inline constexpr size_t stage_count = 7;

inline constexpr size_t burst_size_count = 7;  // 1, 2 to 3, 4 to 7, ... , 64

// Ports by configuration order; fragments of more are not told apart.
inline constexpr size_t port_count_max = 32;

// Fragments of one port, counted aside: in the ledger a message is one, however many frames carry it.
struct PortFragments {
  Counter received;      // fragments of datagrams for us
  Counter put_together;  // datagrams
  Counter cut;           // messages larger than the link, or the way behind it, takes
  Counter sent;          // fragments that they left as
};

struct alignas(64) WorkerCounters {
  Counter received;      // frames taken from ports
  Counter generated;     // datagrams put together from fragments, or given up before they were
  Counter forwarded;     // requests and responses sent on
  Counter handed_in;     // taken from other workers
  Counter handed_out;    // given to other workers
  Counter handoff_kept;  // another worker's, but its ring was full: judged here, in no term of its own

  std::array<Counter, reason_count> by_reason;  // indexed by Reason: replied, absorbed, punted, dropped

  Counter requests_forwarded;
  Counter responses_forwarded;
  Counter bytes_received;
  Counter bytes_sent;
  Counter loops;        // turns of the poll loop
  Counter empty_polls;  // of these, with nothing to do
  Counter bursts;       // of these, with something
  Counter sleeps;       // of the empty ones, followed by a sleep (idle = "adaptive")

  Counter known_shapes;  // messages like one before, which needed no parse (sip/shape.h)

  std::array<Counter, burst_size_count> bursts_by_size;  // from ports, by burst_size_index

  // Of every 64th burst: cycles by stage, and its messages.
  std::array<Counter, stage_count> stage_cycles;
  Counter stage_messages;
  // Of the last whole window of about a second: all its cycles, and those of loops that had something to do.
  Counter window_cycles;
  Counter window_busy;

  // Too much (dataplane/flood_watch.h). `flooded` is 1 while the worker's queue does not run empty, `shed_percent` what
  // it refuses of new work for that.
  Counter flooded;
  Counter floods;  // times that it came to that
  Counter shed_percent;
  Counter optional_skipped;  // requests that were not looked at by rules which decide nothing

  std::array<PortFragments, port_count_max> fragments;
  Counter icmp_heard;    // ICMP errors that quote a datagram of ours to a backend
  Counter icmp_ignored;  // and those that do not, or come too often, or say what cannot be
  Counter path_mtu_lowered;

  std::array<Counter, backend_count_max> backend_requests;   // forwarded to the backend, by backend index
  std::array<Counter, backend_count_max> backend_responses;  // forwarded from the backend

  void count(Reason reason, uint64_t messages = 1) { by_reason[static_cast<size_t>(reason)].add(messages); }
  PortFragments& fragments_of(size_t port) { return fragments[port < port_count_max ? port : port_count_max - 1]; }
};

// Whether there is time for what helps people to see and changes nothing for messages: captures, samples, rules in
// observe mode. Thread: the worker.
inline bool optional_work(const WorkerCounters& counters) { return counters.flooded.value() == 0; }

// A sum of blocks, or a copy of one, as plain numbers.
struct Ledger {
  uint64_t received = 0, generated = 0, handed_in = 0;
  uint64_t forwarded = 0, replied = 0, absorbed = 0, punted = 0, dropped = 0, handed_out = 0;

  uint64_t taken() const { return received + generated + handed_in; }
  uint64_t settled() const { return forwarded + replied + absorbed + punted + dropped + handed_out; }
  bool closes() const { return taken() == settled(); }
  Ledger& operator+=(const Ledger& other);
};

Ledger ledger_of(const WorkerCounters& counters);

// The ledger as one sentence, for tests and `viaductctl stat`.
std::string to_string(const Ledger& ledger);

}  // namespace viaduct::telemetry
