// What captures are written as: read back by our own readers; tshark reads them end to end.
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "capture/hep.h"
#include "capture/ladder.h"
#include "capture/pcapng_stream.h"
#include "capture/pcapng_writer.h"
#include "net/frame.h"
#include "net/pcap.h"
#include "support/folder.h"
#include "support/packet_builder.h"

namespace viaduct::capture {
namespace {

using test::Bytes;
using test::endpoint;

Bytes some_frame(std::string_view text) {
  return test::packet().between("198.51.100.7:5060", "192.0.2.10:5060").payload(text).frame();
}

std::string a_file() {
  std::string out;
  write_section(out, "viaduct test");
  write_interface(out, "edge");
  write_interface(out, "core");
  write_packet(out, 0, 1'700'000'000'123'456'789, Direction::in, some_frame("first"), "verdict=forward worker=0");
  write_packet(out, 1, 1'700'000'000'123'456'790, Direction::out, some_frame("second!"), "");
  write_statistics(out, 0, 1'700'000'001'000'000'000, 7, 5);
  return out;
}

TEST(PcapngWriter, IsReadByTheReader) {
  const test::Folder folder;
  const std::string path = folder / "written.pcapng";
  std::ofstream(path, std::ios::binary) << a_file();
  auto reader = net::PcapReader::open(path);
  ASSERT_TRUE(reader) << reader.error();
  for (const std::string_view text : {"first", "second!"}) {
    const auto frame = reader->next();
    ASSERT_TRUE(frame && *frame) << (frame ? "the end" : frame.error());
    const Bytes expected = some_frame(text);
    EXPECT_EQ(core::text_of((*frame)->bytes), core::text_of(expected));
    EXPECT_EQ((*frame)->time_ns, text == "first" ? 1'700'000'000'123'456'789u : 1'700'000'000'123'456'790u);
  }
  const auto end = reader->next();
  ASSERT_TRUE(end) << end.error();
  EXPECT_FALSE(*end);
}

TEST(PcapngStream, GivesTheSameInPiecesOfEverySize) {
  const std::string file = a_file();
  for (size_t piece = 1; piece <= file.size(); piece += piece < 40 ? 1 : 37) {
    std::string again;
    std::vector<std::string> comments;
    std::vector<Direction> directions;
    uint64_t dropped = 0, received = 0;
    PcapngStream stream([&](const StreamBlock& block) {
      again += block.bytes;
      if (block.kind == StreamBlock::Kind::packet) {
        comments.emplace_back(block.comment);
        directions.push_back(block.direction);
      }
      if (block.kind == StreamBlock::Kind::statistics) {
        dropped = block.dropped;
        received = block.received;
      }
      return true;
    });
    for (size_t at = 0; at < file.size(); at += piece) {
      ASSERT_EQ(stream.feed(std::string_view(file).substr(at, piece)), PcapngStream::State::more);
    }
    EXPECT_EQ(again, file);
    EXPECT_TRUE(stream.at_block_end());
    EXPECT_EQ(comments, (std::vector<std::string>{"verdict=forward worker=0", ""}));
    EXPECT_EQ(directions, (std::vector{Direction::in, Direction::out}));
    EXPECT_EQ(dropped, 5u);
    EXPECT_EQ(received, 7u);
  }
}

TEST(PcapngStream, RefusesWhatIsNone) {
  const auto fed = [](std::string text) {
    PcapngStream stream([](const StreamBlock&) { return true; });
    return stream.feed(text);
  };
  EXPECT_EQ(fed("error: nobody is here\n\n"), PcapngStream::State::damaged);
  std::string file = a_file();
  file[4] = 3;  // a length that is none
  EXPECT_EQ(fed(file), PcapngStream::State::damaged);
  // Whatever octet is wrong, it ends.
  for (size_t at = 0; at < a_file().size(); ++at) {
    std::string spoilt = a_file();
    spoilt[at] = static_cast<char>(spoilt[at] ^ 0x41);
    (void)fed(spoilt);
  }
}

// type -> value
std::map<unsigned, std::string> chunks_of(const std::string& datagram) {
  const auto number = [&](size_t at) {
    return static_cast<unsigned>(static_cast<uint8_t>(datagram[at]) << 8 | static_cast<uint8_t>(datagram[at + 1]));
  };
  std::map<unsigned, std::string> chunks;
  EXPECT_EQ(datagram.substr(0, 4), "HEP3");
  EXPECT_EQ(number(4), datagram.size());
  for (size_t at = 6; at < datagram.size();) {
    EXPECT_EQ(number(at), 0u);
    const unsigned size = number(at + 4);
    EXPECT_GE(size, 6u);
    if (size < 6) break;
    chunks[number(at + 2)] = datagram.substr(at + 6, size - 6);
    at += size;
  }
  return chunks;
}

TEST(Hep, SaysWhatTheFormatSays) {
  using namespace std::string_literals;
  const std::string datagram = encode_hep({.source = endpoint("198.51.100.7:40000"),
                                           .destination = endpoint("192.0.2.10:5060"),
                                           .time_ns = 0x65'00'00'00ull * 1'000'000'000 + 123'456'789,
                                           .agent_id = 2001,
                                           .agent_name = "lb1",
                                           .password = "secret",
                                           .correlation_id = "abc@host",
                                           .payload = "OPTIONS sip:x SIP/2.0\r\n\r\n"});
  const auto chunks = chunks_of(datagram);
  EXPECT_EQ(chunks.at(1), "\x02");
  EXPECT_EQ(chunks.at(2), "\x11");
  EXPECT_EQ(chunks.at(3), "\xc6\x33\x64\x07");
  EXPECT_EQ(chunks.at(4), "\xc0\x00\x02\x0a"s);
  EXPECT_EQ(chunks.at(7), "\x9c\x40");
  EXPECT_EQ(chunks.at(8), "\x13\xc4");
  EXPECT_EQ(chunks.at(9), "\x65\x00\x00\x00"s);
  EXPECT_EQ(chunks.at(10), "\x00\x01\xe2\x40"s);
  EXPECT_EQ(chunks.at(11), "\x01");
  EXPECT_EQ(chunks.at(12), "\x00\x00\x07\xd1"s);
  EXPECT_EQ(chunks.at(14), "secret");
  EXPECT_EQ(chunks.at(15), "OPTIONS sip:x SIP/2.0\r\n\r\n");
  EXPECT_EQ(chunks.at(17), "abc@host");
  EXPECT_EQ(chunks.at(19), "lb1");
  const auto six = chunks_of(encode_hep({.source = endpoint("[2001:db8::7]:5060"),
                                         .destination = endpoint("[2001:db8::10]:5060"),
                                         .agent_name = {},
                                         .password = {},
                                         .correlation_id = {},
                                         .payload = "x"}));
  EXPECT_EQ(six.at(1), "\x0a");
  EXPECT_EQ(six.at(5).size(), 16u);
  EXPECT_EQ(six.at(6).size(), 16u);
  EXPECT_EQ(six.count(3) + six.count(14) + six.count(17) + six.count(19), 0u);
}

TEST(Hep, IsNoLongerThanADatagram) {
  const std::string longest(65507 - 512, 'x'), longer(65507 - 511, 'x');
  HepPacket packet;
  packet.payload = longest;
  EXPECT_LE(encode_hep(packet).size(), 65507u);
  EXPECT_FALSE(encode_hep(packet).empty());
  packet.payload = longer;
  EXPECT_TRUE(encode_hep(packet).empty());
}

TEST(Ladder, DrawsACall) {
  using Ours = Ladder::Step::Ours;
  Ladder ladder;
  const auto alice = endpoint("198.51.100.7:5060"), outside = endpoint("192.0.2.10:5060"),
             inside = endpoint("10.0.0.1:5060"), p1 = endpoint("10.0.1.1:5060");
  std::string drawing;
  drawing += ladder.add({.time_ns = 1'000'000'000,
                         .ours = Ours::destination,
                         .source = alice,
                         .destination = outside,
                         .label = "INVITE",
                         .note = "backend=proxies/p1"});
  drawing += ladder.add({.time_ns = 1'000'000'000,
                         .ours = Ours::source,
                         .source = inside,
                         .destination = p1,
                         .label = "INVITE",
                         .note = ""});
  drawing += ladder.add({.time_ns = 1'012'345'678,
                         .ours = Ours::destination,
                         .source = p1,
                         .destination = inside,
                         .label = "180 Ringing (INVITE)",
                         .note = ""});
  drawing += ladder.add({.time_ns = 1'012'345'678,
                         .ours = Ours::source,
                         .source = outside,
                         .destination = alice,
                         .label = "180 Ringing (INVITE)",
                         .note = ""});
  EXPECT_EQ(drawing,
            "     time     198.51.100.7:5060               viaduct\n"
            "    0.000             |--------- INVITE -------->|  backend=proxies/p1\n"
            "\n"
            "     time     198.51.100.7:5060               viaduct                 10.0.1.1:5060\n"
            "    0.000             |                          |--------- INVITE -------->|\n"
            "    0.012             |                          |<- 180 Ringing (INVITE) --|\n"
            "    0.012             |<- 180 Ringing (INVITE) --|                          |\n");
}

TEST(Ladder, PrintsNothingThatATerminalObeys) {
  EXPECT_EQ(label_of("INVITE sip:a SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n"), "INVITE");
  EXPECT_EQ(label_of("SIP/2.0 200 O\x1b[31mK\r\nCSeq: 1 BYE\r\n\r\n"), "200 O.[31mK (BYE)");
  EXPECT_EQ(label_of("\r\n\r\n"), "(no SIP)");
}

}  // namespace
}  // namespace viaduct::capture
