#include "dpdk/memif_region.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>
#include <cstring>

namespace viaduct::dpdk {
namespace {

core::Error not_to_be_had(const char* what) { return {fmt::format("{}: {}", what, std::strerror(errno))}; }

}  // namespace

core::Result<MemifRegion> MemifRegion::make(uint64_t bytes) {
  File file(memfd_create("memif", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (file.fd() < 0) return not_to_be_had("no memory can be shared");
  if (ftruncate(file.fd(), static_cast<off_t>(bytes)) != 0 || fcntl(file.fd(), F_ADD_SEALS, F_SEAL_SHRINK) != 0) {
    return not_to_be_had("memory to share is not to be had");
  }
  return map(std::move(file), bytes, MAP_POPULATE);
}

core::Result<MemifRegion> MemifRegion::map(File file, uint64_t bytes, int flags) {
  // A file system of somebody's own could keep us waiting for a page.
  struct statfs system {};
  const bool is_memory = fstatfs(file.fd(), &system) == 0 && (static_cast<uint32_t>(system.f_type) == TMPFS_MAGIC ||
                                                              static_cast<uint32_t>(system.f_type) == HUGETLBFS_MAGIC);
  if (!is_memory) return core::Error{"a region's file is no memory"};
  struct stat status {};
  if (fstat(file.fd(), &status) != 0) return not_to_be_had("a region's file is none");
  if (bytes == 0 || static_cast<uint64_t>(status.st_size) < bytes) return core::Error{"a region is not in its file"};
  if (bytes > bytes_max) return core::Error{"a region is too large"};
  const auto page = static_cast<uint64_t>(status.st_blksize);  // a huge page is unmapped whole or not at all
  const uint64_t mapped = (bytes + page - 1) / page * page;
  void* const base = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_SHARED | flags, file.fd(), 0);
  if (base == MAP_FAILED) return not_to_be_had("a region cannot be mapped");
  return MemifRegion(std::move(file), static_cast<uint8_t*>(base), bytes, mapped);
}

MemifRegion::~MemifRegion() {
  if (base_ != nullptr) munmap(base_, mapped_);
}

}  // namespace viaduct::dpdk
