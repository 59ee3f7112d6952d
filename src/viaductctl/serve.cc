#include "serve.h"

#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <thread>
#include <utility>

#include "complain.h"
#include "control/client.h"
#include "control/privileges.h"
#include "fmt/format.h"
#include "net/address.h"
#include "serve/http.h"
#include "serve/pages.h"

namespace viaduct::ctl {
namespace {

constexpr uint16_t default_port = 9469;
constexpr int ask_timeout_ms = 3000;

int fail(const std::string& sentence) {
  complain(sentence);
  return 1;
}

// Before the first stranger is heard. Root becomes another user, with no group but the socket's, which is what lets it
// ask.
core::Status give_up_privileges(const ServeRequest& request) {
  control::PrivilegeOptions options{.account = {}, .net_admin = false, .sandbox = {.mode = config::SandboxMode::off}};
  if (geteuid() == 0) {
    core::Result<control::Account> account = control::find_account(request.user);
    if (!account) return core::Error{"--user: " + account.error()};
    struct stat socket {};
    if (stat(request.socket.c_str(), &socket) == 0) account->group = socket.st_gid;
    account->groups = {account->group};
    options.account = *account;
  }
  const core::Result<std::string> done = control::drop_privileges(options);
  if (!done) return core::Error{done.error()};
  return core::Done{};
}

// The socket's group is known when there is a socket. False: a signal came first.
bool wait_for_socket(const std::string& path, const sigset_t& ends) {
  constexpr timespec pause{0, 200'000'000};
  struct stat found {};
  if (geteuid() != 0 || stat(path.c_str(), &found) == 0) return true;
  complain(
      fmt::format("there is no socket '{}' yet: waiting for it, whose group is what lets this ask when it is no "
                  "longer root; nothing is served until then",
                  path));
  bool is_there = false;
  // Once more behind the first sight of it: the balancer makes it, and then gives it its group.
  for (bool was_there = false; !was_there; was_there = std::exchange(is_there, stat(path.c_str(), &found) == 0)) {
    if (sigtimedwait(&ends, nullptr, &pause) > 0) return false;
  }
  return true;
}

constexpr size_t token_size_min = 16;

// Read before root is given up, so that it may be root's own file.
core::Result<std::string> token_in(const std::string& path) {
  std::ifstream file(path);
  struct stat found {};
  std::string token;
  if (!file || stat(path.c_str(), &found) != 0) {
    return core::Error{fmt::format("--token-file '{}' cannot be read: {}", path, std::strerror(errno))};
  }
  if ((found.st_mode & S_IRWXO) != 0) {
    return core::Error{fmt::format("--token-file '{}' is open to everybody; chmod 0600 is expected", path)};
  }
  std::getline(file, token);
  if (token.size() < token_size_min ||
      !std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 0x7f; })) {
    return core::Error{
        fmt::format("--token-file '{}': a line of at least {} letters and digits is expected, such as "
                    "'openssl rand -hex 16' prints",
                    path, token_size_min)};
  }
  return token;
}

std::vector<std::string> own_names(const ServeRequest& request) {
  std::vector<std::string> names = request.hosts;
  char machine[65] = {};
  if (gethostname(machine, sizeof machine - 1) == 0 && machine[0] != '\0') names.emplace_back(machine);
  return names;
}

}  // namespace

int serve(const ServeRequest& request) {
  const auto endpoint = net::parse_endpoint(request.listen, default_port);
  if (!endpoint) {
    complain("--listen '" + request.listen + "' is no address; IP:PORT or [IPv6]:PORT is");
    return 2;
  }
  std::string token;
  if (request.allow_control) {
    auto read = token_in(request.token_file);
    if (!read) return fail(read.error());
    token = std::move(*read);
  }
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  signal(SIGPIPE, SIG_IGN);
  if (!wait_for_socket(request.socket, ends)) return 0;

  serve::Pages pages([&request](std::string_view lines) { return control::ask(request.socket, lines, ask_timeout_ms); },
                     std::move(token), own_names(request));
  auto http = serve::Http::open(net::to_string(endpoint->address), endpoint->port, pages);
  if (!http) return fail(http.error());
  if (const core::Status done = give_up_privileges(request); !done) return fail(done.error());
  // Not fatal: the balancer may be started later. But what will never do is better said now.
  if (const auto answer = control::ask(request.socket, "show info json", ask_timeout_ms); !answer) {
    complain(answer.error());
  }
  std::fprintf(stderr, "viaductctl: serving on http://%s\n",
               net::to_string(net::Endpoint{endpoint->address, (*http)->port()}).c_str());
  std::thread server([&http] { (*http)->run(); });
  int signal = 0;
  sigwait(&ends, &signal);
  (*http)->stop();
  server.join();
  return 0;
}

}  // namespace viaduct::ctl
