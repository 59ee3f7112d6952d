#include "net/pcap.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace viaduct::net {
namespace {

// A file in memory, which others can open by its path as long as it lives.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view content = {}) : descriptor_(memfd_create("viaduct-pcap", 0)) {
    path_ = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(descriptor_);
    fill(content);
  }
  ~TemporaryFile() { close(descriptor_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void fill(std::string_view content) const {
    EXPECT_EQ(ftruncate(descriptor_, 0), 0);
    EXPECT_EQ(pwrite(descriptor_, content.data(), content.size(), 0), static_cast<ssize_t>(content.size()));
  }
  const std::string& path() const { return path_; }

 private:
  int descriptor_;
  std::string path_;
};

// Numbers in the byte order of the machine that is said to have captured.
struct Order {
  bool big = false;
  std::string number(uint64_t value, size_t bytes) const {
    std::string text;
    for (size_t i = 0; i < bytes; ++i) {
      const size_t shift = 8 * (big ? bytes - 1 - i : i);
      text += static_cast<char>(value >> shift);
    }
    return text;
  }
  std::string u16(uint64_t value) const { return number(value, 2); }
  std::string u32(uint64_t value) const { return number(value, 4); }
  std::string u64(uint64_t value) const { return number(value, 8); }
};

std::string classic_header(Order order, uint32_t magic, uint32_t link = 1) {
  return order.u32(magic) + order.u16(2) + order.u16(4) + order.u32(0) + order.u32(0) + order.u32(65535) +
         order.u32(link);
}
std::string classic_record(Order order, uint32_t seconds, uint32_t fraction, std::string_view bytes,
                           uint32_t original) {
  return order.u32(seconds) + order.u32(fraction) + order.u32(bytes.size()) + order.u32(original) + std::string(bytes);
}

std::string padded(std::string_view bytes) { return std::string(bytes) + std::string(-bytes.size() % 4, '\0'); }

std::string block(Order order, uint32_t type, const std::string& body) {
  const std::string length = order.u32(12 + body.size());
  return order.u32(type) + length + body + length;
}
std::string section(Order order) {
  return block(order, 0x0a0d0d0a, order.u32(0x1a2b3c4d) + order.u16(1) + order.u16(0) + order.u64(~0ull));
}
std::string interface_block(Order order, uint16_t link, uint32_t snap_length = 0, const std::string& options = "") {
  return block(order, 1, order.u16(link) + order.u16(0) + order.u32(snap_length) + options);
}
std::string option(Order order, uint16_t code, const std::string& value) {
  return order.u16(code) + order.u16(value.size()) + padded(value);
}
std::string enhanced_packet(Order order, uint32_t interface, uint64_t ticks, std::string_view bytes, uint32_t original,
                            const std::string& options = "") {
  return block(order, 6,
               order.u32(interface) + order.u32(ticks >> 32) + order.u32(ticks & 0xffffffff) + order.u32(bytes.size()) +
                   order.u32(original) + padded(bytes) + options);
}
std::string simple_packet(Order order, std::string_view bytes, uint32_t original) {
  return block(order, 3, order.u32(original) + padded(bytes));
}

struct Frame {
  std::string bytes;
  uint32_t original_length = 0;
  uint64_t time_ns = 0;
  bool operator==(const Frame&) const = default;
};
void PrintTo(const Frame& frame, std::ostream* out) {
  *out << frame.bytes.size() << " of " << frame.original_length << " bytes at " << frame.time_ns;
}

// Everything up to the end or the first error, which is in `error` then.
struct Content {
  std::vector<Frame> frames;
  std::string error;
};
Content content_of(const std::string& path) {
  Content content;
  core::Result<PcapReader> reader = PcapReader::open(path);
  if (!reader) return {{}, reader.error()};
  for (;;) {
    const core::Result<std::optional<CapturedFrame>> next = reader->next();
    if (!next) {
      content.error = next.error();
      const core::Result<std::optional<CapturedFrame>> behind = reader->next();
      EXPECT_TRUE(behind && !*behind) << "something came behind an error";
      return content;
    }
    if (!*next) return content;
    const CapturedFrame& frame = **next;
    content.frames.push_back({std::string(core::text_of(frame.bytes)), frame.original_length, frame.time_ns});
  }
}
Content content_of_bytes(std::string_view bytes) {
  const TemporaryFile file(bytes);
  return content_of(file.path());
}

const std::string ethernet_frame = std::string(12, '\x02') + "\x08" + std::string(1, '\0') + "payload";

TEST(PcapReader, ReadsEveryKindOfClassicFile) {
  for (const bool big : {false, true}) {
    const Order order{big};
    const Content micro = content_of_bytes(classic_header(order, 0xa1b2c3d4) +
                                           classic_record(order, 1700000000, 123456, ethernet_frame, 21) +
                                           classic_record(order, 1700000001, 0, "", 0));
    EXPECT_EQ(micro.error, "");
    EXPECT_EQ(micro.frames,
              (std::vector<Frame>{{ethernet_frame, 21, 1700000000'123456000}, {"", 0, 1700000001'000000000}}));
    const Content nano = content_of_bytes(classic_header(order, 0xa1b23c4d) +
                                          classic_record(order, 4000000000, 123456789, ethernet_frame, 1500));
    EXPECT_EQ(nano.error, "");
    EXPECT_EQ(nano.frames, (std::vector<Frame>{{ethernet_frame, 1500, 4000000000'123456789}}));
  }
}

TEST(PcapReader, ReadsPcapngOfEitherByteOrderWithEachInterfacesClock) {
  for (const bool big : {false, true}) {
    const Order order{big};
    const std::string nanoseconds = option(order, 9, "\x09");
    const std::string binary = option(order, 2, "eth0") + option(order, 9, "\x8a") + option(order, 14, order.u64(100));
    const Content content = content_of_bytes(
        section(order) + interface_block(order, 1) + interface_block(order, 1, 96, nanoseconds + order.u32(0)) +
        interface_block(order, 1, 0, binary) + block(order, 5, std::string(8, 'x')) +
        enhanced_packet(order, 0, 1700000000'123456, ethernet_frame, 21, option(order, 1, "a comment")) +
        enhanced_packet(order, 1, 1700000000'123456789, ethernet_frame, 1500) +
        enhanced_packet(order, 2, 3 * 1024 + 512, ethernet_frame, 21));
    EXPECT_EQ(content.error, "");
    EXPECT_EQ(content.frames, (std::vector<Frame>{{ethernet_frame, 21, 1700000000'123456000},
                                                  {ethernet_frame, 1500, 1700000000'123456789},
                                                  {ethernet_frame, 21, 103'500'000'000}}));
  }
}

TEST(PcapReader, StartsAfreshWithEachSectionOfPcapng) {
  const Order little{false};
  const Order big{true};
  const std::string first = section(little) + interface_block(little, 113) + interface_block(little, 1);
  const std::string second =
      section(big) + interface_block(big, 1, 10) + simple_packet(big, ethernet_frame.substr(0, 10), 21);
  const Content content = content_of_bytes(first + second);
  EXPECT_EQ(content.error, "");
  EXPECT_EQ(content.frames, (std::vector<Frame>{{ethernet_frame.substr(0, 10), 21, 0}}));
  // The second section has one interface only, whatever the first had.
  EXPECT_NE(content_of_bytes(first + second + enhanced_packet(big, 1, 0, "", 0)).error.find("not described"),
            std::string::npos);
}

TEST(PcapReader, MakesEthernetOfCookedAndRawCaptures) {
  const Order order;
  const std::string no_addresses(12, '\0');
  const std::string v6_packet = "\x60 the packet";
  const std::string v4_packet = "\x45 the packet";
  const std::string as_v6 = no_addresses + "\x86\xdd" + v6_packet;
  const std::string as_v4 = no_addresses + "\x08" + std::string(1, '\0') + v4_packet;
  const auto one_record = [&](uint32_t link, const std::string& bytes) {
    return content_of_bytes(classic_header(order, 0xa1b2c3d4, link) +
                            classic_record(order, 0, 0, bytes, static_cast<uint32_t>(bytes.size()) + 100));
  };
  const auto original = [](const std::string& frame) { return static_cast<uint32_t>(frame.size()) + 100; };
  EXPECT_EQ(one_record(113, std::string(14, 'c') + "\x86\xdd" + v6_packet).frames,
            (std::vector<Frame>{{as_v6, original(as_v6), 0}}));
  EXPECT_EQ(one_record(276, "\x86\xdd" + std::string(18, 'c') + v6_packet).frames,
            (std::vector<Frame>{{as_v6, original(as_v6), 0}}));
  EXPECT_EQ(one_record(101, v6_packet).frames, (std::vector<Frame>{{as_v6, original(as_v6), 0}}));
  EXPECT_EQ(one_record(101, v4_packet).frames, (std::vector<Frame>{{as_v4, original(as_v4), 0}}));
  EXPECT_NE(one_record(113, "short").error.find("too short for its link header"), std::string::npos);
  EXPECT_NE(one_record(105, "802.11").error.find("offset 20: link type 105; Ethernet (1)"), std::string::npos);
}

TEST(PcapReader, SaysWhereAndWhyItStops) {
  const Order order;
  const std::string header = classic_header(order, 0xa1b2c3d4);
  const std::string record = classic_record(order, 0, 0, ethernet_frame, 21);
  const std::string ng = section(order) + interface_block(order, 1);
  struct Row {
    std::string bytes;
    const char* sentence;
  };
  const Row rows[] = {
      {"", "offset 0: no capture file; pcap and pcapng, not compressed, are accepted"},
      {"\xd4\xc3", "offset 0: no capture file"},
      {"\x1f\x8b\x08 a compressed capture", "offset 0: no capture file"},
      {header.substr(0, 23), "offset 0: the file ends within the header that starts here"},
      {order.u32(0xa1b2c3d4) + order.u16(3) + header.substr(6), "offset 4: pcap version 3; version 2 is accepted"},
      {header + record + record.substr(0, 30), "offset 61: the file ends within a record that starts here"},
      {header + record.substr(0, 15), "offset 24: the file ends within a record that starts here"},
      {header + order.u64(0) + order.u32(262145) + order.u32(262145),
       "offset 24: a record of 262145 bytes; at most 262144 are accepted"},
      {ng.substr(0, 20), "offset 0: the file ends within a section header that starts here"},
      {order.u32(0x0a0d0d0a) + order.u32(28) + order.u32(0) + order.u64(0) + order.u64(0),
       "offset 0: a section header without a byte order"},
      {ng + order.u32(6), "offset 48: the file ends within a block that starts here"},
      {ng + order.u32(77) + order.u32(64) + "......", "offset 48: the file ends within a block that starts here"},
      {ng + order.u32(6) + order.u32(11), "offset 48: a block of 11 bytes"},
      {ng + order.u32(6) + order.u32(1 << 20), "offset 48: a block of 1048576 bytes; at most 327680 are accepted"},
      {ng + order.u32(6) + order.u32(12) + order.u32(16), "offset 48: a block whose two lengths differ"},
      {ng + block(order, 6, "...."), "offset 48: a packet block too short for its header"},
      {ng + enhanced_packet(order, 1, 0, "", 0), "offset 48: a packet of an interface that is not described"},
      {section(order) + simple_packet(order, "", 0), "offset 28: a packet of an interface that is not described"},
      {ng + simple_packet(order, "1234", 5), "offset 48: a packet of 5 bytes in a block of 20"},
      {section(order) + interface_block(order, 105) + enhanced_packet(order, 0, 0, "", 0),
       "offset 48: a packet of link type 105; Ethernet (1)"},
  };
  for (const Row& row : rows) {
    const TemporaryFile file(row.bytes);
    const std::string error = content_of(file.path()).error;
    EXPECT_TRUE(error.starts_with(file.path() + ": " + row.sentence)) << error << "\nexpected: " << row.sentence;
  }
  EXPECT_NE(content_of("/nonexistent/calls.pcap").error.find("calls.pcap: cannot be opened: No such file"),
            std::string::npos);
  EXPECT_NE(content_of("/").error.find("/: cannot be read: Is a directory"), std::string::npos);
}

TEST(PcapReader, GivesTheWholeRecordsOfAFileCutAnywhere) {
  const Order order;
  const std::string record = classic_record(order, 5, 6, ethernet_frame, 21);
  const std::string packet = enhanced_packet(order, 0, 5'000'006, ethernet_frame, 21);
  struct Row {
    std::string header;
    std::string unit;
  };
  for (const Row& row :
       {Row{classic_header(order, 0xa1b2c3d4), record}, Row{section(order) + interface_block(order, 1), packet}}) {
    const std::string whole = row.header + row.unit + row.unit + row.unit;
    const TemporaryFile file;
    for (size_t length = row.header.size(); length <= whole.size(); ++length) {
      file.fill(std::string_view(whole).substr(0, length));
      const Content content = content_of(file.path());
      const size_t behind_header = length - row.header.size();
      EXPECT_EQ(content.frames.size(), behind_header / row.unit.size());
      EXPECT_EQ(content.error.empty(), behind_header % row.unit.size() == 0) << content.error;
      for (const Frame& frame : content.frames) EXPECT_EQ(frame, (Frame{ethernet_frame, 21, 5'000'006'000}));
    }
  }
}

TEST(PcapReader, SurvivesDamage) {
  const Order order;
  const std::string options = option(order, 9, "\x06") + option(order, 14, order.u64(1));
  const std::string files[] = {
      classic_header(order, 0xa1b2c3d4, 113) + classic_record(order, 5, 6, ethernet_frame + ethernet_frame, 42) +
          classic_record(order, 5, 7, ethernet_frame + ethernet_frame, 42),
      section(order) + interface_block(order, 1, 64, options) + enhanced_packet(order, 0, 5, ethernet_frame, 21) +
          simple_packet(order, ethernet_frame, 21) + section(Order{true}),
  };
  std::mt19937 random(12);
  const TemporaryFile file;
  size_t read = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = files[round % 2];
    for (unsigned hits = 1 + random() % 3; hits > 0; --hits)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    file.fill(bytes);
    read += content_of(file.path()).frames.size();
  }
  EXPECT_GT(read, 10'000u);
}

TEST(PcapWriter, WritesWhatTheReaderReads) {
  const TemporaryFile file;
  std::vector<Frame> frames;
  for (uint32_t i = 0; i < 200; ++i) {
    frames.push_back({std::string(i * 7, static_cast<char>(i)), i * 7, uint64_t{1700000000'999999990} + i});
  }
  frames.push_back({std::string(captured_bytes_max, 'x'), captured_bytes_max + 10, 0});
  core::Result<PcapWriter> writer = PcapWriter::create(file.path());
  ASSERT_TRUE(writer);
  for (const Frame& frame : frames) {
    std::string whole = frame.bytes;
    whole.resize(frame.original_length, 'x');
    ASSERT_TRUE(writer->write(core::bytes_of(whole), frame.time_ns));
  }
  ASSERT_TRUE(writer->close());
  const Content content = content_of(file.path());
  EXPECT_EQ(content.error, "");
  EXPECT_EQ(content.frames, frames);
}

TEST(PcapWriter, SaysWhenItCannotWrite) {
  EXPECT_EQ(PcapWriter::create("/nonexistent/out.pcap").error(),
            "/nonexistent/out.pcap: cannot be created: No such file or directory");
  if (access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full here";
  core::Result<PcapWriter> writer = PcapWriter::create("/dev/full");
  ASSERT_TRUE(writer);
  const core::Status closed = writer->close();
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error(), "/dev/full: cannot be written: No space left on device");
}

TEST(PcapWriter, IsUnderstoodByWiresharkAndUnderstandsIt) {
  if (std::system("editcap --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no editcap (wireshark-common) here";
  const TemporaryFile ours;
  core::Result<PcapWriter> writer = PcapWriter::create(ours.path());
  ASSERT_TRUE(writer);
  for (uint64_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(writer->write(core::bytes_of(ethernet_frame + std::string(i, '.')), 1700000000'123456789 + i));
  }
  ASSERT_TRUE(writer->close());
  const Content written = content_of(ours.path());
  ASSERT_EQ(written.frames.size(), 20u);
  for (const char* format : {"pcapng", "nsecpcap", "pcap"}) {
    const TemporaryFile theirs;
    const std::string command =
        std::string("editcap -F ") + format + " " + ours.path() + " " + theirs.path() + " >/dev/null 2>&1";
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
    Content read = content_of(theirs.path());
    EXPECT_EQ(read.error, "");
    Content expected = written;
    if (std::string_view(format) == "pcap") {
      for (Frame& frame : expected.frames) frame.time_ns -= frame.time_ns % 1000;
    }
    EXPECT_EQ(read.frames, expected.frames) << format;
  }
}

}  // namespace
}  // namespace viaduct::net
