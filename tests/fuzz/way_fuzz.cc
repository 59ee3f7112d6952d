// Any frames in any order through the whole way: frame, reassembly, hand-off, rules, parse, decision, rewrite, cut;
// toward neighbours that are known, and that nobody knows for a while.
//
//   every worker's ledger closes, and every buffer is given back
//   no more leaves than came; what leaves is a whole datagram or a fragment within the MTU, from a socket of ours, with
//   its checksums right, and its message reads
//   no packet to a stranger: from outside requests go to backends, and whatever else leaves goes to who sent something
//   bodies are what they were
//
// Inputs are rows of commands (way_input.h). The first octet 1 takes the network where the backends are outside, too.
#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/config.h"
#include "dataplane/memory_io.h"
#include "dataplane/worker.h"
#include "fuzz/require.h"
#include "fuzz/way_input.h"
#include "support/icmp.h"
#include "support/lab.h"
#include "support/lab_config.h"

namespace viaduct::test {
namespace {

constexpr std::string_view way_rules = R"(
[access]
deny = ["203.0.113.0/28", "2001:db8:bad::/48"]
allow = "203.0.113.9"
[[rule]]
name = "scanners"
match = { user-agent = "friendly-scanner|sipcli" }
action = "drop"
[[rule]]
name = "tagged"
match = { headers = "(?i)x-tag" }
action = "tag odd"
[[rule]]
name = "no-contact"
method = "REGISTER"
absent = "contact"
action = "reply 403 Not Here"
[[rule]]
name = "crowd"
method = "OPTIONS"
in_dialog = false
action = "limit crowd"
[[limit]]
name = "crowd"
by = "source"
rate = "2/h"
action = "503"
[[limit]]
name = "watched"
by = "prefix/24"
rate = "1/h"
mode = "observe"
)";

std::shared_ptr<const policy::Ruleset> compiled_rules() {
  config::Loaded loaded = config::load_text(std::string(lab_config) + std::string(way_rules), "f");
  for (const config::Diagnostic& error : loaded.errors) std::cerr << config::to_string(error) << '\n';
  REQUIRE(loaded.config);
  auto result = policy::Ruleset::compile(*loaded.config, std::make_shared<policy::Ruleset::Office>(2), nullptr);
  auto* rules = std::get_if<std::shared_ptr<const policy::Ruleset>>(&result);
  REQUIRE(rules != nullptr);
  return *rules;
}

// Built once: a worker's tables take longer to make than a message takes to go through. What a run leaves in it is
// forgotten or may stay.
class Bed {
 public:
  using Worker = dataplane::Worker<dataplane::MemoryIo>;

  explicit Bed(bool two_sided) : workers(two_sided ? 2 : 1), view(view_of(two_sided)), mesh_(workers) {
    renew();
    for (size_t i = 0; i < workers; ++i) {
      worker[i] = std::make_unique<Worker>(dataplane::WorkerPlace{.worker = i,
                                                                  .mesh = mesh_,
                                                                  .view = current_,
                                                                  .counters = *counters[i],
                                                                  .wanted = &wanted_,
                                                                  .reassembly = {.entries = 64},
                                                                  .path_mtus = &path_mtus_,
                                                                  .hints = &hints_[i]},
                                           *io[i]);
    }
  }
  void renew() {
    for (auto& one : io) one.emplace(dataplane::MemoryIo::Options{.room = {.head = 576, .tail = 0}});
  }
  // Link addresses, or none of them: then what is to leave waits.
  void know_neighbors(bool known) {
    view.adjacency = known ? known_ : lab_adjacency({.neighbors_known = false, .default_routes = true});
    ++view.epoch;
  }
  bool neighbors_known() const { return view.adjacency == known_; }
  void forget() {
    for (size_t i = 0; i < workers; ++i) {
      worker[i]->forget_fragments();
      worker[i]->release_waiting();  // who is on the link, but nobody that we know
    }
    path_mtus_.expire(core::SteadyClock().now() + 2 * dataplane::PathMtus::lifetime);
  }

  const size_t workers;
  dataplane::View view;
  std::optional<dataplane::MemoryIo> io[2];  // new in each run, so that no byte of an old buffer can be read
  std::unique_ptr<telemetry::WorkerCounters> counters[2] = {std::make_unique<telemetry::WorkerCounters>(),
                                                            std::make_unique<telemetry::WorkerCounters>()};
  std::unique_ptr<Worker> worker[2];

 private:
  static dataplane::View view_of(bool two_sided) {
    dataplane::View view = lab_view({.two_sided = two_sided,
                                     .backends_v6 = !two_sided,
                                     .record_route = true,
                                     .twin = two_sided,
                                     .core_mtu = 1500,
                                     .default_routes = true});
    auto proxy = std::make_shared<proxy::View>(*view.proxy);
    proxy->names["bob.example"] = endpoint("203.0.113.50:5060");
    proxy->listeners[0].path = two_sided ? proxy::PathMode::auto_ : proxy::PathMode::force;
    proxy->listeners[0].force_rport = !two_sided;
    if (!two_sided) proxy->backends[0].healthy = false;
    proxy::finish(*proxy);
    view.proxy = proxy;
    if (two_sided) view.policy = compiled_rules();
    return view;
  }

  const std::shared_ptr<const dataplane::Adjacency> known_ = view.adjacency;
  const std::atomic<const dataplane::View*> current_{&view};
  dataplane::WantedNeighbors wanted_;
  dataplane::HandoffMesh mesh_;
  dataplane::PathMtus path_mtus_{{1, 2}};
  dataplane::UnreachableHints hints_[2];
};

const char* const sources_v4[] = {"198.51.100.7:5060", "198.51.100.7:40112", "198.51.100.66:5060", "192.0.2.99:5060",
                                  "10.0.1.1:5060",     "10.0.1.2:5060",      "10.0.1.1:9999",      "10.0.1.77:5060",
                                  "192.0.2.10:5060",   "10.0.0.1:5060",      "203.0.113.5:5060",   "203.0.113.9:5060",
                                  "0.0.0.0:5060",      "127.0.0.1:5060",     "224.0.0.5:5060",     "203.0.113.77:1"};
const char* const sources_v6[] = {"[2001:db8:2::7]:5060",
                                  "[2001:db8:2::7]:40112",
                                  "[2001:db8:2::66]:5060",
                                  "[2001:db8::99]:5060",
                                  "[fd00::1:1]:5060",
                                  "[fd00::1:2]:5060",
                                  "[fd00::1:1]:9999",
                                  "[fd00::1:77]:5060",
                                  "[2001:db8::10]:5060",
                                  "[fd00::1]:5060",
                                  "[2001:db8:bad::5]:5060",
                                  "[2001:db8:3::9]:5060",
                                  "[::]:5060",
                                  "[::1]:5060",
                                  "[ff02::5]:5060",
                                  "[2001:db8:4::77]:1"};
const char* const places_v4[] = {"192.0.2.10:5060", "10.0.0.1:5060", "192.0.2.10:5061", "192.0.2.11:5060"};
const char* const places_v6[] = {"[2001:db8::10]:5060", "[fd00::1]:5060", "[2001:db8::10]:5061", "[2001:db8::11]:5060"};

class Run {
 public:
  explicit Run(Bed& bed) : bed_(bed) { bed.renew(); }
  ~Run() {
    for (auto& one : bed_.io) one.reset();
  }
  void obey(const Piece& piece);
  void check();

 private:
  size_t settled() const;
  const proxy::View& proxy() const { return *bed_.view.proxy; }
  PacketBuilder around(const Piece& piece) const;
  Bytes spoilt(Bytes frame, const Piece& piece) const;
  void inject(const Bytes& frame, const Piece& piece);
  void inject_parts(const Piece& piece);
  void inject_answer(const Piece& piece);
  void inject_icmp(const Piece& piece);
  void note_arrival(const Bytes& frame);
  void note_body(std::string_view datagram);
  void turn();
  void check_frame(const dataplane::MemoryIo::Frame& sent);
  void check_datagram(const Bytes& frame);
  void check_request(const Datagram& datagram, const sip::Message& message);

  Bed& bed_;
  std::unique_ptr<sip::Message> message_ = std::make_unique<sip::Message>();

  size_t injected_ = 0, left_ = 0;
  Receiver receiver_;
  std::vector<Datagram> requests_;  // forwarded, the last few
  Bytes last_sent_;

  // What the rest may be judged by.
  std::set<net::IpAddress> sources_;
  std::set<std::string, std::less<>> bodies_;
  bool insider_ = false;   // somebody who may send anywhere has sent something
  bool any_body_ = false;  // parts of datagrams were mixed
};

PacketBuilder Run::around(const Piece& piece) const {
  const std::string_view from = piece.v6 ? sources_v6[piece.who] : sources_v4[piece.who];
  const std::string_view to = piece.v6 ? places_v6[piece.where % 4] : places_v4[piece.where % 4];
  PacketBuilder builder = packet().ethernet(gateway_mac, edge_mac).between(from, to);
  if (piece.who == 15) builder.udp(0, 5060);
  if (piece.tagged) builder.vlan(7);
  return builder;
}

// With an IPv4 header's checksum right again, or nothing behind it would be read.
Bytes Run::spoilt(Bytes frame, const Piece& piece) const {
  if (piece.spoil_with == 0 || frame.empty()) return frame;
  const size_t at = piece.spoil_at % frame.size();
  frame[at] = static_cast<uint8_t>(frame[at] ^ piece.spoil_with);
  const size_t ip = piece.tagged ? 18 : 14;
  if (piece.v6 || at < ip || at >= ip + 20 || frame.size() < ip + 20 || at == ip + 10 || at == ip + 11) return frame;
  put16(frame, ip + 10, 0);
  put16(frame, ip + 10, static_cast<uint16_t>(~plain_sum(frame, ip, ip + 20)));
  return frame;
}

void Run::note_arrival(const Bytes& frame) {
  net::FrameView view;
  const net::FrameError error = net::parse_frame(frame, view);
  if (!view.has_addresses) return;
  sources_.insert(view.source.address);
  insider_ = insider_ || proxy().backend_at.contains(view.source.address);
  for (const proxy::Socket& socket : proxy().sockets) {
    const bool inside = proxy().listeners[socket.listener].side == proxy::Side::inside;
    insider_ = insider_ || (inside && socket.address.address == view.destination.address);
  }
  if (error == net::FrameError::none) {
    note_body({reinterpret_cast<const char*>(frame.data()) + view.payload, view.payload_bytes});
  }
}

void Run::note_body(std::string_view datagram) {
  if (sip::parse(datagram, *message_) != sip::Datagram::sip) return;
  if (message_->body <= message_->end && message_->end <= datagram.size()) {
    bodies_.emplace(datagram.substr(message_->body, message_->end - message_->body));
  }
}

void Run::inject(const Bytes& frame, const Piece& piece) {
  note_arrival(frame);
  const bool inside = piece.where % 4 == 1 || piece.who / 4 == 1;
  bed_.io[piece.number % bed_.workers]->inject(frame, inside && bed_.view.proxy->listeners.size() > 1 ? 1 : 0);
  ++injected_;
}

void Run::inject_parts(const Piece& piece) {
  const Bytes frame = around(piece).payload(piece.content).frame();
  const size_t size = frame.size() - ip_at(frame) - (piece.v6 ? 40 : 20);
  const size_t step = std::max<size_t>(8 * (1 + (piece.number & 0x3f)), (size / 40 + 7) / 8 * 8);
  std::vector<Bytes> parts = fragments_of(frame, step, 1 + (piece.where >> 2));
  if (piece.number & 0x40) std::reverse(parts.begin(), parts.end());
  if (piece.number & 0x80)
    std::rotate(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(parts.size() / 2), parts.end());
  if (piece.spoil_with == 0) note_body(piece.content);
  any_body_ = any_body_ || piece.spoil_with != 0;
  for (size_t i = 0; i < parts.size(); ++i)
    inject(i == piece.spoil_at % parts.size() ? spoilt(parts[i], piece) : parts[i], piece);
}

// From a backend, to what it got last.
void Run::inject_answer(const Piece& piece) {
  if (requests_.empty()) return;
  const Datagram& request = requests_[piece.who % requests_.size()];
  std::string text(piece.content.empty() ? "SIP/2.0 200 OK" : piece.content);
  text += request.payload.substr(std::min(request.payload.find("\r\n"), request.payload.size()));
  PacketBuilder builder = packet().ethernet(inside_router_mac, core_mac);
  builder.between(to_string(request.destination), to_string(request.source)).payload(text);
  inject(spoilt(builder.frame(), piece), piece);
}

void Run::inject_icmp(const Piece& piece) {
  if (last_sent_.empty()) return;
  const bool v6 = is_v6(last_sent_), usual = piece.number & 0x80;
  const uint8_t type = usual ? (v6 ? 2 : 3) : static_cast<uint8_t>(piece.number & 0x7f);
  const uint8_t code = usual ? (v6 ? 0 : 4) : piece.where;
  const auto mtu = static_cast<uint16_t>(piece.content.size() < 2 ? 700 : piece.content[0] << 8 | piece.content[1]);
  inject(spoilt(icmp_about(last_sent_, v6 ? "fd00::99" : "10.0.0.99", type, code, mtu), piece), piece);
}

void Run::obey(const Piece& piece) {
  constexpr size_t bytes_max = 20'000;
  switch (piece.content.size() > bytes_max ? Piece::Kind::turn : piece.kind) {
    case Piece::Kind::message: inject(spoilt(around(piece).payload(piece.content).frame(), piece), piece); break;
    case Piece::Kind::fragments: inject_parts(piece); break;
    case Piece::Kind::part: {
      const Bytes frame = around(piece).payload(piece.content).frame();
      const size_t begin = size_t{piece.spoil_at} * 8, size = frame.size() - ip_at(frame) - (piece.v6 ? 40 : 20);
      any_body_ = true;
      if (begin < size)
        inject(
            fragment_of(frame, begin, begin + size_t{piece.spoil_with} * 8, piece.number & 1, 1 + (piece.where >> 2)),
            piece);
      break;
    }
    case Piece::Kind::frame: inject(Bytes(piece.content.begin(), piece.content.end()), piece); break;
    case Piece::Kind::answer: inject_answer(piece); break;
    case Piece::Kind::icmp: inject_icmp(piece); break;
    case Piece::Kind::turn:
      if (piece.number & 1) bed_.know_neighbors(!bed_.neighbors_known());
      turn();
  }
  if (piece.at_once) turn();
}

void Run::turn() {
  for (bool busy = true; busy;) {
    busy = false;
    for (size_t i = 0; i < bed_.workers; ++i) busy |= bed_.worker[i]->turn();
  }
  for (size_t i = 0; i < bed_.workers; ++i) {
    for (const dataplane::MemoryIo::Frame& frame : bed_.io[i]->take_sent()) check_frame(frame);
  }
}

void Run::check_frame(const dataplane::MemoryIo::Frame& sent) {
  net::FrameView frame;
  const net::FrameError error = net::parse_frame(sent.bytes, frame);
  REQUIRE(error == net::FrameError::none || error == net::FrameError::fragment);
  REQUIRE(sent.bytes.size() - frame.l3 <= bed_.view.ports[sent.port].mtu);
  REQUIRE(sent.bytes[0] == 2);  // whoever it is for has been found: their link addresses are of our making
  last_sent_ = sent.bytes;
  receiver_.take(sent.bytes);
  for (const Bytes& whole : receiver_.whole) check_datagram(whole);
  receiver_.whole.clear();
}

void Run::check_datagram(const Bytes& frame) {
  ++left_;
  const Datagram datagram = read_back(frame);
  REQUIRE(datagram.lengths_right && datagram.ip_checksum_right && datagram.udp_checksum_right);
  REQUIRE(proxy().socket_of.contains(datagram.source));
  REQUIRE(datagram.destination.port != 0);
  for (const char* nobody : {"0.0.0.0", "127.0.0.1", "224.0.0.5", "::", "::1", "ff02::5"}) {
    REQUIRE(datagram.destination.address != ip(nobody));
  }
  REQUIRE(sip::parse(datagram.payload, *message_) == sip::Datagram::sip);
  const sip::Message& message = *message_;
  if (message.is_request()) {
    check_request(datagram, message);
  } else if (!sources_.contains(datagram.destination.address)) {
    std::cerr << "a stranger: " << to_string(datagram.destination) << '\n' << datagram.payload << '\n';
    REQUIRE(sources_.contains(datagram.destination.address));
  }
  const std::string_view body = std::string_view(datagram.payload).substr(message.body);
  const bool ours = !message.is_request() && body.empty();
  REQUIRE(any_body_ || ours || bodies_.contains(body));
}

void Run::check_request(const Datagram& datagram, const sip::Message& message) {
  REQUIRE(message.fault == sip::Fault::none || message.fault == sip::Fault::message_too_large);
  REQUIRE(!proxy().socket_of.contains(datagram.destination));
  REQUIRE(insider_ || proxy().backend_of.contains(datagram.destination));
  REQUIRE(message.text(message.via[0].sent_by) == to_string(datagram.source));
  if (requests_.size() == 4) requests_.erase(requests_.begin());
  requests_.push_back(datagram);
}

// Buffers given back that were not made by workers themselves.
size_t Run::settled() const {
  size_t count = 0;
  for (const auto& io : bed_.io) {
    count += io->sent_count() + io->punted_count() + io->released_count() - io->made_count();
  }
  return count;
}

void Run::check() {
  bed_.know_neighbors(true);
  turn();
  bed_.forget();
  for (size_t i = 0; i < bed_.workers; ++i) {
    const telemetry::Ledger ledger = telemetry::ledger_of(*bed_.counters[i]);
    if (!ledger.closes()) std::cerr << telemetry::to_string(ledger) << '\n';
    REQUIRE(ledger.closes());
  }
  REQUIRE(settled() == injected_);
  REQUIRE(left_ <= injected_);
}

}  // namespace
}  // namespace viaduct::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace viaduct::test;
  static Bed two_sided(true), one_sided(false);
  const bool first = size == 0 || data[0] != 1;
  Run run(first ? two_sided : one_sided);
  Pieces pieces(data + !first, size - !first);
  for (Piece piece; pieces.next(piece);) run.obey(piece);
  run.check();
  return 0;
}
