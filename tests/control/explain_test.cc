// Explain: the worker's decision, offline, as one JSON object.
#include "control/explain.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <memory>
#include <random>

#include "config/config.h"
#include "control/compile.h"
#include "control/explain_capture.h"
#include "dataplane/pcap_io.h"
#include "dataplane/worker.h"
#include "net/pcap.h"
#include "support/effort.h"
#include "support/folder.h"
#include "support/lab.h"
#include "support/message_corpus.h"
#include "support/packet_builder.h"
#include "support/sip_text.h"
#include "support/torture_corpus.h"

namespace viaduct::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view configuration = R"([[port]]
name = "edge"
device = "pcap:/dev/null,/dev/null"
addresses = ["192.0.2.10/24", "2001:db8::10/64"]
[[listener]]
name = "public"
address = ["192.0.2.10:5060", "[2001:db8::10]:5060"]
pool = "proxies"
record_route = true
[[pool]]
name = "proxies"
[[pool.backend]]
name = "b0"
address = "192.0.2.101:5060"
[[pool.backend]]
name = "b1"
address = "192.0.2.102:5060"
)";

std::shared_ptr<const proxy::View> compiled(std::string_view text) {
  const config::Loaded loaded = config::load_text(text, "explain.toml");
  for (const auto& error : loaded.errors) ADD_FAILURE() << config::to_string(error);
  return loaded.config ? compile_proxy(*loaded.config, {}) : nullptr;
}

const std::string invite = test::sip_text(R"(
INVITE sip:bob@example.com SIP/2.0
Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK776asdhds
Max-Forwards: 70
To: <sip:bob@example.com>
From: <sip:alice@example.com>;tag=1
Call-ID: one@198.51.100.7
CSeq: 1 INVITE
Content-Length: 0

)");

std::string with(std::string_view what, std::string_view by) {
  std::string text = invite;
  const size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

class ExplainTest : public ::testing::Test {
 protected:
  Json explained(std::string_view datagram) {
    return explain(*view_, datagram, test::endpoint("198.51.100.7:5060"), 0);
  }

  std::shared_ptr<const proxy::View> view_ = compiled(configuration);
};

TEST_F(ExplainTest, has_the_members_of_the_manual_in_their_order) {
  const Json object = explained(invite);
  std::vector<std::string> names;
  for (const auto& [name, value] : object.items()) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"verdict", "kind", "method", "call_id", "key", "hash", "pool", "backend",
                                             "to", "rule", "status", "reason", "message", "fault", "deviations"}));
}

TEST_F(ExplainTest, a_request_that_is_forwarded) {
  const Json object = explained(invite);
  EXPECT_EQ(object["verdict"], "forward");
  EXPECT_EQ(object["kind"], "request");
  EXPECT_EQ(object["method"], "INVITE");
  EXPECT_EQ(object["call_id"], "one@198.51.100.7");
  EXPECT_EQ(object["key"], "call-id");
  EXPECT_EQ(object["hash"].get<std::string>().size(), 18u);
  EXPECT_EQ(object["pool"], "proxies");
  const std::string backend = object["backend"];
  EXPECT_EQ(object["to"], backend == "b0" ? "192.0.2.101:5060" : "192.0.2.102:5060");
  EXPECT_TRUE(object["rule"].is_null());
  EXPECT_TRUE(object["status"].is_null());
  EXPECT_TRUE(object["reason"].is_null());
  EXPECT_TRUE(object["fault"].is_null());
  const std::string message = object["message"];
  EXPECT_TRUE(message.starts_with("INVITE sip:bob@example.com SIP/2.0\r\n")) << message;
  EXPECT_NE(message.find("Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK"), std::string::npos) << message;
  EXPECT_NE(message.find("Max-Forwards: 69\r\n"), std::string::npos) << message;
  EXPECT_EQ(object, explained(invite)) << "the same again (FWD-08)";
}

TEST_F(ExplainTest, a_request_that_is_answered) {
  const Json object = explained(with("Max-Forwards: 70", "Max-Forwards: 0"));
  EXPECT_EQ(object["verdict"], "reply");
  EXPECT_EQ(object["status"], 483);
  EXPECT_EQ(object["reason"], "too_many_hops");
  EXPECT_EQ(object["to"], "198.51.100.7:5060");
  EXPECT_TRUE(object["backend"].is_null());
  EXPECT_TRUE(object["message"].get<std::string>().starts_with("SIP/2.0 483 "));
}

TEST_F(ExplainTest, a_fault_has_its_name_and_a_deviation_its_section) {
  const Json faulty = explained(with("CSeq: 1 INVITE", "CSeq: x INVITE"));
  EXPECT_EQ(faulty["verdict"], "reply");
  EXPECT_EQ(faulty["fault"], "cseq_malformed");
  const Json odd = explained(with("branch=z9hG4bK776asdhds", "branch=776asdhds"));
  EXPECT_EQ(odd["verdict"], "forward");
  EXPECT_EQ(odd["deviations"],
            Json::array({"3261-8.1.1.7 branch without magic cookie", "3261-8.1.1.8 INVITE without Contact"}));
}

// The parser reads no Route values; the decision does.
TEST_F(ExplainTest, a_fault_that_the_decision_finds_has_its_name_too) {  // RTE-05
  const Json object = explain(*view_, with("Max-Forwards", "Route: <sip:203.0.113.7:0;lr>\r\nMax-Forwards"),
                              test::endpoint("192.0.2.101:5060"), 0);
  EXPECT_EQ(object["status"], 400);
  EXPECT_EQ(object["fault"], "route_malformed");
}

TEST_F(ExplainTest, what_no_datagram_can_hold_is_not_forwarded) {  // PAR-28
  const std::string bare = test::replace_all(invite, "INVITE", "MESSAGE");
  for (const size_t size : {size_t{65'000}, size_t{65'450}, size_t{65'507}}) {
    const size_t body = size - bare.size() - 4;
    const std::string length = "Content-Length: " + std::to_string(body);
    const std::string text = test::replace_all(bare, "Content-Length: 0", length) + std::string(body, 'x');
    ASSERT_EQ(text.size(), size);
    const Json object = explained(text);
    EXPECT_EQ(object["verdict"], size < 65'100 ? "forward" : "drop") << size;
    if (size > 65'100) {
      EXPECT_EQ(object["reason"], "over_mtu") << size;
      EXPECT_TRUE(object["to"].is_null());
      EXPECT_TRUE(object["message"].is_null());
    }
  }
}

// TXN-19: a new secret, and then another; whatever belongs to a transaction from before finds its backend under its
// branch, and what was signed then still verifies.
TEST_F(ExplainTest, a_new_secret_moves_no_transaction_while_the_first_one_is_named) {
  const config::Config config = *config::load_text(configuration, "explain.toml").config;
  const config::SecretBytes first{1}, second{2}, third{3};
  const auto before = compile_proxy(config, {first, {}});
  const auto once = compile_proxy(config, {second, {first}});
  const auto twice = compile_proxy(config, {third, {second, first}});
  const auto branch = [](const Json& object) {
    const std::string message = object["message"];
    const size_t at = message.find(";branch=");
    return message.substr(at, message.find(';', at + 1) - at);
  };
  const net::Endpoint caller = test::endpoint("198.51.100.7:5060");
  for (int call = 0; call < 50; ++call) {
    const std::string text = with("one@", std::to_string(call) + "@");
    const Json asked = explain(*before, text, caller, 0);
    for (const auto& after : {once, twice}) {
      const Json again = explain(*after, text, caller, 0);
      EXPECT_EQ(again["to"], asked["to"]);
      EXPECT_EQ(branch(again), branch(asked));
      EXPECT_NE(again["message"], asked["message"]) << "signed with the new secret";
    }
    const std::string sent = asked["message"],
                      vias = sent.substr(sent.find("Via:"), sent.find("Record-Route:") - sent.find("Via:"));
    const std::string answer = "SIP/2.0 200 OK\r\n" + vias + text.substr(text.find("To:"));
    for (const auto& after : {once, twice}) {
      EXPECT_EQ(explain(*after, answer, test::endpoint("192.0.2.101:5060"), 0)["verdict"], "forward");
    }
  }
  EXPECT_NE(explain(*compile_proxy(config, {second, {}}), invite, caller, 0)["hash"],
            explain(*before, invite, caller, 0)["hash"])
      << "a secret that is not named any more counts for nothing";
}

TEST_F(ExplainTest, what_is_no_sip_is_dropped_or_absorbed_by_name) {
  EXPECT_EQ(explained("hello\r\n\r\n")["reason"], "not_sip");
  EXPECT_EQ(explained("hello\r\n\r\n")["verdict"], "drop");
  EXPECT_EQ(explained("\r\n\r\n")["verdict"], "absorb");
  EXPECT_TRUE(explained("\r\n\r\n")["message"].is_null());
}

TEST_F(ExplainTest, the_state_in_the_configuration_counts) {
  const std::string backend = explained(invite)["backend"];
  for (const std::string state : {"drain", "down"}) {
    std::string text(configuration);
    const size_t at = text.find("name = \"" + backend + '"');
    text.insert(at, "state = \"" + state + "\"\n");
    const Json object = explain(*compiled(text), invite, test::endpoint("198.51.100.7:5060"), 0);
    EXPECT_EQ(object["verdict"], "forward");
    EXPECT_NE(object["backend"], backend) << state;
  }
}

TEST_F(ExplainTest, octets_that_are_not_utf8_do_not_break_the_json) {
  std::string text = with("<sip:alice@example.com>;tag=1", "\"\xff\xfe J\xe4ger\" <sip:alice@example.com>;tag=1");
  const Json object = explained(text);
  EXPECT_EQ(object["verdict"], "forward");
  EXPECT_EQ(object["encoding"], "iso-8859-1");
  const std::string line = object.dump();
  EXPECT_NE(Json::parse(line)["message"].get<std::string>().find("J\u00e4ger"), std::string::npos);
  const Json utf8 = explained(with("<sip:alice@example.com>;tag=1", "\"J\u00e4ger\" <sip:alice@example.com>;tag=1"));
  EXPECT_FALSE(utf8.contains("encoding"));
  EXPECT_NE(utf8["message"].get<std::string>().find("J\u00e4ger"), std::string::npos);
}

TEST_F(ExplainTest, any_bytes_give_one_line_of_json) {
  std::mt19937 random(5);
  for (int round = 0; round < test::rounds(2000); ++round) {
    std::string text = invite;
    for (size_t change = 1 + random() % 6; change > 0; --change)
      text[random() % text.size()] = static_cast<char>(random());
    if (round % 3 == 0) text.resize(random() % text.size());
    const Json object = explained(text);
    const std::string line = object.dump();
    ASSERT_EQ(line.find('\n'), std::string::npos);
    ASSERT_EQ(Json::parse(line), object);
  }
  EXPECT_EQ(explained(std::string(200'000, 'A'))["reason"], "not_sip");
  EXPECT_EQ(explained(std::string(70'000, '\0'))["verdict"], "drop");
}

// The torture messages of RFC 4475 and 5118, where they lie beside the project.
TEST_F(ExplainTest, torture_messages_get_one_object_each) {
  const auto corpus = test::torture_corpus();
  if (corpus.empty()) GTEST_SKIP() << "no torture messages at " << test::torture_folder();
  for (const auto& message : corpus) {
    SCOPED_TRACE(message.file);
    const Json object = explained(message.text);
    EXPECT_EQ(Json::parse(object.dump()), object);
  }
  EXPECT_EQ(corpus.size(), 62u);
}

class CaptureTest : public ExplainTest {
 protected:
  void capture(const std::vector<test::Bytes>& frames) {
    auto writer = net::PcapWriter::create(path_);
    ASSERT_TRUE(writer) << writer.error();
    for (const test::Bytes& frame : frames) ASSERT_TRUE(writer->write(frame, 1));
    ASSERT_TRUE(writer->close());
  }
  std::vector<Json> explained_capture(std::optional<uint16_t> to = std::nullopt) {
    std::vector<Json> objects;
    const core::Status done = explain_capture(view_, path_, to, [&](const Json& object) { objects.push_back(object); });
    EXPECT_TRUE(done) << (done ? "" : done.error());
    return objects;
  }
  static test::PacketBuilder packet(std::string_view from, std::string_view to) {
    test::PacketBuilder builder;
    builder.ethernet(test::mac("02:00:00:00:00:01"), test::mac("02:00:00:00:00:02")).between(from, to);
    return builder;
  }

  const test::Folder folder_;
  const std::string path_ = folder_ / "received.pcap";
};

TEST_F(CaptureTest, each_datagram_with_its_own_addresses) {
  const std::string spent = with("Max-Forwards: 70", "Max-Forwards: 0");
  capture({packet("203.0.113.9:40112", "192.0.2.10:5060").payload(spent).frame(),
           packet("[2001:db8::9]:5070", "[2001:db8::10]:5060").vlan(7).payload(invite).frame()});
  const std::vector<Json> objects = explained_capture();
  ASSERT_EQ(objects.size(), 2u);
  EXPECT_EQ(objects[0]["status"], 483);
  EXPECT_NE(objects[0]["message"].get<std::string>().find("received=203.0.113.9"), std::string::npos) << objects[0];
  EXPECT_EQ(objects[1]["verdict"], "forward");
  EXPECT_NE(objects[1]["message"].get<std::string>().find("received=2001:db8::9"), std::string::npos) << objects[1];
}

// The same file through workers on a pcap port: octet for octet what explain says of it.
TEST_F(CaptureTest, the_pcap_port_sends_what_is_explained) {
  std::vector<test::Bytes> frames;
  for (const auto& message : test::MessageCorpus().requests(200)) {
    frames.push_back(test::from_outside(message.call.caller, message.text));
    std::string spoilt = message.text;
    spoilt.replace(spoilt.find("Max-Forwards: 70"), 16,
                   frames.size() % 4 == 1 ? "Max-Forwards: 0 " : "Max-Forwards: x ");
    frames.push_back(test::from_outside(message.call.caller, spoilt));
  }
  frames.push_back(test::from_outside("198.51.100.7:5060", "\r\n\r\n"));
  frames.push_back(test::from_outside("198.51.100.7:5060", "SIP/2.0 200 OK\r\n\r\n"));
  capture(frames);

  const dataplane::View around = test::lab_view();
  view_ = around.proxy;
  std::vector<std::string> explained;
  for (const Json& object : explained_capture()) {
    if (!object["message"].is_null()) explained.push_back(object["message"].get<std::string>());
  }

  const std::string sent_path = folder_ / "sent.pcap";
  auto io = dataplane::PcapIo::open(path_, sent_path);
  ASSERT_TRUE(io) << io.error();
  const std::atomic<const dataplane::View*> current{&around};
  dataplane::HandoffMesh mesh(1);
  const auto counters = std::make_unique<telemetry::WorkerCounters>();
  const auto worker = std::make_unique<dataplane::Worker<dataplane::PcapIo>>(
      dataplane::WorkerPlace{.worker = 0, .mesh = mesh, .view = current, .counters = *counters}, *io);
  while (!io->finished()) worker->turn();
  ASSERT_TRUE(io->close());

  std::vector<std::string> sent;
  auto reader = net::PcapReader::open(sent_path);
  ASSERT_TRUE(reader) << reader.error();
  for (auto frame = reader->next(); frame && *frame; frame = reader->next()) {
    const core::ByteView bytes = (*frame)->bytes;
    sent.push_back(test::read_back(test::Bytes(bytes.begin(), bytes.end())).payload);
  }
  EXPECT_GE(sent.size(), 300u);
  EXPECT_EQ(sent, explained);
}

TEST_F(CaptureTest, what_no_listener_gets_is_named_and_what_is_not_sip_at_all_is_left_out) {
  capture({packet("192.0.2.10:5060", "203.0.113.9:40112").payload(invite).frame(),    // sent by us
           packet("203.0.113.9:5060", "198.51.100.20:5060").payload(invite).frame(),  // somebody else's call
           packet("203.0.113.9:53", "198.51.100.20:53").payload("dns").frame()});
  const std::vector<Json> objects = explained_capture();
  ASSERT_EQ(objects.size(), 2u);
  for (const Json& object : objects) {
    EXPECT_EQ(object["verdict"], "drop");
    EXPECT_EQ(object["reason"], "not_for_us");
    EXPECT_EQ(object["method"], "INVITE");
    EXPECT_EQ(object["call_id"], "one@198.51.100.7");
  }
}

TEST_F(CaptureTest, a_capture_from_another_machine_is_explained_as_if_it_had_come_here) {
  capture({packet("203.0.113.9:5060", "198.51.100.20:5060").payload(invite).frame()});
  const std::vector<Json> objects = explained_capture(0);
  ASSERT_EQ(objects.size(), 1u);
  EXPECT_EQ(objects[0]["verdict"], "forward");
  EXPECT_NE(objects[0]["message"].get<std::string>().find("received=203.0.113.9"), std::string::npos);
}

TEST_F(CaptureTest, faults_of_the_frame_have_their_names) {
  const test::Bytes whole = packet("203.0.113.9:5060", "192.0.2.10:5060").payload(invite).frame();
  const test::Bytes cut(whole.begin(), whole.end() - 40);
  capture({cut, packet("192.0.2.10:5060", "192.0.2.10:5060").payload(invite).frame()});
  const std::vector<Json> objects = explained_capture();
  ASSERT_EQ(objects.size(), 2u);
  EXPECT_EQ(objects[0]["reason"], "frame_truncated");
  EXPECT_EQ(objects[1]["reason"], "source_invalid");
}

TEST_F(CaptureTest, a_file_that_is_no_capture_is_refused) {
  std::ofstream(path_) << "INVITE sip:bob@example.com SIP/2.0\r\n";
  EXPECT_FALSE(explain_capture(view_, path_, std::nullopt, [](const Json&) {}));
  EXPECT_FALSE(explain_capture(view_, "/nonexistent/trace.pcap", std::nullopt, [](const Json&) {}));
}

}  // namespace
}  // namespace viaduct::control
