#include "top.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <future>
#include <thread>

#include "complain.h"
#include "control/answers.h"
#include "control/client.h"
#include "control/words.h"
#include "top/dashboard.h"
#include "top/history.h"
#include "top/terminal.h"
#include "top/views.h"

namespace viaduct::ctl {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int answer_time_ms = 2000;
constexpr int key_time_ms = 50;  // how soon an answer that has come is seen
constexpr size_t plain_columns = 132;

core::Result<std::string> asked(const std::string& socket) {
  return control::ask(socket, control::lines_asking(top::commands_needed()), answer_time_ms);
}

void take(top::History& history, const core::Result<std::string>& answer) {
  history.set_today(control::time_text(std::chrono::system_clock::now(), "%Y-%m-%d"));
  if (!answer) return history.miss(Clock::now(), answer.error());
  if (const auto refused = control::refusal_in(*answer)) return history.miss(Clock::now(), *refused);
  control::Told answers = control::told_in(*answer);
  if (!answers.contains("info")) return history.miss(Clock::now(), "what answers there is no viaduct");
  history.add(Clock::now(), std::move(answers));
}

top::Scene scene_of(top::Size size, top::Glyphs glyphs) {
  char host[65] = {};
  gethostname(host, sizeof host - 1);
  return {size, glyphs, Clock::now(), host, control::time_text(std::chrono::system_clock::now(), "%H:%M:%S")};
}

size_t columns_of_output() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  size_t columns = 0;
  if (const char* said = std::getenv("COLUMNS")) std::from_chars(said, said + std::strlen(said), columns);
  return columns == 0 ? plain_columns : columns;
}

// The first page comes after the second answer, when there are rates.
int print_pages(const TopRequest& request, const top::State& state) {
  top::History history;
  const top::Glyphs glyphs = top::glyphs_of_locale();
  const auto interval = std::chrono::duration<double>(request.seconds);
  take(history, asked(request.socket));
  for (size_t page = 0; request.count == 0 || page < request.count; ++page) {
    std::this_thread::sleep_for(interval);
    take(history, asked(request.socket));
    std::string text = page == 0 ? "" : "\n";
    for (const top::Line& line : top::draw_plain(history, state, scene_of({0, columns_of_output()}, glyphs))) {
      std::string shown = top::text_of(line);
      shown.erase(shown.find_last_not_of(' ') + 1);
      text += shown + '\n';
    }
    std::fputs(text.c_str(), stdout);
    if (std::fflush(stdout) != 0) return 1;
  }
  return history.gone_since() ? 1 : 0;
}

// It is asked in a thread of its own, so that keys are heard while a balancer thinks.
int show_screen(const TopRequest& request, top::State state) {
  const auto interval = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(request.seconds));
  const top::Glyphs glyphs = top::glyphs_of_locale();
  const auto terminal = top::Terminal::open();
  if (!terminal) {
    complain(terminal.error());
    return 1;
  }
  top::History history;
  std::future<core::Result<std::string>> answer;
  top::Size drawn{0, 0};
  Clock::time_point next{}, redraw{};
  while (!state.done) {
    if (answer.valid() && answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready) {
      take(history, answer.get());
      redraw = {};
    }
    if (!answer.valid() && !state.paused && Clock::now() >= next) {
      next = Clock::now() + interval;
      answer = std::async(std::launch::async, [&request] { return asked(request.socket); });
    }
    const top::Size size = (*terminal)->size();
    if (Clock::now() >= redraw || size.rows != drawn.rows || size.columns != drawn.columns) {
      (*terminal)->show(top::draw(history, state, scene_of(size, glyphs)));
      drawn = size;
      redraw = Clock::now() + std::chrono::seconds(1);
    }
    const top::Key key = (*terminal)->wait(key_time_ms);
    if (key.kind == top::Key::none) {
      // Of a terminal that is gone nothing ever comes.
      pollfd input{STDIN_FILENO, 0, 0};
      state.done = poll(&input, 1, 0) == 1;
      continue;
    }
    top::press(state, key, history, scene_of(size, glyphs));
    redraw = {};
  }
  return 0;
}

}  // namespace

std::string names_of_views() {
  std::string names;
  for (const top::ViewText& each : top::views()) {
    std::string name(each.name);
    name.front() = static_cast<char>(name.front() | 0x20);
    names += (names.empty() ? "" : ", ") + name;
  }
  return names;
}

int top(const TopRequest& request) {
  const top::ViewText* view = top::view_named(request.view);
  if (view == nullptr) {
    complain("--view '" + request.view + "' is no view; there are " + names_of_views());
    return 2;
  }
  top::State state;
  state.view = view->view;
  const bool screen = !request.plain && request.count == 0 && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
  return screen ? show_screen(request, std::move(state)) : print_pages(request, state);
}

}  // namespace viaduct::ctl
