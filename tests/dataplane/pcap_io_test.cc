#include "dataplane/pcap_io.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "dataplane/worker.h"
#include "support/folder.h"
#include "support/lab.h"
#include "support/message_corpus.h"

namespace viaduct::dataplane {
namespace {

class PcapIoTest : public ::testing::Test {
 protected:
  std::string file(const std::string& name) const { return folder_ / name; }

  const test::Folder folder_;
};

TEST_F(PcapIoTest, WhatIsForwardedIsInTheOtherFile) {
  const auto message = test::MessageCorpus().requests(100);
  {
    auto writer = net::PcapWriter::create(file("in.pcap"));
    ASSERT_TRUE(writer) << writer.error();
    for (size_t i = 0; i < message.size(); ++i) {
      ASSERT_TRUE(writer->write(test::from_outside(message[i].call.caller, message[i].text), 1'000'000'000 + i));
    }
    ASSERT_TRUE(writer->write(test::packet().ethertype(0x0806).frame(), 2'000'000'000));
    ASSERT_TRUE(writer->close());
  }
  auto io = PcapIo::open(file("in.pcap"), file("out.pcap"));
  ASSERT_TRUE(io) << io.error();
  const View view = test::lab_view();
  const std::atomic<const View*> current{&view};
  HandoffMesh mesh(1);
  auto counters = std::make_unique<telemetry::WorkerCounters>();
  Worker<PcapIo> worker({.worker = 0, .mesh = mesh, .view = current, .counters = *counters}, *io);
  while (!io->finished()) worker.turn();
  const core::Status closed = io->close();
  ASSERT_TRUE(closed) << closed.error();
  EXPECT_EQ(counters->received.value(), 101u);
  EXPECT_EQ(counters->forwarded.value(), 100u);
  EXPECT_TRUE(telemetry::ledger_of(*counters).closes());

  auto reader = net::PcapReader::open(file("out.pcap"));
  ASSERT_TRUE(reader) << reader.error();
  for (size_t i = 0; i < message.size(); ++i) {
    auto frame = reader->next();
    ASSERT_TRUE(frame && *frame);
    const core::ByteView bytes = (*frame)->bytes;
    const test::Datagram out = test::read_back(test::Bytes(bytes.begin(), bytes.end()));
    EXPECT_TRUE(out.lengths_right && out.ip_checksum_right && out.udp_checksum_right);
    EXPECT_EQ(test::header_values(out.payload, "Call-ID").at(0), message[i].call.call_id);
    EXPECT_GE((*frame)->time_ns, 1'000'000'000u);
  }
  auto end = reader->next();
  ASSERT_TRUE(end);
  EXPECT_FALSE(*end);
}

TEST_F(PcapIoTest, AFileThatIsNoneIsRefused) {
  EXPECT_FALSE(PcapIo::open(file("absent.pcap"), file("out.pcap")));
  std::ofstream(file("text.pcap")) << "this is not a capture";
  const auto io = PcapIo::open(file("text.pcap"), file("out.pcap"));
  EXPECT_FALSE(io);
}

TEST_F(PcapIoTest, AFileThatBreaksOffIsToldAtTheEnd) {
  {
    auto writer = net::PcapWriter::create(file("in.pcap"));
    ASSERT_TRUE(writer);
    ASSERT_TRUE(writer->write(test::from_outside("198.51.100.7:5060", test::request_of(test::Call{}, "OPTIONS")), 1));
    ASSERT_TRUE(writer->close());
  }
  std::filesystem::resize_file(file("in.pcap"), std::filesystem::file_size(file("in.pcap")) - 10);
  auto io = PcapIo::open(file("in.pcap"), file("out.pcap"));
  ASSERT_TRUE(io) << io.error();
  std::array<Packet, burst_max> burst;
  EXPECT_EQ(io->receive(burst), 0u);
  EXPECT_TRUE(io->finished());
  const core::Status closed = io->close();
  ASSERT_FALSE(closed);
  EXPECT_NE(closed.error().find("in.pcap"), std::string::npos) << closed.error();
}

}  // namespace
}  // namespace viaduct::dataplane
