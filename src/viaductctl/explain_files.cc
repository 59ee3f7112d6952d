#include "explain_files.h"

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>

#include "control/checked.h"
#include "control/compile.h"
#include "control/explain.h"
#include "fmt/format.h"
#include "sip/message.h"

namespace viaduct::ctl {
namespace {

void complain(const std::string& sentence) { std::fprintf(stderr, "viaductctl: %s\n", sentence.c_str()); }

void print(const nlohmann::ordered_json& object) { std::printf("%s\n", object.dump().c_str()); }

std::optional<std::string> read_file(const std::string& path) {
  if (path == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string content(std::istreambuf_iterator<char>(file), {});
  if (file.bad()) return std::nullopt;
  return content;
}

struct Where {
  net::Endpoint source;
  uint16_t socket = 0;
};

// Both ends of the message's way, or a complaint.
std::optional<Where> where(const ExplainRequest& request, const proxy::View& view) {
  const auto source = net::parse_endpoint(request.from, sip::default_port);
  if (!source) {
    complain(fmt::format("--from '{}' is no address; IP:PORT or [IPv6]:PORT is", request.from));
    return std::nullopt;
  }
  if (request.to.empty()) return Where{*source, 0};
  const auto destination = net::parse_endpoint(request.to, sip::default_port);
  const auto socket = destination ? view.socket_of.find(*destination) : view.socket_of.end();
  if (socket != view.socket_of.end()) return Where{*source, socket->second};
  std::string listeners;
  for (const proxy::Socket& own : view.sockets)
    listeners += (listeners.empty() ? "" : ", ") + net::to_string(own.address);
  complain(fmt::format("--to '{}' is no listener's address; there are {}", request.to, listeners));
  return std::nullopt;
}

}  // namespace

int explain_files(const ExplainRequest& request) {
  auto checked = control::read_configuration(request.config, control::SecretUse::optional);
  if (!checked) return 1;
  if (checked->secret_missing || !checked->config.runtime.secret_file) {
    // Without the balancer's secret its choices cannot be foretold; with a fixed one they are at least repeatable.
    checked->secrets = {};
    complain("no secret_file that can be read: hashes and backends are those of an all-zero secret");
  }
  const auto view = control::compile_proxy(checked->config, checked->secrets);
  const auto ends = where(request, *view);
  if (!ends) return 2;
  int exit_code = 0;
  for (const std::string& path : request.files) {
    const auto datagram = read_file(path);
    if (!datagram) {
      complain(fmt::format("'{}' cannot be read; a file with one message, or - for stdin, can", path));
      exit_code = 1;
      continue;
    }
    print(control::explain(*view, *datagram, ends->source, ends->socket));
  }
  return exit_code;
}

}  // namespace viaduct::ctl
