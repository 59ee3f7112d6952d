#include "blast/parts.h"

#include <chrono>

#include "net/address.h"
#include "net/fragment.h"

namespace viaduct::blast {

Parts::Parts() : table_({.entries = 1024}), whole_(net::FragmentTable::frame_bytes_max) {}

core::ByteView Parts::take(core::ByteView part, const net::FrameView& frame, uint64_t now_ns) {
  net::Fragment fragment;
  if (net::read_fragment(part, frame, fragment) != net::FragmentFault::none) return {};
  const core::Instant now{std::chrono::nanoseconds(now_ns)};
  table_.expire(now);
  // Nobody sends us parts on purpose to make them collide, so the hashes have no key.
  const uint64_t source = net::AddressHash{}(fragment.source);
  const uint64_t name = (source ^ net::AddressHash{}(fragment.destination) * 3) + fragment.identification;
  constexpr uint64_t golden = 0x9e3779b97f4a7c15;
  const auto [result, entry] = table_.add(fragment, part, name * golden, source * golden, now);
  if (result != net::FragmentTable::Result::complete) return {};
  const size_t bytes = table_.frame_bytes(entry);
  table_.write_frame(entry, whole_.data());
  table_.settle(entry, now);
  return {whole_.data(), bytes};
}

}  // namespace viaduct::blast
