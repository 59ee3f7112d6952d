// What a made-up balancer says, and `top`'s screen of it as lines of text.
#pragma once

#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "top/dashboard.h"
#include "top/keys.h"

namespace viaduct::top {

inline core::Instant at(double seconds) {
  return core::Instant{} +
         std::chrono::duration_cast<core::Instant::duration>(std::chrono::duration<double>(1000 + seconds));
}

struct Balancer {
  uint64_t uptime = 100, received = 1000, dropped = 10, requests = 500;
  size_t backends = 3, usable = 3;
  std::string dead = {}, state_of_dead = "up";

  control::Told told() const {
    control::Told told;
    told["info"] = {{"version", "0.1.0"}, {"config", "/etc/viaduct.toml"}, {"uptime_s", uptime}, {"workers", 1}};
    told["info"]["pools"] =
        Json::array({{{"pool", "proxies"}, {"backends", backends}, {"fingerprint", "abcdef"}, {"usable", usable}}});
    told["stat"] = {{"ledger",
                     {{"received", received},
                      {"forwarded", received - dropped},
                      {"replied", 0},
                      {"dropped", dropped},
                      {"punted", 0},
                      {"in_flight", 0},
                      {"closes", true}}},
                    {"requests_forwarded", requests},
                    {"responses_forwarded", requests},
                    {"workers", Json::array()}};
    told["workers"] = {{"workers", Json::array({{{"worker", 0},
                                                 {"lcore", 1},
                                                 {"busy_percent", 42.5},
                                                 {"received", received},
                                                 {"forwarded", received},
                                                 {"handed_in", 0},
                                                 {"handed_out", 0},
                                                 {"flooded", false},
                                                 {"shed_percent", 0}}})},
                       {"cycles_per_message", Json::array({{{"worker", 0}, {"all", 1234}}})},
                       {"burst_sizes", Json::array()}};
    Json rows = Json::array(), times = Json::array(), answers = Json::array();
    for (size_t i = 1; i <= backends; ++i) {
      const std::string name = "p" + std::to_string(i);
      rows.push_back({{"pool", "proxies"},
                      {"backend", name},
                      {"address", "10.0.0.1:5060"},
                      {"state", name == dead ? state_of_dead : "up"},
                      {"healthy", name != dead},
                      {"weight", 100},
                      {"share_percent", 33.3},
                      {"warm_percent", 100.0},
                      {"requests", requests * i},
                      {"responses", requests * i}});
      times.push_back({{"pool", "proxies"},
                       {"backend", name},
                       {"method", "INVITE"},
                       {"requests", requests * i},
                       {"open_percent", 1.5},
                       {"first_p50_ms", 1.25},
                       {"first_p99_ms", 12.0 * static_cast<double>(i)},
                       {"final_p50_ms", 230.0},
                       {"final_p99_ms", 12345.0}});
      answers.push_back(
          {{"pool", "proxies"}, {"backend", name}, {"class", "2xx"}, {"code", 200}, {"answers", requests}});
      answers.push_back({{"pool", "proxies"}, {"backend", name}, {"class", "4xx"}, {"code", 486}, {"answers", 7}});
    }
    told["backends"] = {{"backends", rows}};
    told["latency"] = {{"latency", times}, {"answers", answers}};
    told["drops"] = {{"reasons", Json::array({{{"reason", "not_sip"},
                                               {"booked", "dropped"},
                                               {"messages", dropped},
                                               {"since_reset", dropped},
                                               {"meaning", "it is no SIP"},
                                               {"clause", "7"}}})}};
    told["events"] = {{"last", 1},
                      {"events", Json::array({{{"number", 1},
                                               {"time", "2026-11-21 05:42:03"},
                                               {"kind", "health"},
                                               {"subject", "proxies/p2"},
                                               {"what", "down: 3 probes in a row failed"}}})}};
    return told;
  }
};

inline Scene scene_of(size_t columns, size_t rows, Glyphs glyphs = ascii_glyphs) {
  return {{rows, columns}, glyphs, at(2), "lb1", "14:40:05"};
}

// Two answers, a second apart: 100 messages, 5 of them dropped.
inline History history_of(Balancer balancer = {}) {
  History history;
  history.add(at(0), balancer.told());
  balancer.uptime += 1;
  balancer.received += 100;
  balancer.dropped += 5;
  balancer.requests += 40;
  history.add(at(1), balancer.told());
  return history;
}

inline std::string screen_of(const std::vector<Line>& lines) {
  std::string text;
  for (const Line& line : lines) text += text_of(line) + '\n';
  return text;
}

inline std::string shown(const History& history, const State& state, const Scene& scene) {
  return screen_of(draw(history, state, scene));
}

inline bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace viaduct::top
