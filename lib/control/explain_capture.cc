#include "control/explain_capture.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "control/explain.h"
#include "core/bytes.h"
#include "dataplane/admission.h"
#include "net/pcap.h"

namespace viaduct::control {
namespace {

// A datagram of the file and what admission says about it.
struct Candidate {
  net::FrameView frame;
  dataplane::Admission admission;
  std::string_view datagram;  // empty where the frame has no whole one
};

Candidate admitted(core::ByteView bytes, std::vector<uint8_t>& writable, const dataplane::View& view) {
  Candidate candidate;
  writable.assign(bytes.begin(), bytes.end());
  dataplane::Packet packet;
  packet.data = writable.data();
  packet.length = static_cast<uint32_t>(writable.size());
  candidate.admission = dataplane::admit(packet, view, candidate.frame);
  const size_t begin = candidate.frame.payload;
  const size_t size = candidate.frame.payload_bytes;
  if (begin != 0 && begin + size <= bytes.size()) candidate.datagram = core::text_of(bytes.subspan(begin, size));
  return candidate;
}

bool concerns_listeners(const net::FrameView& frame, const proxy::View& view) {
  if (!frame.has_ports) return false;
  return std::any_of(view.sockets.begin(), view.sockets.end(), [&](const proxy::Socket& socket) {
    return socket.address.port == frame.source.port || socket.address.port == frame.destination.port;
  });
}

}  // namespace

core::Status explain_capture(std::shared_ptr<const proxy::View> view, const std::string& path,
                             std::optional<uint16_t> to, const std::function<void(const nlohmann::ordered_json&)>& each,
                             const policy::Ruleset* rules) {
  core::Result<net::PcapReader> reader = net::PcapReader::open(path);
  if (!reader) return core::Error{reader.error()};
  const proxy::View& proxy = *view;
  dataplane::View around;  // one port without a kernel, which hears everything
  around.proxy = std::move(view);
  around.ports.resize(1);
  std::vector<uint8_t> writable;
  for (;;) {
    const core::Result<std::optional<net::CapturedFrame>> next = reader->next();
    if (!next) return core::Error{next.error()};
    if (!*next) return core::Done{};
    const Candidate candidate = admitted((*next)->bytes, writable, around);
    if (candidate.admission.ours()) {
      each(explain(proxy, candidate.datagram, candidate.frame.source, candidate.admission.socket(), rules));
      continue;
    }
    const telemetry::Reason reason = candidate.admission.reason();
    const bool is_foreign = reason == telemetry::Reason::not_for_us;
    if (is_foreign && !concerns_listeners(candidate.frame, proxy)) continue;
    if (is_foreign && to && candidate.frame.payload != 0) {
      each(explain(proxy, candidate.datagram, candidate.frame.source, *to, rules));
    } else {
      each(explain_dropped(proxy, candidate.datagram, reason));
    }
  }
}

}  // namespace viaduct::control
