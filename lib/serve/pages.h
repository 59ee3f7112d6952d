// What is served under which path, without knowing HTTP: a request line in, a page out.
//
//   /                 the dashboard, whose parts are page_files.h
//   /dashboard.json   what it shows: the answers of several commands at one moment
//   /healthz          200 while the balancer answers, else 503
//   /readyz           200 while calls should be sent here, else 503 and what is missing
//   /metrics          Prometheus text, or OpenMetrics for who asks for it
//   /api              the commands there are
//   /api/NAME         `show NAME json`; ?since=42 becomes its arguments
//
// Everything comes over the control socket, and is asked for at most ten times a second, however many ask here. Where
// nobody answers, one question at a time finds out whether that has changed, and nobody else waits for it.
//
// Nothing can be changed, unless there is a token (`viaductctl serve --allow-control`). Then
//
//   POST /control/drain/POOL/BACKEND    and likewise up and down, with the token as `Authorization: Bearer TOKEN`
//
// is an order to the balancer. Another site's page cannot make a browser send that header here: it would have to be
// allowed to, and nothing that is answered here allows it.
//
// A page of a name that leads here (DNS rebinding) would be this site to a browser, so it must not be answered: the
// name that is asked for has to be an address, localhost, or one that was said.
#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"

namespace viaduct::serve {

struct Wanted {
  std::string method;  // "GET"
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;
  std::string accept;              // the header
  std::string authorization = {};  // the header
  std::string host = {};           // the header; empty: none came
};

struct Page {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};

class Pages {
 public:
  // Asks the balancer: several lines at once; their answers, one after the other.
  using Ask = std::function<core::Result<std::string>(std::string_view lines)>;
  // `token`: who has it may give orders; empty: nobody may. `hosts`: names of this server.
  explicit Pages(Ask ask, std::string token = {}, std::vector<std::string> hosts = {})
      : ask_(std::move(ask)), token_(std::move(token)), hosts_(std::move(hosts)) {}

  Page get(const Wanted& wanted);  // from any thread

 private:
  static constexpr std::chrono::milliseconds kept_time{100};
  static constexpr std::chrono::seconds silence_kept_time{1};
  static constexpr size_t kept_max = 64;
  using Answer = core::Result<std::string>;
  struct Kept {
    std::chrono::steady_clock::time_point time;  // of the answer; while it is waited for without end
    std::shared_future<Answer> answer;
  };
  struct Silence {
    std::chrono::steady_clock::time_point time;
    core::Error what;
  };
  bool is_own_name(std::string_view host) const;
  Answer asked(const std::string& lines);
  Page metrics_page(std::string_view accept);
  Page api_page(std::string_view name, const Wanted& wanted);
  Page dashboard_page();
  Page health_page();
  Page readiness_page();
  Page control_page(std::string_view order, const Wanted& wanted);

  Ask ask_;
  const std::string token_;
  const std::vector<std::string> hosts_;
  std::mutex mutex_;
  std::map<std::string, Kept> kept_;
  std::optional<Silence> silence_;  // the last question had no answer
  size_t asking_ = 0;
};

}  // namespace viaduct::serve
