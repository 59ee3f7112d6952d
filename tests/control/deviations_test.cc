// The report names the right section for each of many planted departures, and none for calls that are right.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <regex>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "control/deviations_report.h"
#include "control/findings.h"
#include "dataplane/memory_io.h"
#include "dataplane/worker.h"
#include "nlohmann/json.hpp"
#include "support/lab.h"
#include "support/sip_text.h"

namespace viaduct::control {
namespace {

const std::string clean_invite =
    "INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK776asdhds\r\n"
    "Max-Forwards: 70\r\nFrom: Alice <sip:alice@example.com>;tag=9fxced76sl\r\nTo: Bob <sip:bob@example.com>\r\n"
    "Call-ID: 3848276298220188511@198.51.100.7\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@198.51.100.7>\r\n"
    "Content-Length: 5\r\n\r\nv=0\r\n";

std::string with(const std::string& what, const std::string& by) {
  EXPECT_NE(clean_invite.find(what), std::string::npos) << what;
  return test::replace_all(clean_invite, what, by);
}
// The same as another method.
std::string as(const std::string& method, const std::string& text = clean_invite) {
  return test::replace_all(test::replace_all(text, "INVITE", method), "Contact: <sip:alice@198.51.100.7>\r\n", "");
}
std::string response(const std::string& status, const std::string& cseq, const std::string& rest) {
  return "SIP/2.0 " + status +
         "\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKx\r\n"
         "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK776asdhds\r\nFrom: <sip:alice@example.com>;tag=1\r\n"
         "Call-ID: a@b\r\nCSeq: 1 " +
         cseq + "\r\n" + rest + "Content-Length: 0\r\n\r\n";
}

class DeviationsTest : public ::testing::Test {
 protected:
  DeviationsTest() {
    dataplane::Peers::Peer carrier{"carrier-a", {*net::parse_prefix("203.0.113.0/24")}};
    view_.peers = std::make_shared<dataplane::Peers>(std::vector{carrier});
    current_.store(&view_);
    start();
  }
  void start() {
    watch_ = std::make_unique<dataplane::Watch>("a machine");
    findings_ = {};
    worker_ = std::make_unique<dataplane::Worker<dataplane::MemoryIo>>(
        dataplane::WorkerPlace{
            .worker = 0, .mesh = mesh_, .view = current_, .counters = counters_, .watch = watch_.get()},
        io_);
  }
  void come(const std::string& text, const std::string& from = "198.51.100.7:5060") {
    io_.inject(test::from_outside(from, text), 0);
    take();
  }
  void come_from_inside(const std::string& text) {
    io_.inject(test::from_inside("10.0.1.1:5060", text), 1);
    take();
  }
  void take() {
    while (worker_->turn()) io_.take_sent();
    dataplane::Watch* const watches[] = {watch_.get()};
    findings_.take(watches);
  }
  Report report(std::vector<std::string_view> arguments = {}) {
    Status status;
    status.view = &view_;
    status.findings = &findings_;
    status.watches = {watch_.get()};
    return deviations_command.report(status, arguments);
  }
  std::set<std::string> sections() {
    std::set<std::string> all;
    const Report whole = report();
    for (const Report& row : whole["deviations"]) all.insert(row["section"].get<std::string>());
    return all;
  }

  dataplane::View view_ = test::lab_view();
  std::atomic<const dataplane::View*> current_{nullptr};
  dataplane::HandoffMesh mesh_{1};
  telemetry::WorkerCounters counters_;
  dataplane::MemoryIo io_;
  std::unique_ptr<dataplane::Watch> watch_;
  Findings findings_;
  std::unique_ptr<dataplane::Worker<dataplane::MemoryIo>> worker_;
};

struct Planted {
  std::string name;
  std::string section;
  std::string text;
  bool inside = false;
};

std::vector<Planted> planted() {
  const std::string sec = "RFC 3261 section ";
  return {
      {"branch_without_cookie", sec + "8.1.1.7", with("branch=z9hG4bK776asdhds", "branch=776")},
      {"branch_missing", sec + "8.1.1.7", with(";branch=z9hG4bK776asdhds", "")},
      {"from_tag_missing", sec + "8.1.1.3", with(";tag=9fxced76sl", "")},
      {"max_forwards_missing", sec + "8.1.1.6", with("Max-Forwards: 70\r\n", "")},
      {"max_forwards_too_large", sec + "20.22", with("Max-Forwards: 70", "Max-Forwards: 300")},
      {"bare_line_end", sec + "7.3.1", with("CSeq: 1 INVITE\r\n", "CSeq: 1 INVITE\n")},
      {"content_length_short", sec + "18.3", with("Content-Length: 5", "Content-Length: 50")},
      {"content_length_excess", sec + "18.3", with("Content-Length: 5", "Content-Length: 3")},
      {"method_lower_case", sec + "7.1", as("invite")},
      {"version_case", sec + "7.1", with("com SIP/2.0", "com sip/2.0")},
      {"rport_with_value", "RFC 3581 section 3", with(";branch", ";rport=5060;branch")},
      {"received_by_client", sec + "18.2.1", with(";branch", ";received=198.51.100.7;branch")},
      {"via_transport_mismatch", sec + "18.1.1", with("SIP/2.0/UDP", "SIP/2.0/TCP")},
      {"record_route_in_register", sec + "20",
       test::replace_all(test::replace_all(as("REGISTER"), "sip:bob@example.com SIP", "sip:example.com SIP"),
                         "CSeq:", "Record-Route: <sip:198.51.100.9;lr>\r\nCSeq:")},
      {"max_breadth_invalid", "RFC 5393 section 5.3.3", with("CSeq:", "Max-Breadth: many\r\nCSeq:")},
      {"leading_crlf", sec + "7.5", "\r\n" + clean_invite},
      {"header_repeated", sec + "7.3.1", with("CSeq: 1 INVITE\r\n", "CSeq: 1 INVITE\r\nCSeq: 2 INVITE\r\n")},
      {"sips_over_udp", sec + "26.2.2", with("INVITE sip:bob", "INVITE sips:bob")},
      {"ipv6_without_brackets", sec + "25.1", with("198.51.100.7:5060;branch", "2001:db8::7;branch")},
      {"cseq_method_mismatch", sec + "8.1.1.5", with("1 INVITE", "1 OPTIONS")},
      {"request_line_spaces", sec + "7.1", with("INVITE sip:bob", "INVITE  sip:bob")},
      {"request_uri_in_brackets", sec + "7.1", with("INVITE sip:bob@example.com", "INVITE <sip:bob@example.com>")},
      {"request_uri_with_headers", sec + "19.1.1",
       with("INVITE sip:bob@example.com", "INVITE sip:bob@example.com?Subject=x")},
      {"register_with_user", sec + "10.2", as("REGISTER")},
      {"cseq_too_large", sec + "8.1.1.5", with("CSeq: 1 ", "CSeq: 2147483648 ")},
      {"contact_missing", sec + "8.1.1.8", with("Contact: <sip:alice@198.51.100.7>\r\n", "")},
      {"contact_out_of_place", sec + "20", test::replace_all(clean_invite, "INVITE", "BYE")},
      {"require_in_cancel", sec + "9.1", as("CANCEL", with("CSeq:", "Require: 100rel\r\nCSeq:"))},
      {"to_tag_missing", sec + "8.2.6.2", response("180 Ringing", "INVITE", "To: <sip:bob@example.com>\r\n"), true},
      {"contact_missing_in_answer", sec + "12.1.1", response("200 OK", "INVITE", "To: <sip:bob@example.com>;tag=2\r\n"),
       true},
      {"via_missing", sec + "8.1.1", with("Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK776asdhds\r\n", "")},
      {"via_param_repeated", sec + "7.3.1", with(";branch=z9hG4bK776asdhds", ";branch=z9hG4bKa;branch=z9hG4bKb")},
      {"call_id_missing", sec + "8.1.1", with("Call-ID: 3848276298220188511@198.51.100.7\r\n", "")},
      {"row_without_colon", sec + "7.3.1", with("CSeq:", "nonsense\r\nCSeq:")},
      {"version_unsupported", sec + "21.5.6", with("com SIP/2.0", "com SIP/7.0")},
      {"status_code_invalid", sec + "7.2", response("999 What", "BYE", "To: <sip:bob@example.com>;tag=2\r\n"), true},
      {"cseq_malformed", sec + "20.16", with("CSeq: 1 INVITE", "CSeq: one INVITE")},
      {"to_malformed", sec + "20.39", with("To: Bob <sip:bob@example.com>", "To: Bob <sip:bob@example.com")},
      {"content_length_malformed", sec + "20.14", with("Content-Length: 5", "Content-Length: five")},
  };
}

TEST_F(DeviationsTest, EachPlantedDepartureIsNamedWithItsSection) {
  size_t named = 0;
  for (const Planted& plant : planted()) {
    SCOPED_TRACE(plant.name);
    start();
    plant.inside ? come_from_inside(plant.text) : come(plant.text);
    const Report found = report({"samples"});
    ASSERT_EQ(found["deviations"].size(), 1u) << found.dump(1);
    const Report& row = found["deviations"][0];
    EXPECT_EQ(row["name"], plant.name);
    EXPECT_EQ(row["section"], plant.section);
    EXPECT_EQ(row["messages"], 1);
    EXPECT_EQ(row["peer"], plant.inside ? "proxies/p1" : "198.51.100.7");
    ASSERT_EQ(found["samples"].size(), 1u);
    EXPECT_EQ(found["samples"][0]["bytes"], plant.text.size());
    ++named;
  }
  EXPECT_GE(named, 25u);
}

// The messages of RFC 3665 sections 2.1, 3.1 and 3.8, over UDP: registration with a challenge, a call, a busy one that
// is cancelled.
TEST_F(DeviationsTest, CleanFlowsHaveNone) {
  const std::string challenge = "WWW-Authenticate: Digest realm=\"example.com\", qop=\"auth\", nonce=\"ea9c8e88\"\r\n";
  const std::string to = "To: Bob <sip:bob@example.com>;tag=8321234356\r\n",
                    contact = "Contact: <sip:bob@10.0.1.1>\r\n";
  const std::string reg = test::replace_all(as("REGISTER"), "sip:bob@example.com SIP", "sip:example.com SIP");
  come(reg);
  come(test::replace_all(reg, "CSeq: 1", "Authorization: Digest username=\"bob\"\r\nCSeq: 2"));
  come(clean_invite);
  come(as("OPTIONS"));
  come(as("CANCEL"));
  come(test::replace_all(as("ACK"), "To: Bob <sip:bob@example.com>", "To: Bob <sip:bob@example.com>;tag=8321234356"));
  come(test::replace_all(as("BYE"), "To: Bob <sip:bob@example.com>", "To: Bob <sip:bob@example.com>;tag=8321234356"));
  for (const auto& [status, method, rest] : std::vector<std::tuple<std::string, std::string, std::string>>{
           {"401 Unauthorized", "REGISTER", to + challenge},
           {"200 OK", "REGISTER", to + contact},
           {"100 Trying", "INVITE", "To: Bob <sip:bob@example.com>\r\n"},
           {"180 Ringing", "INVITE", to + contact},
           {"200 OK", "INVITE", to + contact},
           {"200 OK", "BYE", to},
           {"200 OK", "CANCEL", to},
           {"487 Request Terminated", "INVITE", to},
           {"302 Moved Temporarily", "INVITE", to + contact},
           {"407 Proxy Authentication Required", "INVITE", to}}) {
    come_from_inside(response(status, method, rest));
  }
  EXPECT_EQ(counters_.received.value(), 17u);
  EXPECT_TRUE(sections().empty()) << report().dump(1);
  EXPECT_TRUE(report()["totals"].empty());
}

TEST_F(DeviationsTest, APeerIsWhoeverSendsFromItsPrefixes) {
  const std::string bad = with("Max-Forwards: 70\r\n", "");
  come(bad, "203.0.113.9:5060");
  come(bad, "203.0.113.77:5062");
  come(bad, "198.51.100.7:5060");
  const Report all = report()["deviations"];
  ASSERT_EQ(all.size(), 2u) << all.dump(1);
  const Report of_carrier = report({"peer", "carrier-a"})["deviations"];
  ASSERT_EQ(of_carrier.size(), 1u);
  EXPECT_EQ(of_carrier[0]["messages"], 2);
  EXPECT_EQ(report()["totals"][0]["messages"], 3);
  EXPECT_TRUE(report({"peer", "nobody"})["deviations"].empty());
  EXPECT_TRUE(report({"nonsense"}).contains("error"));
}

TEST_F(DeviationsTest, ThePageForTheCarrierHasThePacketAndNoSecrets) {
  come(test::replace_all(with("Max-Forwards: 70\r\n", ""), "CSeq:",
                         "Proxy-Authorization: Digest username=\"alice\",\r\n response=\"42ce3cef44b22f50\"\r\nX-Odd: "
                         "\x1b[31m|\r\nCSeq:"),
       "203.0.113.9:5060");
  const std::string page = deviations_command.markdown(report({"peer", "carrier-a", "samples"}));
  EXPECT_NE(page.find("## carrier-a"), std::string::npos) << page;
  EXPECT_NE(page.find("RFC 3261 section 8.1.1.6"), std::string::npos);
  EXPECT_NE(page.find("    INVITE sip:bob@example.com SIP/2.0\n"), std::string::npos) << page;
  EXPECT_NE(page.find("from 203.0.113.9:5060 to 192.0.2.10:5060"), std::string::npos) << page;
  EXPECT_NE(page.find("    Proxy-Authorization: (taken out)\n    X-Odd: \\x1b[31m|\n"), std::string::npos) << page;
  EXPECT_EQ(page.find("42ce3cef44b22f50"), std::string::npos) << "SEC-32";
  EXPECT_EQ(page.find("\n\n"), std::string::npos) << "an empty line would end the answer";
}

TEST(FindingTexts, EveryKindHasASection) {
  for (size_t i = 0; i < sip::deviation_count; ++i) {
    EXPECT_TRUE(std::regex_match(finding_text(i).section, std::regex("RFC [0-9]+ section [0-9.]+")))
        << finding_text(i).section;
  }
  for (size_t i = 1; i < sip::fault_count; ++i) {
    const std::string section = finding_text(dataplane::fault_kinds + i).section;
    EXPECT_TRUE(std::regex_match(section, std::regex("RFC [0-9]+ section [0-9., ]+"))) << section;
  }
}

}  // namespace
}  // namespace viaduct::control
