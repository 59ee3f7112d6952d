#include "core/record_ring.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <thread>

namespace viaduct::core {
namespace {

bool write(RecordRing& ring, const std::string& text) {
  uint8_t* const room = ring.reserve(text.size());
  if (room == nullptr) return false;
  std::memcpy(room, text.data(), text.size());
  ring.commit();
  return true;
}

std::string read(RecordRing& ring) {
  std::string text(text_of(ring.front()));
  if (!text.empty()) ring.pop();
  return text;
}

TEST(RecordRing, GivesRecordsInTheirOrder) {
  RecordRing ring(4096);
  EXPECT_TRUE(ring.front().empty());
  EXPECT_TRUE(write(ring, "one"));
  EXPECT_TRUE(write(ring, std::string(1000, 'x')));
  EXPECT_EQ(read(ring), "one");
  EXPECT_EQ(read(ring), std::string(1000, 'x'));
  EXPECT_TRUE(ring.front().empty());
}

TEST(RecordRing, ShowsNothingBeforeCommit) {
  RecordRing ring(4096);
  ASSERT_NE(ring.reserve(100), nullptr);
  EXPECT_TRUE(ring.front().empty());
  EXPECT_TRUE(write(ring, "other")) << "what was not committed is given up";
  EXPECT_EQ(read(ring), "other");
}

TEST(RecordRing, RefusesWhatHasNoRoom) {
  RecordRing ring(4096);
  EXPECT_EQ(ring.reserve(2048), nullptr) << "a record may take half of the ring, with what stands before it";
  EXPECT_TRUE(write(ring, std::string(2040, 'a')));
  EXPECT_TRUE(write(ring, std::string(2040, 'b')));
  EXPECT_FALSE(write(ring, "c"));
  EXPECT_EQ(read(ring), std::string(2040, 'a'));
  EXPECT_TRUE(write(ring, "c"));
  EXPECT_EQ(read(ring), std::string(2040, 'b'));
  EXPECT_EQ(read(ring), "c");
}

TEST(RecordRing, KeepsRecordsInOnePieceAroundItsEnd) {
  RecordRing ring(4096);
  size_t written = 0, seen = 0;
  for (size_t size = 1; size < 2040; size = size * 5 / 4 + 1) {
    for (int i = 0; i < 7; ++i) {
      const std::string text(size, static_cast<char>('a' + written % 26));
      ASSERT_TRUE(write(ring, text)) << size;
      ++written;
      EXPECT_EQ(reinterpret_cast<uintptr_t>(ring.front().data()) % 8, 0u);
      EXPECT_EQ(read(ring), text) << size;
      ++seen;
    }
  }
  EXPECT_EQ(written, seen);
}

TEST(RecordRing, CarriesRecordsBetweenThreads) {
  RecordRing ring(1 << 16);
  constexpr uint32_t count = 200'000;
  std::thread producer([&] {
    for (uint32_t i = 0; i < count;) {
      const size_t size = 4 + i % 300;
      uint8_t* const room = ring.reserve(size);
      if (room == nullptr) {
        std::this_thread::yield();
        continue;
      }
      std::memset(room, static_cast<int>(i & 0xff), size);
      std::memcpy(room, &i, sizeof i);
      ring.commit();
      ++i;
    }
  });
  for (uint32_t expected = 0; expected < count;) {
    const ByteView record = ring.front();
    if (record.empty()) {
      std::this_thread::yield();
      continue;
    }
    uint32_t number;
    std::memcpy(&number, record.data(), sizeof number);
    ASSERT_EQ(number, expected);
    ASSERT_EQ(record.size(), 4 + expected % 300);
    if (record.size() > 4) {
      ASSERT_EQ(record.back(), expected & 0xff);
    }
    ring.pop();
    ++expected;
  }
  producer.join();
}

}  // namespace
}  // namespace viaduct::core
