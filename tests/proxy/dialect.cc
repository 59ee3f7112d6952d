#include "dialect.h"

#include <algorithm>

namespace viaduct::test {
namespace {

using Texts = std::vector<std::string>;

const Texts methods = {"INVITE",  "INVITE", "INVITE", "OPTIONS", "REGISTER", "SUBSCRIBE",    "NOTIFY",
                       "MESSAGE", "INFO",   "UPDATE", "PUBLISH", "REFER",    "BYE",          "PRACK",
                       "ACK",     "CANCEL", "PING",   "invite",  "Register", "X-!%*_+`'~.0", "RE%47IST%45R"};

// Whoever is asked for, outside an own address: everybody's host is served in these tests.
const Texts uris = {
    "sip:bob@example.com",
    "SIP:Bob@Example.COM:5060",
    "sip:example.com",
    "sip:example.com.",
    "sip:+1-212-555-1212:1234@gateway.example;user=phone",
    "sip:alice;day=tuesday@atlanta.example",
    "sip:u;par=u%40example.net@example.com;transport=udp;lr;method=INVITE;x-Y=%41[]/:&+$-_.!~*'()",
    "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com",
    "sip:null-%00-null@example.com",
    "sip:*21%23@203.0.113.50:5090",
    "sip:#21@203.0.113.50",
    "sip:bob@[2001:db8::50]:5070;transport=tcp",
    "sip:[2001:db8::192.0.2.1]",
    "sip:%e4%b8%ad@xn--fiqs8s.example;ttl=15",
    "sip:a_b@under_score.example",
    "tel:+1-201-555-0123",
    "tel:7042;phone-context=example.com;isub=12",
};
// A backend calls by address: names are another matter.
const Texts uris_outward = {"sip:bob@203.0.113.50", "SIP:203.0.113.50:5080;transport=UDP", "sip:a;b?c@203.0.113.50;lr",
                            "sip:%62ob:pass@203.0.113.50;maddr=203.0.113.51"};

const Texts display_names = {
    "",
    "Bob ",
    "J. van-der Berg's ",
    "\"Bob\"\n",
    "\"\"\n",
    "\"A. <sip:x@y>, \\\"B\\\"; C\\\\ > \" ",
    "\"J\xc3\xbcrgen \xe6\x9d\x8e\"\n",
    "\"R\xc3\xa9mi\\\"\"\n",
    "\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd ",
    "\"two\tlines\"\n",
};
const Texts addresses = {
    "sip:bob@example.com",
    "sips:bob@example.com",
    "sip:b;c=d?e@[2001:db8::1]:5070;x=%20;lr",
    "sip:bob@example.com?Subject=a%20b&X=y",
    "tel:+1-201-555-0123",
    "tel:7042;phone-context=+1",
    "urn:service:sos.fire",
    "http://example.com/~bob?x=1&y=[z]",
    "isbn:2983792873",
};
const Texts bare_addresses = {"sip:bob@example.com", "tel:+1-201-555-0123", "sip:[2001:db8::1]:5070",
                              "sips:x@example.org"};
const Texts address_params = {
    "x", "x\n=\ny", "x\n=\n\"a;b,<c>\\\"\"", "x=[2001:db8::1]", "x=example.com", "%41\n=\n*", "X-Long=", "q=0.7"};

std::string tag(Dice& dice) {
  static const Texts names = {"tag", "tag", "tag", "Tag", "TAG"};
  return "\n;\n" + dice.one_of(names) + "\n=\n" + dice.run(token_octets, 1 + dice.below(dice.one_in(10) ? 200 : 30));
}

std::string address_row(Dice& dice, bool tagged) {
  std::string value;
  if (dice.one_in(5)) {
    value = dice.one_of(bare_addresses);
  } else {
    value = dice.one_of(display_names) + "<" + dice.one_of(addresses) + ">";
  }
  Texts params;
  if (tagged) params.push_back(tag(dice));
  for (size_t i = 0; i < 3; ++i) {
    if (!dice.one_in(4)) continue;
    std::string param = dice.one_of(address_params);
    if (param == "X-Long=") param += dice.run(token_octets, 300);
    params.insert(params.begin() + static_cast<std::ptrdiff_t>(dice.below(params.size() + 1)), "\n;\n" + param);
  }
  for (const std::string& param : params) value += param;
  return value;
}

std::string via(Dice& dice, const std::string& host, bool top) {
  static const Texts transports = {"UDP", "UDP", "UDP", "udp", "TCP", "TLS", "SCTP", "WSS", "X-Un`known"};
  static const Texts extensions = {"keep",
                                   "alias",
                                   "comp\n=\nsigcomp",
                                   "oc\n;\noc-algo\n=\n\"loss,A;B\"",
                                   "x\n=\n[2001:db8::1]",
                                   "ttl=16",
                                   "y=\"a \\\" ; , <b>\"",
                                   "i=z9hG4bKnobranch",
                                   "sigcomp-id\n=\n\"<urn:uuid:2e5fdc76>\""};
  std::string value =
      std::string(dice.one_in(10) ? "sip" : "SIP") + "\n/\n2.0\n/\n" + dice.one_of(transports) + "\t" + host;
  if (dice.one_in(2)) value += "\n:\n" + std::to_string(dice.one_in(2) ? 5060 : 1 + dice.below(65535));
  Texts params;
  switch (dice.below(8)) {
    case 0: break;  // as RFC 2543 allowed
    case 1: params.push_back("branch\n=\n" + dice.run(alphanum, 1 + dice.below(30))); break;
    case 2: params.push_back("branch\n=\nz9hG4bK"); break;
    case 3: params.push_back("BRANCH\n=\nZ9hG4bK" + dice.run(token_octets, 1 + dice.below(400))); break;
    default: params.push_back("branch\n=\nz9hG4bK" + dice.run(token_octets, 1 + dice.below(40)));
  }
  if (dice.one_in(2)) params.push_back(dice.one_of(Texts{"rport", "rport", "RPort", "rport\n=\n5061"}));
  if (dice.one_in(4))
    params.push_back("received\n=\n" + dice.one_of(Texts{"192.0.2.7", "2001:db8::7", "[2001:db8::7]"}));
  if (!top && dice.one_in(4)) params.push_back("maddr=224.2.0.1");
  std::string extension = dice.one_of(extensions);
  if (dice.one_in(3)) params.push_back(extension);
  for (size_t i = params.size(); i > 1; --i) std::swap(params[i - 1], params[dice.below(i)]);
  for (const std::string& param : params) value += "\n;\n" + param;
  return value;
}

const std::vector<ContentRow> known_rows = {
    {RowKind::other, "Contact", 'm',
     "<sip:alice@192.168.1.7:5060;ob>\n;\n+sip.instance\n=\n\"<urn:uuid:0>\"\n;\nexpires=60"},
    {RowKind::other, "Contact", 'm', "\"A, B\"\n<sip:a@b.example?X=y>\n,\n<tel:+1-201>\n;\nq=0.1\n,\nsip:c@d.example"},
    {RowKind::other, "Contact", 'm', "*"},
    {RowKind::other, "Allow", '\0', "INVITE\n,\nACK\n,\nBYE\n,\nX-ODD"},
    {RowKind::other, "Supported", 'k', "replaces\n,\ntimer\n,\n100rel"},
    {RowKind::opaque, "Supported", 'k', ""},
    {RowKind::other, "Require", '\0', "100rel\n,\nnobody-knows"},
    {RowKind::other, "Proxy-Require", '\0', "Privacy\n,\nsec-agree"},
    {RowKind::other, "Accept", '\0', "application/sdp\n;\nlevel=1\n,\n*/*\n;\nq=0.1"},
    {RowKind::opaque, "User-Agent", '\0', "Phone/1.0 (built \"odd; <ly>\", 64,bit)"},
    {RowKind::opaque, "Subject", 's', "Re: \xe2\x98\x8e, caf\xe9 \"unbalanced <; :::"},
    {RowKind::opaque, "Date", '\0', "Sat, 13 Nov 2010 23:29:00 GMT"},
    {RowKind::opaque, "Authorization", '\0',
     "Digest username=\"a\", realm=\"b, c\", nonce=\"\", uri=\"sip:x\", nc=00000001"},
    {RowKind::opaque, "Proxy-Authorization", '\0', "Digest realm=\"one\", response=\"0\""},
    {RowKind::opaque, "Proxy-Authorization", '\0', "NoOneKnowsThisScheme opaque-data=here"},
    {RowKind::other, "Event", 'o', "dialog\n;\nid\n=\n7;include-session-description"},
    {RowKind::other, "Session-Expires", 'x', "1800\n;\nrefresher=uac"},
    {RowKind::other, "Refer-To", 'r', "<sip:c@example.com?Replaces=1%40x%3bto-tag%3d2>"},
    {RowKind::opaque, "Identity", 'y', "eyJhbGciOiJFUzI1NiJ9.eyJhIjoi.cm9u;info=<https://x.example/c.pem>;alg=ES256"},
    {RowKind::other, "P-Asserted-Identity", '\0', "\"B\"\n<sip:b@example.com>\n,\n<tel:+1-201>"},
    {RowKind::opaque, "Geolocation", '\0', "<cid:target123@atlanta.example>"},
    {RowKind::path, "Path", '\0', "<sip:p1.example;lr>\n,\n<sip:p2.example;lr>"},
    {RowKind::record_route, "Record-Route", '\0',
     "<sip:p1.example;lr>\n;\nx=\"a,b\"\n,\n\"P, 2\"\n<sip:p2.example;lr=on>"},
    {RowKind::record_route, "Record-Route", '\0', "<sip:p3.example>"},
    {RowKind::other, "Content-Type", 'c', "multipart/mixed\n;\nboundary\n=\n\"a b;c\""},
    {RowKind::other, "Content-Encoding", 'e', "gzip"},
    {RowKind::opaque, "X-Empty", '\0', ""},
    {RowKind::opaque, "X-Odd", '\0', ";;,,;;,;"},
    {RowKind::opaque, "X!%*_+`'~.-Name", '\0', "a: b: c \\ \" <<>> ((("},
    {RowKind::opaque, "Vi", '\0', "SIP/2.0/UDP not-a-via.example"},
    {RowKind::opaque, "Max-Forwards-X", '\0', "0"},
    {RowKind::opaque, "Routes", '\0', "<sip:203.0.113.200>"},
    {RowKind::opaque, "q", '\0', "one letter that is no compact form"},
    {RowKind::opaque, "X-Raw", '\0', "\xff\xfe\x80 \xc3"},
    {RowKind::opaque, "X-Folded", '\0', "one\r\n two\r\n\t \t three\r\n Via: SIP/2.0/UDP folded.example"},
    {RowKind::opaque, "X-Blank-Fold", '\0', "\r\n \r\n\t."},
};

void add_rows(Dice& dice, Content& content) {
  for (size_t i = dice.below(12); i-- > 0;) content.rows.push_back(dice.one_of(known_rows));
  if (dice.one_in(20)) {
    for (int i = 0; i < 80; ++i) {
      content.rows.push_back(
          {RowKind::opaque, "X-" + dice.run(alphanum, 1 + dice.below(40)), '\0', dice.run(alphanum, 5)});
    }
  }
  if (dice.one_in(20)) {
    content.rows.push_back(
        {RowKind::opaque, "X-Long", '\0', dice.run("abc ;,<>\"\\:\xc3\xa9", 2000 + dice.below(8000)) + "."});
  }
  if (dice.one_in(10))
    content.rows.push_back({RowKind::max_breadth, "Max-Breadth", '\0', std::to_string(dice.below(50))});
}

void add_body(Dice& dice, Content& content) {
  switch (dice.below(7)) {
    case 0: break;
    case 1:
      for (size_t i = 1 + dice.below(900); i-- > 0;) content.body += static_cast<char>(dice.below(256));
      break;
    case 2:
      content.body = "INVITE sip:inner@example.com SIP/2.0\r\nVia: SIP/2.0/UDP inner\r\nMax-Forwards: 0\r\n\r\n";
      break;
    case 3: content.body = "--b\r\nContent-Type: text/plain\r\n\r\n\r\n\nlone\rends\n\r\n--b--\r\n"; break;
    case 4: content.body = std::string(1 + dice.below(3), '\0') + "\r\n\r\n"; break;
    case 5: content.body = dice.run("v=0\r\n", dice.one_in(10) ? 20000 : 200); break;
    default: content.body = "v=0\r\no=- 1 1 IN IP4 192.168.1.7\r\ns=-\r\nc=IN IP4 192.168.1.7\r\nt=0 0\r\n";
  }
  content.has_content_length = !dice.one_in(5);
}

void add_routes(Dice& dice, Content& content) {
  static const Texts own = {"<sip:192.0.2.10;lr>", "\"x, y\"\n<sip:lb.example.com:5060;lr>",
                            "<SIP:LB.Example.com;LR=on>\n;\nz", "<sip:[2001:DB8::0010]:5060;lr>",
                            "<sip:10.0.0.1;lr;x=y>"};
  static const Texts next = {"<sip:10.0.1.2;lr>", "<sip:a,b@10.0.1.2;lr>",
                             "\"B, 1\"\n<sip:10.0.1.2:5060;transport=UDP;lr>\n;\na\n=\n\"b,c\""};
  static const Texts far = {"<sip:p2.example;lr>", "Far <sip:a;b,c@p3.example:5070>\n;\nx", "<sips:p4.example;lr>"};
  if (!dice.one_in(3)) return;
  content.own_routes = dice.below(3);
  for (size_t i = 0; i < content.own_routes; ++i) content.routes.push_back(dice.one_of(own));
  if (dice.one_in(2)) content.routes.push_back(dice.one_of(next));
  if (content.routes.size() == content.own_routes) return;
  for (size_t i = dice.below(3); i-- > 0;) content.routes.push_back(dice.one_of(far));
}

std::string white(Dice& dice, bool needed) {
  static const Texts some = {" ", " ", "  ", "\t", "\r\n ", " \r\n\t", "\r\n    "};
  return needed || dice.one_in(4) ? dice.one_of(some) : "";
}

// '\n' and '\t' become white space; an opaque value stays.
std::string spelled(const std::string& value, Dice& dice, bool plain) {
  std::string text;
  for (const char c : value) {
    if (c == '\n') {
      if (!plain) text += white(dice, false);
    } else if (c == '\t') {
      text += plain ? " " : white(dice, true);
    } else {
      text += c;
    }
  }
  return text;
}

std::string name_spelled(const std::string& name, char compact, Dice& dice, bool plain) {
  if (plain) return name + ": ";
  std::string text = compact != '\0' && dice.one_in(3) ? std::string(1, compact) : name;
  if (dice.one_in(4)) {
    for (char& c : text) c = static_cast<char>(dice.one_in(2) ? toupper(c) : tolower(c));
  }
  static const Texts colons = {": ", ": ", ":", " : ", "\t:\t", "  :   ", ":\r\n "};
  return text + dice.one_of(colons);
}

Rendered::Line line_of(const ContentRow& row, Dice& dice, bool plain) {
  const std::string before = name_spelled(row.name, row.compact, dice, plain);
  const std::string value = row.kind == RowKind::opaque ? row.value : spelled(row.value, dice, plain);
  return {row.kind, before, {value + (plain || !dice.one_in(6) ? "" : " ")}};
}

// Values in rows, each with one or several.
std::vector<Rendered::Line> list_lines(RowKind kind, const std::string& name, char compact, const Texts& values,
                                       Dice& dice, bool plain) {
  std::vector<Rendered::Line> lines;
  for (size_t i = 0; i < values.size(); ++i) {
    const bool joined = i != 0 && !plain && dice.one_in(2);
    if (!joined) lines.push_back({kind, name_spelled(name, compact, dice, plain), {}});
    if (joined) lines.back().values.back() += white(dice, false) + "," + white(dice, false);
    lines.back().values.push_back(spelled(values[i], dice, plain));
  }
  return lines;
}

// The rows of one header stay in their order; everything else may stand anywhere.
void shuffle_in(std::vector<Rendered::Line>& all, const std::vector<Rendered::Line>& more, Dice& dice, bool plain) {
  size_t place = 0;
  for (const Rendered::Line& line : more) {
    place = plain ? all.size() : place + dice.below(all.size() - place + 1);
    all.insert(all.begin() + static_cast<std::ptrdiff_t>(place++), line);
  }
}

}  // namespace

Content make_content(Dice& dice, const Sender& sender) {
  static const Texts strangers = {"192.168.1.7",    "pc33.atlanta.example", "a_b.example.",
                                  "[2001:db8::77]", "[::ffff:10.9.9.9]",    "h"};
  Content content;
  content.method = dice.one_of(methods);
  content.uri = dice.one_of(sender.inside ? uris_outward : uris);
  content.via_names_source = sender.inside || dice.one_in(2);
  content.vias.push_back(via(dice, dice.one_of(content.via_names_source ? sender.spellings : strangers), true));
  for (size_t i = dice.one_in(20) ? 60 : dice.below(4); i-- > 0;)
    content.vias.push_back(via(dice, dice.one_of(strangers), false));
  content.has_max_forwards = !dice.one_in(8);
  content.max_forwards = 1 + static_cast<unsigned>(dice.below(255));
  if (content.has_max_forwards) {
    const std::string zeros = dice.one_in(4) ? "000" : "";
    content.rows.push_back({RowKind::max_forwards, "Max-Forwards", '\0', zeros + std::to_string(content.max_forwards)});
  }
  content.to_has_tag = dice.one_in(3);
  content.rows.push_back({RowKind::other, "To", 't', address_row(dice, content.to_has_tag)});
  content.rows.push_back({RowKind::other, "From", 'f', address_row(dice, !dice.one_in(10))});
  const std::string word =
      dice.run(dice.one_in(3) ? "abcXYZ019-.!%*_+`'~()<>:\\\"/[]?{}" : alphanum, 1 + dice.below(60));
  content.rows.push_back({RowKind::other, "Call-ID", 'i', word + (dice.one_in(2) ? "@" + dice.run(alphanum, 12) : "")});
  const std::string number = (dice.one_in(5) ? "00" : "") + std::to_string(dice.below(size_t{1} << 31));
  content.rows.push_back({RowKind::other, "CSeq", '\0', number + "\t" + content.method});
  add_rows(dice, content);
  add_body(dice, content);
  if (content.has_content_length) {
    const std::string length = (dice.one_in(5) ? "0" : "") + std::to_string(content.body.size());
    content.rows.push_back({RowKind::other, "Content-Length", 'l', length});
  }
  if (!sender.inside) add_routes(dice, content);
  return content;
}

Rendered render(const Content& content, Dice& dice, bool plain) {
  static const Texts versions = {"SIP/2.0", "SIP/2.0", "SIP/2.0", "sip/2.0", "Sip/2.0"};
  Rendered rendered;
  rendered.start = content.method + " " + content.uri + " " + (plain ? versions[0] : dice.one_of(versions)) + "\r\n";
  if (!plain && dice.one_in(10)) rendered.lead = dice.one_in(2) ? "\r\n" : "\r\n\r\n\r\n";
  for (const ContentRow& row : content.rows) {
    if (row.kind == RowKind::record_route) continue;
    shuffle_in(rendered.lines, {line_of(row, dice, plain)}, dice, plain);
  }
  std::vector<Rendered::Line> recorded;
  for (const ContentRow& row : content.rows) {
    if (row.kind == RowKind::record_route) recorded.push_back(line_of(row, dice, plain));
  }
  shuffle_in(rendered.lines, recorded, dice, plain);
  shuffle_in(rendered.lines, list_lines(RowKind::via, "Via", 'v', content.vias, dice, plain), dice, plain);
  shuffle_in(rendered.lines, list_lines(RowKind::route, "Route", '\0', content.routes, dice, plain), dice, plain);
  rendered.body = content.body;
  if (!plain && content.has_content_length && dice.one_in(10)) rendered.tail = dice.run("INVITE sip:x\r\n", 40);
  return rendered;
}

Rendered render_answer(const Content& content, const std::vector<std::string>& vias, const std::string& status,
                       Dice& dice) {
  Rendered rendered;
  rendered.start = "SIP/2.0 " + status + "\r\n";
  for (const ContentRow& row : content.rows) {
    if (row.kind != RowKind::max_forwards) shuffle_in(rendered.lines, {line_of(row, dice, false)}, dice, false);
  }
  shuffle_in(rendered.lines, list_lines(RowKind::via, "Via", 'v', vias, dice, false), dice, false);
  rendered.body = content.body;
  return rendered;
}

}  // namespace viaduct::test
