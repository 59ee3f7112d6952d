// Messages of our own in the spirit of RFC 4475 and RFC 5118: each makes the point of one of theirs, so that a clone
// without the RFCs' own files tests as much. `fault` is what the parser must find; empty: nothing.
#include <gtest/gtest.h>

#include "sip/sample.h"

namespace viaduct::sip {
namespace {

using namespace std::string_literals;

struct Torture {
  const char* rule;
  std::string text;
  const char* fault;
};

Sample request(const std::string& method, const std::string& uri) {
  return Sample().start_line(method + " " + uri + " SIP/2.0").set("CSeq", " 8 " + method);
}

std::string wild_white_space() {
  return "INVITE sip:v@chair.example.com;unknownparam SIP/2.0\r\n"
         "TO :\r\n sip:v@chair.example.com ;   tag    = 1918181833n\r\n"
         "from   : \"J Rosen \\\\\\\"\"       <sip:j@example.com>\r\n  ;\r\n  tag = 98asjd8\r\n"
         "MaX-fOrWaRdS: 0068\r\n"
         "Call-ID: ws.ndaksdj@192.0.2.1\r\n"
         "Content-Length   : 4\r\n"
         "cseq: 0009\r\n  INVITE\r\n"
         "Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw\r\n"
         "s :\r\n"
         "New:   new\r\n continued\r\n"
         "Odd: ;;,,;;,;\r\n"
         "Route:\r\n <sip:services.example.com;lr;unknownwith=value;unknown-no-value>\r\n"
         "v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n"
         " SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30239\r\n"
         "m:\"Quoted \\\"\\\"\" <sip:j@example.com> ; newparam =\r\n      newvalue ;\r\n  secondparam ; q = 0.33\r\n"
         "\r\nbody";
}

std::string long_message() {
  Sample sample;
  std::string vias = " SIP/2.0/UDP sip33.example.com";
  for (int i = 32; i > 0; --i)
    vias += "\r\nv: SIP/2.0/UDP sip" + std::to_string(i) + ".example.com;branch=z9hG4bK" + std::to_string(i);
  sample.set("Via", vias + ", SIP/2.0/UDP host.example.com;received=192.0.2.5;branch=z9hG4bK0");
  sample.set("To", " \"I have a user name of " + std::string(200, 'x') + "\" <sip:u:%30%3" +
                       "1@example.com:6000;p=" + std::string(100, 'v') + ">;t=" + std::string(100, 'q'));
  sample.add("U" + std::string(100, 'n') + ": " + std::string(400, 'v'));
  return sample.text();
}

std::vector<Torture> valid_requests() {
  return {
      {"TOR-01", wild_white_space(), ""},
      {"TOR-02",
       request("!odd-Method09_*+`.%indeed'~",
               "sip:1_u.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,w!*pas$wo~d_too.(x-it)@example.com")
           .set("To",
                " \"BEL:\\\x07 NUL:\\\0 DEL:\\\x7f\" <sip:1_u.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>"s)
           .set("From", " t1~` t2'+_ t3*%!.- <sip:m@example.com>;p''~+*_!.-%=\"\xd1\x80\xd0\xb0\";tag=_t~1'+`*%!-.")
           .set("Via", " SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~")
           .text(),
       ""},
      {"TOR-03", request("INVITE", "sip:sips%3Auser%40example.com@example.net").text(), ""},
      {"TOR-04", request("REGISTER", "sip:example.com").set("To", " sip:null-%00-null@example.com").text(), ""},
      {"TOR-05", request("RE%47IST%45R", "sip:registrar.example.com").text(), ""},
      {"TOR-06", Sample().set("From", " caller<sip:caller@example.com>;tag=323").text(), ""},
      {"TOR-07", long_message(), ""},
      {"TOR-08", Sample().text() + Sample().text(), ""},
      {"TOR-09", request("OPTIONS", "sip:user;par=u%40example.net@example.com").text(), ""},
      {"TOR-10",
       Sample()
           .set("Via",
                " SIP/2.0/UDP a;branch=z9hG4bK1\r\nVia: SIP/2.0/SCTP b;branch=z9hG4bK2\r\nVia: SIP/2.0/UNKNOWN "
                "c;branch=z9hG4bK3")
           .text(),
       ""},
      {"TOR-11",
       Sample()
           .add("Route: <sip:127.0.0.1:5080>")
           .body("--b\r\n\r\n\0\x01\xff\r\n--b--"s)
           .set("Content-Length", "16")
           .text(),
       ""},
      {"TOR-25", Sample().add("Date: Fri, 01 Jan 2010 16:00:00 EST").text(), ""},
      {"TOR-26", request("REGISTER", "sip:example.com").set("Contact", " sip:u@example.com?Route=%3Csip:x%3E").text(),
       ""},
      {"TOR-27", Sample().set("To", " \"Watson, Thomas\" < sip:t.watson@example.org >").text(), ""},
      {"TOR-33", Sample().set("Via", " SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK").text(), ""},
      {"TOR-35", request("OPTIONS", "nobodyKnowsThisScheme:totallyopaquecontent").text(), ""},
      {"TOR-36", request("OPTIONS", "soap.beep://192.0.2.103:3002").text(), ""},
      {"TOR-37",
       Sample()
           .set("To", " isbn:2983792873")
           .set("From", " <http://www.example.com>;tag=3234233")
           .set("Contact", " <name:John_Smith>")
           .text(),
       ""},
      {"TOR-38",
       request("OPTIONS", "sip:example.com")
           .add("Proxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis")
           .add("Require: x")
           .text(),
       ""},
      {"TOR-39", Sample().set("Content-Type", " application/unknownformat").text(), ""},
      {"TOR-40",
       request("REGISTER", "sip:example.com").add("Authorization: NoOneKnowsThisScheme opaque-data=here").text(), ""},
      {"TOR-44", request("OPTIONS", "sip:example.com").set("Max-Forwards", " 0").text(), ""},
      {"TOR-45",
       request("REGISTER", "sip:example.com").set("Contact", " sip:+1972@gw1.example.net;unknownparam").text(), ""},
      {"TOR-46",
       request("REGISTER", "sip:example.com").set("Contact", " <sip:+1972@gw1.example.net;unknownparam>").text(), ""},
      {"TOR-47",
       request("REGISTER", "sip:example.com")
           .set("Contact", " <sip:u@example.com?Route=%3Csip:sip.example.com%3E>")
           .text(),
       ""},
      {"TOR-48", Sample().add("Accept: text/nobodyKnowsThis").text(), ""},
      {"TOR-49",
       Sample()
           .set("Via", " SIP/2.0/UDP iftgw.example.com")
           .remove("Max-Forwards")
           .remove("Content-Length")
           .add("Record-Route: <sip:u@e.com;maddr=s>")
           .text(),
       ""},
  };
}

std::vector<Torture> invalid_requests() {
  return {
      {"TOR-14", Sample().set("Via", " SIP/2.0/UDP 192.0.2.15;;,;,,").text(), "via_malformed"},
      {"TOR-15", Sample().set("Content-Length", " 9999").text(), "body_truncated"},
      {"TOR-16", Sample().set("Content-Length", " -999").text(), "content_length_malformed"},
      {"TOR-17", Sample().set("CSeq", " 36893488147419103232 INVITE").set("Max-Forwards", " 300").text(),
       "cseq_malformed"},
      {"TOR-19", Sample().set("To", " \"Mr. J. User <sip:j.user@example.com>").text(), "to_malformed"},
      {"TOR-20", request("INVITE", "<sip:user@example.com>").text(), "request_uri_malformed"},
      {"TOR-21", request("INVITE", "sip:user@example.com; lr").text(), "start_line_malformed"},
      {"TOR-22", Sample().start_line("INVITE  sip:user@example.com  SIP/2.0").text(), "start_line_malformed"},
      {"TOR-23", Sample().start_line("OPTIONS sip:u@example.com SIP/2.0  ").set("CSeq", " 1 OPTIONS").text(),
       "start_line_malformed"},
      {"TOR-24", request("INVITE", "sip:user@example.com?Route=%3Csip:example.com%3E").text(), "request_uri_malformed"},
      {"TOR-28", Sample().set("From", "    Bell, Alexander <sip:a.g.bell@example.com>;tag=43").text(),
       "from_malformed"},
      {"TOR-29",
       Sample()
           .start_line("OPTIONS sip:t@example.org SIP/7.0")
           .set("Via", " SIP/7.0/UDP c;branch=z9hG4bK1")
           .set("CSeq", " 1 OPTIONS")
           .text(),
       "version_unsupported"},
      {"TOR-30", Sample().start_line("OPTIONS sip:u@example.com SIP/2.0").set("CSeq", " 8 INVITE").text(),
       "cseq_method_mismatch"},
      {"TOR-31", Sample().start_line("NEWMETHOD sip:u@example.com SIP/2.0").set("CSeq", " 8 INVITE").text(),
       "cseq_method_mismatch"},
      {"TOR-34", Sample().remove("Call-ID").remove("From").remove("To").text(), "call_id_missing"},
      {"TOR-41",
       Sample()
           .set("CSeq", " 5 INVITE\r\nCSeq: 59 INVITE")
           .add("Call-ID: 1")
           .add("To: <sip:x@y>")
           .add("From: <sip:x@y>;tag=2")
           .text(),
       "cseq_repeated"},
      {"TOR-42", Sample().add("Content-Length: 5").text(), "content_length_repeated"},
      {"TOR-50",
       "INVITE sip:alan@example.com\r\nTO : alan@example.com\r\nFrom: ralph@example.com\r\nCall-ID: "
       "x@192.0.2.1\r\nFoobar roobar\r\nContent-Length: 0\r\n\r\n",
       "start_line_malformed"},
  };
}

std::vector<Torture> responses() {
  return {
      {"TOR-12", Sample::response().start_line("SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd\xd0\xbe").text(), ""},
      {"TOR-13", Sample::response().start_line("SIP/2.0 100 ").text(), ""},
      {"TOR-18",
       Sample::response()
           .set("CSeq", " 9292394834772304023312 OPTIONS")
           .add("Retry-After: 949302838503028349304023988")
           .text(),
       "cseq_malformed"},
      {"TOR-32", Sample::response().start_line("SIP/2.0 4294967301 better not break the receiver").text(),
       "status_code_invalid"},
      {"TOR-43",
       Sample::response()
           .set("Via", " SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1\r\nVia: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK2")
           .text(),
       ""},
  };
}

std::vector<Torture> with_ipv6() {
  return {
      {"TOR-60",
       request("REGISTER", "sip:[2001:db8::10]").set("Via", " SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bK1").text(), ""},
      {"TOR-61",
       request("REGISTER", "sip:2001:db8::10").set("Via", " SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bK1").text(),
       "request_uri_malformed"},
      {"TOR-62", request("REGISTER", "sip:[2001:db8::10:5070]").text(), ""},
      {"TOR-63", request("REGISTER", "sip:[2001:db8::10]:5070").text(), ""},
      {"TOR-64", Sample().set("Via", " SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bK1").text(),
       ""},
      {"TOR-65", Sample().set("Via", " SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bK1").text(),
       ""},
      {"TOR-66", Sample().body("c=IN IP6 2001:db8::20\r\n").set("Content-Length", "23").text(), ""},
      {"TOR-67",
       Sample()
           .set("Via",
                " SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bK1\r\nVia: SIP/2.0/TCP "
                "192.0.2.1;received=2001:db8::9:1;branch=z9hG4bK2")
           .text(),
       ""},
      {"TOR-68", Sample().body("c=IN IP6 2001:db8::1\r\nc=IN IP4 192.0.2.1\r\n").set("Content-Length", "42").text(),
       ""},
      {"TOR-69",
       request("INVITE", "sip:user@example.com")
           .set("Contact", " <sip:u@[::ffff:192.0.2.10]:19823>")
           .set("Via", " SIP/2.0/UDP [::ffff:192.0.2.2]:19823;branch=z9hG4bK1")
           .text(),
       ""},
      {"TOR-70", request("OPTIONS", "sip:user@[2001:db8:::192.0.2.1]").text(), ""},
      {"TOR-71", request("OPTIONS", "sip:user@[2001:db8::192.0.2.1]").text(), ""},
  };
}

void expect_faults(const std::vector<Torture>& messages) {
  for (const Torture& torture : messages) {
    SCOPED_TRACE(torture.rule);
    const Parsed message(torture.text);
    EXPECT_EQ(message.kind(), Datagram::sip);
    EXPECT_EQ(message.fault(), torture.fault) << torture.text;
  }
}

TEST(Torture, ValidRequestsAreRead) { expect_faults(valid_requests()); }
TEST(Torture, InvalidRequestsAreFoundOut) { expect_faults(invalid_requests()); }
TEST(Torture, ResponsesAreJudgedByWhatIsNeeded) { expect_faults(responses()); }
TEST(Torture, AddressesOfIpv6AreRead) { expect_faults(with_ipv6()); }

TEST(Torture, WildWhiteSpaceHidesNothing) {
  SCOPED_TRACE("TOR-01 PAR-03 PAR-05 PAR-08");
  const Parsed message(wild_white_space());
  EXPECT_EQ(message.text(message->to_tag), "1918181833n");
  EXPECT_EQ(message.text(message->from_tag), "98asjd8");
  EXPECT_EQ(message->max_forwards, 68);
  EXPECT_EQ(message->cseq_number, 9u);
  EXPECT_EQ(message->via_count, 3);
  EXPECT_EQ(message.text(message->via[0].branch), "390skdjuw");
  EXPECT_EQ(message.text(message->via[0].host.text), "192.0.2.2");
  EXPECT_EQ(message.text(message->via[1].branch), "z9hG4bK9ikj8");
  EXPECT_EQ(message.text(message->via[1].transport), "TCP");
  EXPECT_EQ(message->content_length, 4u);
  EXPECT_TRUE(message->has(Header::route));
}

TEST(Torture, AddressAndPortAreTakenAsWritten) {
  SCOPED_TRACE("TOR-62 TOR-63 TOR-69");
  const Parsed ambiguous(request("REGISTER", "sip:[2001:db8::10:5070]"));
  EXPECT_EQ(ambiguous.text(ambiguous->request_uri.host.text), "2001:db8::10:5070");
  EXPECT_EQ(ambiguous->request_uri.host.port, 0);
  const Parsed plain(request("REGISTER", "sip:[2001:db8::10]:5070"));
  EXPECT_EQ(plain->request_uri.host.port, 5070);
}

TEST(Torture, LongMessagesAreReadWhole) {
  SCOPED_TRACE("TOR-07 SEC-11");
  const Parsed message(long_message());
  EXPECT_EQ(message->via_count, 34);
  EXPECT_TRUE(message.has(Deviation::branch_missing));
  EXPECT_EQ(message.text(message->via[0].host.text), "sip33.example.com");
}

}  // namespace
}  // namespace viaduct::sip
