// Work is linear in the size of a message, however it is made (SEC-10): twice the octets may take little more than
// twice the time. The shortest of several runs is compared, and the bound is wide, because machines are shared; what is
// not linear misses it by far, as the sizes differ by a factor of eight.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>

#include "sip/sample.h"

namespace viaduct::sip {
namespace {

double seconds_to_read(const std::string& text) {
  auto message = std::make_unique<Message>();
  double best = 1e9;
  for (int round = 0; round < 15; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 4; ++i) parse(text, *message);
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

std::string repeated(std::string_view piece, size_t bytes) {
  std::string text;
  while (text.size() + piece.size() <= bytes) text += piece;
  return text;
}

struct Hostile {
  const char* name;
  std::function<std::string(size_t bytes)> make;
};

const Hostile hostile[] = {
    {"semicolons in Via", [](size_t n) { return Sample().set("Via", " SIP/2.0/UDP h" + repeated(";", n)).text(); }},
    {"parameters in Via", [](size_t n) { return Sample().set("Via", " SIP/2.0/UDP h" + repeated(";a=b", n)).text(); }},
    {"commas in Via", [](size_t n) { return Sample().set("Via", " SIP/2.0/UDP h" + repeated(",", n)).text(); }},
    {"values in a second Via row",
     [](size_t n) { return Sample().add("Via: " + repeated("SIP/2.0/UDP h, ", n)).text(); }},
    {"parentheses", [](size_t n) { return Sample().set("From", repeated("(", n)).text(); }},
    {"backslashes in quotes", [](size_t n) { return Sample().set("To", " \"" + repeated("\\", n)).text(); }},
    {"quotes", [](size_t n) { return Sample().set("To", repeated("\"", n)).text(); }},
    {"open brackets", [](size_t n) { return Sample().set("From", repeated("<", n)).text(); }},
    {"parameters of From", [](size_t n) { return Sample().set("From", " <sip:a@b>" + repeated(";a=b", n)).text(); }},
    {"values of Route", [](size_t n) { return Sample().add("Route: " + repeated("<sip:a>,", n) + "<sip:a>").text(); }},
    {"values of Proxy-Require",
     [](size_t n) { return Sample().add("Proxy-Require: " + repeated("a,", n) + "a").text(); }},
    {"rows", [](size_t n) { return Sample().add(repeated("a:b\r\n", n) + "a:b").text(); }},
    {"rows of Route", [](size_t n) { return Sample().add(repeated("Route:a\r\n", n) + "a:b").text(); }},
    {"folds", [](size_t n) { return Sample().add("Subject: " + repeated("\r\n ", n)).text(); }},
    {"folds in Call-ID", [](size_t n) { return Sample().set("Call-ID", repeated("\r\n ", n)).text(); }},
    {"a long name", [](size_t n) { return Sample().add(repeated("n", n) + ":").text(); }},
    {"digits", [](size_t n) { return Sample().set("CSeq", repeated("9", n) + " INVITE").text(); }},
    {"line ends in front", [](size_t n) { return repeated("\r\n", n) + Sample().text(); }},
    {"NULs", [](size_t n) { return Sample().add("Subject: " + std::string(n, '\0')).text(); }},
    {"quoted NULs",
     [](size_t n) { return Sample().add("Subject: " + repeated(std::string_view("\\\0", 2), n)).text(); }},
    {"parameters of the Request-URI",
     [](size_t n) { return Sample().start_line("INVITE sip:a@b" + repeated(";a=b", n) + " SIP/2.0").text(); }},
    {"escapes in the Request-URI",
     [](size_t n) { return Sample().start_line("INVITE sip:" + repeated("%41", n) + "@b SIP/2.0").text(); }},
    {"spaces in the start line",
     [](size_t n) { return Sample().start_line("INVITE" + repeated(" ", n) + "sip:a@b SIP/2.0").text(); }},
};

TEST(Linear, EightTimesTheOctetsTakeAboutEightTimesTheTime) {
  SCOPED_TRACE("SEC-10");
  for (const Hostile& text : hostile) {
    const std::string small = text.make(7500), large = text.make(60000);
    const double small_time = seconds_to_read(small), large_time = seconds_to_read(large);
    // A quadratic reading would take 64 times as long. Floor: what a few thousand octets take at least.
    EXPECT_LT(large_time, 24 * std::max(small_time, 4e-6)) << text.name;
  }
}

}  // namespace
}  // namespace viaduct::sip
