// `viaductctl serve`: metrics, JSON and the dashboard over HTTP, by a process of its own that does nothing else.
#pragma once

#include <string>
#include <vector>

namespace viaduct::ctl {

struct ServeRequest {
  std::string socket;  // the balancer's
  std::string listen = "127.0.0.1:9469";
  std::string user = "nobody";  // to become, if root started it
  bool allow_control = false;   // backends may be drained, by who has the token
  std::string token_file = {};
  std::vector<std::string> hosts = {};  // names of this server, besides the machine's
};

// Until SIGTERM or SIGINT. Returns the exit code.
int serve(const ServeRequest& request);

}  // namespace viaduct::ctl
