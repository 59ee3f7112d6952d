// Messages whose shape a worker knows (sip/shape.h) leave as those that it parses.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dataplane/fixture.h"
#include "sip/shape.h"

namespace viaduct::dataplane {
namespace {

class KnownShapes : public WorkersTest {
 protected:
  static constexpr size_t few = 20;  // so few messages make no shape

  void start_anew() {
    start({.record_route = true, .edge_mtu = 9000});
    injected_ = 0;
  }
  // Calls and backends' answers to them.
  std::vector<MemoryIo::Frame> traffic() {
    std::vector<MemoryIo::Frame> frames;
    test::MessageCorpus corpus;
    for (const test::CorpusMessage& message : corpus.requests(150)) {
      if (frames.size() % few == 0) start_anew();
      frames.push_back({.port = edge, .bytes = test::from_outside(message.call.caller, message.text)});
      const auto sent = through(frames.back().bytes);
      if (sent.empty()) continue;
      const test::Datagram request = test::read_back(sent[0].bytes);
      const std::string answer = test::answer_to(request.payload, "180 Ringing");
      frames.push_back({.port = core,
                        .bytes = test::from_inside(to_string(request.destination), answer, to_string(request.source))});
    }
    return frames;
  }
  // What leaves of a frame, without what counts datagrams.
  std::string out_of(const MemoryIo::Frame& frame) {
    std::string all;
    for (const MemoryIo::Frame& sent : through(frame.bytes, frame.port)) {
      const test::Datagram out = test::read_back(sent.bytes);
      EXPECT_TRUE(out.lengths_right && out.udp_checksum_right);
      all += to_string(out.source) + " > " + to_string(out.destination) + '\n' + std::string(out.payload);
    }
    return all;
  }
};

TEST_F(KnownShapes, LeaveAsParsedMessages) {
  const std::vector<MemoryIo::Frame> frames = traffic();
  std::vector<std::string> parsed;
  for (const MemoryIo::Frame& frame : frames) {
    if (parsed.size() % few == 0) start_anew();
    parsed.push_back(out_of(frame));
    ASSERT_EQ(bench().counters.known_shapes.value(), 0u);
  }
  start_anew();
  const telemetry::Counter& known = bench().counters.known_shapes;
  const bool knows = sip::active_shape_kernel().name != "scalar";
  for (int round = 0; round < 200 && known.value() < frames.size() && !HasFailure(); ++round) {
    for (size_t i = 0; i < frames.size(); ++i) EXPECT_EQ(out_of(frames[i]), parsed[i]);
  }
  EXPECT_GE(known.value(), knows ? frames.size() : 0);
}

}  // namespace
}  // namespace viaduct::dataplane
