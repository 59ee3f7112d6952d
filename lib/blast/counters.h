// What the callers, the reflector and the devices count. One writer each; anyone may read at any time.
//
// Two laws hold once everything is quiet; `closes` states them:
//
//   requests = answered + lost                                                   for each transaction of a call
//   received = final + provisional + duplicated + late + misrouted + ...         at the callers
//   received = requests answered + ACKs + dropped on purpose + unanswered + ...   at the reflector
#pragma once

#include <array>
#include <cstdint>

#include "blast/call_window.h"
#include "telemetry/counters.h"

namespace viaduct::blast {

using telemetry::Counter;

struct alignas(64) UacCounters {
  Counter calls;                            // started
  Counter completed;                        // their last answer was one that was hoped for
  Counter refused;                          // a final answer that was not
  std::array<Counter, leg_count> requests;  // by Leg; ACKs apart
  std::array<Counter, leg_count> answered;
  std::array<Counter, leg_count> lost;
  Counter acks;
  Counter retransmitted;
  Counter unrepeatable;  // no slot was free for a later repetition
  Counter skipped;       // calls due that the generator could not start in time
  Counter hurried;       // BYEs that left before their time, since too many were on hold
  Counter withheld;      // BYEs still on hold when the run ended: never sent

  Counter received;     // datagrams
  Counter provisional;  // 1xx
  Counter duplicated;   // a second final answer
  Counter late;         // for a call out of the window, or of an earlier run
  Counter misrouted;    // of no request of ours, or not of the one it claims, or came to the wrong address or port
  Counter via_left;     // a Via of others beside ours: whoever put it there has not taken it off
  Counter foreign;      // somebody else's of this host
  Counter unreadable;   // no SIP response
  Counter unexpected;   // requests, where nobody takes them
  std::array<Counter, 700> by_code;

  bool closes() const {
    uint64_t finals = 0;
    for (size_t leg = 0; leg < leg_count; ++leg) {
      if (requests[leg].value() != answered[leg].value() + lost[leg].value()) return false;
      finals += answered[leg].value();
    }
    return received.value() == finals + provisional.value() + duplicated.value() + late.value() + misrouted.value() +
                                   via_left.value() + foreign.value() + unreadable.value() + unexpected.value();
  }
};

struct alignas(64) UasCounters {
  Counter received;  // datagrams
  Counter requests;  // answered; ACKs not counted
  Counter acks;
  Counter dropped;     // on purpose (loss)
  Counter unanswered;  // no room for all of their answers
  Counter unreadable;  // no SIP request
  Counter misrouted;   // ACK, BYE or CANCEL that came to another address than its call; answered all the same
  Counter answers;     // responses written, provisional ones too
  Counter invites, byes, cancels, others;  // of the requests

  bool closes() const {
    return received.value() ==
           requests.value() + acks.value() + dropped.value() + unanswered.value() + unreadable.value();
  }
};

// A device's.
struct alignas(64) StationCounters {
  Counter received, bytes_received;  // frames
  Counter sent;
  Counter not_ours;      // of those received: no UDP
  Counter bad_checksum;  // of those received, or put together: no host would take them
  Counter fragments;     // of those received: parts of datagrams
  Counter put_together;  // datagrams whose parts all came
  Counter sunk;          // of those received: counted and freed, unread
  Counter blocked;       // loops in which the device did not take all that was ready
  Counter loops;         // with something to send
  Counter unsent;        // written, and never taken by the device
};

}  // namespace viaduct::blast
