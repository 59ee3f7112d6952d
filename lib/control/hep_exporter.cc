#include "control/hep_exporter.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "capture/hep.h"
#include "core/bytes.h"
#include "fmt/format.h"
#include "net/socket_address.h"
#include "sip/message.h"

namespace viaduct::control {
namespace {

constexpr int send_buffer_bytes = 4 << 20;  // as far as the system allows: a burst is sent at once

core::Error collector_problem(const config::Hep& config, std::string_view what) {
  return core::Error{
      fmt::format("[hep] collector {}: {}: {}", net::to_string(*config.collector), what, std::strerror(errno))};
}

}  // namespace

core::Result<std::unique_ptr<HepExporter>> HepExporter::open(const config::Hep& config) {
  const bool v4 = config.collector->address.is_v4();
  const int descriptor = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return collector_problem(config, "socket");
  std::unique_ptr<HepExporter> exporter(new HepExporter(config, descriptor));
  const int fragments = v4 ? IP_PMTUDISC_DONT : IPV6_PMTUDISC_DONT;
  setsockopt(descriptor, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, &fragments,
             sizeof fragments);
  setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &send_buffer_bytes, sizeof send_buffer_bytes);
  const net::SocketAddress address = net::socket_address(*config.collector);
  if (connect(descriptor, address.get(), address.size) != 0) {
    return collector_problem(config, "connect");
  }
  return exporter;
}

HepExporter::~HepExporter() { close(socket_); }

void HepExporter::send(const capture::Record& record, uint64_t time_ns) {
  const capture::RecordHead& head = record.head;
  if (head.payload == 0 || head.payload + size_t{head.payload_bytes} > record.frame.size()) return;
  const std::string_view payload = core::text_of(record.frame.subspan(head.payload, head.payload_bytes));
  sip::Message message;
  if (sip::parse(payload, message) != sip::Datagram::sip) return;
  const std::string datagram = capture::encode_hep({.source = head.source,
                                                    .destination = head.destination,
                                                    .time_ns = time_ns,
                                                    .agent_id = config_.capture_id,
                                                    .agent_name = config_.node,
                                                    .password = config_.password,
                                                    .correlation_id = message.text(message.call_id),
                                                    .payload = payload});
  if (datagram.empty()) {
    ++counts_.too_large;
  } else if (::send(socket_, datagram.data(), datagram.size(), MSG_NOSIGNAL) < 0) {
    ++counts_.refused;
  } else {
    ++counts_.sent;
  }
}

}  // namespace viaduct::control
