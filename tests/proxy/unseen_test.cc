// Messages that nobody here has seen: whatever a well-formed request looks like, it leaves as its sender wrote it but
// for what RFC 3261 section 16.6 asks, and how it is written makes no difference to what becomes of it.
//
// The oracle knows nothing of the parser: it compares the octets that leave with the rows the message was made of.
#include <algorithm>
#include <regex>
#include <set>

#include "dialect.h"
#include "support/effort.h"
#include "support/proxy_bed.h"

namespace viaduct::test {
namespace {

Bed bed_for_strangers(unsigned max_breadth, bool with_path) {
  Bed bed;
  bed.listener().domains = {};
  bed.view.policy.max_breadth = max_breadth;
  proxy::finish(bed.view);
  bed.listener().path = with_path ? proxy::PathMode::force : proxy::PathMode::off;
  bed.listener().require_path = with_path;
  bed.view.policy.extensions = {"privacy", "sec-agree"};
  return bed;
}

// The rows of a header section, each with its folds and its CRLF.
std::vector<std::string> rows_of(std::string_view message) {
  std::vector<std::string> rows;
  std::string_view rest = message.substr(0, message.find("\r\n\r\n") + 2);
  while (!rest.empty()) {
    size_t end = rest.find("\r\n") + 2;
    while (end < rest.size() && (rest[end] == ' ' || rest[end] == '\t')) end = rest.find("\r\n", end) + 2;
    rows.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end);
  }
  return rows;
}

// A Via value as its parts between semicolons, without the white space outside quotes; parameter names in lower case.
std::vector<std::string> parts_of(const std::string& value) {
  std::vector<std::string> parts(1);
  bool quoted = false, escaped = false;
  for (const char c : value) {
    if (!quoted && (c == ' ' || c == '\t' || c == '\r' || c == '\n')) continue;
    if (!quoted && c == ';') {
      parts.emplace_back();
      continue;
    }
    if (c == '"' && !escaped) quoted = !quoted;
    escaped = quoted && c == '\\' && !escaped;
    parts.back() += c;
  }
  for (size_t i = 1; i < parts.size(); ++i) {
    for (char& c : parts[i]) {
      if (c == '=') break;
      c = static_cast<char>(tolower(c));
    }
  }
  return parts;
}

// The top Via as it must leave (RFC 3261 section 18.2.1, RFC 3581 section 4): its parts, in any order.
std::vector<std::string> stamped(const std::string& value, const Content& content, const Sender& sender,
                                 uint16_t port) {
  std::vector<std::string> parts = parts_of(value);
  bool has_rport = false, has_received = false;
  std::erase_if(parts, [&](const std::string& part) {
    const bool rport = part == "rport" || part.starts_with("rport="), received = part.starts_with("received=");
    has_rport |= rport;
    has_received |= received;
    return rport || received;
  });
  if (has_rport) parts.push_back("rport=" + std::to_string(port));
  if (has_rport || has_received || !content.via_names_source) parts.push_back("received=" + sender.address);
  std::sort(parts.begin(), parts.end());
  return parts;
}

// Compares what leaves with what came, row by row.
class Comparison {
 public:
  Comparison(const Content& content, const Sender& sender, const net::Endpoint& source, const Bed& bed)
      : content_(content), sender_(sender), port_(source.port) {
    const std::string vip = source.address.is_v4() ? "192\\.0\\.2\\.10:5060" : "\\[2001:db8::10\\]:5060";
    const std::string mark = ";lr;vd=[a-z0-9.]+>\r\n", core = "10\\.0\\.0\\.1:5060", token = "[a-z0-9]{20,}@";
    const std::string edge = sender.inside ? token + "192\\.0\\.2\\.10:5060" : token + vip;
    may_be_new("Via: SIP/2\\.0/UDP " + (sender.inside ? vip : core) +
               ";branch=z9hG4bK[a-z0-9.]{13,};vd=1\\.[0-9]\\.[0-9a-f]{16}\r\n");
    if (opens_dialog()) {
      may_be_new("Record-Route: <sip:" + (sender.inside ? edge : core) + mark);
      may_be_new("Record-Route: <sip:" + (sender.inside ? core : edge) + mark);
    }
    if (content.method == "REGISTER" && !sender.inside && bed.view.listeners[0].path == proxy::PathMode::force) {
      may_be_new("Path: <sip:" + core + ";lr>\r\n");
      may_be_new("Path: <sip:" + edge + ";lr>\r\n");
      may_be_new("Require: path\r\n");
    }
    if (!content.has_max_forwards) may_be_new("Max-Forwards: 70\r\n");
    const bool has_max_breadth = std::any_of(content.rows.begin(), content.rows.end(),
                                             [](const ContentRow& row) { return row.kind == RowKind::max_breadth; });
    if (bed.view.policy.max_breadth != 0 && !has_max_breadth && content.method != "CANCEL")
      may_be_new("Max-Breadth: 60\r\n");
  }

  // What is wrong with `bytes` as the forwarded form of `sent`; empty if nothing is.
  std::string operator()(const Rendered& sent, const std::string& bytes) {
    rows_ = rows_of(bytes);
    routes_to_go_ = content_.own_routes;
    if (rows_[0] != content_.method + " " + content_.uri + " SIP/2.0\r\n") return "start line: " + rows_[0];
    if (bytes.substr(bytes.find("\r\n\r\n") + 4) != sent.body) return "the body";
    for (const Rendered::Line& line : sent.lines) {
      take_own_rows();
      const std::string wrong = compare_row(line);
      if (!wrong.empty()) return wrong;
    }
    take_own_rows();
    if (at_ != rows_.size()) return "a row too many or in the wrong place: " + rows_[at_];
    return new_rows_.empty() ? "" : "missing: " + new_rows_.front().first;
  }
  const std::vector<std::string>& own_rows() const { return own_rows_; }

 private:
  void may_be_new(const std::string& pattern) { new_rows_.emplace_back(pattern, std::regex(pattern)); }
  bool opens_dialog() const {
    static const std::set<std::string> openers = {"INVITE", "SUBSCRIBE", "REFER",        "PING",
                                                  "invite", "Register",  "X-!%*_+`'~.0", "RE%47IST%45R"};
    return content_.method == "NOTIFY" || (openers.contains(content_.method) && !content_.to_has_tag);
  }
  // Ours stand above everybody else's of their name (RFC 3261 sections 16.6(4) and 16.6(8), RFC 3327
  // section 5.2).
  void take_own_rows() {
    for (; at_ < rows_.size(); ++at_) {
      const auto pattern = std::find_if(new_rows_.begin(), new_rows_.end(), [&](const auto& each) {
        const std::string name = each.first.substr(0, each.first.find(' '));  // a regular expression is slow
        return rows_[at_].starts_with(name) && std::regex_match(rows_[at_], each.second);
      });
      const bool too_low = (rows_[at_].starts_with("Via: ") && seen_via_) ||
                           (rows_[at_].starts_with("Record-Route: ") && seen_record_route_) ||
                           (rows_[at_].starts_with("Path: ") && seen_path_);
      if (pattern == new_rows_.end() || too_low) return;
      new_rows_.erase(pattern);
      own_rows_.push_back(rows_[at_]);
    }
  }
  std::string compare_row(const Rendered::Line& line) {
    if (line.kind == RowKind::via && !seen_via_) {
      seen_via_ = true;
      return compare_top_via(line);
    }
    seen_record_route_ |= line.kind == RowKind::record_route;
    seen_path_ |= line.kind == RowKind::path;
    const std::string expected = expected_row(line);
    if (expected.empty()) return "";
    const std::string actual = at_ < rows_.size() ? rows_[at_] : "nothing";
    ++at_;
    return actual == expected ? "" : "instead of\n" + expected + "there is\n" + actual;
  }
  std::string compare_top_via(const Rendered::Line& line) {
    if (at_ == rows_.size()) return "no top Via";
    const std::string row = rows_[at_++];
    std::string behind = "\r\n";
    for (size_t i = line.values.size(); i-- > 1;) behind = line.values[i] + behind;
    if (!row.starts_with(line.before) || !row.ends_with(behind)) return "row of the top Via: " + row;
    std::string value = row.substr(line.before.size(), row.size() - line.before.size() - behind.size());
    std::string before = line.values[0];
    if (line.values.size() > 1) {  // without the comma behind it
      value.resize(value.rfind(','));
      before.resize(before.rfind(','));
    }
    std::vector<std::string> parts = parts_of(value);
    std::sort(parts.begin(), parts.end());
    return parts == stamped(before, content_, sender_, port_) ? "" : "top Via: " + value;
  }
  // The row as it must leave; empty if it must go.
  std::string expected_row(const Rendered::Line& line) {
    Rendered::Line left = line;
    if (line.kind == RowKind::max_forwards) {
      const std::string& value = line.values[0];
      const size_t begin = value.find_first_of("0123456789"), end = value.find_last_of("0123456789") + 1;
      left.values[0] = value.substr(0, begin) + std::to_string(content_.max_forwards - 1) + value.substr(end);
    }
    if (line.kind == RowKind::route) {
      for (; routes_to_go_ > 0 && !left.values.empty(); --routes_to_go_) left.values.erase(left.values.begin());
      if (left.values.empty()) return "";
    }
    return left.text();
  }

  const Content& content_;
  const Sender& sender_;
  const uint16_t port_;
  std::vector<std::pair<std::string, std::regex>> new_rows_;
  std::vector<std::string> rows_, own_rows_;
  size_t at_ = 1, routes_to_go_ = 0;
  bool seen_via_ = false, seen_record_route_ = false, seen_path_ = false;
};

net::Endpoint destination_of(const Content& content) {
  if (content.uri.find("maddr") != std::string::npos) return at("203.0.113.51:5060");
  return content.uri.find(":5080") != std::string::npos ? at("203.0.113.50:5080") : bob;
}

net::Endpoint source_of(const Sender& sender, Dice& dice) {
  const bool v6 = sender.address.find(':') != std::string::npos;
  net::Endpoint source = at(v6 ? "[" + sender.address + "]:5060" : sender.address + ":5060");
  if (!sender.inside && dice.one_in(2)) source.port = static_cast<uint16_t>(1024 + dice.below(60000));
  return source;
}

uint16_t socket_of(const Sender& sender, const net::Endpoint& source) {
  return sender.inside ? inside : source.address.is_v4() ? outside : outside6;
}

// Where an answer goes (RFC 3261 section 18.2.2, RFC 3581 section 4): to the source, and to the port that the Via names
// unless it asks for the source's.
net::Endpoint answer_destination(const Content& content, net::Endpoint source) {
  for (const std::string& part : parts_of(content.vias[0])) {
    if (part == "rport" || part.starts_with("rport=")) return source;
  }
  const size_t colon = content.vias[0].find("\n:\n");
  source.port = colon == std::string::npos ? 5060 : static_cast<uint16_t>(std::stoi(content.vias[0].substr(colon + 3)));
  return source;
}

class Unseen : public ::testing::TestWithParam<uint32_t> {
 protected:
  // One content in a plain dialect and in others: all are one request.
  void send_request() {
    const Sender& sender = dice.one_of(senders);
    const Content content = make_content(dice, sender);
    const net::Endpoint source = source_of(sender, dice);
    Outcome first;
    std::vector<std::string> own_rows;
    for (int dialect = 0; dialect < 4; ++dialect) {
      const Rendered sent = render(content, dice, dialect == 0);
      SCOPED_TRACE(net::to_string(source) + "\n" + sent.str());
      const Outcome outcome = bed.send(sent.str(), source, socket_of(sender, source));
      ASSERT_EQ(outcome.verdict(), "forward") << outcome.message.start();
      Comparison compare(content, sender, source, bed);
      ASSERT_EQ(compare(sent, outcome.bytes), "") << outcome.bytes;
      if (sender.inside) {
        ASSERT_EQ(outcome.decision.destination, destination_of(content));
      } else if (content.routes.size() > content.own_routes) {
        ASSERT_EQ(outcome.decision.destination, b1);
      } else {
        ASSERT_TRUE(outcome.decision.by_hash);
      }
      // Our own rows say the same about the same request, however it is written.
      std::vector<std::string> rows = compare.own_rows();
      std::sort(rows.begin(), rows.end());
      if (dialect == 0) {
        first = outcome;
        own_rows = rows;
      }
      ASSERT_EQ(rows, own_rows);
      ASSERT_EQ(outcome.decision.destination, first.decision.destination);
      ASSERT_EQ(outcome.decision.hash, first.decision.hash);
    }
  }

  // A request, and answers to it in several dialects.
  void send_answers() {
    static const std::vector<std::string> statuses = {"100 Trying",       "180 ",     "183 =2**3;,\"<\xd0\xbd\xd0\xbe",
                                                      "200 OK",           "202 ok",   "302 Moved: there",
                                                      "401 Unauthorized", "503 Busy", "699 \t%41 ?"};
    const Sender& sender = dice.one_of(senders);
    const Content content = make_content(dice, sender);
    const net::Endpoint source = source_of(sender, dice);
    const Outcome request = bed.send(render(content, dice, true).str(), source, socket_of(sender, source));
    std::vector<std::string> vias = request.message.values("Via");
    const std::string own = vias[0], vd = ";vd=" + param(own, "vd"), branch = ";branch=" + param(own, "branch");
    const std::vector<std::string> spellings = {own,
                                                own + ";received=10.0.0.1;rport=5060",
                                                own + " ; received\t=\r\n 192.0.2.10",
                                                own.substr(0, own.find(';')) + vd + branch,
                                                replace_all(replace_all(own, ";", " ; "), "=", " = "),
                                                replace_all(own, "/", " / "),
                                                replace_all(own, "branch", "Branch")};
    for (int dialect = 0; dialect < 3; ++dialect) {
      vias[0] = replace_all(replace_all(dice.one_of(spellings), "\t", " "), "\r\n ", " ");
      const Rendered sent = render_answer(content, vias, dice.one_of(statuses), dice);
      Rendered expected = sent;
      const auto line = std::find_if(expected.lines.begin(), expected.lines.end(),
                                     [](const Rendered::Line& each) { return each.kind == RowKind::via; });
      line->values.erase(line->values.begin());
      if (line->values.empty()) expected.lines.erase(line);
      SCOPED_TRACE(sent.str());
      const Outcome outcome = bed.send(sent.str(), request.decision.destination, request.decision.socket);
      ASSERT_EQ(outcome.verdict(), "forward");
      ASSERT_EQ(outcome.bytes, expected.str());
      ASSERT_EQ(outcome.decision.destination, answer_destination(content, source));
      ASSERT_EQ(outcome.decision.socket, socket_of(sender, source));
    }
  }

  Dice dice{GetParam()};
  const Bed bed = bed_for_strangers(GetParam() % 2 == 0 ? 0 : 60, GetParam() % 3 == 0);
  const std::vector<Sender> senders = {alice_calls, alice_calls, alice6_calls, b0_calls};
};

// FWD-01, FWD-03, FWD-05, FWD-07, FWD-08, PAR-01 to PAR-03, PAR-05 to PAR-08, PAR-11, PAR-12, PAR-31, TXN-20
TEST_P(Unseen, WellFormedRequestsLeaveAsTheyCame) {
  for (int round = 0; round < rounds(300) && !HasFatalFailure(); ++round) send_request();
}

TEST_P(Unseen, AnswersLeaveWithoutOurVia) {  // RSP-02, RSP-03, RSP-05, RSP-06, RSP-07, RSP-08, RSP-17
  for (int round = 0; round < rounds(300) && !HasFatalFailure(); ++round) send_answers();
}

INSTANTIATE_TEST_SUITE_P(Seeds, Unseen, ::testing::Range(1u, 9u));

}  // namespace
}  // namespace viaduct::test
