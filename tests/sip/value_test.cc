// Headers a proxy must read: CSeq, Max-Forwards, tags and so on.
#include <gtest/gtest.h>

#include "sip/sample.h"

namespace viaduct::sip {
namespace {

TEST(Value, MandatoryHeadersAreMissed) {
  SCOPED_TRACE("PAR-20 LOC-13 TOR-34");
  const std::pair<const char*, const char*> rows[] = {{"Via", "via_missing"},
                                                      {"Call-ID", "call_id_missing"},
                                                      {"CSeq", "cseq_missing"},
                                                      {"From", "from_missing"},
                                                      {"To", "to_missing"}};
  for (const auto& [name, fault] : rows) {
    EXPECT_EQ(fault_of(Sample().remove(name)), fault);
    EXPECT_EQ(
        fault_of(
            Sample::response().replace(name, "X: y").replace(name == std::string_view("Via") ? "Via" : "X", "X: z")),
        fault)
        << "in a response";
  }
  EXPECT_EQ(text_of(Parsed(Sample().remove("Call-ID"))->fault).reason_phrase, "Missing Call-ID");
  const Parsed poor(Sample().remove("Call-ID").remove("To").remove("From"));
  EXPECT_NE(poor.fault(), "");
  EXPECT_TRUE(poor->via[0].well_formed);
  EXPECT_EQ(poor->cseq_number, 314159u);
}

TEST(Value, MaxForwardsMayBeMissing) {
  SCOPED_TRACE("PAR-20 VAL-03");
  const Parsed message(Sample().remove("Max-Forwards"));
  EXPECT_EQ(message.fault(), "");
  EXPECT_FALSE(message->has_max_forwards);
  EXPECT_TRUE(message.has(Deviation::max_forwards_missing));
}

TEST(Value, WhatOccursOnceMustNotRepeat) {
  SCOPED_TRACE("PAR-21 TOR-41 TOR-42");
  const std::pair<const char*, const char*> rows[] = {{"To: <sip:x@y>", "to_repeated"},
                                                      {"t: <sip:x@y>", "to_repeated"},
                                                      {"From: <sip:x@y>;tag=2", "from_repeated"},
                                                      {"f: <sip:x@y>;tag=2", "from_repeated"},
                                                      {"Call-ID: x", "call_id_repeated"},
                                                      {"i: x", "call_id_repeated"},
                                                      {"CSeq: 314159 INVITE", "cseq_repeated"},
                                                      {"Max-Forwards: 70", "max_forwards_repeated"},
                                                      {"Content-Length: 0", "content_length_repeated"}};
  for (const auto& [row, fault] : rows) {
    const Parsed message(Sample().add(row));
    EXPECT_EQ(message.fault(), fault) << row;
    EXPECT_TRUE(message.has(Deviation::header_repeated)) << row;
    EXPECT_EQ(message.text(message->call_id), "a84b4c76e66710@198.51.100.7") << "the first one stays";
  }
}

TEST(Value, CSeqIsANumberAndTheMethod) {
  SCOPED_TRACE("PAR-22 TOR-17 TOR-18 TOR-30 TOR-31 RSP-20");
  EXPECT_EQ(Parsed(Sample().set("CSeq", " 0009 INVITE"))->cseq_number, 9u);
  EXPECT_EQ(Parsed(Sample().set("CSeq", " 4294967295 \t INVITE"))->cseq_number, 4294967295u);
  for (const char* value : {"4294967296 INVITE", "36893488147419103232 INVITE", "9292394834772304023312 INVITE",
                            "-1 INVITE", "+1 INVITE", "x INVITE", "INVITE", "1", "1 ", "1INVITE", "1 INVITE x",
                            "1 INV@ITE", "", "0x1 INVITE", "1, INVITE", "1 INVITE;x"}) {
    EXPECT_EQ(fault_of(Sample().set("CSeq", value)), "cseq_malformed") << value;
    EXPECT_EQ(fault_of(Sample::response().set("CSeq", value)), "cseq_malformed") << value;
  }
  const Parsed mismatch(Sample().set("CSeq", " 8 OPTIONS"));
  EXPECT_EQ(mismatch.fault(), "cseq_method_mismatch");
  EXPECT_TRUE(mismatch.has(Deviation::cseq_method_mismatch));
  const Parsed unknown(Sample().start_line("NEWMETHOD sip:bob@example.com SIP/2.0"));
  EXPECT_EQ(unknown.fault(), "cseq_method_mismatch");
  EXPECT_EQ(unknown->method, Method::other);
}

TEST(Value, MaxForwardsIsOneOctet) {
  SCOPED_TRACE("PAR-23 SEC-12 TOR-01");
  EXPECT_EQ(Parsed(Sample().set("Max-Forwards", " 0068"))->max_forwards, 68);
  EXPECT_EQ(Parsed(Sample().set("Max-Forwards", " 255"))->max_forwards, 255);
  EXPECT_EQ(Parsed(Sample().set("Max-Forwards", " 0"))->max_forwards, 0);
  EXPECT_TRUE(Parsed(Sample().set("Max-Forwards", " 0"))->has_max_forwards);
  for (const char* value : {"256", "300", "4294967366", "99999999999999999999999999999999999"}) {
    const Parsed message(Sample().set("Max-Forwards", value));
    EXPECT_EQ(message.fault(), "") << value;
    EXPECT_FALSE(message->has_max_forwards) << value;
    EXPECT_TRUE(message.has(Deviation::max_forwards_too_large));
    EXPECT_FALSE(message.has(Deviation::max_forwards_missing));
  }
  for (const char* value : {"-1", "1x", "+1", "", "7 0", "0x10", "70, 70"}) {
    EXPECT_EQ(fault_of(Sample().set("Max-Forwards", value)), "max_forwards_malformed") << value;
  }
  EXPECT_EQ(fault_of(Sample::response().set("Max-Forwards", "x")), "") << "no concern of a response";
}

TEST(Value, MaxBreadthIsANumber) {
  SCOPED_TRACE("FWD-04");
  const Parsed message(Sample().add("Max-Breadth: 500"));
  EXPECT_TRUE(message->has_max_breadth);
  EXPECT_EQ(message->max_breadth, 500u);
  EXPECT_EQ(Parsed(Sample().add("Max-Breadth: 99999999999999"))->max_breadth, UINT32_MAX);
  EXPECT_EQ(fault_of(Sample().add("Max-Breadth: x")), "max_breadth_malformed");
  EXPECT_EQ(fault_of(Sample().add("Max-Breadth: 1").add("Max-Breadth: 2")), "max_breadth_malformed");
}

TEST(Value, CallIdIsOnePiece) {
  SCOPED_TRACE("TGT-06");
  const Parsed message(Sample().set("Call-ID", "   intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{ \t "));
  EXPECT_EQ(message.fault(), "");
  EXPECT_EQ(message.text(message->call_id), "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{");
  for (const char* value : {"", " ", "a b", "a\tb", "a\r\n b",
                            "a\x01"
                            "b",
                            "a\x7f"}) {
    EXPECT_EQ(fault_of(Sample().set("Call-ID", value)), "call_id_malformed") << value;
  }
}

TEST(Value, TagsAreFoundBehindTheAddress) {
  SCOPED_TRACE("TOR-01 TOR-02 TOR-06 TOR-27 TOR-37 TOR-49");
  const std::pair<const char*, const char*> rows[] = {
      {"<sip:a@h>;tag=t", "t"},
      {"sip:a@h;tag=t", "t"},
      {"sip:a@h ;\r\n  TAG  = t ", "t"},
      {"caller<sip:a@h>;tag=t", "t"},
      {"\"a;tag=no <x\" <sip:a@h;tag=no>;tag=t", "t"},
      {"\"J Rosenberg \\\\\\\"\" <sip:a@h>;tag=t", "t"},
      {"\"Watson, Thomas\" < sip:a@h >;x;tag=t;y", "t"},
      {"A. Bell <sip:a@h>;x=\";tag=no\";tag=t", "t"},
      {"token1~` token2'+_ token3*%!.- <sip:a@h>;fromParam''~+*_!.-%=\"\xd1\x80\";tag=_token~1'+`*%!-.",
       "_token~1'+`*%!-."},
      {"http://www.example.com;tag=t", "t"},
      {"<isbn:2983792873>;tag=t", "t"},
      {"\xd0\x90\xd0\xbb <sip:a@h>;tag=t", "t"},
      {"<sip:a@h?x=y,z>;tag=a=b:c", "a=b:c"},
  };
  for (const auto& [value, tag] : rows) {
    for (const char* name : {"From", "To"}) {
      const Parsed message(Sample().set(name, std::string(" ") + value));
      EXPECT_EQ(message.fault(), "") << value;
      EXPECT_EQ(message.text(name[0] == 'F' ? message->from_tag : message->to_tag), tag) << value;
    }
  }
  const Parsed none(Sample().set("From", " <sip:a@h;tag=x>").set("To", " \"tag=x\" <sip:b@h>;gat=x"));
  EXPECT_EQ(none.fault(), "");
  EXPECT_FALSE(none->has_from_tag);
  EXPECT_FALSE(none->has_to_tag);
  EXPECT_TRUE(none.has(Deviation::from_tag_missing));
}

TEST(Value, UnbalancedAddressesAreRefused) {
  SCOPED_TRACE("TOR-19 TOR-28");
  for (const char* value : {"\"Mr. J. User <sip:j.user@example.com>",
                            "Bell, Alexander <sip:a@h>;tag=43",
                            "<sip:a@h",
                            "sip:a@h>",
                            "",
                            "<>",
                            "\"x\"",
                            "\"x\";tag=1",
                            "<sip:a@h> tag=1",
                            "<sip:a@h>x;tag=1",
                            "<sip:a@h>;tag=1;tag=2",
                            "<sip:a@h>;tag=1;TAG=1",
                            "<sip:a@h>;tag=",
                            "<sip:a@h>;tag",
                            "<sip:a@h>;;tag=1",
                            "<sip:a@h>;x=\"open;tag=1",
                            "<sip:a@h>, <sip:b@h>",
                            "sip:a@h, sip:b@h",
                            "a;b <sip:a@h>;tag=1",
                            ";tag=1",
                            "\"\\\" <sip:a@h>"}) {
    EXPECT_EQ(fault_of(Sample().set("From", std::string(" ") + value)), "from_malformed") << value;
    EXPECT_EQ(fault_of(Sample().set("To", std::string(" ") + value)), "to_malformed") << value;
  }
}

TEST(Value, RecordRouteInRegisterIsNoted) {
  const Parsed message(
      Sample().start_line("REGISTER sip:h SIP/2.0").set("CSeq", " 1 REGISTER").add("Record-Route: <sip:x;lr>"));
  EXPECT_EQ(message.fault(), "");
  EXPECT_TRUE(message.has(Deviation::record_route_in_register));
}

}  // namespace
}  // namespace viaduct::sip
