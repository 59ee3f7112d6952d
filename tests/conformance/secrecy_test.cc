// What people may read about messages: never a key (SEC-32), never an octet that a terminal would obey (SEC-15).
#include <array>
#include <memory>

#include "control/commands.h"
#include "control/explain.h"
#include "fmt/format.h"
#include "support/proxy_bed.h"

namespace viaduct::test {
namespace {

// Every way in which a 64-bit word of key material could be written.
std::vector<std::string> spellings_of(uint64_t word) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += fmt::format("{:02x}", word >> 8 * i & 0xff);
  return {fmt::format("{:016x}", word), fmt::format("{:016X}", word), fmt::format("{}", word), bytes};
}

std::vector<std::string> secrets_of(const proxy::Keys& keys) {
  std::vector<std::string> all;
  std::string secret;
  for (const uint8_t octet : bed_secret) secret += fmt::format("{:02x}", octet);
  all.push_back(secret);
  for (const steer::HashKey& key : {keys.branch, keys.selection, keys.affinity, keys.via_mac, keys.record_route,
                                    keys.flow, keys.to_tag, keys.shedding}) {
    for (const uint64_t word : {key.k0, key.k1}) {
      for (const std::string& spelling : spellings_of(word)) all.push_back(spelling);
    }
  }
  return all;
}

TEST(Secrecy, NoReportTellsAKeyOrACall) {  // SEC-32
  const Bed bed;
  dataplane::View view;
  view.proxy = std::make_shared<proxy::View>(bed.view);
  const auto counters = std::make_unique<telemetry::WorkerCounters>();
  for (const SipText& message : {m0, m0.with("Max-Forwards", "0"), m0.with("Content-Length", "x")}) {
    const Outcome outcome = bed.from_alice(message);
    counters->received.add(1);
    if (outcome.forwarded()) {
      counters->forwarded.add(1);
      counters->backend_requests[outcome.decision.backend].add(1);
    } else {
      counters->count(outcome.decision.reason);
    }
  }
  control::Status status;
  status.view = &view;
  status.workers = {{1, counters.get()}};
  config::Config config;
  config.hep.collector = net::Endpoint{view.proxy->sockets[0].address};
  config.hep.password = "the collector's own";
  status.config = &config;
  std::vector<std::string> hidden = secrets_of(bed.view.keys);
  hidden.push_back(config.hep.password);
  for (const char* private_text : {"a84b4c76e66710", "alice", "1928301774", "z9hG4bK776asdhds", "198.51.100.7"}) {
    hidden.emplace_back(private_text);
  }
  for (const control::Command& command : control::commands()) {
    for (const char* format : {"", " json", " csv"}) {
      const std::string line = "show " + std::string(command.name) + format;
      const std::string text = control::answer(status, line);
      EXPECT_FALSE(text.starts_with("error")) << line << ": " << text;
      for (const std::string& secret : hidden) {
        EXPECT_EQ(text.find(secret), std::string::npos) << line << " tells " << secret;
      }
    }
  }
}

TEST(Secrecy, ExplainTellsNoKeyEither) {  // SEC-32
  const Bed bed;
  const std::string text = control::explain(bed.view, m0.str(), alice, outside).dump();
  for (const std::string& secret : secrets_of(bed.view.keys)) EXPECT_EQ(text.find(secret), std::string::npos) << secret;
}

TEST(Secrecy, OctetsOfAMessageAreQuotedAndNotObeyed) {  // SEC-15
  const Bed bed;
  using namespace std::string_literals;
  for (const std::string& hostile : {"a\x1b[2Jb"s, "a\r\nEvil: yes"s, "a\0b"s, "a\bb"s}) {
    for (const std::string& message :
         {m0.with("Call-ID", hostile).str(), m0.with_last_line("Subject: " + hostile).str(),
          m0.with_method("X" + hostile).str(), m0.with_uri("sip:" + hostile + "@example.com").str(), hostile}) {
      const std::string line = control::explain(bed.view, message, alice, outside).dump();
      for (const char octet : line) ASSERT_GE(static_cast<unsigned char>(octet), 0x20) << line;
    }
    control::Status status;
    const std::string answer = control::answer(status, "show " + hostile);
    EXPECT_EQ(answer.find(hostile), std::string::npos) << answer;
  }
}

}  // namespace
}  // namespace viaduct::test
