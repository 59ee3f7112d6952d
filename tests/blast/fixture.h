// Callers and a reflector with a wire in memory between them, and a clock that the test turns.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "blast/memory_wire.h"
#include "blast/pacer.h"
#include "blast/station.h"
#include "blast/uac.h"
#include "blast/uas.h"
#include "net/fragment.h"
#include "support/packet_builder.h"

namespace viaduct::blast::test {

inline constexpr uint64_t millisecond = 1'000'000;

inline Sources sources_of(std::string_view first, uint32_t addresses = 1, uint32_t ports = 1) {
  auto sources = Sources::make(viaduct::test::endpoint(first), addresses, ports);
  EXPECT_TRUE(sources) << sources.error();
  return *sources;
}

inline UacPlan plan_of(const std::string& scenario, std::string_view target = "192.0.2.10:5060") {
  UacPlan plan;
  plan.scenario = scenario;
  plan.source_mac = viaduct::test::mac("02:00:00:00:00:0a");
  plan.destination_mac = viaduct::test::mac("02:00:00:00:00:0b");
  plan.target = viaduct::test::endpoint(target);
  plan.window = 4096;
  plan.run = 0x1234abcd;
  return plan;
}

// The text of a frame's datagram, once lengths and checksums are found right.
inline std::string payload_of(const std::vector<uint8_t>& frame) {
  const viaduct::test::Datagram datagram = viaduct::test::read_back(frame);
  EXPECT_TRUE(datagram.lengths_right && datagram.ip_checksum_right && datagram.udp_checksum_right);
  return datagram.payload;
}

// A wire's fate that cuts each frame and delivers the last part first.
inline MemoryWire::Fate in_parts(MemoryWire& to) {
  return [&to, identification = uint16_t{0}](core::ByteView frame) mutable -> size_t {
    const bool v4 = frame[12] == 0x08;
    std::vector<uint8_t> whole(frame.begin(), frame.end());
    ++identification;
    if (v4) whole[18] = static_cast<uint8_t>(identification >> 8), whole[19] = static_cast<uint8_t>(identification);
    const net::Cut parts(whole, 14, v4 ? 20 : 40, 600, identification);
    std::vector<uint8_t> part(parts.frame_bytes_max());
    for (size_t i = parts.count(); i-- > 0;) to.inject({part.data(), parts.write(i, part.data())});
    return 0;
  };
}

class Bed {
 public:
  explicit Bed(const UacPlan& plan, const UasPlan& uas_plan = {}, Sources sources = sources_of("198.51.100.7:5060"))
      : uas(uas_plan), uac_station(near), uas_station(far) {
    auto made = Uac::make(plan, std::move(sources));
    EXPECT_TRUE(made) << made.error();
    uac = std::move(*made);
    near.connect(far);
    near.keep = far.keep = true;
  }
  ~Bed() { uac_station.discard(), uas_station.discard(); }

  // Starts so many calls at once, and lets a millisecond pass for each of `turns`.
  void run(uint64_t calls, size_t turns = 20) {
    Schedule schedule;
    schedule.as_fast_as_possible = true;
    schedule.calls = calls;
    Pacer pacer(schedule);
    pacer.begin(now_ns);
    uac_station.set(uac.get(), &pacer, nullptr, false);
    uas_station.set(nullptr, nullptr, &uas, false);
    for (size_t turn = 0; turn < turns || !pacer.over(now_ns); ++turn) {
      uac_station.turn([&] { return now_ns; });
      uas_station.turn([&] { return now_ns; });
      now_ns += millisecond;
    }
    uac_station.set(uac.get(), nullptr, nullptr, false);
  }

  // Has this text come to the callers.
  void answer(std::string_view text, const char* to = "198.51.100.7") {
    near.inject(viaduct::test::packet()
                    .ethernet(viaduct::test::mac("02:00:00:00:00:0b"), viaduct::test::mac("02:00:00:00:00:0a"))
                    .ip("192.0.2.10", to)
                    .udp(5060, 5060)
                    .payload(text)
                    .frame());
  }

  uint64_t sent(Leg leg) const { return uac->counters().requests[static_cast<size_t>(leg)].value(); }
  uint64_t answered(Leg leg) const { return uac->counters().answered[static_cast<size_t>(leg)].value(); }
  uint64_t lost(Leg leg) const { return uac->counters().lost[static_cast<size_t>(leg)].value(); }

  // What was sent to the reflector, by method, in order.
  std::vector<std::string> methods() const {
    std::vector<std::string> found;
    for (const auto& frame : near.sent) {
      const std::string text = payload_of(frame);
      found.push_back(text.substr(0, text.find(' ')));
    }
    return found;
  }

  uint64_t now_ns = 1'000'000'000'000;
  MemoryWire near, far;
  std::unique_ptr<Uac> uac;
  Uas uas;
  Station<MemoryWire> uac_station, uas_station;
};

}  // namespace viaduct::blast::test
