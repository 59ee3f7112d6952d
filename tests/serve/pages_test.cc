// Pages without HTTP and without a balancer.
#include "serve/pages.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "nlohmann/json.hpp"

namespace viaduct::serve {
namespace {

Wanted wanted_path(std::string path) { return {"GET", std::move(path), {}, ""}; }

TEST(Pages, api_asks_for_the_command_and_its_arguments) {
  std::string asked;
  Pages pages([&](std::string_view lines) -> core::Result<std::string> {
    asked = lines;
    return std::string("{\"command\":\"events\"}\n");
  });
  Wanted wanted = wanted_path("/api/events");
  wanted.query = {{"since", "42"}};
  const Page page = pages.get(wanted);
  EXPECT_EQ(asked, "show events json since 42");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.type, "application/json");
  EXPECT_EQ(page.body, "{\"command\":\"events\"}\n");
}

// A page of a name that leads here could ask as if it were ours (DNS rebinding).
TEST(Pages, who_is_asked_by_a_name_that_is_not_ours_does_not_answer) {  // SEC-15
  size_t asked = 0;
  Pages pages(
      [&](std::string_view) -> core::Result<std::string> {
        ++asked;
        return std::string("{}\n");
      },
      "0123456789abcdef", {"lb1.example.net"});
  const auto status = [&](const char* host, const char* path, const char* method = "GET") {
    return pages.get({method, path, {}, "", "Bearer 0123456789abcdef", host}).status;
  };
  for (const char* host : {"evil.example", "evil.example:9469", "127.0.0.1.evil.example", "localhost.evil.example",
                           ":9469", "lb1.example.net.evil.example", "1.2.3.4.5", "[::1", "more than one"}) {
    for (const char* path : {"/", "/api/stat", "/metrics", "/healthz", "/dashboard.json"}) {
      EXPECT_EQ(status(host, path), 403) << host << ' ' << path;
    }
    EXPECT_EQ(status(host, "/control/drain/proxies/p1", "POST"), 403) << host;
  }
  EXPECT_EQ(asked, 0u);
  for (const char* host : {"", "127.0.0.1", "127.0.0.1:9469", "[::1]:9469", "[2001:db8::1]", "localhost",
                           "LOCALHOST:9469", "lb1.example.net", "LB1.Example.net.:443"}) {
    EXPECT_EQ(status(host, "/api/stat"), 200) << host;
  }
}

TEST(Pages, a_word_may_stand_alone_and_forms_have_their_types) {
  std::string asked;
  Pages pages([&](std::string_view lines) -> core::Result<std::string> {
    asked = lines;
    return std::string("what it says\n");
  });
  Wanted wanted = wanted_path("/api/latency");
  wanted.query = {{"histogram", ""}};
  EXPECT_EQ(pages.get(wanted).type, "application/json");
  EXPECT_EQ(asked, "show latency json histogram");
  wanted.query = {{"csv", "histograms"}};
  EXPECT_EQ(pages.get(wanted).type, "text/csv; charset=utf-8");
  EXPECT_EQ(asked, "show latency json csv histograms");
  wanted = wanted_path("/api/deviations");
  wanted.query = {{"samples", "markdown"}};
  EXPECT_EQ(pages.get(wanted).type, "text/markdown; charset=utf-8");
}

// The balancer lives, but whoever asks gets no answer of it.
TEST(Pages, a_full_socket_is_neither_health_nor_a_balancer_that_is_gone) {
  Pages pages([](std::string_view) -> core::Result<std::string> {
    return std::string("error: too many clients on the control socket; try again later\n");
  });
  for (const char* path : {"/healthz", "/readyz", "/metrics", "/dashboard.json"}) {
    const Page page = pages.get(wanted_path(path));
    EXPECT_EQ(page.status, 503) << path;
    EXPECT_NE(page.body.find("too many clients"), std::string::npos) << page.body;
  }
}

TEST(Pages, nobody_waits_for_anothers_question) {
  std::promise<void> asked, release;
  Pages pages([&](std::string_view lines) -> core::Result<std::string> {
    if (lines == "show stat json") {
      asked.set_value();
      release.get_future().wait();
    }
    return std::string("{}\n");
  });
  std::thread slow([&] { EXPECT_EQ(pages.get(wanted_path("/api/stat")).status, 200); });
  asked.get_future().wait();
  EXPECT_EQ(pages.get(wanted_path("/healthz")).status, 200) << "while the other one is still waiting";
  release.set_value();
  slow.join();
}

TEST(Pages, where_nobody_answers_one_question_finds_out_for_all) {
  std::atomic<size_t> asked{0};
  Pages pages([&](std::string_view) -> core::Result<std::string> {
    ++asked;
    return core::Error{"no answer"};
  });
  for (const char* path : {"/api/stat", "/healthz", "/dashboard.json", "/api/drops"}) {
    EXPECT_EQ(pages.get(wanted_path(path)).status, 503) << path;
  }
  EXPECT_NE(pages.get(wanted_path("/metrics")).body.find("viaduct_up 0\n"), std::string::npos);
  EXPECT_EQ(asked, 1u);
}

TEST(Pages, nothing_but_show_ever_reaches_the_socket) {  // SEC-15
  size_t asked = 0;
  Pages pages([&](std::string_view lines) -> core::Result<std::string> {
    ++asked;
    EXPECT_TRUE(lines.starts_with("show "));
    return std::string("error: 'x' is no format\n");
  });
  for (const char* path : {"/api/reload", "/api/show stat", "/api/stat\nreload", "/api/../stat", "/metrics/", "/x"}) {
    EXPECT_EQ(pages.get(wanted_path(path)).status, 404) << path;
  }
  for (const char* word : {"a b", "a\nreload", "a\tb", "\x1b[2J"}) {
    Wanted wanted = wanted_path("/api/stat");
    wanted.query = {{"peer", word}};
    EXPECT_EQ(pages.get(wanted).status, 400) << word;
  }
  EXPECT_EQ(asked, 0u);
  Wanted refused = wanted_path("/api/stat");
  refused.query = {{"x", "y"}};
  EXPECT_EQ(pages.get(refused).status, 400) << "what the balancer refuses";
  EXPECT_EQ(asked, 1u);
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE"}) {
    Wanted wanted = wanted_path("/metrics");
    wanted.method = method;
    EXPECT_EQ(pages.get(wanted).status, 405) << method;
  }
}

Wanted wanted_order(std::string path, std::string authorization) {
  return {"POST", std::move(path), {}, "", std::move(authorization)};
}

TEST(Pages, orders_need_the_token_and_are_nothing_but_states_of_backends) {  // SEC-15
  std::string asked;
  const Pages::Ask ask = [&](std::string_view lines) -> core::Result<std::string> {
    asked += std::string(lines) + ';';
    return std::string("proxies/p1 is drained\n");
  };
  const std::string token = "0123456789abcdef";
  const std::string drain = "/control/drain/proxies/p1";
  Pages nobody_may(ask);
  for (const std::string& given : {"Bearer " + token, std::string("Bearer "), std::string()}) {
    EXPECT_EQ(nobody_may.get(wanted_order(drain, given)).status, 403) << given;
  }
  Pages pages(ask, token);
  for (const char* given : {"", "Bearer ", "Bearer 0123456789abcdeF", "Bearer 0123456789abcdef0", "0123456789abcdef"}) {
    EXPECT_EQ(pages.get(wanted_order(drain, given)).status, 403) << given;
  }
  for (const char* path : {"/control/reload", "/control/drain", "/control/drain/", "/control/drain/a b",
                           "/control/drain/a\nreload", "/control/weight/proxies/p1"}) {
    EXPECT_EQ(pages.get(wanted_order(path, "Bearer " + token)).status, 404) << path;
  }
  EXPECT_EQ(asked, "");
  EXPECT_EQ(pages.get(wanted_order(drain, "Bearer " + token)).status, 200);
  EXPECT_EQ(asked, "backend drain proxies/p1;");
}

TEST(Pages, the_dashboard_asks_nobody_else) {
  Pages pages([](std::string_view) -> core::Result<std::string> { return std::string(); });
  for (const char* path : {"/", "/page.css", "/page.js", "/chart.js", "/panels.js", "/rates.js", "/icon.svg"}) {
    const Page page = pages.get(wanted_path(path));
    EXPECT_EQ(page.status, 200) << path;
    EXPECT_FALSE(page.body.empty()) << path;
    std::string text = page.body;
    for (const char* name_space : {"http://www.w3.org/2000/svg"}) {
      if (const size_t at = text.find(name_space); at != std::string::npos)
        text.erase(at, std::string(name_space).size());
    }
    EXPECT_EQ(text.find("://"), std::string::npos) << path;
  }
}

TEST(Pages, many_who_ask_at_once_are_one_question) {
  size_t asked = 0;
  Pages pages([&](std::string_view) -> core::Result<std::string> {
    ++asked;
    return std::string("{}\n");
  });
  for (int i = 0; i < 100; ++i) EXPECT_EQ(pages.get(wanted_path("/api/stat")).status, 200);
  EXPECT_LT(asked, 50u) << "asked again for each";
}

TEST(Pages, a_balancer_that_is_not_there_is_said_so) {
  Pages pages([](std::string_view) -> core::Result<std::string> { return core::Error{"nothing answers at 'x'"}; });
  EXPECT_EQ(pages.get(wanted_path("/healthz")).status, 503);
  EXPECT_EQ(pages.get(wanted_path("/readyz")).status, 503);
  EXPECT_EQ(pages.get(wanted_path("/api/stat")).status, 503);
  const Page metrics = pages.get(wanted_path("/metrics"));
  EXPECT_EQ(metrics.status, 200);
  EXPECT_NE(metrics.body.find("viaduct_up 0\n"), std::string::npos);
}

// Ready are `info` and `ports` as they are told here; what is put in the place of a piece of them is what is wrong.
TEST(Pages, who_is_not_ready_says_what_for) {
  const std::string fine =
      R"({"command":"info","listeners":[{"listener":"public","pool":"proxies"},{"listener":"inside","pool":""}],)"
      R"("pools":[{"pool":"proxies","usable":2},{"pool":"spare","usable":0}]})"
      "\n"
      R"({"command":"ports","ports":{"edge":{"link":"up"},"core":{"link":"up"}}})"
      "\n";
  const auto page_with = [&](std::string_view from, std::string_view to) {
    std::string told = fine;
    if (!from.empty()) told.replace(told.find(from), from.size(), to);
    Pages pages([&](std::string_view lines) -> core::Result<std::string> {
      EXPECT_NE(lines.find("show ports json"), std::string_view::npos) << lines;
      return told;
    });
    const Page page = pages.get(wanted_path("/readyz"));
    return std::pair(page.status, page.body);
  };
  using Said = std::pair<int, std::string>;
  EXPECT_EQ(page_with("", ""), Said(200, "ready\n")) << "a pool that no listener gives calls to may be empty";
  EXPECT_EQ(page_with(R"("core":{"link":"up"})", R"("core":{"link":"down"})"), Said(503, "port core has no link\n"));
  EXPECT_EQ(page_with(R"("usable":2)", R"("usable":0)"), Said(503, "pool proxies has no usable backend\n"));
  EXPECT_EQ(page_with(R"({"pool":"proxies","usable":2},)", ""), Said(503, "pool proxies is not told of\n"));
  EXPECT_EQ(page_with(R"({"link":"up"})", "{}"), Said(503, "port edge has no link\n"));
  EXPECT_EQ(page_with(R"("edge":{"link":"up"},"core":{"link":"up"})", ""), Said(503, "it names no ports\n"));
  EXPECT_EQ(page_with(R"("usable":2)", R"("usable":"2")"), Said(503, "pool proxies has no usable backend\n"));
  EXPECT_EQ(page_with(fine, "error: too many clients\n").first, 503);
  EXPECT_EQ(page_with(fine, "no object\n").first, 503);
}

TEST(Pages, api_lists_the_commands) {
  Pages pages([](std::string_view) -> core::Result<std::string> { return std::string(); });
  const auto index = nlohmann::json::parse(pages.get(wanted_path("/api")).body);
  EXPECT_EQ(index["commands"][0]["path"], "/api/info");
}

}  // namespace
}  // namespace viaduct::serve
