// What an attacker may choose, and what it does not buy him: Call-IDs, branches and tags are his, the keys are not.
#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <numeric>
#include <random>
#include <set>

#include "support/effort.h"
#include "support/proxy_bed.h"

namespace viaduct::test {
namespace {

uint32_t crc32(std::string_view text) {
  uint32_t crc = ~uint32_t{0};
  for (const char c : text) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

// Texts of 64 letters 'a' and 'c', all with one CRC-32. The two letters differ in one bit and the CRC is linear, so
// that 64 choices leave a space of 2^32 texts with the CRC of the first: its basis comes out of a Gaussian elimination.
std::vector<std::string> texts_of_one_crc(size_t count) {
  const std::string base(64, 'a');
  struct Choice {
    uint32_t change;   // of the CRC
    uint64_t letters;  // that are 'c'
  };
  std::vector<Choice> pivots(32, {0, 0});
  std::vector<uint64_t> basis;  // changes of letters that change no CRC
  for (size_t i = 0; i < base.size(); ++i) {
    std::string text = base;
    text[i] = 'c';
    Choice choice = {crc32(text) ^ crc32(base), uint64_t{1} << i};
    while (choice.change != 0) {
      Choice& pivot = pivots[static_cast<size_t>(std::countr_zero(choice.change))];
      if (pivot.change == 0) {
        pivot = choice;
        break;
      }
      choice.change ^= pivot.change;
      choice.letters ^= pivot.letters;
    }
    if (choice.change == 0) basis.push_back(choice.letters);
  }
  std::vector<std::string> texts;
  for (size_t number = 0; number < count; ++number) {
    uint64_t letters = 0;
    for (size_t i = 0; i < basis.size() && i < 32; ++i) letters ^= number >> i & 1 ? basis[i] : 0;
    std::string text = base;
    for (size_t i = 0; i < text.size(); ++i) text[i] = letters >> i & 1 ? 'c' : 'a';
    texts.push_back(text);
  }
  return texts;
}

TEST(Keyed, CallIdsThatMeetUnderAnUnkeyedHashDoNotMeetHere) {  // TGT-05
  const Bed bed;
  Bed stranger;
  stranger.view.keys = proxy::derive_keys({77});
  stranger.finish();
  const std::vector<std::string> ids = texts_of_one_crc(10000);
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), ids.size());
  std::array<int, 3> chosen{}, elsewhere{};
  for (const std::string& id : ids) {
    ASSERT_EQ(crc32(id), crc32(ids.front()));
    const uint16_t backend = bed.from_alice(m0.with("Call-ID", id)).decision.backend;
    ++chosen[backend];
    // And whoever has found Call-IDs that meet under one secret has found nothing about another.
    if (backend == 0) ++elsewhere[stranger.from_alice(m0.with("Call-ID", id)).decision.backend];
  }
  for (const int count : chosen) EXPECT_NEAR(count, 3333, 333);
  for (const int count : elsewhere) EXPECT_NEAR(count, chosen[0] / 3, 150);
}

// Our branches for requests that differ in their own branch only, as digits.
std::vector<std::string> own_branches(const Bed& bed, size_t count) {
  std::vector<std::string> branches;
  const auto message = std::make_unique<sip::Message>();
  const auto edits = std::make_unique<proxy::Edits>();
  std::string text = m0.with("Via", "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK00000000").str();
  const size_t digits = text.find("00000000");
  for (size_t number = 0; number < count; ++number) {
    for (size_t i = 0; i < 8; ++i) text[digits + i] = "0123456789abcdef"[number >> 4 * i & 15];
    const sip::Datagram kind = sip::parse(text, *message);
    proxy::decide(kind, *message, {alice, outside}, bed.view, *edits);
    for (size_t i = 0; i < edits->count(); ++i) {
      const std::string_view row = edits->text_of((*edits)[i]);
      if (row.starts_with("Via:")) branches.push_back(param(row, "branch").substr(9));
    }
  }
  return branches;
}

// Bits that `samples` of one size show: for each place, those of the number of characters seen there.
double bits_seen(const std::vector<std::string>& samples, size_t begin = 0, size_t size = std::string::npos) {
  double bits = 0;
  for (size_t i = begin; i < std::min(samples[0].size(), size); ++i) {
    std::set<char> seen;
    for (const std::string& sample : samples) seen.insert(sample.at(i));
    bits += std::log2(static_cast<double>(seen.size()));
  }
  return bits;
}

// 10^8 transactions meet in a branch of b bits with a chance of 10^16 / 2^(b + 1). That many are too many to try; so
// any five digits of the branch, 25 bits, are held to meet as often as chance has it, for 2^17 transactions 256 times:
// then all its digits count, and none repeats what others say.
TEST(Keyed, BranchesMeetAsRarelyAsChanceHasIt) {  // TXN-18
  const size_t count = size_t{1} << 17;
  const std::vector<std::string> branches = own_branches(Bed(), count);
  ASSERT_EQ(branches.size(), count);
  EXPECT_GE(bits_seen(branches), 99.9);
  EXPECT_EQ(std::set<std::string>(branches.begin(), branches.end()).size(), count);
  std::vector<size_t> places(branches[0].size());
  std::iota(places.begin(), places.end(), 0);
  std::mt19937 random(1);
  for (int round = 0; round < rounds(16); ++round) {
    std::shuffle(places.begin(), places.end(), random);
    std::vector<uint32_t> parts;
    for (const std::string& branch : branches) {
      uint32_t part = 0;
      for (size_t i = 0; i < 5; ++i) {
        const char digit = branch[places[i]];  // of base32
        part = part << 5 | static_cast<uint32_t>(digit >= 'a' ? digit - 'a' : digit - '2' + 26);
      }
      parts.push_back(part);
    }
    std::sort(parts.begin(), parts.end());
    const auto distinct = static_cast<double>(std::unique(parts.begin(), parts.end()) - parts.begin());
    EXPECT_NEAR(static_cast<double>(count) - distinct, 256, 6 * 16)
        << "digits " << places[0] << " " << places[1] << " " << places[2];
  }
}

TEST(Keyed, BranchesOfAnotherSecretAreOthersAndNoneIsConstant) {  // TXN-18
  Bed stranger;
  stranger.view.keys = proxy::derive_keys({99});
  stranger.finish();
  const auto ours = own_branches(Bed(), 1000), theirs = own_branches(stranger, 1000);
  std::set<std::string> all(ours.begin(), ours.end());
  all.insert(theirs.begin(), theirs.end());
  EXPECT_EQ(all.size(), 2000u);
  for (const std::string& branch : all) EXPECT_EQ(branch.find("cydzigwkX"), std::string::npos);
}

// What each kind of tag looks like for many different things that it stands for.
std::map<std::string, std::vector<std::string>> samples_of_tags() {
  const Bed bed;
  std::map<std::string, std::vector<std::string>> samples;
  for (int i = 0; i < 2000; ++i) {
    net::Endpoint source = alice;
    source.port = static_cast<uint16_t>(1024 + i);
    const SipText request = m0.with("Call-ID", "call-" + std::to_string(i));
    const Outcome sent = bed.send(request, source);
    const std::string mac = param(sent.via(), "vd"), cookie = param(sent.message.value("Record-Route"), "vd");
    const std::string flow = sent.message.values("Record-Route")[1];
    samples["Via MAC"].push_back(mac.substr(mac.rfind('.') + 1));
    samples["cookie"].push_back(cookie.substr(7));
    samples["flow token"].push_back(flow.substr(5, 16));  // 80 bits; the flow itself stands behind
    samples["To tag"].push_back(
        param(bed.send(request.with("Max-Forwards", "0"), source).message.value("To"), "tag").substr(2));
  }
  return samples;
}

TEST(Keyed, TagsAreWide) {  // SEC-27, LOC-03, NAT-06
  for (const auto& [kind, samples] : samples_of_tags()) {
    EXPECT_GE(bits_seen(samples), kind == "flow token" ? 79.9 : 63.9) << kind;
    EXPECT_EQ(std::set<std::string>(samples.begin(), samples.end()).size(), samples.size()) << kind;
  }
}

TEST(Keyed, EachKeySaysSomethingElseAboutTheSameInput) {  // SEC-27
  const proxy::Keys keys = proxy::derive_keys(bed_secret);
  const steer::HashKey all[] = {keys.branch,       keys.selection, keys.affinity, keys.via_mac,
                                keys.record_route, keys.flow,      keys.to_tag};
  for (size_t i = 0; i < std::size(all); ++i) {
    for (size_t j = 0; j < i; ++j) {
      EXPECT_FALSE(all[i] == all[j]);
      int differing = 0;
      for (int n = 0; n < 100; ++n) {
        const std::string input = std::to_string(n);
        differing += std::popcount(steer::siphash64(all[i], input) ^ steer::siphash64(all[j], input));
      }
      EXPECT_NEAR(differing, 3200, 250) << "half of the bits";
    }
  }
}

// Whoever reads our Record-Route, Path and Via learns nothing about where the backends are: they would be the same if
// the backends were somewhere else.
TEST(Keyed, NothingOfABackendsAddressLeaves) {  // SEC-28
  Bed bed, moved;
  for (Bed* each : {&bed, &moved}) each->listener().path = proxy::PathMode::force;
  const char* elsewhere[] = {"172.16.3.4:5999", "172.16.200.201:7000", "172.31.255.254:1"};
  for (size_t i = 0; i < 3; ++i) moved.view.backends[i].address = at(elsewhere[i]);
  moved.finish();
  for (int call = 0; call < 50; ++call) {
    for (const char* method : {"INVITE", "REGISTER"}) {
      const SipText request = m0.with_method(method).with("Call-ID", "call-" + std::to_string(call));
      const Outcome here = bed.from_alice(request), there = moved.from_alice(request);
      ASSERT_EQ(here.decision.backend, there.decision.backend);
      ASSERT_NE(here.decision.destination, there.decision.destination);
      EXPECT_EQ(here.message.values("Record-Route"), there.message.values("Record-Route"));
      EXPECT_EQ(here.message.values("Path"), there.message.values("Path"));
      const Outcome answer = bed.send(reply_to(here.message, "200 OK", "b", true), here.decision.destination, inside);
      EXPECT_EQ(answer.bytes.find(net::to_string(here.decision.destination.address)), std::string::npos)
          << answer.bytes;
    }
  }
}

// One balancer of two, each of which has the other for a backend.
Bed balancer_at(const char* address, const char* other) {
  Bed bed(Bed::Homes::one);
  bed.view.sockets[0].address = at(address);
  bed.view.aliases.clear();
  for (proxy::Backend& each : bed.view.backends) each.state = proxy::OperatorState::down;
  bed.view.backends[0].state = proxy::OperatorState::up;
  bed.view.backends[0].address = at(other);
  bed.finish();
  return bed;
}

// How many packets it takes until nobody has anything to say to a message that one of the two gets.
int packets_until_silence(std::string message, net::Endpoint source) {
  const std::array<const char*, 2> addresses = {"192.0.2.10:5060", "192.0.2.20:5060"};
  const Bed both[] = {balancer_at(addresses[0], addresses[1]), balancer_at(addresses[1], addresses[0])};
  int packets = 0;
  for (size_t turn = 0; packets < 1000; ++packets) {
    const Outcome outcome = both[turn].send(message, source, 0);
    if (!outcome.sent()) return packets;
    source = at(addresses[turn]);
    turn = outcome.decision.destination == at(addresses[1]) ? 1 : 0;
    if (outcome.decision.destination != at(addresses[turn])) return packets + 1;  // it left for somebody else
    message = outcome.bytes;
  }
  return packets;
}

TEST(Keyed, TwoBalancersDoNotKeepEachOtherTalking) {  // SEC-26
  const std::string other = "192.0.2.20:5060";
  const SipText from_other = m0.with("Via", "SIP/2.0/UDP " + other + ";branch=z9hG4bKx");
  const SipText response = reply_to(from_other, "200 OK", "b");
  for (const SipText& message :
       {from_other.without("To"), from_other.with("Content-Length", "-1"), from_other.with("Max-Forwards", "0"),
        from_other.with_last_line("no colon"), from_other.with_uri("sips:x"),
        from_other.with_start("INVITE sip:x SIP/9.0"), from_other.with_method("OPTIONS").with_uri("sip:192.0.2.10"),
        from_other.with_method("ACK").with("CSeq", "x"),
        from_other.with("Via", "SIP/2.0/UDP " + other + ";maddr=192.0.2.10"), response, response.with("CSeq", "x"),
        response.without("Via"), reply_to(m0, "400 Bad Request", "b"), SipText("????\r\n\r\n")}) {
    for (const char* source : {"192.0.2.20:5060", "192.0.2.20:9999", "198.51.100.7:5060"}) {
      EXPECT_LE(packets_until_silence(message, at(source)), 1) << source << "\n" << message.str();
    }
  }
  EXPECT_LE(packets_until_silence(m0, alice), 3)
      << "a call that each would give to the other: there, refused, and back";
}

}  // namespace
}  // namespace viaduct::test
