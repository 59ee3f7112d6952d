#include "dataplane/splice.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "dataplane/berths.h"
#include "net/checksum.h"
#include "support/guarded_buffer.h"

namespace viaduct::dataplane {
namespace {

constexpr size_t room = 1024;  // before the message

// What the edits do to the size: as a rule they let it grow, as in a request; let it shrink, as in a response; or
// anything.
enum class Trend { growing, shrinking, any };

// Edits at ascending places of a message of `size` octets behind `from`.
void make_edits(std::mt19937& random, proxy::Edits& edits, uint16_t from, uint16_t size, Trend trend) {
  edits.clear();
  uint16_t at = from;
  for (unsigned count = random() % 7; count != 0 && at < size; --count) {
    const auto begin = static_cast<uint16_t>(at + random() % (size - at));
    const auto longest = std::min<size_t>(size - begin, trend == Trend::growing ? 4 : trend == Trend::any ? 40 : 200);
    const auto end = static_cast<uint16_t>(begin + random() % (longest + 1));
    const size_t replaced = end - begin;
    const size_t text = trend == Trend::shrinking ? random() % (replaced + 1)
                                                  : (trend == Trend::growing ? replaced : 0) + random() % 90;
    edits.begin_text();
    edits.put(std::string(text, static_cast<char>('a' + count)));
    edits.replace(begin, end);
    at = end;
  }
}

// What `kernel` makes of it: the message at the end of a buffer behind which nothing can be read, and the sum.
struct Outcome {
  std::string text;
  uint16_t sum = 0;
  bool operator==(const Outcome&) const = default;
};
Outcome outcome_of(const SpliceKernel& kernel, const proxy::Edits& edits, const std::string& message, uint16_t from,
                   size_t end) {
  test::GuardedBuffer buffer(std::string(room, 'r') + message);
  auto* const received = reinterpret_cast<uint8_t*>(buffer.data()) + room;
  const uint64_t sum = kernel.splice(edits, received, from, static_cast<uint16_t>(end));
  Outcome outcome;
  outcome.text = buffer.bytes();
  outcome.sum = static_cast<uint16_t>(net::fold_machine_sum(sum) % 0xffff);
  // The sum is that of the octets that are there.
  const size_t begin = room - static_cast<size_t>(edits.growth()) + from;
  const auto bytes = core::bytes_of(std::string_view(outcome.text).substr(begin, room + end - begin));
  EXPECT_EQ(outcome.sum, net::fold_machine_sum(net::machine_sum(bytes)) % 0xffff);
  return outcome;
}

// What it makes elsewhere: as `outcome_of` from where the message begins, and the octets that it may write but not
// mean.
Outcome outcome_elsewhere(const SpliceKernel& kernel, const proxy::Edits& edits, const std::string& message,
                          uint16_t from, size_t end) {
  test::GuardedBuffer source(message);
  const auto size = static_cast<size_t>(static_cast<int>(end) - from + edits.growth());
  test::GuardedBuffer target(std::string(size + Berth::overrun, 't'));
  const uint64_t sum = kernel.splice_to(edits, reinterpret_cast<const uint8_t*>(source.data()), from,
                                        static_cast<uint16_t>(end), reinterpret_cast<uint8_t*>(target.data()));
  EXPECT_EQ(source.bytes(), message);
  return {std::string(target.bytes().substr(0, size)), static_cast<uint16_t>(net::fold_machine_sum(sum) % 0xffff)};
}

TEST(Splice, IsTheSameFromEveryKernel) {
  SCOPED_TRACE("FWD-13");
  std::mt19937 random(17);
  const auto edits = std::make_unique<proxy::Edits>();
  for (int round = 0; round < 20'000; ++round) {
    std::string message(1 + random() % (round % 8 == 0 ? 3000 : 400), '\0');
    for (char& c : message) c = static_cast<char>(random());
    const auto size = static_cast<uint16_t>(message.size());
    const auto from = static_cast<uint16_t>(random() % 4 == 0 ? random() % size : 0);
    constexpr Trend trends[] = {Trend::growing, Trend::growing, Trend::shrinking, Trend::any};
    make_edits(random, *edits, from, size, trends[random() % 4]);
    if (edits->growth() > int{room}) continue;
    const size_t last = edits->count() == 0 ? from : (*edits)[edits->count() - 1].end;
    const size_t end = random() % 4 == 0 ? last : size;
    const Outcome plain = outcome_of(splice_kernels()[0], *edits, message, from, end);
    for (const SpliceKernel& kernel : splice_kernels()) {
      // What lies before the message as it is now is nobody's.
      Outcome outcome = outcome_of(kernel, *edits, message, from, end);
      const size_t begin = room - static_cast<size_t>(edits->growth()) + from;
      ASSERT_EQ(outcome.text.substr(begin), plain.text.substr(begin)) << kernel.name << " in round " << round;
      ASSERT_EQ(outcome.sum, plain.sum) << kernel.name << " in round " << round;
      const Outcome elsewhere = outcome_elsewhere(kernel, *edits, message, from, end);
      ASSERT_EQ(elsewhere.text, plain.text.substr(begin, room + end - begin)) << kernel.name << " in round " << round;
      ASSERT_EQ(elsewhere.sum, plain.sum) << kernel.name << " in round " << round;
    }
  }
}

}  // namespace
}  // namespace viaduct::dataplane
