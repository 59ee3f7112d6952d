// Lists of fields that differ are laid out differently: no two read alike, whatever their lengths and families.
#include "proxy/hash_input.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "support/packet_builder.h"

namespace viaduct::test {
namespace {

constexpr steer::HashKey key{1, 2};

std::string padded(proxy::HashInput& input) {
  const uint32_t words = input.pad();
  return {input.data(), size_t{8} * words};
}

TEST(HashInput, EndpointsAreToldApartWhateverTheirFamily) {
  std::map<std::string, std::string> seen;
  const std::vector<std::string> ends = {"192.0.2.1:5060",     "192.0.2.1:5061",     "192.0.2.2:5060",
                                         "[2001:db8::1]:5060", "[2001:db8::1]:5061", "[2001:db8::2]:5060",
                                         "[::c000:201]:5060",  "[c000:201::]:5060",  "[::]:5060",
                                         "0.0.0.0:5060",       "[::192.0.2.1]:5061", "[::2:c000:201]:5060"};
  for (const std::string& first : ends) {
    for (const std::string& second : ends) {
      proxy::LoneHashInput input(key, 'x');
      input.endpoint(endpoint(first)).endpoint(endpoint(second)).last_text("t");
      const auto [at, is_new] = seen.emplace(padded(input), first + ' ' + second);
      const bool same = endpoint(at->second.substr(0, at->second.find(' '))) == endpoint(first) &&
                        endpoint(at->second.substr(at->second.find(' ') + 1)) == endpoint(second);
      EXPECT_TRUE(is_new || same) << first << ' ' << second << " reads like " << at->second;
    }
  }
  EXPECT_GT(seen.size(), 120u);
}

TEST(HashInput, AMappedAddressIsTheIpv4AddressThatItIs) {
  proxy::LoneHashInput one(key, 'x'), other(key, 'x');
  one.endpoint(endpoint("192.0.2.1:5060"));
  other.endpoint(endpoint("[::ffff:192.0.2.1]:5060"));
  EXPECT_EQ(one.hash64(), other.hash64());
}

// Fields of every length up to behind the limit, and how three of them share their octets.
TEST(HashInput, WhereAFieldEndsAndTheNextBeginsIsTold) {
  constexpr size_t longest = proxy::HashInput::field_bytes_max + 3;
  const std::string octets(2 * longest, '\x01');
  std::map<std::string, std::vector<size_t>> seen;
  for (size_t first = 0; first <= longest; ++first) {
    for (const size_t second : {size_t{0}, size_t{1}, size_t{7}, size_t{16}, size_t{19}, longest - 3, longest}) {
      for (const size_t third : {size_t{0}, size_t{1}, size_t{16}, size_t{19}, longest}) {
        const std::vector<size_t> sizes = {first, second, third};
        proxy::LoneHashInput input(key, 'x');
        input.text({octets.data(), first}).folded({octets.data(), second}).last_text({octets.data(), third});
        EXPECT_TRUE(seen.emplace(padded(input), sizes).second)
            << first << ", " << second << ", " << third << " read like others";
      }
    }
  }
}

// What a long field shrinks to is no short one, which as the last has no length in front.
TEST(HashInput, ALongLastFieldOfWhiteSpaceIsNoShortOne) {
  const std::string text(36, 'a'), spaces(proxy::HashInput::field_bytes_max, ' ');
  proxy::LoneHashInput spaced(key, 'x'), short_one(key, 'x');
  EXPECT_NE(padded(spaced.last_folded(spaces + text)), padded(short_one.last_folded("$" + text)));
}

TEST(HashInput, FoldingIsOfLettersAndInLongFieldsOfWhiteSpaceToo) {
  std::mt19937 random(7);
  for (size_t size = 0; size < 300; ++size) {
    std::string text;
    for (size_t i = 0; i < size; ++i) text += static_cast<char>('!' + random() % 94);
    std::string other = text;
    for (char& c : other) {
      if (c >= 'a' && c <= 'z' && random() % 2) c = static_cast<char>(c - 32);
    }
    proxy::LoneHashInput one(key, 'x'), folded(key, 'x'), last(key, 'x'), last_folded(key, 'x'), spaced(key, 'x'),
        squeezed(key, 'x');
    EXPECT_EQ(one.folded(text).hash64(), folded.folded(other).hash64()) << text;
    EXPECT_EQ(last.last_folded(text).hash64(), last_folded.last_folded(other).hash64()) << text;
    std::string wide;
    for (const char c : text) (wide += c) += random() % 2 ? " " : "\r\n\t";
    EXPECT_EQ(spaced.squeezed(text).hash64(), squeezed.squeezed(wide).hash64()) << text;
  }
}

}  // namespace
}  // namespace viaduct::test
