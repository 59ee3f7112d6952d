#include "control/captures.h"

#include <algorithm>
#include <utility>

#include "capture/pcapng_writer.h"
#include "control/words.h"
#include "core/number.h"
#include "fmt/format.h"

namespace viaduct::control {
namespace {

using namespace std::chrono_literals;

// A slot is not given away while a copy may be under way that bears its bit.
constexpr auto slot_rest_time = 200ms;
constexpr auto losses_time = 1s;
constexpr size_t batch_bytes = 128 << 10;  // of a stream, handed to the server at once
// In one turn, so that clients and probes get theirs however much is captured.
constexpr size_t turn_bytes_max = 16 << 20;

constexpr std::string_view expected = "'capture [drops] [sample N] [filter EXPRESSION]' is expected";

// What to add to monotonic times so that they count from 1970.
uint64_t wall_offset() {
  const auto wall =
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch());
  return static_cast<uint64_t>((wall - core::SteadyClock().now().time_since_epoch()).count());
}

}  // namespace

struct Captures::Session {
  capture::Tapping tapping;
  core::Instant since;
  std::unique_ptr<HepExporter> hep;  // none: a stream
  uint64_t stream = 0;
  std::string batch;     // of whole blocks, to be handed on
  uint64_t batched = 0;  // copies in it
  uint64_t written = 0, missed = 0;
  uint64_t lost_before = 0;  // by the workers' rings, when it began
  uint64_t told = 0;         // losses, in the stream
  core::Instant next_telling;

  std::string name() const {
    return hep ? "hep " + net::to_string(*hep->config().collector) : fmt::format("client {}", stream);
  }
  std::string wish() const {
    return fmt::format("{}{}{}{}", tapping.drops_only ? "what is dropped" : "everything",
                       tapping.sample == 1 ? "" : fmt::format(" of one call in {}", tapping.sample),
                       tapping.filter.text().empty() ? "" : " with ", printable(tapping.filter.text()));
  }
};

Captures::Captures(std::vector<dataplane::Tap*> taps, std::vector<std::string> ports, std::string application,
                   Events& events)
    : workers_(std::move(taps)), ports_(std::move(ports)), application_(std::move(application)), events_(events) {}

Captures::~Captures() = default;

std::optional<uint8_t> Captures::free_slot(core::Instant now) const {
  for (uint8_t slot = 0; slot < capture::tappings_max; ++slot) {
    const bool taken = std::any_of(sessions_.begin(), sessions_.end(),
                                   [&](const auto& session) { return session->tapping.slot == slot; });
    if (!taken && now - free_since_[slot] >= slot_rest_time) return slot;
  }
  return std::nullopt;
}

Server::Reply Captures::begin(std::string_view words, core::Instant now) {
  auto session = std::make_unique<Session>();
  for (auto word = next_word(words); !word.empty(); word = next_word(words)) {
    if (word == "drops") {
      session->tapping.drops_only = true;
    } else if (word == "sample") {
      const std::string_view number = next_word(words);
      const auto sample = core::whole_number<uint32_t>(number);
      if (!sample || *sample == 0 || *sample > capture::sample_max) {
        return fmt::format("error: sample '{}': a number from 1 to {} is expected", printable(number),
                           capture::sample_max);
      }
      session->tapping.sample = *sample;
    } else if (word == "filter") {
      auto filter = capture::Filter::parse(std::exchange(words, {}));
      if (!filter) return "error: " + printable(filter.error());
      session->tapping.filter = std::move(*filter);
    } else {
      return fmt::format("error: '{}': {}", printable(word), expected);
    }
  }
  const auto slot = free_slot(now);
  if (!slot) return fmt::format("error: {} capture already; end one of them", sessions_.size());
  session->tapping.slot = *slot;
  session->since = session->next_telling = now;
  session->lost_before = lost();
  Server::Reply reply("", Server::Feed::stream);
  reply.stream = session->stream = ++streams_;
  capture::write_section(reply.text, application_);
  for (const std::string& port : ports_) capture::write_interface(reply.text, port);
  add(std::move(session));
  return reply;
}

core::Status Captures::export_to(const config::Hep& hep, core::Instant now) {
  const auto found =
      std::find_if(sessions_.begin(), sessions_.end(), [](const auto& session) { return session->hep != nullptr; });
  if (found != sessions_.end()) {
    if ((*found)->hep->config() == hep) return core::Done{};
    end(static_cast<size_t>(found - sessions_.begin()), now);
    renew();
  }
  if (!hep.collector) return core::Done{};
  auto filter = capture::Filter::parse(hep.filter);
  if (!filter) return core::Error{"[hep] " + filter.error()};
  const auto slot = free_slot(now);
  if (!slot) return core::Error{"[hep]: too many capture already; end one of them, then reload"};
  auto exporter = HepExporter::open(hep);
  if (!exporter) return core::Error{exporter.error()};
  auto session = std::make_unique<Session>();
  session->tapping = {.filter = std::move(*filter), .sample = hep.sample, .drops_only = false, .slot = *slot};
  session->since = now;
  session->hep = std::move(*exporter);
  add(std::move(session));
  return core::Done{};
}

void Captures::add(std::unique_ptr<Session> session) {
  const std::string what = "gets copies of " + session->wish();
  events_.add(EventKind::capture, session->name(), what, {fmt::format("{} {}", session->name(), what)});
  sessions_.push_back(std::move(session));
  renew();
}

void Captures::end(size_t index, core::Instant now) {
  constexpr std::string_view what = "gets no copies any more";
  events_.add(EventKind::capture, sessions_[index]->name(), std::string(what),
              {fmt::format("{} {}", sessions_[index]->name(), what)});
  free_since_[sessions_[index]->tapping.slot] = now;
  sessions_.erase(sessions_.begin() + static_cast<ptrdiff_t>(index));
}

void Captures::renew() {
  if (sessions_.empty()) {
    taps_ = nullptr;
    return;
  }
  std::vector<capture::Tapping> all;
  for (const auto& session : sessions_) all.push_back(session->tapping);
  taps_ = std::make_shared<const capture::Taps>(std::move(all));
}

uint64_t Captures::lost() const {
  uint64_t lost = 0;
  for (const dataplane::Tap* tap : workers_) lost += tap->lost.value() + tap->skipped.value();
  return lost;
}

void Captures::turn(Server* server, core::Instant now) {
  take();
  bool ended = false;
  for (size_t i = sessions_.size(); i-- > 0;) {
    Session& session = *sessions_[i];
    if (session.hep != nullptr) continue;
    tell_losses(session, now);
    const auto sent = server == nullptr ? Server::Sent::gone : server->send(session.stream, session.batch);
    (sent == Server::Sent::refused ? session.missed : session.written) += session.batched;
    session.batch.clear();
    session.batched = 0;
    if (sent != Server::Sent::gone) continue;
    end(i, now);
    ended = true;
  }
  if (ended) renew();
}

// In the order of time over all workers; each ring is in order.
void Captures::take() {
  const uint64_t offset = wall_offset();
  for (size_t taken = 0; taken < turn_bytes_max;) {
    dataplane::Tap* oldest = nullptr;
    uint64_t oldest_ns = UINT64_MAX;
    for (dataplane::Tap* tap : workers_) {
      const core::ByteView front = tap->ring.front();
      if (front.empty()) continue;
      const uint64_t time_ns = capture::read_record(front).head.time_ns;
      if (oldest != nullptr && time_ns >= oldest_ns) continue;
      oldest = tap;
      oldest_ns = time_ns;
    }
    if (oldest == nullptr) return;
    const core::ByteView bytes = oldest->ring.front();
    taken += bytes.size();
    give(capture::read_record(bytes), oldest_ns + offset);
    oldest->ring.pop();
  }
}

void Captures::give(const capture::Record& record, uint64_t time_ns) {
  std::string frame, comment;
  for (const auto& session : sessions_) {
    if ((record.head.wanted_by >> session->tapping.slot & 1) == 0) continue;
    if (session->hep != nullptr) {
      session->hep->send(record, time_ns);
      continue;
    }
    if (session->batch.size() > Server::streamed_bytes_max - batch_bytes) {
      ++session->missed;
      continue;
    }
    if (frame.empty()) {
      frame = capture::whole_frame(record);
      comment = capture::comment_of(record);
    }
    capture::write_packet(session->batch, record.head.port, time_ns, record.head.direction, core::bytes_of(frame),
                          comment);
    ++session->batched;
  }
}

// The stream's reader learns what it has missed without asking.
void Captures::tell_losses(Session& session, core::Instant now) {
  if (now < session.next_telling) return;
  session.next_telling = now + losses_time;
  const uint64_t missed = session.missed + lost() - session.lost_before;
  if (missed == session.told) return;
  session.told = missed;
  const auto time_ns = static_cast<uint64_t>(now.time_since_epoch().count()) + wall_offset();
  capture::write_statistics(session.batch, 0, time_ns, session.written + session.batched + missed, missed);
}

std::vector<Captures::Row> Captures::rows(core::Instant now) const {
  std::vector<Row> rows;
  for (const auto& session : sessions_) {
    Row row;
    row.who = session->name();
    row.filter = session->tapping.filter.text();
    row.sample = session->tapping.sample;
    row.drops_only = session->tapping.drops_only;
    row.age = std::chrono::duration_cast<std::chrono::seconds>(now - session->since);
    if (session->hep != nullptr) {
      const HepExporter::Counts& counts = session->hep->counts();
      row.written = counts.sent;
      row.missed = counts.refused + counts.too_large;
    } else {
      row.written = session->written;
      row.missed = session->missed;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace viaduct::control
