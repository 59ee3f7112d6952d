// A configuration with rules, compiled; and messages for it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "policy/ruleset.h"
#include "sip/message.h"
#include "support/sip_text.h"

namespace viaduct::policy {

// Listeners: 0 public, 1 trunk (both outside), 2 core (inside). Pools: 0 proxies, 1 registrars, 2 emergency.
inline constexpr std::string_view bed_config = R"([[port]]
name = "edge"
device = "af_packet:eth0"
[[listener]]
name = "public"
address = "192.0.2.10"
pool = "proxies"
[[listener]]
name = "trunk"
address = "192.0.2.11"
pool = "proxies"
[[listener]]
name = "core"
side = "inside"
address = "10.0.0.1"
[[pool]]
name = "proxies"
[[pool.backend]]
name = "p1"
address = "10.0.1.1"
[[pool]]
name = "registrars"
[[pool.backend]]
name = "r1"
address = "10.0.1.2"
[[pool]]
name = "emergency"
[[pool.backend]]
name = "e1"
address = "10.0.1.3"
)";

inline config::Config config_with(std::string_view rules) {
  config::Loaded loaded = config::load_text(std::string(bed_config) + std::string(rules), "f");
  for (const config::Diagnostic& error : loaded.errors) ADD_FAILURE() << config::to_string(error);
  return loaded.config ? std::move(*loaded.config) : config::Config{};
}

inline std::shared_ptr<const Ruleset> compiled(const config::Config& config, const Ruleset* previous = nullptr,
                                               size_t workers = 1) {
  auto result = Ruleset::compile(config, std::make_shared<Ruleset::Office>(workers), previous);
  if (const auto* errors = std::get_if<std::vector<config::Diagnostic>>(&result)) {
    for (const config::Diagnostic& error : *errors) ADD_FAILURE() << config::to_string(error);
    return nullptr;
  }
  return std::get<std::shared_ptr<const Ruleset>>(result);
}

inline std::shared_ptr<const Ruleset> ruleset(std::string_view rules) { return compiled(config_with(rules)); }

inline constexpr std::string_view invite_text = R"(
INVITE sip:bob@example.com SIP/2.0
Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK776asdhds
Max-Forwards: 70
To: Bob <sip:bob@example.com>
From: Alice <sip:alice@example.com>;tag=1928301774
Call-ID: a84b4c76e66710
CSeq: 314159 INVITE
Contact: <sip:alice@198.51.100.7>
User-Agent: Softphone 1.0
Content-Length: 0

)";

// A message with what was read of it.
struct Sample {
  explicit Sample(std::string text) : bytes(std::move(text)), message(std::make_unique<sip::Message>()) {
    kind = sip::parse(bytes, *message);
  }
  std::string bytes;
  std::unique_ptr<sip::Message> message;
  sip::Datagram kind{};
};

inline test::SipText invite() { return test::SipText(test::sip_text(invite_text)); }

inline Ruling judge(const Ruleset& rules, const std::string& text, std::string_view source = "198.51.100.7:5060",
                    uint16_t listener = 0, uint64_t now_ns = 1) {
  const Sample sample(text);
  EXPECT_EQ(sample.kind, sip::Datagram::sip);
  const Ruleset::Question question{sample.message.get(), *net::parse_endpoint(source), listener, 0};
  Ruling ruling;
  rules.judge({&question, 1}, 0, now_ns, {&ruling, 1});
  return ruling;
}

}  // namespace viaduct::policy
