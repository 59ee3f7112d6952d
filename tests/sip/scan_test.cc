// Every kernel this CPU can run against the scalar one: at every length, at every alignment, on messages and on noise,
// and never a byte behind the end.
#include "sip/scan.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

#include "sip/sample.h"

namespace viaduct::sip {

static void PrintTo(const ScanKernel& kernel, std::ostream* out) { *out << kernel.name; }

namespace {

std::string describe(const Scan& scan) {
  std::string text = "rows " + std::to_string(scan.rows) + " end " + std::to_string(scan.headers_end) +
                     (scan.ended ? " ended" : "") + (scan.bare ? " bare" : "") + ":";
  for (size_t i = 0; i <= std::min<size_t>(scan.rows, Scan::rows_max); ++i) {
    text.append(" ").append(std::to_string(scan.begin[i]));
  }
  return text;
}

class ScanKernels : public testing::TestWithParam<ScanKernel> {
 protected:
  // The scalar kernel reports a NUL exactly; the others may see one behind the headers too.
  void expect_same(std::string_view text, size_t from) {
    if (static_cast<uint8_t>(text[from]) <= ' ') return;  // not promised
    GetParam().scan(text, from, *scan_);
    scan_scalar(text, from, *expected_);
    if (describe(*scan_) != describe(*expected_) || (expected_->nul && !scan_->nul)) {
      ADD_FAILURE() << "size " << text.size() << " from " << from << "\n"
                    << describe(*scan_) << "\n"
                    << describe(*expected_) << "\n"
                    << testing::PrintToString(text);
    }
    EXPECT_TRUE(!scan_->nul || text.find('\0') != std::string_view::npos);
  }

  std::unique_ptr<Scan> scan_ = std::make_unique<Scan>();
  std::unique_ptr<Scan> expected_ = std::make_unique<Scan>();
};

INSTANTIATE_TEST_SUITE_P(All, ScanKernels, testing::ValuesIn(scan_kernels().begin(), scan_kernels().end()),
                         [](const auto& kernel) { return std::string(kernel.param.name); });

TEST_P(ScanKernels, FindsTheRowsOfAMessage) {
  const std::string text = "BYE sip:a SIP/2.0\r\nVia: x\r\n ;y\r\nX  : \r\n:\r\n\r\nbody";
  GetParam().scan(text, 0, *scan_);
  EXPECT_EQ(describe(*scan_), "rows 4 end 42 ended: 0 19 32 39 42");
  EXPECT_FALSE(scan_->nul);
}

TEST_P(ScanKernels, AgreesOnEveryPrefixAtEveryAlignment) {
  const std::string text = Sample().add("Folded: a\r\n b\r\n\tc").add("X: y").text();
  test::GuardedBuffer buffer(text);
  for (size_t size = 1; size <= text.size(); ++size) {
    expect_same(buffer.refill(std::string_view(text).substr(0, size)), 0);
  }
  for (size_t misalignment = 0; misalignment < 64; ++misalignment) {
    test::GuardedBuffer shifted(text, misalignment);
    for (size_t from = 0; from < 70; ++from) expect_same(shifted.bytes(), from);
  }
}

TEST_P(ScanKernels, AgreesWhereverALineBreakFalls) {
  test::GuardedBuffer buffer(std::string(400, ' '));
  for (const char* piece : {"\r\n", "\r\n\r\n", "\n", "\r", "\r\n \r\n", "\r\n\t", "\r\nA:", "\r\n:", "\r\n@:", "\n\n",
                            "\r\r\n", "\r\n\r"}) {
    for (size_t place = 0; place < 200; ++place) {
      std::string text;
      text.resize(place, 'n');
      text.append(piece);
      expect_same(buffer.refill(text), 0);
      text.append(100, 'x').append(": y\r\n\r\n");
      expect_same(buffer.refill(text), 0);
    }
  }
}

TEST_P(ScanKernels, AgreesOnNoise) {
  std::mt19937 random(20);
  test::GuardedBuffer buffer(std::string(1024, ' '));
  const std::string_view alphabets[] = {"\r\n", "\r\n :ab", "\r\n\r\n\r\n abc:def;@\t", "ab\r\n",
                                        std::string_view("\0\r\na:\xff\x80", 7)};
  for (int round = 0; round < 20000; ++round) {
    const std::string_view alphabet = alphabets[random() % std::size(alphabets)];
    std::string text(1 + random() % (round % 7 == 0 ? 700 : 150), '\0');
    for (char& c : text) c = alphabet[random() % alphabet.size()];
    if (round % 3 == 0) {  // line ends as they should be
      std::string paired;
      for (char c : text) {
        if (c == '\r' || c == '\n') {
          paired.append("\r\n");
        } else {
          paired.push_back(c);
        }
      }
      text = paired.substr(0, 1000);
    }
    expect_same(buffer.refill(text), random() % text.size());
    if (HasFailure()) break;
  }
}

TEST_P(ScanKernels, KnowsEveryOctetAtTheStartOfALine) {
  test::GuardedBuffer buffer(std::string(300, ' '));
  for (int octet = 0; octet < 256; ++octet) {
    for (size_t length : {0, 1, 15, 16, 31, 32, 63, 64, 100}) {
      std::string text = "n";
      text.resize(length + 1, 'n');
      text.append("\r\n").push_back(static_cast<char>(octet));
      expect_same(buffer.refill(text.append(": x\r\n\r\n")), 0);
    }
  }
}

TEST_P(ScanKernels, StopsAtTooManyRows) {
  SCOPED_TRACE("SEC-11");
  for (const char* row : {"a:\r\n", "\n", ":\r\n", "a\r\n", "name: value\r\n"}) {
    std::string text;
    for (size_t rows = 0; rows < Scan::rows_max + 70; ++rows) {
      text += row;
      if (rows < Scan::rows_max - 3) continue;
      test::GuardedBuffer buffer(text);
      expect_same(buffer.bytes(), 0);
    }
  }
}

TEST_P(ScanKernels, ReadsTheLargestText) {
  std::string text(65535, 'x');
  expect_same(text, 0);
  expect_same(text, 65534);
  text.replace(65531, 4, "\r\n\r\n");
  expect_same(text, 0);
}

TEST_P(ScanKernels, GiveTheSameMessage) {
  auto one = std::make_unique<Message>();
  auto other = std::make_unique<Message>();
  const std::string text = Sample().add("Route: <sip:a;lr>,<sip:b>").text();
  test::GuardedBuffer buffer(text);
  for (size_t size = 0; size <= text.size(); ++size) {
    const std::string_view datagram = buffer.refill(std::string_view(text).substr(0, size));
    const Datagram kind = parse_with(scan_kernels()[0], datagram, *one);
    EXPECT_EQ(parse_with(GetParam(), datagram, *other), kind);
    if (kind != Datagram::sip) continue;
    EXPECT_EQ(one->fault, other->fault) << size;
    EXPECT_EQ(one->row_count, other->row_count);
    EXPECT_EQ(one->headers_end, other->headers_end);
  }
}

TEST(ScanDispatch, TheScalarKernelIsAlwaysThere) {
  ASSERT_FALSE(scan_kernels().empty());
  EXPECT_EQ(scan_kernels()[0].name, "scalar");
  EXPECT_FALSE(active_scan_kernel().name.empty());
}

}  // namespace
}  // namespace viaduct::sip
