// Single messages: templates, heads, requests that follow from a response, answers.
#include <algorithm>
#include <cstring>

#include "blast/dialog.h"
#include "blast/digits.h"
#include "blast/fixture.h"
#include "blast/token.h"
#include "support/effort.h"
#include "support/message_corpus.h"

namespace viaduct::blast {
namespace {

using viaduct::test::header_values;

std::string render(const MessageTemplate& text, uint64_t number, uint64_t time_ns, const Source& source) {
  std::vector<uint8_t> frame(text.frame_bytes_max());
  frame.resize(text.render(number, time_ns, source, frame.data()));
  return test::payload_of(frame);
}

TemplateOptions options_of(size_t size = 0) {
  TemplateOptions options;
  options.target = viaduct::test::endpoint("192.0.2.10:5060");
  options.run = 0xfeedbeef;
  options.size = size;
  return options;
}

TEST(Digits, AreWrittenAndReadAsTheyAre) {
  char hex[hex_digits + 1] = {}, decimal[decimal_digits + 1] = {};
  for (const uint64_t value : {uint64_t{0}, uint64_t{0x0123456789abcdef}, ~uint64_t{0}, uint64_t{1} << 63}) {
    write_hex(value, hex);
    char expected[20];
    std::snprintf(expected, sizeof expected, "%016llx", static_cast<unsigned long long>(value));
    EXPECT_STREQ(hex, expected);
    EXPECT_EQ(read_hex(hex), value);
  }
  for (uint32_t value = 1; value < 100'000'000; value = value * 7 + 3) {
    write_decimal(value, decimal);
    char expected[20];
    std::snprintf(expected, sizeof expected, "%08u", value);
    EXPECT_STREQ(decimal, expected);
  }
  EXPECT_EQ(read_hex("012345678g012345"), std::nullopt);
}

TEST(Template, PatchesEveryCallsOwnFieldsAndNothingElse) {
  const Sources sources = test::sources_of("10.0.0.9:5060", 3);  // texts of two lengths
  for (const Kind kind : {Kind::options, Kind::register_, Kind::invite}) {
    const auto text = MessageTemplate::compile(texts_of(kind)[0], options_of(), sources);
    ASSERT_TRUE(text) << text.error();
    const std::string first = render(*text, 0x1122334455667788, 0x99, sources[0]);
    const std::string second = render(*text, 7, 0x1000, sources[1]);
    EXPECT_EQ(header_values(first, "Via").at(0),
              "SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKvbfeedbeef11223344556677880000000000000099");
    EXPECT_EQ(header_values(second, "Via").at(0),
              "SIP/2.0/UDP 10.0.0.10:5060;branch=z9hG4bKvbfeedbeef00000000000000070000000000001000");
    EXPECT_NE(header_values(first, "Call-ID"), header_values(second, "Call-ID"));
    EXPECT_NE(header_values(first, "From"), header_values(second, "From"));
    EXPECT_NE(header_values(first, "CSeq"), header_values(second, "CSeq"));
    EXPECT_TRUE(header_values(second, "From").at(0).starts_with("<sip:00000007@")) << second;
    EXPECT_EQ(render(*text, 7, 0x1000, sources[1]), second) << "the same call again is the same message";
    EXPECT_EQ(first.find('['), std::string::npos) << first;
  }
}

TEST(Template, HasTheSizeThatIsAskedForWhateverTheLengthOfTheSource) {
  const Sources sources = test::sources_of("10.0.0.9:5060", 3);
  for (const Kind kind : {Kind::options, Kind::register_, Kind::invite, Kind::cancel}) {
    for (size_t size = 300; size < 8000; size += size >= 1800 ? 997 : viaduct::test::sanitized ? 7 : 1) {
      core::Result<MessageTemplate> text = core::Error{};
      for (const std::string_view candidate : texts_of(kind)) {
        if (!text) text = MessageTemplate::compile(candidate, options_of(size), sources);
      }
      ASSERT_TRUE(text) << size << text.error();
      for (const size_t source : {0u, 1u}) {
        const std::string message = render(*text, size, 1, sources[source]);
        ASSERT_EQ(message.size(), size);
        const size_t body = message.find("\r\n\r\n") + 4;
        if (message.find("\r\nl:0\r\n") != std::string::npos) {
          EXPECT_EQ(body, size);
        } else {
          EXPECT_EQ(header_values(message, "Content-Length").at(0), std::to_string(size - body));
        }
      }
    }
  }
  EXPECT_FALSE(MessageTemplate::compile(texts_of(Kind::options)[0], options_of(200), sources));
}

// Sent, they would be lost, or come astray, and the system under test would seem to be at fault.
TEST(Template, OfAUserHasItsMistakesToldWithTheirPlace) {
  const std::string good =
      "OPTIONS sip:[target] SIP/2.0\nVia: SIP/2.0/UDP [source];branch=[branch]\nFrom: <sip:a@b>;tag=[tag]\n"
      "To: <sip:c@d>\nCall-ID: [call_id]\nCSeq: [cseq] OPTIONS\nContent-Length: [len]\n\nbody";
  const auto told = [&](const std::string& part, const std::string& with) {
    std::string text = good;
    text.replace(text.find(part), part.size(), with);
    UacPlan plan = test::plan_of("options");
    plan.text = text;
    const auto made = Uac::make(plan, test::sources_of("10.0.0.9:5060"));
    return made ? std::string() : made.error();
  };
  EXPECT_EQ(told("body", "body"), "");
  EXPECT_EQ(told("[source]", "192.0.2.99;rport"), "") << "answers come to where the request came from";
  EXPECT_EQ(told(";tag=[tag]", ""), "") << "RFC 2543";
  const std::tuple<const char*, const char*, const char*> mistakes[] = {
      {"OPTIONS\n", "INVITE\n", "6:15: CSeq is of \"INVITE\""},
      {"OPTIONS sip", "\xef\xbb\xbfOPTIONS", "1:1: it is no SIP request"},
      {"[source]", "192.0.2.99", "2:6: answers go where the first Via says"},
      {";branch=[branch]", "", "2:6: the first Via has no ;branch"},
      {"To: <sip:c@d>", "To <sip c@d>", "4:1: a header row is NAME: VALUE"},
      {"To:", "Call-ID: x\nTo:", "1:1: From, To, Call-ID and CSeq are there more than once"},
      {"[len]", "3", "1:1: Content-Length is 3, the body has 4 bytes"},
      {"[len]", "300", "1:1: Content-Length is 300, the body has 4 bytes"},
      {"[cseq]", "[number]", "6:7: there is no placeholder [number]"},
  };
  for (const auto& [part, with, words] : mistakes) {
    EXPECT_EQ(told(part, with).substr(0, std::string_view(words).size()), words) << told(part, with);
  }
}

TEST(Template, OfAUserKnowsItsPlaceholdersAndSaysWhichAreUnknown) {
  const Sources sources = test::sources_of("10.0.0.9:5060");
  const char* const text =
      "MESSAGE sip:[user]@[domain] SIP/2.0\nVia: SIP/2.0/UDP [source];branch=[branch]\nFrom: <sip:a@b>;tag=[tag]\n"
      "To: <sip:[user]@[2001:db8::1]>\nCall-ID: [call_id]\nCSeq: [cseq] MESSAGE\nContent-Length: [len]\n\nhello";
  const auto compiled = MessageTemplate::compile(text, options_of(), sources);
  ASSERT_TRUE(compiled) << compiled.error();
  const std::string message = render(*compiled, 5, 6, sources[0]);
  EXPECT_EQ(header_values(message, "Content-Length").at(0), "5");
  EXPECT_EQ(header_values(message, "To").at(0), "<sip:00000005@[2001:db8::1]>");
  for (const char* const name : {"usr", "USER", "field0", "a"}) {
    const std::string there = "[" + std::string(name) + "]";
    const auto wrong = MessageTemplate::compile("OPTIONS sip:" + there + "@x SIP/2.0\n", options_of(), sources);
    ASSERT_FALSE(wrong) << name;
    EXPECT_NE(wrong.error().find(there), std::string::npos);
  }
  const auto literal =
      MessageTemplate::compile("OPTIONS sip:x SIP/2.0\nX: [[user] [[[user] [0] [] [a b] [[\n", options_of(), sources);
  ASSERT_TRUE(literal) << literal.error();
  EXPECT_EQ(header_values(render(*literal, 5, 6, sources[0]), "X").at(0), "[user] [00000005 [0] [] [a b] [");

  UacPlan plan = test::plan_of("options");
  plan.text = text;
  test::Bed bed(plan);
  bed.run(3);
  EXPECT_EQ(bed.uac->counters().completed.value(), 3u);
  plan.text =
      "OPTIONS sip:x SIP/2.0\nVia: SIP/2.0/UDP [source];branch=1\nFrom: a\nTo: b\nCall-ID: c\nCSeq: 1 OPTIONS\n";
  EXPECT_FALSE(Uac::make(plan, sources));
}

constexpr const char* response =
    "SIP/2.0 200 OK\r\n"
    "v: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKvbfeedbeef00000000000000070000000000001000\r\n"
    "Record-Route: <sip:a.example;lr>, \"x, y\" <sip:b.example;lr>\r\n"
    "RECORD-ROUTE : <sip:c.example;lr>\r\n"
    "From: <sip:me@x>;tag=mine\r\n"
    "t: \"You\"\r\n <sip:you@x>;tag=yours\r\n"
    "i: call@x\r\n"
    "CSeq: 41 INVITE\r\n"
    "m: \"You\" <sip:you@192.0.2.9:5070;ob>;q=1\r\n"
    "Content-Length: 0\r\n\r\n";

TEST(Head, ReadsCompactNamesFoldsAndCase) {
  Head head;
  ASSERT_TRUE(read_head(response, head));
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.vias.size(), 1u);
  EXPECT_EQ(head.record_routes.size(), 2u);
  EXPECT_EQ(tag_of(head.to), "yours");
  EXPECT_EQ(head.call_id, "call@x");
  EXPECT_EQ(head.cseq_number, "41");
  EXPECT_EQ(head.cseq_method, "INVITE");
  EXPECT_EQ(uri_of(head.contact), "sip:you@192.0.2.9:5070;ob");
  EXPECT_EQ(uri_of("\"A <b> \\\"\" <sip:c@d>;x=1"), "sip:c@d");
  EXPECT_EQ(uri_of("sip:c@d;x=1"), "sip:c@d");
  for (const char* const tagged :
       {"<sip:x;tag=no>;tag=zz", "<sip:x> ; tag = zz;y", "sip:x;TAG=zz", "\";tag=q\" <sip:x>;a;tag=zz"}) {
    EXPECT_EQ(tag_of(tagged), "zz") << tagged;
  }
  EXPECT_EQ(tag_of("<sip:x;tag=no>;stag=1;tagged=2"), "");
  const auto token = find_token(head.vias[0]);
  ASSERT_TRUE(token);
  EXPECT_EQ(token->number, 7u);
  EXPECT_EQ(token->time_ns, 0x1000u);
  EXPECT_EQ(token->run, "feedbeef");
}

TEST(Head, RefusesWhatIsNoMessage) {
  Head head;
  for (const char* const text :
       {"", "\r\n\r\n", "hello", "SIP/2.0 99 x\r\n", "GET / HTTP/1.1\r\nVia: x\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n"}) {
    EXPECT_FALSE(read_head(text, head)) << text;
  }
  // Every prefix of a message, in memory that ends with it.
  const std::string whole = response;
  for (size_t size = 0; size < whole.size(); ++size) {
    const std::vector<char> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    read_head({cut.data(), cut.size()}, head);
  }
}

std::string written(const std::function<void(TextWriter&)>& write) {
  char room[4096];
  TextWriter out(room, sizeof room);
  write(out);
  EXPECT_TRUE(out.whole());
  return std::string(out.text());
}

TEST(Dialog, AckAndByeFollowTheRouteSetInReverseToTheContact) {
  Head head;
  ASSERT_TRUE(read_head(response, head));
  const OwnVia via{"10.0.0.9:5060", "feedbeef", 7, 0x2000};
  const std::string ack = written([&](TextWriter& out) { write_ack_of_2xx(head, via, out); });
  EXPECT_TRUE(ack.starts_with("ACK sip:you@192.0.2.9:5070;ob SIP/2.0\r\n")) << ack;
  EXPECT_EQ(header_values(ack, "Route"),
            (std::vector<std::string>{"<sip:c.example;lr>", "\"x, y\" <sip:b.example;lr>", "<sip:a.example;lr>"}));
  EXPECT_EQ(header_values(ack, "CSeq").at(0), "41 ACK");
  EXPECT_EQ(header_values(ack, "To").at(0).substr(0, 5), "\"You\"");
  const std::string bye = written([&](TextWriter& out) { write_bye(head, via, out); });
  EXPECT_EQ(header_values(bye, "CSeq").at(0), "42 BYE");
  EXPECT_EQ(header_values(bye, "Call-ID").at(0), "call@x");
  EXPECT_TRUE(bye.ends_with("\r\n\r\n"));
}

TEST(Dialog, CancelAndAckOfAFailureRepeatTheRequestsOwnVia) {
  const std::string invite =
      "INVITE sip:you@x SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKq\r\nRoute: <sip:p;lr>\r\n"
      "From: <sip:me@x>;tag=mine\r\nTo: <sip:you@x>\r\nCall-ID: c\r\nCSeq: 41 INVITE\r\n\r\n";
  Head request, failure;
  ASSERT_TRUE(read_head(invite, request));
  ASSERT_TRUE(read_head(response, failure));
  const std::string cancel = written([&](TextWriter& out) { write_cancel(request, out); });
  EXPECT_TRUE(cancel.starts_with("CANCEL sip:you@x SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKq\r\n"));
  EXPECT_EQ(header_values(cancel, "Route").at(0), "<sip:p;lr>");
  EXPECT_EQ(header_values(cancel, "To").at(0), "<sip:you@x>");
  EXPECT_EQ(header_values(cancel, "CSeq").at(0), "41 CANCEL");
  const std::string ack = written([&](TextWriter& out) { write_ack_of_failure(request, failure, out); });
  EXPECT_EQ(header_values(ack, "Via").at(0), "SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKq");
  EXPECT_NE(ack.find("<sip:you@x>;tag=yours\r\n"), std::string::npos) << "the fold included";
  EXPECT_EQ(header_values(ack, "CSeq").at(0), "41 ACK");
}

TEST(Answers, CopyWhatMustBeCopiedAndGoWhereTheViaSays) {
  const std::string invite =
      "INVITE sip:you@x SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10:5070;branch=z9hG4bKa\r\n"
      "Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKb;received=10.0.0.9\r\nRecord-Route: <sip:p;lr>\r\n"
      "From: <sip:me@x>;tag=mine\r\nTo: <sip:you@x>\r\nCall-ID: c\r\nCSeq: 41 INVITE\r\n\r\n";
  Head head;
  ASSERT_TRUE(read_head(invite, head));
  const std::string ok = written([&](TextWriter& out) {
    write_answer(
        head,
        {200, "INVITE", "vb1", "1.2.3.4:5", read_top_via(head.vias[0], viaduct::test::endpoint("192.0.2.10:40000"))},
        out);
  });
  EXPECT_EQ(header_values(ok, "Via").size(), 2u);
  EXPECT_EQ(header_values(ok, "Record-Route").at(0), "<sip:p;lr>");
  EXPECT_EQ(header_values(ok, "To").at(0), "<sip:you@x>;tag=vb1");
  EXPECT_EQ(header_values(ok, "Contact").at(0), "<sip:1.2.3.4:5>");
  const size_t body = ok.find("\r\n\r\n") + 4;
  EXPECT_EQ(header_values(ok, "Content-Length").at(0), std::to_string(ok.size() - body));
  const std::string trying = written([&](TextWriter& out) {
    write_answer(
        head,
        {100, "INVITE", "vb1", "1.2.3.4:5", read_top_via(head.vias[0], viaduct::test::endpoint("192.0.2.10:40000"))},
        out);
  });
  EXPECT_EQ(header_values(trying, "To").at(0), "<sip:you@x>") << "RFC 3261 section 8.2.6.2: no tag is needed";

  const net::Endpoint source = viaduct::test::endpoint("192.0.2.10:40000");
  const auto port = [&](const char* via) { return read_top_via(via, source).destination.port; };
  EXPECT_EQ(port("SIP/2.0/UDP 192.0.2.10:5070;branch=1"), 5070);
  EXPECT_EQ(port("SIP/2.0/UDP host.example;branch=1"), 5060);
  EXPECT_EQ(port("SIP/2.0/UDP [2001:db8::1];branch=1"), 5060);
  EXPECT_EQ(port("SIP/2.0/UDP [2001:db8::1]:5080;branch=1"), 5080);
  EXPECT_EQ(port("SIP/2.0/UDP 192.0.2.10:5070;rport;branch=1"), 40000);
  EXPECT_EQ(port("SIP/2.0/UDP 192.0.2.10:5070; RPORT ;branch=1"), 40000);
  EXPECT_EQ(port("SIP/2.0/UDP 192.0.2.10:5070;rports;branch=1"), 5070);
}

std::string answer_to(const std::string& method, const std::string& rows, std::string_view to = "<sip:you@x>") {
  const std::string request = method + " sip:you@x SIP/2.0\r\n" + rows +
                              "From: <sip:me@x>;tag=mine\r\nTo: " + std::string(to) + "\r\nCall-ID: c\r\nCSeq: 41 " +
                              method + "\r\n\r\n";
  Head head;
  EXPECT_TRUE(read_head(request, head));
  return written([&](TextWriter& out) {
    write_answer(
        head,
        {200, method, "vb1", "1.2.3.4:5", read_top_via(head.vias[0], viaduct::test::endpoint("192.0.2.10:40000"))},
        out);
  });
}

// RFC 3581 section 4, RFC 3261 section 18.2.1.
TEST(Answers, SayInTheViaWhereTheRequestCameFrom) {
  const auto via = [](const std::string& value) {
    return header_values(answer_to("OPTIONS", "Via: " + value + "\r\n"), "Via").at(0);
  };
  EXPECT_EQ(via("SIP/2.0/UDP 192.0.2.10:5070;rport;branch=1"),
            "SIP/2.0/UDP 192.0.2.10:5070;rport=40000;branch=1;received=192.0.2.10");
  EXPECT_EQ(via("SIP/2.0/UDP 10.0.0.1;branch=1;rport"),
            "SIP/2.0/UDP 10.0.0.1;branch=1;rport=40000;received=192.0.2.10");
  EXPECT_EQ(via("SIP/2.0/UDP 192.0.2.10:5070;branch=1"), "SIP/2.0/UDP 192.0.2.10:5070;branch=1");
  EXPECT_EQ(via("SIP/2.0/UDP host.example;branch=1"), "SIP/2.0/UDP host.example;branch=1;received=192.0.2.10");
  EXPECT_EQ(via("SIP/2.0/UDP 10.0.0.1;branch=1, SIP/2.0/UDP 10.0.0.2;rport"),
            "SIP/2.0/UDP 10.0.0.1;branch=1;received=192.0.2.10, SIP/2.0/UDP 10.0.0.2;rport");
}

TEST(Answers, ToARegistrationSayWhatIsRegisteredAndForHowLong) {
  const auto contacts = [](const std::string& rows) {
    return header_values(answer_to("REGISTER", "Via: SIP/2.0/UDP 192.0.2.10;branch=1\r\n" + rows), "Contact");
  };
  using Values = std::vector<std::string>;
  EXPECT_EQ(contacts("Contact: <sip:a@b>\r\n"), Values{"<sip:a@b>;expires=3600"});
  EXPECT_EQ(contacts("Contact: <sip:a@b;expires=1>;expires=60\r\nExpires: 9\r\n"),
            Values{"<sip:a@b;expires=1>;expires=60"});
  EXPECT_EQ(contacts("Contact: <sip:a@b>, \"c, d\" <sip:c@b>;expires=0, <sip:e@b>;expires=5\r\nExpires: 9\r\n"),
            (Values{"<sip:a@b>;expires=9", "<sip:e@b>;expires=5"}));
  EXPECT_EQ(contacts("Contact: *\r\nExpires: 0\r\n"), Values{});
  EXPECT_EQ(contacts("Contact: <sip:a@b>\r\nExpires: 0\r\n"), Values{});
}

TEST(Answers, GiveNoSecondTag) {
  const std::string via = "Via: SIP/2.0/UDP 192.0.2.10;branch=1\r\n";
  for (const char* const to : {"<sip:you@x> ; tag=zz", "<sip:you@x>;TAG=zz", "<sip:you@x>;tag=zz"}) {
    EXPECT_EQ(header_values(answer_to("BYE", via, to), "To").at(0), to);
  }
}

}  // namespace
}  // namespace viaduct::blast
