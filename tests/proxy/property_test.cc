// What holds for any message whatever: broken ones, half ones, ones that mean harm.
//
// `decide_and_apply` holds the general part: repeatable, in place as on paper, body untouched, what leaves is
// well-formed, an answer goes to the source and is not much larger than the question. Here: where things may go.
#include <time.h>

#include <random>
#include <set>

#include "support/effort.h"
#include "support/proxy_bed.h"

namespace viaduct::test {
namespace {

class Mutator {
 public:
  explicit Mutator(uint32_t seed) : random_(seed) {}

  size_t below(size_t limit) { return random_() % limit; }
  template <class T>
  const T& one_of(const std::vector<T>& all) {
    return all[below(all.size())];
  }

  std::string mutate(std::string message) {
    for (size_t times = below(4); times-- > 0 && !message.empty();) {
      const size_t place = below(message.size());
      switch (below(7)) {
        case 0: message[place] = static_cast<char>(random_()); break;
        case 1: message.erase(place, 1 + below(20)); break;
        case 2: message.insert(place, one_of(pieces)); break;
        case 3: message.insert(place, message.substr(below(message.size()), below(60))); break;
        case 4: message.resize(place); break;
        default: {
          // A row in front of another.
          const size_t line = message.find("\r\n", place);
          if (line != std::string::npos) message.insert(line + 2, one_of(rows));
        }
      }
    }
    return message;
  }

  static inline const std::vector<std::string> pieces = {";",
                                                         ",",
                                                         "\"",
                                                         "<",
                                                         ">",
                                                         "\r\n",
                                                         "\r\n ",
                                                         "\n",
                                                         "\r",
                                                         ":",
                                                         "@",
                                                         "[",
                                                         "]",
                                                         "%",
                                                         std::string(1, '\0'),
                                                         ";rport",
                                                         ";received=203.0.113.200",
                                                         ";maddr=203.0.113.200",
                                                         ";branch=z9hG4bK",
                                                         ";tag=vd0123456789abcdef",
                                                         "sips:",
                                                         ";lr",
                                                         ";vd=1.0.0123456789abcdef",
                                                         "SIP/2.0",
                                                         "65536",
                                                         "-1"};
  static inline const std::vector<std::string> rows = {
      "Route: <sip:192.0.2.10;lr>\r\n",
      "Route: <sip:10.0.1.2;lr>, <sip:x;lr>\r\n",
      "Route: <sip:203.0.113.200>\r\n",
      "Route: <sip:203.0.113.200;lr>\r\n",
      "Route: <sip:203.0.113.50>,<sip:a;lr>\r\n",
      "Route: <sip:lb.example.com;lr>,<sip:10.0.0.1;lr>,<sip:10.0.1.1;lr>\r\n",
      "Via: SIP/2.0/UDP 203.0.113.200\r\n",
      "v: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKx;vd=1.0.0123456789abcdef\r\n",
      "Max-Forwards: 0\r\n",
      "Proxy-Require: x\r\n",
      "Content-Length: 4\r\n",
      "Max-Breadth: 900\r\n",
      "Supported: path\r\n",
      "Record-Route: <sip:x;lr>\r\n",
      "To: x;tag=1\r\n",
      "Path: <sip:x;lr>\r\n",
      "X:\r\n",
      "\r\n",
      " fold\r\n"};

 private:
  std::mt19937 random_;
};

class Anything : public ::testing::TestWithParam<uint32_t> {};

TEST_P(Anything, GoesOnlyWhereItMay) {  // LOP-04, LOC-11, LOC-12, SEC-20, SEC-23, SEC-25, TGT-02
  Bed bed;
  bed.listener().path = proxy::PathMode::force;
  bed.view.policy.max_breadth = 60;
  proxy::finish(bed.view);
  bed.view.names["x"] = bob;
  const Outcome invite = bed.from_alice(m0);
  const auto own = invite.message.values("Record-Route");
  std::vector<std::string> seeds = {
      m0,
      cancel_of(m0),
      ack_of(m0, "x"),
      m0.with_method("REGISTER").with_uri("sip:example.com"),
      m0.with_method("OPTIONS").with_uri("sip:192.0.2.10"),
      m0.with_method("BYE")
          .with_line_at(2, "Route: " + own[1] + "," + own[0] + ",<sip:10.0.1.3;lr>")
          .with("To", "<sip:b>;tag=1"),
      m0.with_method("BYE").with_line_at(2, "Route: " + own[0] + "," + own[1]).with("To", "<sip:b>;tag=1"),
      m0.with_uri("sip:bob@203.0.113.50"),
      m0.with_uri("sip:x@y;maddr=203.0.113.200"),
      m0.with_uri(own[1].substr(1, own[1].size() - 2)).with_line("Route: <sip:bob@203.0.113.50>"),
      m0.with_uri("tel:+1"),
      reply_to(invite.message, "200 OK", "b"),
      reply_to(invite.message, "183 x", "b", true),
      reply_to(m0, "200 OK", "b")};
  const std::set<uint16_t> codes = {200, 400, 403, 414, 416, 420, 421, 482, 483, 500, 501, 503, 505, 513};
  const std::vector<net::Endpoint> sources = {alice, nadia, mallory, b0, b2, at("10.0.1.2:9999"), at("10.9.9.9:5060")};
  Mutator mutator(GetParam());
  size_t forwarded = 0, replied = 0;
  for (int round = 0; round < rounds(20000); ++round) {
    const std::string message = mutator.mutate(mutator.one_of(seeds));
    const net::Endpoint source = mutator.one_of(sources);
    const auto socket = static_cast<uint16_t>(mutator.below(bed.view.sockets.size()));
    SCOPED_TRACE(net::to_string(source) + " to socket " + std::to_string(socket) + "\n" + message);
    const Outcome outcome = bed.send(message, source, socket);
    if (outcome.replied()) {
      ++replied;
      EXPECT_TRUE(codes.contains(outcome.decision.status)) << outcome.decision.status;
    }
    if (!outcome.forwarded()) continue;
    ++forwarded;
    const net::Endpoint& destination = outcome.decision.destination;
    EXPECT_FALSE(bed.view.socket_of.contains(destination)) << "never to ourselves";
    const bool to_backend = bed.view.backend_of.contains(destination);
    if (outcome.message.start().starts_with("SIP/2.0 ")) {
      EXPECT_EQ(destination, alice) << "the only request that the answers among the seeds are to";
    } else if (source == b0 || source == b2 || socket == inside) {
      EXPECT_EQ(outcome.decision.backend == proxy::none, !to_backend);
    } else {
      EXPECT_TRUE(to_backend) << "from outside to a backend or nowhere: " << net::to_string(destination);
    }
    if (HasFailure()) break;
  }
  EXPECT_GT(forwarded, static_cast<size_t>(rounds(2000))) << "the mutations leave enough that is well-formed";
  EXPECT_GT(replied, static_cast<size_t>(rounds(1000)));
}

INSTANTIATE_TEST_SUITE_P(Seeds, Anything, ::testing::Range(1u, 9u));

TEST(Prefixes, EveryPrefixOfAMessageIsDecided) {  // SEC-14
  const Bed bed;
  const std::string message = m0.with_line_at(2, "Route: <sip:192.0.2.10;lr>");
  for (size_t size = 0; size <= message.size(); ++size) {
    const Outcome outcome = bed.from_alice(message.substr(0, size));
    EXPECT_EQ(outcome.forwarded(), size == message.size()) << size;
  }
}

// Time grows with the message and not faster. Machines are shared, so time is the thread's own, the shortest of many
// runs counts, and a shape is measured again before it fails: what is not linear fails each time, as it takes four
// times as long.
TEST(Linearity, HostileShapesCostWhatTheyWeigh) {  // SEC-10
  const Bed bed;
  const auto edits = std::make_unique<proxy::Edits>();
  static sip::Message message;
  const auto thread_time = [] {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
  };
  const auto cost_of = [&](const std::string& text) {
    double best = 1e12;
    for (int round = 0; round < 40; ++round) {
      const double start = thread_time();
      for (int i = 0; i < 4; ++i) {
        const sip::Datagram kind = sip::parse(text, message);
        proxy::decide(kind, message, {alice, outside}, bed.view, *edits);
      }
      best = std::min(best, thread_time() - start);
    }
    return best;
  };
  const auto repeated = [](std::string_view piece, size_t bytes) {
    std::string text;
    while (text.size() < bytes) text += piece;
    return text;
  };
  for (const auto& [name, piece] :
       {std::pair("Via", ";"), std::pair("To", "("), std::pair("From", "\"\\\\"), std::pair("Route", "<sip:a;lr>,"),
        std::pair("Route", ","), std::pair("Via", "SIP/2.0/UDP a,"), std::pair("Call-ID", "a"), std::pair("X", "\r\n "),
        std::pair("Proxy-Require", "a,")}) {
    double small = 0, large = 0;
    for (int attempt = 0; attempt < 10; ++attempt) {
      small = cost_of(m0.with(name, repeated(piece, 8000)));
      large = cost_of(m0.with(name, repeated(piece, 16000)));
      if (large <= 2.2 * small + 16000) break;
    }
    EXPECT_LE(large, 2.2 * small + 16000)
        << name << ": " << piece << ", 8,000 octets: " << small << " ns, 16,000: " << large << " ns";
  }
}

}  // namespace
}  // namespace viaduct::test
