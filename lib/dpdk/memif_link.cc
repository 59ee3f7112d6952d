#include "dpdk/memif_link.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace viaduct::dpdk {
namespace {

constexpr size_t regions_max = 256;
constexpr uint8_t log2_slots_max = 15;  // counts are of 16 bits

// Nothing else can be written to at any time without harm.
bool is_eventfd(int fd) {
  std::error_code ignored;
  const auto name = std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", fd), ignored);
  return name == "anon_inode:[eventfd]" && fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) == 0;
}

uint64_t ring_bytes(size_t slots) { return sizeof(memif::Ring) + slots * sizeof(memif::Descriptor); }

}  // namespace

core::Result<std::unique_ptr<MemifLink>> MemifLink::make(const Shape& shape) {
  const size_t slots = size_t{1} << shape.log2_slots, rings = size_t{2} * shape.pairs;
  const uint64_t buffers_at = rings * ring_bytes(slots), buffers_bytes = uint64_t{shape.buffer_bytes} * slots;
  if (buffers_at + rings * buffers_bytes > UINT32_MAX) {
    return core::Error{"these rings are more than the 4 GiB that memif can share; a smaller ring= or MTU is needed"};
  }
  auto region = MemifRegion::make(buffers_at + rings * buffers_bytes);
  if (!region) return core::Error{region.error()};
  auto link = std::make_unique<MemifLink>();
  link->regions_.push_back(std::move(*region));
  uint8_t* const base = link->regions_[0].base();
  for (size_t i = 0; i < rings; ++i) {
    const bool reads = i >= shape.pairs;
    auto* const ring = reinterpret_cast<memif::Ring*>(base + i * ring_bytes(slots));
    ring->cookie = memif::cookie;
    ring->flags = reads ? memif::Ring::no_interrupts : 0;
    const uint64_t first_at = buffers_at + i * buffers_bytes;
    auto* const descriptors = reinterpret_cast<memif::Descriptor*>(ring + 1);
    for (size_t slot = 0; slot < slots; ++slot) {
      descriptors[slot].length = shape.buffer_bytes;  // the rest of it is 0, as all of the file
      descriptors[slot].offset = static_cast<uint32_t>(first_at + slot * shape.buffer_bytes);
    }
    File bell(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (bell.fd() < 0) return core::Error{fmt::format("no eventfd can be made: {}", std::strerror(errno))};
    link->places_.push_back({{.flags = reads ? uint16_t{0} : memif::AddRing::client_to_server,
                              .index = static_cast<uint16_t>(reads ? i - shape.pairs : i),
                              .region = 0,
                              .offset = static_cast<uint32_t>(i * ring_bytes(slots)),
                              .log2_ring_size = shape.log2_slots,
                              .private_header_bytes = 0},
                             bell.fd()});
    (reads ? link->incoming : link->outgoing)
        .push_back(std::make_unique<MemifRing>(ring, static_cast<uint16_t>(slots), reads, base + first_at,
                                               shape.buffer_bytes, std::move(bell)));
  }
  return link;
}

core::Status MemifLink::add_region(const memif::AddRegion& said, File file) {
  if (said.index != regions_.size() || regions_.size() == regions_max) return core::Error{"invalid region index"};
  if (file.fd() < 0) return core::Error{"missing region fd"};
  uint64_t bytes = 0;
  for (const MemifRegion& region : regions_) bytes += region.bytes();
  auto region = MemifRegion::map(std::move(file), said.size);
  if (!region) return core::Error{region.error()};
  if (bytes + region->bytes() > MemifRegion::bytes_max) return core::Error{"a region is too large"};
  regions_.push_back(std::move(*region));
  return core::Done{};
}

core::Status MemifLink::add_ring(const memif::AddRing& said, File bell) {
  const bool reads = (said.flags & memif::AddRing::client_to_server) != 0;
  auto& rings = reads ? incoming : outgoing;
  if (said.index != rings.size()) return core::Error{"invalid ring index"};
  if (bell.fd() < 0) return core::Error{"missing interrupt fd"};
  if (!is_eventfd(bell.fd())) return core::Error{"the interrupt fd is no eventfd"};
  if (said.private_header_bytes != 0) return core::Error{"private headers are not supported"};
  if (said.region >= regions_.size() || said.log2_ring_size > log2_slots_max || said.offset % 8 != 0) {
    return core::Error{"invalid ring"};
  }
  const size_t slots = size_t{1} << said.log2_ring_size;
  auto* const ring = reinterpret_cast<memif::Ring*>(regions_[said.region].at(said.offset, ring_bytes(slots)));
  if (ring == nullptr || ring->cookie != memif::cookie) return core::Error{"invalid ring"};
  if (reads) ring->flags = memif::Ring::no_interrupts;
  rings.push_back(std::make_unique<MemifRing>(ring, static_cast<uint16_t>(slots), reads, &regions_, std::move(bell)));
  return core::Done{};
}

}  // namespace viaduct::dpdk
