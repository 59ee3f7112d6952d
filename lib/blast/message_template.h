// A message rendered once and patched for every call.
//
// The text has placeholders in brackets. Those that are the same for all calls are filled in when the template is
// compiled; the others have a fixed width, so that a new message is a copy of the whole frame, a handful of fixed-size
// stores, and the checksums. Only the length of the source's address in text varies; there is one frame for each.
//
//   for every message           width    for the template
//   [branch]   new, with marks     49    [target]   where messages go: 192.0.2.10:5060
//   [call_id]                      36    [domain]   its address alone (IPv6 in brackets)
//   [tag]                          16    [len]      bytes of the body
//   [cseq]     7 digits             7    [pad]      filler up to the wanted size
//   [user]     8 digits             8
//   [source]   own address:port   own              [[         one opening bracket, as it is
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "blast/datagram.h"
#include "blast/sources.h"
#include "core/result.h"

namespace viaduct::blast {

struct TemplateOptions {
  net::Mac source_mac, destination_mac;
  net::Endpoint target;
  uint32_t run = 0;
  char kind = 'u';
  size_t size = 0;  // of the message; 0: as it comes
  uint32_t users = 1'000'000;
  UdpChecksum checksum = UdpChecksum::full;
};

class MessageTemplate {
 public:
  // Lines of `text` may end in LF or CRLF. An error names the placeholder that is unknown, behind its LINE:COLUMN,
  // or the smallest size there is.
  static core::Result<MessageTemplate> compile(std::string_view text, const TemplateOptions& options,
                                               const Sources& sources);

  // Bytes of the largest frame.
  size_t frame_bytes_max() const;

  // Writes the frame of call `number` and returns its length; the same arguments give the same bytes.
  size_t render(uint64_t number, uint64_t time_ns, const Source& source, uint8_t* frame) const;

 private:
  enum class Field : uint8_t { branch, call_id, tag, cseq, user, source };
  struct Patch {
    uint16_t at = 0;  // in the frame
    Field field = Field::branch;
    bool odd = false;  // begins in the middle of a checksum's word
  };
  struct Variant {
    std::vector<uint8_t> frame;
    std::vector<Patch> patches;
    uint64_t udp_sum = 0, ip_sum = 0;  // of what no call changes
  };

  core::Status add_variant(std::string_view text, const Source& sample);
  void add_sums(Variant& variant) const;
  void seal(const Variant& variant, uint64_t fields_sum, const Source& source, uint8_t* frame) const;

  TemplateOptions options_;
  std::vector<Variant> variants_;  // by length of the source in text; some empty
};

// What [cseq] is for a call.
inline uint32_t cseq_of(uint64_t number) { return 1'000'000 + static_cast<uint32_t>(number % 9'000'000); }

}  // namespace viaduct::blast
