#include "explain_files.h"

#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>

#include "complain.h"
#include "control/checked.h"
#include "control/client.h"
#include "control/compile.h"
#include "control/explain.h"
#include "control/explain_capture.h"
#include "control/json_line.h"
#include "control/policies.h"
#include "control/running.h"
#include "control/server.h"
#include "fmt/format.h"
#include "sip/message.h"

namespace viaduct::ctl {
namespace {

void print(const nlohmann::ordered_json& object) { std::printf("%s\n", control::json_line(object).c_str()); }

// What a file holds, if it may be a message at all: a device that never ends, say, may not.
std::optional<std::string> read_file(const std::string& path) {
  constexpr size_t file_bytes_max = size_t{1} << 20;
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  std::istream& stream = path == "-" ? std::cin : file;
  std::string content(file_bytes_max + 1, '\0');
  stream.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (!stream.eof()) return std::nullopt;
  content.resize(static_cast<size_t>(stream.gcount()));
  return content;
}

struct Where {
  net::Endpoint source;
  std::optional<uint16_t> socket;  // none: not said
};

// Both ends of the message's way, or a complaint.
std::optional<Where> where(const ExplainRequest& request, const proxy::View& view) {
  const auto source = net::parse_endpoint(request.from, sip::default_port);
  if (!source) {
    complain(fmt::format("--from '{}' is no address; IP:PORT or [IPv6]:PORT is", request.from));
    return std::nullopt;
  }
  if (request.to.empty()) return Where{*source, std::nullopt};
  const auto destination = net::parse_endpoint(request.to, sip::default_port);
  const auto socket = destination ? view.socket_of.find(*destination) : view.socket_of.end();
  if (socket != view.socket_of.end()) return Where{*source, socket->second};
  complain(fmt::format("--to '{}' is no listener's address; there are {}", request.to, control::listeners_text(view)));
  return std::nullopt;
}

// A message, or a complaint and a line, so that lines and files stay side by side.
std::optional<std::string> read_message(const std::string& path) {
  auto datagram = read_file(path);
  if (datagram) return datagram;
  complain(fmt::format("'{}' cannot be read; a file with one message of at most 1 MiB, or - for stdin, can", path));
  print({{"verdict", nullptr}, {"error", "the file cannot be read"}});
  return std::nullopt;
}

// One line a file.
bool explain_message(const std::string& path, const Where& ends, const proxy::View& view,
                     const policy::Ruleset* rules) {
  const auto datagram = read_message(path);
  if (datagram) print(control::explain(view, *datagram, ends.source, ends.socket.value_or(0), rules));
  return datagram.has_value();
}

// The same by the View that the balancer's workers have.
bool explain_live(const std::string& path, const ExplainRequest& request) {
  const auto datagram = read_message(path);
  if (!datagram) return false;
  std::string command = "explain from " + request.from;
  if (!request.to.empty()) command += " to " + request.to;
  command += " message ";
  for (const char octet : *datagram) command += fmt::format("{:02x}", static_cast<unsigned char>(octet));
  if (command.size() > control::Server::line_bytes_max) {
    complain(fmt::format("'{}' has {} bytes, which no message over UDP has", path, datagram->size()));
    print({{"verdict", nullptr}, {"error", "larger than a message can be"}});
    return false;
  }
  const auto answer = control::ask(request.socket, command);
  if (!answer) {
    complain(answer.error());
    return false;
  }
  const bool refused = answer->starts_with("error: ");
  std::fputs(answer->c_str(), refused ? stderr : stdout);
  return !refused;
}

bool explain_datagrams(const std::string& path, const Where& ends, std::shared_ptr<const proxy::View> view,
                       const policy::Ruleset* rules) {
  const core::Status done = control::explain_capture(std::move(view), path, ends.socket, print, rules);
  if (!done) complain(done.error());
  return static_cast<bool>(done);
}

}  // namespace

int explain_files(const ExplainRequest& request) {
  if (request.live) {
    for (const std::string& end : {request.from, request.to}) {
      if (end.empty() || net::parse_endpoint(end, sip::default_port)) continue;
      complain(fmt::format("'{}' is no address; IP:PORT or [IPv6]:PORT is", end));
      return 2;
    }
    bool fine = true;
    for (const std::string& path : request.files) fine = explain_live(path, request) && fine;
    return fine ? 0 : 1;
  }
  auto checked = control::read_configuration(request.config, control::SecretUse::optional);
  if (!checked) return 1;
  if (checked->secret_missing || !checked->config.runtime.secret_file) {
    // Without the balancer's secret its choices cannot be foretold; with a fixed one they are at least repeatable.
    checked->secrets = {};
    complain("no secret_file that can be read: hashes and backends are those of an all-zero secret");
  }
  const auto compiled = control::compile_proxy(checked->config, checked->secrets);
  const std::shared_ptr<const proxy::View> view =
      control::lay_over(checked->config, *compiled, {}, nullptr);  // backups
  control::Policies policies(1);
  if (const core::Status adopted = policies.adopt(checked->config); !adopted) complain(adopted.error());
  const auto rules = policies.current();
  const auto ends = where(request, *view);
  if (!ends) return 2;
  int exit_code = 0;
  for (const std::string& path : request.files) {
    const bool done = request.pcap ? explain_datagrams(path, *ends, view, rules.get())
                                   : explain_message(path, *ends, *view, rules.get());
    if (!done) exit_code = 1;
  }
  return exit_code;
}

}  // namespace viaduct::ctl
