// Screens from made-up answers, and what keys do.
#include <gtest/gtest.h>

#include "balancer.h"
#include "top/words.h"

namespace viaduct::top {
namespace {

constexpr Key key(char text) { return {Key::character, text}; }

State seeing(View view) {
  State state;
  state.view = view;
  return state;
}

void expect_fits(const std::vector<Line>& lines, const Scene& scene, const std::string& what) {
  EXPECT_LE(lines.size(), scene.size.rows) << what;
  for (const Line& line : lines) EXPECT_LE(width_of(line), scene.size.columns) << what << ": " << text_of(line);
}

TEST(Top, every_view_fits_every_screen) {
  Balancer many{.backends = 50};
  History history = history_of(many);
  for (const size_t columns : {1, 20, 40, 60, 80, 132, 250}) {
    for (const size_t rows : {1, 3, 5, 10, 24, 60}) {
      for (const ViewText& view : views()) {
        for (const Glyphs& glyphs : {ascii_glyphs, unicode_glyphs}) {
          Scene scene = scene_of(columns, rows, glyphs);
          State state = seeing(view.view);
          const std::string what = std::string(view.name) + ' ' + std::to_string(columns) + 'x' + std::to_string(rows);
          expect_fits(draw(history, state, scene), scene, what);
          press(state, {Key::enter}, history, scene);
          expect_fits(draw(history, state, scene), scene, what + ", opened");
          state.help = true;
          expect_fits(draw(history, state, scene), scene, what + ", help");
        }
      }
    }
  }
}

TEST(Top, at_80_columns_the_whole_is_seen_at_a_glance) {
  const std::string text = shown(history_of(), {}, scene_of(80, 24));
  SCOPED_TRACE(text);
  for (const char* part :
       {"lb1", "up 1min 41s", "in 100/s", "drops 5/s", "ledger closes", "1 All", "2 Backends", "42.5%", "proxies/p1",
        "33.3%", "1.25ms", "36.0ms", "12.3s", "not_sip", "proxies/p2", "down: 3 probes", "q quit"}) {
    EXPECT_TRUE(has(text, part)) << part;
  }
}

TEST(Top, at_40_columns_what_matters_most_stays) {
  const std::string text = shown(history_of({.dead = "p2"}), seeing(View::backends), scene_of(40, 24));
  SCOPED_TRACE(text);
  for (const char* part : {"proxies/p1", "dead", "40", "36.0ms", "drops 5/s", "ledger closes", "2 Backends"}) {
    EXPECT_TRUE(has(text, part)) << part;
  }
  EXPECT_FALSE(has(text, "Fin p50"));
}

TEST(Top, every_view_can_be_seen_in_the_tabs_while_it_is_shown) {
  for (const size_t columns : {20, 40, 80, 200}) {
    for (const ViewText& view : views()) {
      const std::string text = shown(history_of(), seeing(view.view), scene_of(columns, 24));
      EXPECT_TRUE(has(text, std::string(1, view.key) + ' ' + std::string(view.name))) << columns << '\n' << text;
    }
  }
}

TEST(Top, the_dead_come_first_and_are_bad) {
  const History history = history_of({.dead = "p3"});
  const auto lines = draw(history, seeing(View::backends), scene_of(80, 24));
  const auto heading =
      std::find_if(lines.begin(), lines.end(), [](const Line& line) { return has(text_of(line), "Backend "); });
  ASSERT_NE(heading, lines.end());
  const Line& first = *(heading + 1);
  EXPECT_TRUE(has(text_of(first), "proxies/p3")) << text_of(first);
  EXPECT_TRUE(std::any_of(first.pieces.begin(), first.pieces.end(),
                          [](const Piece& piece) { return has(piece.text, "dead") && piece.style == Style::bad; }));
}

TEST(Top, a_pool_that_nobody_serves_is_bad_however_many_are_alive) {
  const auto lines = draw(history_of({.usable = 0}), seeing(View::pools), scene_of(80, 24));
  const auto told = std::find_if(lines.begin(), lines.end(),
                                 [](const Line& line) { return has(text_of(line), "0 of 3 take calls"); });
  ASSERT_NE(told, lines.end()) << screen_of(lines);
  EXPECT_TRUE(std::any_of(told->pieces.begin(), told->pieces.end(),
                          [](const Piece& piece) { return has(piece.text, "0 of 3") && piece.style == Style::bad; }));
}

TEST(Top, who_was_drained_before_it_died_is_no_trouble) {
  const auto lines =
      draw(history_of({.dead = "p3", .state_of_dead = "drain"}), seeing(View::backends), scene_of(80, 24));
  const auto told =
      std::find_if(lines.begin(), lines.end(), [](const Line& line) { return has(text_of(line), "proxies/p3"); });
  ASSERT_NE(told, lines.end());
  EXPECT_TRUE(has(text_of(*told), "drain, dead")) << text_of(*told);
  EXPECT_TRUE(std::none_of(told->pieces.begin(), told->pieces.end(),
                           [](const Piece& piece) { return piece.style == Style::bad; }));
}

TEST(Top, the_date_of_an_event_is_left_out_only_where_it_is_today) {
  History history = history_of();
  history.set_today("2026-11-21");
  const std::string today = shown(history, seeing(View::events), scene_of(100, 24));
  EXPECT_TRUE(has(today, "05:42:03") && !has(today, "2026-11-21")) << today;
  history.set_today("2026-11-22");
  EXPECT_TRUE(has(shown(history, seeing(View::events), scene_of(100, 24)), "2026-11-21 05:42:03"));
}

TEST(Top, answers_are_told_the_most_frequent_first) {
  EXPECT_TRUE(has(shown(history_of(), seeing(View::backends), scene_of(120, 24)), "200:540 486:7"));
}

std::vector<std::string> order_of(const History& history, const State& state) {
  std::vector<std::string> found;
  for (const Line& line : draw(history, state, scene_of(80, 24))) {
    const std::string text = text_of(line);
    if (text.starts_with("proxies/")) found.push_back(text.substr(8, 2));
  }
  return found;
}

TEST(Top, columns_sort_and_the_selected_row_stays_selected) {
  const History history = history_of();
  const Scene scene = scene_of(80, 24);
  State state = seeing(View::backends);
  press(state, {Key::down}, history, scene);
  EXPECT_EQ(state.selected, "proxies/p2");
  press(state, {Key::right}, history, scene);  // share
  press(state, {Key::right}, history, scene);  // requests a second, the most first
  EXPECT_EQ(order_of(history, state), (std::vector<std::string>{"p3", "p2", "p1"}));
  EXPECT_TRUE(has(shown(history, state, scene), "Req/sv")) << "the column is marked";
  press(state, key('r'), history, scene);
  EXPECT_EQ(order_of(history, state), (std::vector<std::string>{"p1", "p2", "p3"}));
  EXPECT_EQ(state.selected, "proxies/p2");
  press(state, {Key::left}, history, scene);
  press(state, {Key::left}, history, scene);
  press(state, {Key::left}, history, scene);
  EXPECT_EQ(state.sorts[static_cast<size_t>(View::backends)]->column, 0u);
  press(state, {Key::left}, history, scene);
  EXPECT_EQ(state.sorts[static_cast<size_t>(View::backends)]->column, 9u) << "round the end";
  press(state, key('o'), history, scene);
  EXPECT_FALSE(state.sorts[static_cast<size_t>(View::backends)]);
}

TEST(Top, names_with_numbers_are_in_the_order_of_the_numbers) {
  const History history = history_of({.backends = 11});
  State state = seeing(View::backends);
  state.sorts[static_cast<size_t>(View::backends)] = Sort{0, false};
  std::string all;
  for (const Line& line : draw(history, state, scene_of(80, 24))) {
    const std::string text = text_of(line);
    if (text.starts_with("proxies/")) all += text.substr(8, text.find(' ') - 8) + ' ';
  }
  EXPECT_EQ(all, "p1 p2 p3 p4 p5 p6 p7 p8 p9 p10 p11 ");
}

TEST(Top, the_selected_row_is_always_on_the_screen) {
  const History history = history_of({.backends = 100});
  const Scene scene = scene_of(80, 24);
  State state = seeing(View::backends);
  const auto is_seen = [&] {
    const auto lines = draw(history, state, scene);
    return std::any_of(lines.begin(), lines.end(),
                       [&](const Line& line) { return line.selected && has(text_of(line), state.selected + ' '); });
  };
  for (int i = 0; i < 120; ++i) {
    press(state, {i % 10 == 0 ? Key::page_down : Key::down}, history, scene);
    ASSERT_TRUE(is_seen()) << i << ' ' << state.selected;
  }
  EXPECT_EQ(state.selected, "proxies/p100");
  press(state, {Key::home}, history, scene);
  EXPECT_EQ(state.selected, "proxies/p1");
  EXPECT_TRUE(is_seen());
}

TEST(Top, enter_opens_a_backend_and_escape_goes_back) {
  const History history = history_of();
  const Scene scene = scene_of(100, 60);
  State state = seeing(View::backends);
  press(state, {Key::down}, history, scene);
  press(state, {Key::enter}, history, scene);
  const std::string text = shown(history, state, scene);
  SCOPED_TRACE(text);
  for (const char* part : {"every backend of every pool", "requests forwarded to it", "1080", "80/s",
                           "what backends answer", "486", "540 (40/s)", "INVITE", "Esc back"}) {
    EXPECT_TRUE(has(text, part)) << part;
  }
  EXPECT_FALSE(has(text, "proxies/p1"));
  press(state, {Key::back}, history, scene);
  EXPECT_TRUE(has(shown(history, state, scene), "proxies/p1"));
  EXPECT_EQ(state.selected, "proxies/p2");
}

TEST(Top, enter_on_a_pool_shows_its_backends_and_nothing_else) {
  Balancer balancer;
  auto told = balancer.told();
  told["backends"]["backends"].push_back({{"pool", "others"}, {"backend", "q1"}, {"state", "up"}, {"healthy", true}});
  History history;
  history.add(at(0), told);
  history.add(at(1), told);
  const Scene scene = scene_of(80, 24);
  State state = seeing(View::pools);
  EXPECT_TRUE(has(shown(history, state, scene), "3 take calls"));
  press(state, {Key::enter}, history, scene);
  EXPECT_TRUE(has(shown(history, state, scene), "proxies/p1"));
  EXPECT_FALSE(has(shown(history, state, scene), "others/q1"));
  press(state, {Key::back}, history, scene);
  EXPECT_EQ(state.view, View::pools);
  EXPECT_EQ(state.selected, "proxies");
}

TEST(Top, what_is_open_and_goes_away_is_said_so) {
  const Scene scene = scene_of(80, 24);
  State state = seeing(View::backends);
  state.opened = "proxies/p9";
  EXPECT_TRUE(has(shown(history_of(), state, scene), "It is not there any more."));
}

TEST(Top, in_the_whole_arrows_choose_a_part_and_enter_shows_it) {
  const History history = history_of();
  const Scene scene = scene_of(80, 24);
  State state;
  press(state, {Key::down}, history, scene);
  press(state, {Key::down}, history, scene);
  press(state, {Key::enter}, history, scene);
  EXPECT_EQ(state.view, View::drops);
}

TEST(Top, every_part_of_the_whole_has_room_whatever_the_others_have) {
  const std::string text = shown(history_of({.backends = 500}), {}, scene_of(80, 24));
  SCOPED_TRACE(text);
  for (const char* part : {"/500", "not_sip", "down: 3 probes", "None are configured.", "Nobody has left"}) {
    EXPECT_TRUE(has(text, part)) << part;
  }
}

TEST(Top, tab_goes_round_and_digits_go_there) {
  const History history = history_of();
  const Scene scene = scene_of(80, 24);
  State state;
  for (size_t i = 0; i < views().size(); ++i) press(state, {Key::tab}, history, scene);
  EXPECT_EQ(state.view, View::all);
  press(state, {Key::back_tab}, history, scene);
  EXPECT_EQ(state.view, View::ports);
  press(state, key('5'), history, scene);
  EXPECT_EQ(state.view, View::drops);
  press(state, key('p'), history, scene);
  EXPECT_TRUE(state.paused);
  EXPECT_TRUE(has(shown(history, state, scene), "Paused"));
  press(state, key('q'), history, scene);
  EXPECT_TRUE(state.done);
}

TEST(Top, details_scroll_no_farther_than_their_end) {
  const History history = history_of();
  const Scene scene = scene_of(80, 12);
  State state = seeing(View::backends);
  press(state, {Key::enter}, history, scene);
  for (int i = 0; i < 100; ++i) press(state, {Key::down}, history, scene);
  const std::string end = shown(history, state, scene);
  EXPECT_TRUE(has(end, "486")) << end;
  press(state, {Key::up}, history, scene);
  EXPECT_NE(shown(history, state, scene), end) << "one step back is seen at once";
}

TEST(Top, who_is_gone_or_was_started_anew_is_told) {
  History history = history_of();
  history.miss(at(1.5), "nothing answers at '/run/x'");
  Scene scene = scene_of(80, 24);
  scene.now = at(63);
  std::string text = shown(history, {}, scene);
  EXPECT_TRUE(has(text, "Gone for 1min 1s, these are the last figures: nothing answers at '/run/x'")) << text;
  EXPECT_TRUE(has(text, "proxies/p1"));
  EXPECT_TRUE(has(text, "in -/s"));
  history.add(at(64), Balancer{.uptime = 2, .received = 5, .dropped = 0}.told());
  scene.now = at(65);
  text = shown(history, {}, scene);
  EXPECT_TRUE(has(text, "Started anew 2s ago")) << text;
  EXPECT_FALSE(has(text, "Gone"));
  scene.now = at(100);
  EXPECT_FALSE(has(shown(history, {}, scene), "Started anew"));
}

TEST(Top, before_anybody_has_answered_it_says_why) {
  History history;
  history.miss(at(0), "nothing answers at 'x'");
  const std::string text = shown(history, {}, scene_of(80, 24));
  EXPECT_TRUE(has(text, "Gone for 2s: nothing answers")) << text;
}

TEST(Top, pages_have_every_row_and_no_keys) {
  const std::string text =
      screen_of(draw_plain(history_of({.backends = 200}), seeing(View::backends), scene_of(80, 0)));
  EXPECT_TRUE(has(text, "proxies/p200"));
  EXPECT_TRUE(has(text, "in 100/s"));
  EXPECT_FALSE(has(text, "q quit"));
}

TEST(Top, a_terminal_without_unicode_gets_none) {
  const auto ascii = shown(history_of(), seeing(View::workers), scene_of(80, 24));
  EXPECT_TRUE(std::all_of(ascii.begin(), ascii.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
  EXPECT_TRUE(has(ascii, "####"));
  EXPECT_TRUE(
      has(shown(history_of(), seeing(View::workers), scene_of(80, 24, unicode_glyphs)), "\u2588\u2588\u2588\u2588"));
}

TEST(Top, numbers_have_three_digits_that_count) {
  EXPECT_EQ(short_number(std::nullopt), "-");
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(short_number(7.31), "7.3");
  EXPECT_EQ(short_number(9999), "9999");
  EXPECT_EQ(short_number(12345), "12.3k");
  EXPECT_EQ(short_number(1234567), "1.23M");
  EXPECT_EQ(milliseconds(1.234), "1.23ms");
  EXPECT_EQ(milliseconds(32000), "32.0s");
  EXPECT_EQ(duration(0), "0s");
  EXPECT_EQ(duration(3 * 86400 + 4 * 3600 + 5), "3d 4h");
}

TEST(Top, lines_are_cut_by_what_is_seen_not_by_octets) {
  EXPECT_EQ(cut("\u2588\u2588\u2588\u2588", 4, unicode_glyphs), "\u2588\u2588\u2588\u2588");
  EXPECT_EQ(cut("\u2588\u2588\u2588\u2588", 3, unicode_glyphs), "\u2588\u2588\u2026");
  EXPECT_EQ(cut("abcd", 3, ascii_glyphs), "ab~");
  EXPECT_EQ(cut("abcd", 0, ascii_glyphs), "");
}

}  // namespace
}  // namespace viaduct::top
