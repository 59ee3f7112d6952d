// A captured message on its way from the worker to whoever writes it down.
//
// Flat, so that it lies in a RecordRing: the head, the names, the frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "capture/seen.h"
#include "core/bytes.h"
#include "net/address.h"
#include "telemetry/reason.h"

namespace viaduct::capture {

enum class Direction : uint8_t { in, out };

inline constexpr size_t tappings_max = 8;  // who captures at the same time; a bit each

struct RecordHead {
  uint64_t time_ns = 0;               // of the monotonic clock; of the burst that the message came in
  net::Endpoint source, destination;  // of this frame
  uint8_t wanted_by = 0;              // a bit for each Tapping
  Direction direction = Direction::in;
  Verdict verdict = Verdict::forward;
  bool has_reason = false;
  telemetry::Reason reason{};
  bool ip_checksum_left = false, udp_checksum_left = false;  // to the port: not in the frame
  uint8_t name_bytes[3] = {};                                // of pool, backend and rule, in this order
  uint16_t status = 0;
  uint16_t worker = 0, port = 0;
  uint16_t l3 = 0, l4 = 0, payload = 0;  // offsets in the frame; a payload of 0: it has no whole datagram
  uint16_t payload_bytes = 0;
};

struct RecordNames {
  std::string_view pool, backend, rule;
};
inline constexpr size_t record_name_bytes_max = 63;

constexpr std::string_view cut_name(std::string_view name) { return name.substr(0, record_name_bytes_max); }

constexpr size_t record_bytes(const RecordNames& names, size_t frame_bytes) {
  return sizeof(RecordHead) + cut_name(names.pool).size() + cut_name(names.backend).size() +
         cut_name(names.rule).size() + frame_bytes;
}

// Writes at `at`, which has room for `record_bytes`.
inline void write_record(uint8_t* at, RecordHead head, const RecordNames& names, core::ByteView frame) {
  const std::string_view parts[] = {cut_name(names.pool), cut_name(names.backend), cut_name(names.rule)};
  for (size_t i = 0; i < 3; ++i) head.name_bytes[i] = static_cast<uint8_t>(parts[i].size());
  std::memcpy(at, &head, sizeof head);
  at += sizeof head;
  for (const std::string_view part : parts) {
    if (!part.empty()) std::memcpy(at, part.data(), part.size());
    at += part.size();
  }
  std::memcpy(at, frame.data(), frame.size());
}

struct Record {
  RecordHead head;
  RecordNames names;
  core::ByteView frame;
};

// `bytes` as `write_record` wrote them; views into them.
inline Record read_record(core::ByteView bytes) {
  Record record;
  std::memcpy(&record.head, bytes.data(), sizeof record.head);
  bytes = bytes.subspan(sizeof record.head);
  std::string_view* const parts[] = {&record.names.pool, &record.names.backend, &record.names.rule};
  for (size_t i = 0; i < 3; ++i) {
    *parts[i] = core::text_of(bytes.first(record.head.name_bytes[i]));
    bytes = bytes.subspan(record.head.name_bytes[i]);
  }
  record.frame = bytes;
  return record;
}

}  // namespace viaduct::capture
