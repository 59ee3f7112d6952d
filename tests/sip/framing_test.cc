// Rows, names, folds, line ends, bodies, and what is no SIP at all.
#include <gtest/gtest.h>

#include "sip/sample.h"

namespace viaduct::sip {
namespace {

TEST(Framing, TheSampleReadsAsItIs) {
  const Parsed message{Sample()};
  ASSERT_EQ(message.kind(), Datagram::sip);
  EXPECT_EQ(message.fault(), "");
  EXPECT_EQ(message->deviations.bits(), 0u);
  EXPECT_EQ(message->kind, Kind::request);
  EXPECT_EQ(message->method, Method::invite);
  EXPECT_EQ(message.text(message->start_line), "INVITE sip:bob@example.com SIP/2.0");
  EXPECT_EQ(message->first_row, message->start_line.end + 2);
  EXPECT_EQ(message.text(message->method_text), "INVITE");
  EXPECT_EQ(message.text(message->version), "SIP/2.0");
  EXPECT_EQ(message.text(message->request_uri.text), "sip:bob@example.com");
  EXPECT_EQ(message.text(message->call_id), "a84b4c76e66710@198.51.100.7");
  EXPECT_EQ(message->cseq_number, 314159u);
  EXPECT_EQ(message.text(message->cseq_method), "INVITE");
  EXPECT_EQ(message.text(message->from_tag), "1928301774");
  EXPECT_TRUE(message->has_from_tag);
  EXPECT_FALSE(message->has_to_tag);
  EXPECT_EQ(message->max_forwards, 70);
  EXPECT_EQ(message->via_count, 1);
  EXPECT_EQ(message->content_length, sample_body.size());
  EXPECT_EQ(message->bytes.substr(message->headers_end, 5), "\r\nv=0");
  EXPECT_EQ(message->bytes.substr(message->body), sample_body);
  EXPECT_EQ(message->end, message->bytes.size());
}

// Two strings that differ only in spelling must read alike.
void expect_read_like_the_sample(const Sample& sample, const char* rule) {
  SCOPED_TRACE(rule);
  const Parsed message(sample), original{Sample()};
  EXPECT_EQ(message.fault(), "");
  EXPECT_EQ(message->via_count, original->via_count);
  EXPECT_EQ(message.text(message->via[0].branch), original.text(original->via[0].branch));
  EXPECT_EQ(message.text(message->via[0].host.text), original.text(original->via[0].host.text));
  EXPECT_EQ(message->via[0].host.port, original->via[0].host.port);
  EXPECT_EQ(message.text(message->call_id), original.text(original->call_id));
  EXPECT_EQ(message.text(message->from_tag), original.text(original->from_tag));
  EXPECT_EQ(message->cseq_number, original->cseq_number);
  EXPECT_EQ(message->max_forwards, original->max_forwards);
  EXPECT_EQ(message->content_length, original->content_length);
}

TEST(Framing, NamesMatchInAnyCase) {
  expect_read_like_the_sample(
      Sample().replace("Max-Forwards", "mAx-FoRwArDs: 70").replace("CSeq", "cseq: 314159 INVITE"), "PAR-01");
}

TEST(Framing, CompactNamesMatchInAnyCaseAndMix) {
  const auto length = std::to_string(sample_body.size());
  Sample sample;
  sample.replace("Via", "v: SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bK776asdhds")
      .replace("From", "F: Alice <sip:alice@example.com>;tag=1928301774")
      .replace("To", "t: Bob <sip:bob@example.com>")
      .replace("Call-ID", "I: a84b4c76e66710@198.51.100.7")
      .replace("Contact", "m: <sip:alice@198.51.100.7:5060>")
      .replace("Content-Length", "L: " + length)
      .add("K: 100rel");
  expect_read_like_the_sample(sample, "PAR-02");
  const Parsed message(sample);
  EXPECT_TRUE(message->has(Header::contact));
  EXPECT_TRUE(message->has(Header::supported));
}

TEST(Framing, OtherCompactLettersAreOtherHeaders) {
  SCOPED_TRACE("PAR-02");
  Sample sample;
  for (const char* row :
       {"a: x", "b: x", "c: x", "d: x", "e: x", "j: x", "n: x", "o: x", "r: x", "s:", "u: x", "x: 9", "y: z"}) {
    sample.add(row);
  }
  const Parsed message(sample);
  EXPECT_EQ(message.fault(), "");
  EXPECT_EQ(message->row_count, Parsed(Sample())->row_count);
}

TEST(Framing, WhiteSpaceMayStandBeforeTheColon) {
  expect_read_like_the_sample(
      Sample().replace("Via", "Via \t :SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bK776asdhds"), "PAR-03");
}

TEST(Framing, ALineBreakMayStandAfterTheColonOnly) {
  expect_read_like_the_sample(
      Sample().replace("Via", "Via:\r\n SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bK776asdhds"), "PAR-03");
  EXPECT_EQ(fault_of(Sample().replace("Via", "Via\r\n : SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKa")),
            "row_without_colon");
}

TEST(Framing, AControlOctetBeforeTheColonIsRefused) {
  SCOPED_TRACE("PAR-04");
  for (char octet = 1; octet < 0x20; ++octet) {
    if (octet == '\t' || octet == '\r' || octet == '\n') continue;
    const Parsed message(Sample().add(std::string("To") + octet + ": <sip:x@example.com>;tag=z"));
    EXPECT_EQ(message.fault(), "header_name_malformed") << int{octet};
    EXPECT_TRUE(message.has(Deviation::control_before_colon)) << int{octet};
  }
}

TEST(Framing, FoldsReadAsSpaces) {
  expect_read_like_the_sample(
      Sample().set("Via", " SIP/2.0/UDP\r\n 198.51.100.7:5060;\r\n\trport;branch=z9hG4bK776asdhds"), "PAR-05");
  expect_read_like_the_sample(Sample()
                                  .set("From", " Alice\r\n <sip:alice@example.com>\r\n  ;\r\n tag = 1928301774\r\n\t")
                                  .set("CSeq", "\r\n 314159\r\n\tINVITE\r\n ")
                                  .set("Max-Forwards", "\r\n 70")
                                  .set("Call-ID", "\r\n a84b4c76e66710@198.51.100.7\r\n  ")
                                  .set("Content-Length", "\r\n " + std::to_string(sample_body.size())),
                              "PAR-05");
}

TEST(Framing, HeadersNobodyReadsAreNotJudged) {
  SCOPED_TRACE("PAR-11 PAR-12 PAR-31");
  const Parsed message(Sample()
                           .start_line("NEWMETHOD sip:bob@example.com SIP/2.0")
                           .set("CSeq", " 1 NEWMETHOD")
                           .add("X-A: ;;,,;;,;")
                           .add("Date: Fri, 01 Jan 2010 16:00:00 EST")
                           .add("Subject: \xff\xfe")
                           .add("Empty:")
                           .add("X-Quote: \"open <and never closed"));
  EXPECT_EQ(message.fault(), "");
  EXPECT_EQ(message->method, Method::other);
}

TEST(Framing, BareLineEndsAreRefused) {
  SCOPED_TRACE("PAR-13 SEC-13");
  for (const char* row : {"X: a\nY: b", "X: a\rY: b", "X: a\n b", "X: a\r", "X: \r\r", "X: a\n"}) {
    const Parsed message(Sample().add(row));
    EXPECT_EQ(message.fault(), "bare_line_end") << row;
    EXPECT_TRUE(message.has(Deviation::bare_line_end)) << row;
    EXPECT_EQ(message.text(message->via[0].branch), "z9hG4bK776asdhds") << "must still be there to answer";
  }
  std::string feeds_only = Sample().text();
  std::erase(feeds_only, '\r');
  const Parsed message(feeds_only);
  EXPECT_EQ(message.fault(), "bare_line_end");
  EXPECT_EQ(message.text(message->call_id), "a84b4c76e66710@198.51.100.7");
}

TEST(Framing, BareLineEndsInABodyAreNobodysConcern) {
  SCOPED_TRACE("PAR-13");
  EXPECT_EQ(fault_of(Sample().body("a\nb\rc\r\r\n\0").set("Content-Length", "7")), "");
}

TEST(Framing, OctetsBehindTheBodyAreOutside) {
  SCOPED_TRACE("PAR-14 SEC-13");
  const std::string first = Sample().text();
  const Parsed message(first + first);
  EXPECT_EQ(message.fault(), "");
  EXPECT_EQ(message->end, first.size());
  EXPECT_TRUE(message.has(Deviation::content_length_excess));
}

TEST(Framing, AShortBodyIsAFault) {
  SCOPED_TRACE("PAR-15 RSP-15");
  for (const Sample& sample : {Sample(), Sample::response()}) {
    const Parsed message(Sample(sample).set("Content-Length", " 9999"));
    EXPECT_EQ(message.fault(), "body_truncated");
    EXPECT_TRUE(message.has(Deviation::content_length_short));
    EXPECT_EQ(message->end, message->bytes.size());
  }
  const auto one_more = std::to_string(sample_body.size() + 1);
  EXPECT_EQ(fault_of(Sample().set("Content-Length", one_more)), "body_truncated");
}

TEST(Framing, WithoutContentLengthTheBodyFillsTheDatagram) {
  SCOPED_TRACE("PAR-16");
  const Parsed message(Sample().remove("Content-Length"));
  EXPECT_EQ(message.fault(), "");
  EXPECT_FALSE(message->has_content_length);
  EXPECT_EQ(message->bytes.substr(message->body, message->end - message->body), sample_body);
}

TEST(Framing, ContentLengthIsOnePlainNumber) {
  SCOPED_TRACE("PAR-17 SEC-12 SEC-13");
  for (const char* value : {"-1", "+5", "0x10", "five", "", "5, 5", "5 5", "5;x", "\"5\"", "5.0"}) {
    EXPECT_EQ(fault_of(Sample().set("Content-Length", value)), "content_length_malformed") << value;
  }
  for (const char* value :
       {"2147483609", "4294967328", "18446744073709551732", "340282366920938463463374607431768211572"}) {
    EXPECT_EQ(fault_of(Sample().set("Content-Length", value)), "body_truncated") << value;
  }
  const auto length = std::to_string(sample_body.size());
  for (const std::string& second : {"Content-Length: " + length, "l: " + length, std::string("L: 0")}) {
    const Parsed message(Sample().add(second));
    EXPECT_EQ(message.fault(), "content_length_repeated") << second;
    EXPECT_TRUE(message.has(Deviation::header_repeated));
  }
  EXPECT_EQ(fault_of(Sample().set("Content-Length", "000" + length)), "");
}

TEST(Framing, KeepAlivesAreToldApart) {
  SCOPED_TRACE("PAR-18");
  using namespace std::string_view_literals;
  for (std::string_view datagram :
       {""sv, "\r\n"sv, "\r\n\r\n"sv, "\r\n\r\n\r\n"sv, "\0"sv, "\0\0\0\0"sv, "jaK"sv, "\n\n\n\n\n\n"sv}) {
    EXPECT_EQ(Parsed(datagram).kind(), Datagram::keepalive);
  }
  EXPECT_EQ(Parsed(std::string(65535, '\n')).kind(), Datagram::keepalive);
}

TEST(Framing, LeadingLineEndsAreSkipped) {
  SCOPED_TRACE("PAR-18");
  const Parsed message("\r\n\r\n" + Sample().text());
  ASSERT_EQ(message.kind(), Datagram::sip);
  EXPECT_EQ(message.fault(), "");
  EXPECT_EQ(message->start_line.begin, 4);
  EXPECT_TRUE(message.has(Deviation::leading_crlf));
  EXPECT_EQ(message.text(message->call_id), "a84b4c76e66710@198.51.100.7");
  EXPECT_EQ(message->end, message->bytes.size());
}

TEST(Framing, StunAndSigCompAreToldApart) {
  SCOPED_TRACE("PAR-19");
  EXPECT_EQ(Parsed(std::string("\x00\x01\x00\x00\x21\x12\xa4\x42", 8)).kind(), Datagram::stun);
  EXPECT_EQ(Parsed(std::string("\x01\x01\x00\x00\x21\x12\xa4\x42", 8)).kind(), Datagram::stun);
  for (int first = 0xf8; first <= 0xff; ++first) {
    EXPECT_EQ(Parsed(std::string(1, static_cast<char>(first)) + "12345").kind(), Datagram::sigcomp);
  }
  EXPECT_NE(Parsed("\xf7"
                   "12345")
                .kind(),
            Datagram::sigcomp);
}

TEST(Framing, JunkIsNotSip) {
  for (const char* datagram :
       {"\x02junk junk", "     ", "hello", "hello world", " INVITE sip:a@b SIP/2.0\r\n\r\n", "{\"json\": 1}\r\n",
        "<?xml version='1.0'?>\r\n", "INVITE\r\n\r\n\r\n", "INVITE:sip:a@b SIP/2.0\r\n\r\n"}) {
    EXPECT_EQ(Parsed(datagram).kind(), Datagram::not_sip) << datagram;
  }
}

TEST(Framing, NulIsLegalInQuotedPairsAndBodies) {
  SCOPED_TRACE("PAR-25");
  using namespace std::string_literals;
  EXPECT_EQ(fault_of(Sample().set("To", " \"NUL:\\\0\" <sip:bob@example.com>;tag=9"s)), "");
  EXPECT_EQ(fault_of(Sample().body("a\0b"s).set("Content-Length", "3")), "");
  const Parsed message(Sample().set("To", " \"NUL:\\\0\" <sip:bob@example.com>;tag=9"s));
  EXPECT_EQ(message.text(message->to_tag), "9");
}

TEST(Framing, NulElsewhereIsRefused) {
  SCOPED_TRACE("PAR-25 SEC-13");
  using namespace std::string_literals;
  EXPECT_EQ(fault_of(Sample().add("Ca\0ll-ID: x"s)), "header_name_malformed");
  EXPECT_EQ(fault_of(Sample().add("Call-ID\0: x"s)), "header_name_malformed");
  EXPECT_EQ(fault_of(Sample().add("Subject: a\0b"s)), "nul_octet");
  EXPECT_EQ(fault_of(Sample().add("Subject: \"a\\\\\0b\""s)), "nul_octet");
  EXPECT_EQ(fault_of(Sample().set("Call-ID", "a\0b"s)), "call_id_malformed");
  EXPECT_EQ(fault_of(Sample().start_line("INVITE sip:bob\0@example.com SIP/2.0"s)), "request_uri_malformed");
  EXPECT_EQ(Parsed(Sample().start_line("INV\0ITE sip:bob@example.com SIP/2.0"s)).kind(), Datagram::not_sip);
}

TEST(Framing, ARowWithoutColonIsRefused) {
  SCOPED_TRACE("PAR-29 SEC-13");
  for (const char* row : {"Foobar roobar", "Foobar", "Foobar\r\n : x"}) {
    EXPECT_EQ(fault_of(Sample().add(row)), "row_without_colon") << row;
  }
  for (const char* row : {": x", "Foo bar: x", "Fo\"o: x", "Foo@bar: x", "F\xc3\xb6: x"}) {
    EXPECT_EQ(fault_of(Sample().add(row)), "header_name_malformed") << row;
  }
}

TEST(Framing, AFoldBeforeTheFirstHeaderIsRefused) {
  SCOPED_TRACE("SEC-13");
  for (const char* line : {"INVITE sip:bob@example.com SIP/2.0\r\n X: folded", "INVITE sip:bob@example.com\r\n SIP/2.0",
                           "INVITE sip:bob@example.com SIP/2.0\r\n "}) {
    const std::string text = Sample().start_line(line).text();
    EXPECT_NE(fault_of(text), "") << line;
    EXPECT_EQ(text_of(Parsed(text)->fault).status, 400) << line;
  }
  EXPECT_EQ(fault_of(Sample().start_line("INVITE sip:bob@example.com SIP/2.0\r\n X: folded")), "fold_before_header");
  EXPECT_EQ(fault_of(Sample::response().start_line("SIP/2.0 200 OK\r\n  more")), "fold_before_header");
}

TEST(Framing, HeadersEndInAnEmptyLine) {
  std::string text = Sample().remove("Content-Length").text();
  text.resize(text.find("\r\n\r\n") + 2);
  const Parsed message(text);
  EXPECT_EQ(message.fault(), "headers_unterminated");
  EXPECT_EQ(message.text(message->via[0].branch), "z9hG4bK776asdhds");
  EXPECT_EQ(message->end, text.size());
  EXPECT_EQ(fault_of(text + "\r\n"), "");
}

TEST(Framing, TheLargestDatagramIsRead) {
  SCOPED_TRACE("PAR-28");
  Sample sample;
  sample.remove("Content-Length");
  const size_t headers = Sample(sample).body("").text().size();
  const Parsed message(sample.body(std::string(message_bytes_max - headers, 'x')));
  EXPECT_EQ(message.fault(), "");
  EXPECT_EQ(message->end, message_bytes_max);
  EXPECT_EQ(fault_of(sample.body(std::string(65535 - headers, 'x'))), "");
}

TEST(Framing, WhatOffsetsCannotReachIsTooLarge) {
  SCOPED_TRACE("PAR-28");
  Sample sample;
  sample.remove("Content-Length").body(std::string(100000, 'x'));
  const Parsed message(sample);
  EXPECT_EQ(message.fault(), "message_too_large");
  EXPECT_EQ(text_of(message->fault).status, 513);
  EXPECT_EQ(message.text(message->call_id), "a84b4c76e66710@198.51.100.7");
  EXPECT_EQ(Parsed(std::string(70000, 'x')).kind(), Datagram::not_sip);
}

TEST(Framing, LimitsAdmitWhatTheyMust) {
  SCOPED_TRACE("SEC-11");
  Sample sample;
  sample.add("X-Long: " + std::string(8192, 'x'));
  for (int i = 0; i < 128; ++i) sample.add("X-" + std::to_string(i) + ": y");
  for (int i = 0; i < 99; ++i)
    sample.add("Via: SIP/2.0/UDP h" + std::to_string(i) + ";branch=z9hG4bK" + std::to_string(i));
  for (int i = 0; i < 32; ++i) sample.add("Route: <sip:h" + std::to_string(i) + ";lr>");
  sample.set("Call-ID", std::string(1024, 'c'));
  sample.start_line("INVITE sip:" + std::string(4096, 'u') + "@example.com SIP/2.0");
  sample.set("Via", "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK" + std::string(512, 'b'));
  const Parsed message(sample);
  EXPECT_EQ(message.fault(), "");
  EXPECT_EQ(message->via_count, 100);
}

TEST(Framing, BeyondTheLimitsIsRefused) {
  SCOPED_TRACE("SEC-11");
  Sample vias, vias_in_one_row, routes, rows, row;
  std::string list = "Via: SIP/2.0/UDP a";
  for (int i = 0; i < 200; ++i) {
    vias.add("Via: SIP/2.0/UDP a");
    list += ", SIP/2.0/UDP a";
    routes.add("Route: <sip:a;lr>");
  }
  vias_in_one_row.add(list);
  for (size_t i = 0; i < header_rows_max + 1; ++i) rows.add("X: y");
  row.add("X: " + std::string(row_bytes_max, 'x'));
  EXPECT_EQ(fault_of(vias), "too_many_vias");
  EXPECT_EQ(fault_of(vias_in_one_row), "too_many_vias");
  EXPECT_EQ(fault_of(routes), "too_many_routes");
  EXPECT_EQ(fault_of(rows), "too_many_rows");
  EXPECT_EQ(fault_of(row), "row_too_long");
}

TEST(Framing, EveryPrefixIsReadWithoutTouchingWhatIsBehind) {
  SCOPED_TRACE("SEC-14");
  for (const Sample& sample : {Sample(), Sample::response()}) {
    const std::string text = "\r\n" + sample.text();
    test::GuardedBuffer buffer(text);
    auto message = std::make_unique<Message>();
    for (size_t size = 0; size <= text.size(); ++size) {
      const Datagram kind = parse(buffer.refill(std::string_view(text).substr(0, size)), *message);
      if (size < text.size() && kind == Datagram::sip) {
        EXPECT_NE(message->fault, Fault::none) << size;
      }
    }
    EXPECT_EQ(message->fault, Fault::none);
  }
}

}  // namespace
}  // namespace viaduct::sip
