// Lists over rows, and addresses with brackets.
#include <gtest/gtest.h>

#include <vector>

#include "sip/sample.h"

namespace viaduct::sip {
namespace {

std::vector<std::string> values_of(const Parsed& message, Header header) {
  std::vector<std::string> values;
  ValueWalk walk(*message, header);
  while (walk.next()) values.emplace_back(message.text(walk.value()));
  if (walk.bad()) values.emplace_back("bad");
  return values;
}

TEST(List, ValuesAreWalkedOverRows) {
  SCOPED_TRACE("PAR-06 PAR-07 RTE-08");
  using Values = std::vector<std::string>;
  const Parsed message(Sample()
                           .add("Route: \"x, y\" <sip:192.0.2.10;lr>, <sip:10.0.1.3;lr;a=b,c>")
                           .add("X: y")
                           .add("ROUTE:<sip:c?d=e,f>;g=\"h,\\\"i\"\r\n ,\r\n\t<sip:j>  ")
                           .add("Proxy-Require: foo , bar")
                           .add("Supported:")
                           .add("k: path,outbound"));
  EXPECT_EQ(message.fault(), "");
  EXPECT_EQ(values_of(message, Header::route), (Values{"\"x, y\" <sip:192.0.2.10;lr>", "<sip:10.0.1.3;lr;a=b,c>",
                                                       "<sip:c?d=e,f>;g=\"h,\\\"i\"", "<sip:j>"}));
  EXPECT_EQ(values_of(message, Header::proxy_require), (Values{"foo", "bar"}));
  EXPECT_EQ(values_of(message, Header::supported), (Values{"path", "outbound"}));
  EXPECT_EQ(values_of(message, Header::record_route), Values{});
  EXPECT_EQ(values_of(message, Header::via).size(), 1u);
}

TEST(List, EachValueKnowsItsRow) {
  const Parsed message(Sample().add("Route: <sip:a>, <sip:b>, <sip:c>").add("Route: <sip:d>"));
  const Row* const first = message->row_of(Header::route);
  ValueWalk walk(*message, Header::route);
  std::string rows;
  while (walk.next()) rows += std::to_string(&walk.row() - first);
  EXPECT_EQ(rows, "0001");
  EXPECT_FALSE(walk.next());
  EXPECT_FALSE(walk.bad());
}

TEST(List, MalformedListsAreRefused) {
  for (const char* value : {"", ",", "<sip:a>,", ",<sip:a>", "<sip:a>,,<sip:b>", "<sip:a", "\"<sip:a>"}) {
    EXPECT_EQ(fault_of(Sample().add(std::string("Route: ") + value)), "route_malformed") << value;
    EXPECT_EQ(fault_of(Sample::response().add(std::string("Route: ") + value)), "") << "no concern of a response";
    EXPECT_EQ(fault_of(Sample().add(std::string("Record-Route: ") + value)), "") << "nobody reads it here";
  }
  for (const char* value : {"", ",", "a,", ",a", "a,,b", "\"a", "a b", "a;b"}) {
    EXPECT_EQ(fault_of(Sample().add(std::string("Proxy-Require: ") + value)), "proxy_require_malformed") << value;
  }
}

TEST(List, ProxyRequireIsIgnoredInCancelAndAck) {
  SCOPED_TRACE("VAL-05");
  for (const char* method : {"CANCEL", "ACK"}) {
    EXPECT_EQ(fault_of(Sample()
                           .start_line(std::string(method) + " sip:bob@example.com SIP/2.0")
                           .set("CSeq", std::string(" 314159 ") + method)
                           .add("Proxy-Require: ,,")),
              "");
  }
}

TEST(List, AddressesSplitIntoUriAndParameters) {
  struct Row {
    const char *text, *uri, *params;
  };
  for (const Row& row :
       {Row{"<sip:a;lr>;x=y", "sip:a;lr", ";x=y"}, Row{"\"n, <z>\" <sip:a>", "sip:a", ""},
        Row{"sip:a@b;x", "sip:a@b", ";x"}, Row{"sip:a@b", "sip:a@b", ""}, Row{"n<sip:a> ;x", "sip:a", ";x"}}) {
    Slice uri, params;
    test::GuardedBuffer buffer(row.text);
    EXPECT_TRUE(parse_name_addr(buffer.bytes(), {0, static_cast<uint16_t>(buffer.bytes().size())}, uri, params))
        << row.text;
    EXPECT_EQ(buffer.bytes().substr(uri.begin, uri.size()), row.uri);
    EXPECT_EQ(buffer.bytes().substr(params.begin, params.size()), row.params);
  }
}

}  // namespace
}  // namespace viaduct::sip
