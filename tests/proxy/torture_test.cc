// The torture messages of RFC 4475 and RFC 5118 and what this element owes each of them.
//
// The messages themselves lie outside the project (VIADUCT_SHARED); where they are absent, that test skips, and the
// table of messages of our own below it shows the same behaviour.
#include <algorithm>
#include <functional>

#include "proxy/branch.h"
#include "proxy/digits.h"
#include "proxy/stamp.h"
#include "proxy/via_mac.h"
#include "support/proxy_bed.h"
#include "support/torture_corpus.h"

namespace viaduct::test {
namespace {

// The configuration beside the corpus: one network, every host served.
proxy::View corpus_view() {
  proxy::View view;
  view.keys = proxy::derive_keys({1});
  view.aliases = {"services.example.com", "sip.example.com"};
  view.sockets = {{.address = at("192.0.2.10:5060"), .listener = 0},
                  {.address = at("[2001:db8::10]:5060"), .listener = 0}};
  proxy::Listener& listener = view.listeners.emplace_back();
  listener.name = "public";
  listener.pool = 0;
  listener.record_route = true;
  proxy::Pool& pool = view.pools.emplace_back();
  pool.name = "proxies";
  pool.backend_count = 3;
  for (const char* address : {"192.0.2.101:5060", "192.0.2.102:5060", "192.0.2.103:5060"}) {
    view.backends.push_back({.name = "b" + std::to_string(view.backends.size()), .address = at(address), .pool = 0});
  }
  proxy::finish(view);
  return view;
}

// "reply:400|drop" allows both.
bool allows(const std::string& verdicts, const Outcome& outcome) {
  const std::string actual = outcome.forwarded() ? "forward"
                             : outcome.replied() ? "reply:" + std::to_string(outcome.decision.status)
                             : outcome.decision.action == proxy::Action::absorb ? "absorb"
                                                                                : "drop";
  std::istringstream all(verdicts);
  for (std::string verdict; std::getline(all, verdict, '|');) {
    if (verdict == actual) return true;
  }
  return false;
}

// The response with a Via of ours on top, as if it answered a request that we had forwarded.
std::string with_own_via(const std::string& response, const proxy::View& view) {
  static sip::Message message;
  sip::parse(response, message);
  net::Endpoint destination = alice;
  proxy::response_destination(response, message.via[0], destination);
  const auto edits = std::make_unique<proxy::Edits>();
  edits->clear();
  edits->begin_text();
  edits->put("Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKvdown;vd=");
  edits->put(proxy::via_mac_head(0));
  std::string mac(16, ' ');
  proxy::store_octets(proxy::hex_of_number(proxy::via_mac(view.keys, "z9hG4bKvdown", 0, destination)), mac.data());
  edits->put(mac);
  edits->put("\r\n");
  return std::string(response).insert(response.find("\r\n") + 2, edits->text());
}

// A Via, Route or Max-Forwards row, or a piece of a folded row, which may be of one.
bool is_ours_to_change(const std::string& line) {
  if (line.starts_with(' ') || line.starts_with('\t')) return true;
  const std::string name = line.substr(0, line.find_first_of(" \t:"));
  return equal_names(name, "Via") || equal_names(name, "v") || equal_names(name, "Route") ||
         equal_names(name, "Max-Forwards");
}

TEST(Torture, EveryMessageOfTheCorpusGetsAnAllowedVerdict) {
  const auto corpus = torture_corpus();
  if (corpus.empty()) GTEST_SKIP() << "no corpus at " << torture_folder();
  const proxy::View view = corpus_view();
  for (const auto& [file, verdict, message] : corpus) {
    SCOPED_TRACE(file);
    for (const uint16_t socket : {uint16_t{0}, uint16_t{1}}) {
      if (socket == 1 && file.find("via-received-param-no-delim") != std::string::npos)
        continue;  // there it names its very socket
      const Outcome outcome = decide_and_apply(view, message, {socket == 0 ? alice : alice6, socket});
      EXPECT_TRUE(allows(verdict, outcome)) << outcome.verdict() << "\n" << outcome.message.start();
      if (!outcome.forwarded()) continue;
      const SipText before(message);
      for (const std::string& line : before.lines()) {
        if (!is_ours_to_change(line)) {
          EXPECT_NE(outcome.bytes.find(line + "\r\n"), std::string::npos) << line;
        }
      }
    }
  }
  EXPECT_EQ(corpus.size(), 62u);
}

TEST(Torture, ResponsesOfTheCorpusWithOurOwnViaOnTop) {  // TOR-12, TOR-13, TOR-18, TOR-32, TOR-43
  const auto corpus = torture_corpus();
  if (corpus.empty()) GTEST_SKIP() << "no corpus at " << torture_folder();
  const proxy::View view = corpus_view();
  for (const auto& [file, verdict] :
       {std::pair("unreason", "forward"), std::pair("noreason", "forward"), std::pair("scalarlg", "drop"),
        std::pair("bigcode", "drop"), std::pair("bcast", "drop")}) {
    SCOPED_TRACE(file);
    const std::string path = std::string("rfc4475/") + file + ".sip";
    const auto found =
        std::find_if(corpus.begin(), corpus.end(), [&path](const TortureMessage& each) { return each.file == path; });
    ASSERT_NE(found, corpus.end());
    const std::string& message = found->text;
    const std::string prefixed = file == std::string("bcast") ? [&] {
      // The file has two Vias: ours takes the place of its first.
      std::string text = message;
      const size_t via = text.find("Via:");
      return with_own_via(text.erase(via, text.find("\r\n", via) + 2 - via), view);
    }() : with_own_via(message, view);
    const Outcome outcome = decide_and_apply(view, prefixed, {at("192.0.2.101:5060"), 0});
    EXPECT_TRUE(allows(verdict, outcome)) << outcome.verdict();
    if (outcome.forwarded()) {
      EXPECT_EQ(outcome.bytes, message);
    }
  }
}

// Messages of our own in the spirit of the two RFCs.
struct TortureRow {
  const char* rule;
  std::string message;
  const char* verdict;
  const char* kept;  // a piece that must leave as it came
};

SipText request(std::string_view text) { return {sip_text(text)}; }

std::vector<TortureRow> own_messages() {
  const SipText options =
      m0.with_method("OPTIONS").without("Contact").without("Content-Type").with("Content-Length", "0").with_body("");
  const std::string m = m0.str();
  const SipText registration = options.with_method("REGISTER").with_uri("sip:example.com");
  return {
      {"TOR-01",
       request("INVITE sip:vera@example.com;x SIP/2.0\nTO :\n sip:vera@example.com ;   tag    = 19n\nfrom   : \"V "
               "\\\\\\\"\"  <sip:v@example.com>\n  ;\n  tag = 98\n"
               "MaX-fOrWaRdS: 0068\nCall-ID: t01\ncseq: 0009\n  INVITE\nVia  : SIP  /   2.0\n /UDP\n    "
               "192.0.2.2;branch=390\ns :\nOdd: ;;,,;;,;\n"
               "Route:\n <sip:lb.example.com;lr;a=b;c>\nv:  SIP  / 2.0  / TCP     s.example.com   ;\n  branch  =   "
               "z9hG4bK9 ,\n SIP  /    2.0   / UDP  192.168.255.111   ; branch=\n z9hG4bK30\nl: 0\n\n"),
       "forward", "Odd: ;;,,;;,;"},
      {"TOR-02",
       options.with_method("!odd-Method0_*+`.%indeed'~")
           .with_uri("sip:1_u~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,pas$wo~d_too.(doesn't-it)@example.com")
           .with("Max-Forwards", "255")
           .with("Via", "SIP/2.0/TCP h1.example.com;branch=z9hG4bK-.!%66*_+`'~")
           .with("To", std::string("\"B:\\\x07 N:\\") + '\0' + " D:\\\x7f\" <sip:x@example.com>"),
       "forward", "Max-Forwards: 254"},
      {"TOR-03", options.with_uri("sip:sips%3Auser%40example.com@example.com"), "forward",
       "sip:sips%3Auser%40example.com@example.com"},
      {"TOR-04", registration.with("To", "sip:null-%00-null@example.com"), "forward", "sip:null-%00-null@example.com"},
      {"TOR-05", options.with_method("RE%47IST%45R").with_last_line("C%6Fntact: <sip:a@h2.example.com>"), "forward",
       "Record-Route: "},
      {"TOR-06", options.with("From", "caller<sip:caller@example.com>;tag=323"), "forward",
       "caller<sip:caller@example.com>;tag=323"},
      {"TOR-07",
       [&] {
         SipText message = m0.with("To", "\"" + std::string(500, 'n') + "\"<sip:u@example.com>;" +
                                             std::string(90, 'p') + "=" + std::string(90, 'v'))
                               .with("Call-ID", std::string(150, 'c'));
         for (int i = 0; i < 33; ++i)
           message = message.with_line_at(1, "Via: SIP/2.0/TCP sip" + std::to_string(i) + ".example.com");
         return message.str();
       }(),
       "forward", "Via: SIP/2.0/TCP sip0.example.com\r\n"},
      {"TOR-08", registration.with("Max-Forwards", "8").str() + m, "forward", "Max-Forwards: 7"},
      {"TOR-09", options.with_uri("sip:user;par=u%40example.net@example.com").with("Max-Forwards", "3"), "forward",
       "Max-Forwards: 2"},
      {"TOR-10",
       options.with_line_at(2, "Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKk")
           .with_line_at(3, "Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKa"),
       "forward",
       "Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKk\r\nVia: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKa\r\n"},
      {"TOR-11", m0.with_line_at(3, "Route: <sip:127.0.0.1:5080>"), "reply 403", ""},
      {"TOR-14", m0.with("Via", "SIP/2.0/UDP 198.51.100.7;;,;,,"), "reply 400", ""},
      {"TOR-15", m0.with("Content-Length", "9999"), "reply 400", ""},
      {"TOR-16", m0.with("Content-Length", "-999"), "reply 400", ""},
      {"TOR-17", m0.with("CSeq", "36893488147419103232 INVITE").with("Max-Forwards", "300"), "reply 400", ""},
      {"TOR-19", m0.with("To", "\"Mr. J. User <sip:j.user@example.com>"), "reply 400", ""},
      {"TOR-20", m0.with_uri("<sip:bob@example.com>"), "reply 400", ""},
      {"TOR-21", m0.with_uri("sip:bob@example.com; lr"), "reply 400", ""},
      {"TOR-22", m0.with_start("INVITE  sip:bob@example.com  SIP/2.0"), "reply 400", ""},
      {"TOR-23", m0.with_start("INVITE sip:bob@example.com SIP/2.0  "), "reply 400", ""},
      {"TOR-24", m0.with_uri("sip:bob@example.com?Route=%3Csip:example.com%3E"), "reply 400", ""},
      {"TOR-25", m0.with_last_line("Date: Fri, 01 Jan 2010 16:00:00 EST"), "forward",
       "Date: Fri, 01 Jan 2010 16:00:00 EST"},
      {"TOR-26", registration.with_last_line("Contact: sip:u@example.com?Route=%3Csip:sip.example.com%3E"), "forward",
       "Contact: sip:u@example.com?Route"},
      {"TOR-27", options.with("To", "\"Watson\" < sip:t.watson@example.org >"), "forward",
       "To: \"Watson\" < sip:t.watson@example.org >"},
      {"TOR-28", options.with("To", "Watson, Thomas <sip:t.watson@example.org>"), "reply 400", ""},
      {"TOR-29",
       options.with_start("OPTIONS sip:x@example.com SIP/7.0").with("Via", "SIP/7.0/UDP c.example.com;branch=z9hG4bKk"),
       "reply 505", "Via: SIP/7.0/UDP c.example.com"},
      {"TOR-30", options.with("CSeq", "8 INVITE"), "reply 400", ""},
      {"TOR-31", options.with_method("NEWMETHOD").with("CSeq", "8 INVITE"), "reply 501", ""},
      {"TOR-33", options.with("Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK"), "forward",
       "branch=z9hG4bK;received=198.51.100.7"},
      {"TOR-34", m0.without("To").without("From").without("Call-ID"), "reply 400", ""},
      {"TOR-35", options.with_uri("nobodyKnowsThisScheme:totallyopaquecontent"), "reply 416", ""},
      {"TOR-36", options.with_uri("soap.beep://192.0.2.103:3002"), "reply 416", ""},
      {"TOR-37",
       registration.with("To", "isbn:2983792873")
           .with("From", "<http://www.example.com>;tag=3")
           .with_last_line("Contact: <name:John_Smith>"),
       "forward", "To: isbn:2983792873"},
      {"TOR-38",
       options.with_last_line("Proxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis")
           .with_last_line("Require: nothingSupportsThis"),
       "reply 420", "Unsupported: noProxiesSupportThis, norDoAnyProxiesSupportThis\r\n"},
      {"TOR-39", m0.with("Content-Type", "application/unknownformat"), "forward", "application/unknownformat"},
      {"TOR-40", registration.with_last_line("Authorization: NoOneKnowsThisScheme opaque-data=here"), "forward",
       "Authorization: NoOneKnowsThisScheme opaque-data=here"},
      {"TOR-41", m0.with_last_line("To: sip:other@example.com").with_last_line("CSeq: 59 INVITE"), "reply 400", ""},
      {"TOR-42", m0.with_last_line("Content-Length: 13"), "reply 400", ""},
      {"TOR-44", options.with("Max-Forwards", "0"), "reply 483", ""},
      {"TOR-45", registration.with_last_line("Contact: sip:+19725552222@gw1.example.net;unknownparam"), "forward",
       "gw1.example.net;unknownparam"},
      {"TOR-46", registration.with_last_line("Contact: <sip:+19725552222@gw1.example.net;unknownparam>"), "forward",
       "gw1.example.net;unknownparam>"},
      {"TOR-47", registration.with_last_line("M: <sip:u@example.com?Route=%3Csip:sip.example.com%3E>"), "forward",
       "M: <sip:u@example.com?Route=%3Csip:sip.example.com%3E>"},
      {"TOR-48", m0.with_last_line("Accept: text/nobodyKnowsThis"), "forward", "Accept: text/nobodyKnowsThis"},
      {"TOR-49",
       m0.without("Max-Forwards")
           .without("Content-Length")
           .with("From", "<sip:+1303@ift.example.net;user=phone>")
           .with("Via", "SIP/2.0/UDP iftgw.example.com")
           .with_line_at(2, "Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>"),
       "forward", "Max-Forwards: 70"},
      {"TOR-50", "NOTHING\r\nX: y\r\n", "drop not_sip", ""},
      {"TOR-60",
       registration.with_uri("sip:[2001:db8::10]").with("Via", "SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111"),
       "forward", "sip:[2001:db8::10]"},
      {"TOR-61", registration.with_uri("sip:2001:db8::10"), "reply 400", ""},
      {"TOR-62", registration.with_uri("sip:[2001:db8::10:5070]"), "forward", "sip:[2001:db8::10:5070]"},
      {"TOR-63", registration.with_uri("sip:[2001:db8::10]:5070"), "forward", "sip:[2001:db8::10]:5070"},
      {"TOR-64",
       m0.with_method("BYE").with("Via",
                                  "SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3-111"),
       "forward", "received=198.51.100.7;branch"},
      {"TOR-65",
       options.with_uri("sip:[2001:db8::10]")
           .with("Via", "SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3"),
       "forward", "received=198.51.100.7;branch"},
      {"TOR-66", m0.with_body(replace_all(sdp, "IP4 198.51.100.7", "IP6 2001:db8::20")).with("Content-Length", "114"),
       "forward", "IP6 2001:db8::20"},
      {"TOR-67",
       m0.with_line_at(2, "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKj")
           .with_line_at(3, "Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK4;received=192.0.2.200"),
       "forward", "Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK4;received=192.0.2.200\r\n"},
      {"TOR-68", m0.with_body("c=IN IP6 2001:db8::1\r\nc=IN IP4 192.0.2.1\r\n").with("Content-Length", "42"), "forward",
       "c=IN IP4 192.0.2.1"},
      {"TOR-69", m0.with("Via", "SIP/2.0/UDP [::ffff:198.51.100.7]:19823;branch=z9hG4bKbh19"), "forward",
       "[::ffff:198.51.100.7]:19823;branch=z9hG4bKbh19\r\n"},
      {"TOR-70", options.with_uri("sip:user@[2001:db8:::192.0.2.1]"), "forward", "sip:user@[2001:db8:::192.0.2.1]"},
      {"TOR-71", options.with_uri("sip:user@[2001:db8::192.0.2.1]"), "forward", "sip:user@[2001:db8::192.0.2.1]"},
  };
}

TEST(Torture, OwnMessagesInTheSpiritOfTheRfcs) {
  Bed bed;
  bed.listener().domains = {};
  for (const TortureRow& row : own_messages()) {
    SCOPED_TRACE(std::string(row.rule) + "\n" + row.message);
    const Outcome outcome = bed.from_alice(row.message);
    EXPECT_EQ(outcome.verdict(), row.verdict) << outcome.message.start();
    EXPECT_NE(outcome.bytes.find(row.kept), std::string::npos) << row.kept << "\n" << outcome.bytes;
  }
}

TEST(Torture, OwnResponsesWithAndWithoutOurVia) {  // TOR-12, TOR-13, TOR-18, TOR-32, TOR-43
  const Bed bed;
  const SipText ok = reply_to(bed.from_alice(m0).message, "200 OK", "b");
  const auto verbatim = [&](const SipText& response) {
    return bed.send(response.without("Via").with_line("Via: SIP/2.0/UDP 192.0.2.198;branch=x"), b2, inside).verdict();
  };
  const auto prefixed = [&](const SipText& response) { return bed.send(response, b2, inside).verdict(); };
  for (const auto& [rule, response, with_via] : std::vector<std::tuple<const char*, SipText, const char*>>{
           {"TOR-12", ok.with_start("SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd\xd0\xbe"), "forward"},
           {"TOR-13", ok.with_start("SIP/2.0 100 "), "forward"},
           {"TOR-18", ok.with("CSeq", "9292394834772304023312 OPTIONS"), "drop malformed_response"},
           {"TOR-32", ok.with_start("SIP/2.0 4294967301 better not"), "drop malformed_response"},
           {"TOR-43",
            ok.without("Via")
                .with_line("Via: SIP/2.0/UDP 255.255.255.255;branch=x")
                .with_line("Via: " + ok.value("Via")),
            "drop via_next_invalid"}}) {
    SCOPED_TRACE(rule);
    EXPECT_EQ(verbatim(response).substr(0, 4), "drop");
    EXPECT_EQ(prefixed(response), with_via);
  }
}

}  // namespace
}  // namespace viaduct::test
