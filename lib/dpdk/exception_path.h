// The kernel's end of a port that the kernel cannot see, such as a card bound to vfio-pci.
//
// What comes for nobody's listener, ARP, ND, ping, BGP, answers to health probes, belongs to the kernel, and the kernel
// has to be able to send: DPDK's manuals call this the exception path. Here it is a TAP with the port's link address.
// Workers make no system calls, so rings stand between them and it:
//
//   port -> worker, not for a listener -> rings of the worker -> control thread -> TAP -> kernel
//   kernel -> TAP -> control thread -> ring -> first worker -> port
//
// It is made for thousands of frames a second, not for millions; what a full ring has no room for is lost and counted,
// as on any wire. Anybody can send more than that, and whatever was lost with it, the neighbours would be the first
// that are missed: without ARP and ND the gateway forgets us, and SIP is gone as well. So there are three rings a
// worker, and they are emptied in the order of what the host lives by.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"
#include "core/spsc_ring.h"
#include "dpdk/tap_interface.h"
#include "net/address.h"
#include "telemetry/counters.h"

namespace viaduct::dpdk {

class ExceptionPath {
 public:
  // What a frame is to the host: how neighbours find each other; what peers and operators say to it (TCP, OSPF, ...);
  // what anybody may send to it (UDP, ICMP).
  enum class Rank : uint8_t { neighbors, peers, anybody };
  static constexpr size_t rank_count = 3;
  static constexpr std::array<size_t, rank_count> frames_of_rank{64, 128, 256};
  static constexpr size_t ring_frames = 256;  // from the kernel
  // Buffers that its rings can hold.
  static size_t frames_held(size_t workers) {
    return ring_frames + std::accumulate(frames_of_rank.begin(), frames_of_rank.end(), size_t{0}) * workers;
  }
  static Rank rank_of(core::ByteView frame);

  // Frames from the kernel are read into buffers of `frames`. Thread: control.
  static core::Result<std::unique_ptr<ExceptionPath>> open(const std::string& interface, const net::Mac& mac,
                                                           uint16_t mtu, size_t workers, rte_mempool* frames);
  ~ExceptionPath();  // frees what waits; no worker runs
  ExceptionPath(const ExceptionPath&) = delete;
  ExceptionPath& operator=(const ExceptionPath&) = delete;

  // Takes a frame of one segment for the kernel, or frees it. Thread: that worker.
  void give(size_t worker, rte_mbuf* mbuf) {
    const Rank rank = rank_of({rte_pktmbuf_mtod(mbuf, const uint8_t*), mbuf->data_len});
    if (to_kernel_[worker]->rings[static_cast<size_t>(rank)].push({&mbuf, 1}) == 1) return;
    to_kernel_[worker]->lost.add();
    rte_pktmbuf_free(mbuf);
  }
  // Frames from the kernel, to be sent by the port. Thread: the first worker.
  size_t take(std::span<rte_mbuf*> out) { return from_kernel_.pop(out); }

  // Readable: the kernel has sent. -1: somebody deleted the interface; then all frames are lost.
  int fd() const { return tap_ ? tap_->fd() : -1; }
  // Carries over what waits on both sides. Thread: control.
  void serve();
  // Frames that found a ring full, or that the kernel did not take. Thread: control.
  uint64_t lost() const;

 private:
  struct FromWorker {
    std::array<core::SpscRing<rte_mbuf*>, rank_count> rings{core::SpscRing<rte_mbuf*>(frames_of_rank[0]),
                                                            core::SpscRing<rte_mbuf*>(frames_of_rank[1]),
                                                            core::SpscRing<rte_mbuf*>(frames_of_rank[2])};
    telemetry::Counter lost;
  };
  ExceptionPath(std::unique_ptr<TapInterface> tap, size_t workers, rte_mempool* frames);
  void write_out();
  size_t write_out(core::SpscRing<rte_mbuf*>& ring, size_t most);
  void read_in();

  std::unique_ptr<TapInterface> tap_;  // none: it is gone
  rte_mempool* const frames_;
  std::vector<std::unique_ptr<FromWorker>> to_kernel_;  // by worker
  core::SpscRing<rte_mbuf*> from_kernel_{ring_frames};
  size_t first_ = 0;      // worker whose ring is emptied first
  uint64_t refused_ = 0;  // by the kernel, or by the ring of what it sends
};

}  // namespace viaduct::dpdk
