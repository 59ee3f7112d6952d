// What arrives in the benchmarks: thousands of different messages, as frames.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/memory_io.h"
#include "dataplane/worker.h"
#include "support/lab.h"
#include "support/message_corpus.h"

namespace viaduct::bench {

using Arriving = dataplane::MemoryIo::Frame;

inline constexpr size_t message_count = 4096;

inline const dataplane::View& the_view() {
  static const dataplane::View view = test::lab_view({.record_route = true, .edge_mtu = 9000});
  return view;
}

// The same, with backends' answers timed.
inline const dataplane::View& the_timed_view() {
  static const dataplane::View view = [] {
    dataplane::View timed = the_view();
    auto proxy = std::make_shared<proxy::View>(*timed.proxy);
    proxy->policy.time_responses = true;
    timed.proxy = proxy;
    return timed;
  }();
  return view;
}
// The same, with one call in a thousand captured.
inline const dataplane::View& the_captured_view() {
  static const dataplane::View view = [] {
    dataplane::View captured = the_timed_view();
    captured.taps =
        std::make_shared<const capture::Taps>(std::vector<capture::Tapping>{{.filter = {}, .sample = 1000}});
    return captured;
  }();
  return view;
}
inline dataplane::Tap& the_tap() {
  static dataplane::Tap tap;
  return tap;
}
inline dataplane::Watch& the_watch() {
  static dataplane::Watch watch("this machine");
  return watch;
}

// Servers send from where they listen, and so do not ask for rport.
enum class Senders { phones, servers };

inline std::string sent_by(Senders senders, std::string text) {
  constexpr std::string_view rport = ";rport";
  const size_t at = text.find(rport);
  if (senders == Senders::servers && at != std::string::npos) text.erase(at, rport.size());
  return text;
}

// Requests of distinct calls in a realistic mix (tests/support/message_corpus.h), and for most of them the answer that
// the backend would send: INVITE, REGISTER, OPTIONS, ACK, BYE, SUBSCRIBE, 180 and 200, of 300 to 1,500 bytes. Those
// inside a dialog, a quarter of the requests, have the Route that the dialog's INVITE got for them here.
inline std::vector<Arriving> make_mixed_traffic(const dataplane::View& view, dataplane::Watch* watch = nullptr,
                                                Senders senders = Senders::phones) {
  dataplane::MemoryIo io;
  auto counters = std::make_unique<telemetry::WorkerCounters>();
  dataplane::HandoffMesh mesh(1);
  const std::atomic<const dataplane::View*> current{&view};
  auto worker = std::make_unique<dataplane::Worker<dataplane::MemoryIo>>(
      dataplane::WorkerPlace{.worker = 0, .mesh = mesh, .view = current, .counters = *counters, .watch = watch}, io);
  test::MessageCorpus corpus;
  const auto route_of = [&](test::Call call) {
    call.to_tag.clear();
    io.inject({.port = 0, .bytes = test::from_outside(call.caller, sent_by(senders, test::invite_of(call)))});
    worker->turn();
    std::string route;
    for (const auto& frame : io.take_sent()) {
      for (const std::string& value : test::header_values(test::read_back(frame.bytes).payload, "Record-Route")) {
        route += "Route: " + value + "\r\n";
      }
    }
    return route;
  };
  std::vector<Arriving> frames;
  while (frames.size() < message_count) {
    test::CorpusMessage message = corpus.requests(1)[0];
    message.text = sent_by(senders, message.text);
    if (!message.call.to_tag.empty()) {
      message.text.insert(message.text.find("Max-Forwards:"), route_of(message.call));
    }
    frames.push_back({.port = 0, .bytes = test::from_outside(message.call.caller, message.text)});
    io.inject(frames.back());
    worker->turn();
    const auto sent = io.take_sent();
    if (sent.empty() || message.method == "ACK") continue;
    const test::Datagram request = test::read_back(sent[0].bytes);
    const std::string body = message.method == "INVITE" ? test::session_description("10.0.1.1", 300) : "";
    const std::string text =
        test::answer_to(request.payload, message.method == "INVITE" ? "180 Ringing" : "200 OK", "1f2e3d", body);
    frames.push_back(
        {.port = 1, .bytes = test::from_inside(to_string(request.destination), text, to_string(request.source))});
  }
  frames.resize(message_count);
  return frames;
}

inline const std::vector<Arriving>& mixed_traffic() {
  static const std::vector<Arriving> frames = make_mixed_traffic(the_view());
  return frames;
}

inline const std::vector<Arriving>& timed_traffic() {
  static const std::vector<Arriving> frames = make_mixed_traffic(the_timed_view(), &the_watch());
  return frames;
}

// INVITEs of 512 bytes, each of a call of its own, all from one socket: what a trunk between two servers carries.
inline std::vector<Arriving> make_trunk_of_invites(Senders senders) {
  constexpr size_t bytes = 512;
  test::MessageCorpus corpus;
  std::vector<Arriving> made;
  while (made.size() < message_count) {
    test::Call call = corpus.call();
    call.caller = "198.51.100.7:5060";
    const auto with_body = [&](const std::string& body) {
      return sent_by(senders, test::request_of(call, "INVITE", "Content-Type: application/sdp\r\n", body));
    };
    const size_t head = with_body(std::string(100, ' ')).size() - 100;
    const std::string text = with_body(test::session_description("198.51.100.7", 300).substr(0, bytes - head));
    made.push_back({.port = 0, .bytes = test::from_outside(call.caller, text)});
  }
  return made;
}

inline const std::vector<Arriving>& trunk_of_invites() {
  static const std::vector<Arriving> frames = make_trunk_of_invites(Senders::phones);
  return frames;
}

// What servers send, mixed messages and INVITEs in turn.
inline const std::vector<Arriving>& server_traffic() {
  static const std::vector<Arriving> frames = [] {
    std::vector<Arriving> both = make_mixed_traffic(the_timed_view(), &the_watch(), Senders::servers);
    const std::vector<Arriving> trunk = make_trunk_of_invites(Senders::servers);
    for (size_t i = 1; i < both.size(); i += 2) both[i] = trunk[i];
    return both;
  }();
  return frames;
}

// `text` of the n-th message, from a source of its own.
inline std::vector<Arriving> junk_of(const std::function<std::string(size_t)>& text,
                                     std::string_view to = "192.0.2.10:5060") {
  std::vector<Arriving> frames;
  for (size_t i = 0; i < message_count; ++i) {
    const std::string source = "198.51.100." + std::to_string(1 + i % 250) + ":" + std::to_string(1024 + i);
    frames.push_back({.port = 0, .bytes = test::from_outside(source, text(i), to)});
  }
  return frames;
}

inline std::string not_sip(size_t number) { return std::string(64, static_cast<char>('a' + number % 26)); }

inline std::string invite(size_t number) {
  test::Call call;
  call.call_id = call.branch = "junk" + std::to_string(number);
  return test::invite_of(call);
}

inline std::string without_hops(size_t number) {
  std::string text = invite(number);
  const std::string_view row = "Max-Forwards: 70";
  return text.replace(text.find(row), row.size(), "Max-Forwards: 0");
}

inline std::string foreign_response(size_t number) { return test::answer_to(invite(number), "200 OK"); }

// Some of each, none of which is forwarded.
inline const std::vector<Arriving>& junk_traffic() {
  static const std::vector<Arriving> frames = [] {
    std::vector<Arriving> mixed = junk_of([](size_t i) {
      return i % 4 == 0 ? not_sip(i) : i % 4 == 1 ? without_hops(i) : i % 4 == 2 ? foreign_response(i) : invite(i);
    });
    const std::vector<Arriving> elsewhere = junk_of(invite, "192.0.2.10:9999");
    for (size_t i = 3; i < mixed.size(); i += 4) mixed[i] = elsewhere[i];
    return mixed;
  }();
  return frames;
}

}  // namespace viaduct::bench
