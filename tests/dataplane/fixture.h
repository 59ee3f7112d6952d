// Workers over packets in memory. When a test ends, the ledger of every worker closes and every buffer is accounted
// for.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/memory_io.h"
#include "dataplane/worker.h"
#include "support/lab.h"
#include "support/message_corpus.h"
#include "telemetry/counters.h"

namespace viaduct::dataplane {

inline constexpr uint16_t edge = 0, core = 1;  // the lab's ports

class WorkersTest : public ::testing::Test {
 protected:
  using MemoryWorker = Worker<MemoryIo>;

  // One worker with its queue, counters and wishes.
  struct Bench {
    explicit Bench(const MemoryIo::Options& options) : io(options) {}
    MemoryIo io;
    telemetry::WorkerCounters counters;
    WantedNeighbors wanted;
    UnreachableHints hints;
    Tap tap;
    std::unique_ptr<MemoryWorker> worker;
  };

  void start(const test::LabOptions& options = {}, size_t workers = 1, const MemoryIo::Options& io = {},
             size_t ring_packets = handoff_ring_packets) {
    view_ = test::lab_view(options);
    current_.store(&view_);
    mesh_ = std::make_unique<HandoffMesh>(workers, ring_packets);
    benches_.clear();
    for (size_t i = 0; i < workers; ++i) {
      Bench& bench = *benches_.emplace_back(std::make_unique<Bench>(io));
      bench.worker = std::make_unique<MemoryWorker>(WorkerPlace{.worker = i,
                                                                .mesh = *mesh_,
                                                                .view = current_,
                                                                .counters = bench.counters,
                                                                .wanted = &bench.wanted,
                                                                .reassembly = reassembly_,
                                                                .path_mtus = &path_mtus_,
                                                                .hints = &bench.hints,
                                                                .now = now_,
                                                                .tap = &bench.tap},
                                                    bench.io);
    }
  }

  Bench& bench(size_t worker = 0) { return *benches_[worker]; }
  MemoryIo& io(size_t worker = 0) { return bench(worker).io; }

  void inject(const test::Bytes& frame, uint16_t port = 0, size_t worker = 0) {
    ++injected_;
    io(worker).inject(frame, port);
  }

  // Turns every worker until nobody has anything to do.
  void turn() {
    for (bool busy = true; busy;) {
      busy = false;
      for (auto& bench : benches_) busy |= bench->worker->turn();
    }
  }

  // Injects one frame, turns, and returns what left.
  std::vector<MemoryIo::Frame> through(const test::Bytes& frame, uint16_t port = 0, size_t worker = 0) {
    inject(frame, port, worker);
    turn();
    std::vector<MemoryIo::Frame> sent;
    for (auto& bench : benches_) {
      for (MemoryIo::Frame& one : bench->io.take_sent()) sent.push_back(std::move(one));
    }
    return sent;
  }

  uint64_t count(telemetry::Reason reason, size_t worker = 0) {
    return bench(worker).counters.by_reason[static_cast<size_t>(reason)].value();
  }

  void TearDown() override {
    size_t gone = 0, made = 0;
    for (size_t i = 0; i < benches_.size(); ++i) {
      const telemetry::Ledger ledger = telemetry::ledger_of(bench(i).counters);
      EXPECT_TRUE(ledger.closes()) << "worker " << i << ": " << telemetry::to_string(ledger);
      gone += io(i).sent_count() + io(i).punted_count() + io(i).released_count();
      made += io(i).made_count();
    }
    EXPECT_EQ(gone, injected_ + made) << "buffers";
    EXPECT_TRUE(mesh_ == nullptr || mesh_->waiting() == 0);
  }

  ReassemblyLimits reassembly_;         // for the next `start`
  const core::Instant* now_ = nullptr;  // likewise
  PathMtus path_mtus_{{1, 2}};
  View view_;
  std::atomic<const View*> current_{nullptr};
  std::unique_ptr<HandoffMesh> mesh_;
  std::vector<std::unique_ptr<Bench>> benches_;
  size_t injected_ = 0;
};

}  // namespace viaduct::dataplane
