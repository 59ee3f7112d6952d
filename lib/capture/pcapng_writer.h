// Writes pcapng, block by block, so that what has been written is a whole file at any moment.
//
// Frames are Ethernet, times are nanoseconds, and each frame says which way it went and what became of its message, in
// a comment that Wireshark and tshark show. Format: draft-ietf-opsawg-pcapng. Thread: any; blocks are appended.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "capture/record.h"
#include "core/bytes.h"

namespace viaduct::capture {

// The first block.
void write_section(std::string& out, std::string_view application);
// Blocks of frames name interfaces by number, in the order in which these were written.
void write_interface(std::string& out, std::string_view name);
// `time_ns` counts from 1970.
void write_packet(std::string& out, uint32_t interface, uint64_t time_ns, Direction direction, core::ByteView frame,
                  std::string_view comment);
// So far: `received` frames that were wanted, of which `dropped` could not be kept.
void write_statistics(std::string& out, uint32_t interface, uint64_t time_ns, uint64_t received, uint64_t dropped);

// `verdict=forward backend=proxies/p1 worker=0`: words without spaces, those that say something.
std::string comment_of(const Record& record);

// The frame of `record`, with the checksums that the port was to write.
std::string whole_frame(const Record& record);

}  // namespace viaduct::capture
