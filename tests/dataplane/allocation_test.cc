// The way from receive to transmit never asks for memory: counted by the program's own operator new.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "dataplane/fixture.h"

namespace {
thread_local size_t allocations = 0;
}

// Not inlined, or the compiler takes malloc and free for a mismatched pair.
[[gnu::noinline]] void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace viaduct::dataplane {
namespace {

class AllocationTest : public WorkersTest {
 protected:
  // One message of every kind: forwarded both ways, answered, absorbed, dropped, left to the kernel, handed over.
  std::vector<MemoryIo::Frame> everything() {
    std::vector<MemoryIo::Frame> frames;
    test::MessageCorpus corpus;
    start({.record_route = true, .twin = true, .edge_mtu = 9000});
    for (const test::CorpusMessage& message : corpus.requests(40)) {
      frames.push_back({.port = 0, .bytes = test::from_outside(message.call.caller, message.text)});
      const auto sent = through(frames.back().bytes);
      if (sent.empty()) continue;
      const test::Datagram request = test::read_back(sent[0].bytes);
      const std::string answer = test::answer_to(request.payload, "200 OK");
      frames.push_back(
          {.port = 1, .bytes = test::from_inside(to_string(request.destination), answer, to_string(request.source))});
      std::string refused = message.text;
      refused.replace(refused.find("Max-Forwards: 70"), 16, "Max-Forwards: 0");
      frames.push_back({.port = 0, .bytes = test::from_outside(message.call.caller, refused)});
    }
    for (const std::string_view text : {"\r\n", "junk junk junk junk", "INVITE sip:x SIP/2.0\r\n\r\n"}) {
      frames.push_back({.port = 0, .bytes = test::from_outside("198.51.100.7:5060", text)});
    }
    frames.push_back({.port = 0, .bytes = test::from_outside("198.51.100.7:5060", "DNS", "192.0.2.10:53")});
    injected_ = 0;
    return frames;
  }
};

TEST_F(AllocationTest, NothingIsAllocatedBetweenReceiveAndTransmit) {
  const std::vector<MemoryIo::Frame> frames = everything();
  for (const bool neighbors_known : {true, false}) {
    start({.record_route = true, .twin = true, .edge_mtu = 9000, .neighbors_known = neighbors_known}, 2,
          {.keep = false});
    injected_ = 0;
    size_t during = 0;
    // The first rounds fill the pools of the memory model itself.
    for (int round = 0; round < 6; ++round) {
      for (const MemoryIo::Frame& frame : frames) inject(frame.bytes, frame.port, injected_ % 2);
      const size_t before = allocations;
      turn();
      during = allocations - before;
    }
    EXPECT_EQ(during, 0u);
    EXPECT_GT(bench(0).counters.handed_in.value(), 0u);
    for (const auto& bench : benches_) bench->worker->release_waiting();
  }
  const size_t before = allocations;
  ::operator delete(::operator new(1));
  EXPECT_EQ(allocations, before + 1) << "the counter counts";
}

}  // namespace
}  // namespace viaduct::dataplane
