// Answers of name servers, made into backends.
#include "control/expand.h"

#include <gtest/gtest.h>

namespace viaduct::control {
namespace {

config::Config configured(const std::string& backends, const std::string& address = "192.0.2.10") {
  const config::Loaded loaded = config::load_text(
      "[[port]]\nname = \"edge\"\ndevice = \"af_packet:eth0\"\n"
      "[[listener]]\nname = \"public\"\naddress = \"" +
          address + "\"\npool = \"p\"\n[[pool]]\nname = \"p\"\n" + backends,
      "f");
  for (const auto& error : loaded.errors) ADD_FAILURE() << config::to_string(error);
  return loaded.config.value_or(config::Config{});
}

std::string entry(const std::string& name, const std::string& address, const std::string& more = "") {
  return "[[pool.backend]]\nname = \"" + name + "\"\naddress = \"" + address + "\"\n" + more;
}

Target target(const std::string& host, uint16_t port, std::vector<std::string> addresses, uint16_t priority = 0,
              uint16_t weight = 0) {
  Target made{.host = host, .port = port, .priority = priority, .weight = weight, .addresses = {}};
  for (const std::string& text : addresses) made.addresses.push_back(*net::parse_ip(text));
  return made;
}

std::string rows(const config::Config& config) {
  std::string text;
  for (const config::Backend& backend : config.pools[0].backends) {
    EXPECT_TRUE(backend.host.empty());
    text += backend.name + ' ' + net::to_string(backend.address) + ' ' + std::to_string(backend.weight) + ' ' +
            std::to_string(backend.priority) + '\n';
  }
  return text;
}

std::vector<std::string> addresses(int count, int network) {
  std::vector<std::string> all;
  for (int i = 1; i <= count; ++i) {
    all.push_back("10." + std::to_string(network) + '.' + std::to_string(i / 256) + '.' + std::to_string(i % 256));
  }
  return all;
}

// Backends by pool: "3 2".
std::string counts(const config::Config& config) {
  std::string text;
  for (const config::Pool& pool : config.pools) {
    text += (text.empty() ? "" : " ") + std::to_string(pool.backends.size());
  }
  return text;
}

TEST(Expand, addresses_and_targets_get_names_of_their_own) {
  const config::Config config = configured(entry("static", "10.0.9.9", "weight = 7\n") +
                                           entry("core", "core.example.net:5070", "weight = 50\nstate = \"drain\"\n") +
                                           entry("srv", "_sip._udp.example.net"));
  EXPECT_EQ(names_in(config), (std::set<BackendName>{{"core.example.net", 5070}, {"_sip._udp.example.net", 0}}));
  const Answers answers = {
      {{"core.example.net", 5070}, {target("", 5070, {"10.0.1.1", "10.0.1.2"})}},
      {{"_sip._udp.example.net", 0},
       {target("sip1.example.net", 5060, {"10.0.2.1"}, 10, 60), target("sip2.example.net", 5062, {"10.0.2.2"}, 10, 0),
        target("sip3.example.net", 5060, {"10.0.2.3", "10.0.2.4"}, 200, 20)}}};
  const Expanded expanded = expand(config, answers, nullptr);
  EXPECT_EQ(rows(expanded.config),
            "static 10.0.9.9:5060 7 0\n"
            "core/10.0.1.1 10.0.1.1:5070 50 0\ncore/10.0.1.2 10.0.1.2:5070 50 0\n"
            "srv/sip1.example.net 10.0.2.1:5060 60 0\nsrv/sip2.example.net:5062 10.0.2.2:5062 1 0\n"
            "srv/sip3.example.net/10.0.2.3 10.0.2.3:5060 20 1\nsrv/sip3.example.net/10.0.2.4 10.0.2.4:5060 20 1\n");
  EXPECT_TRUE(expanded.notes.empty());
  EXPECT_EQ(expanded.config.pools[0].backends[1].state, config::BackendState::drain) << "what the entry says";
  EXPECT_EQ(expanded.config.pools[0].backends[1].origin, "the name core.example.net");
}

TEST(Expand, weights_of_srv_are_scaled_and_all_zero_means_equal) {
  const config::Config config = configured(entry("srv", "_sip._udp.example.net", "priority = 3\n"));
  const auto weights = [&](uint16_t a, uint16_t b) {
    const Answers answers = {
        {{"_sip._udp.example.net", 0}, {target("a", 5060, {"10.0.2.1"}, 0, a), target("b", 5060, {"10.0.2.2"}, 9, b)}}};
    return rows(expand(config, answers, nullptr).config);
  };
  EXPECT_EQ(weights(0, 0), "srv/a 10.0.2.1:5060 100 3\nsrv/b 10.0.2.2:5060 100 4\n");
  EXPECT_EQ(weights(60000, 30000), "srv/a 10.0.2.1:5060 1000 3\nsrv/b 10.0.2.2:5060 500 4\n");
  EXPECT_EQ(weights(65535, 1), "srv/a 10.0.2.1:5060 1000 3\nsrv/b 10.0.2.2:5060 1 4\n");
}

TEST(Expand, one_family_of_a_host_with_both) {
  const Answers answers = {{{"core.example.net", 0}, {target("", 5060, {"10.0.1.1", "2001:db8::1"})}}};
  const std::string backend = entry("core", "core.example.net");
  EXPECT_EQ(rows(expand(configured(backend), answers, nullptr).config), "core/10.0.1.1 10.0.1.1:5060 100 0\n");
  EXPECT_EQ(rows(expand(configured(backend, "[2001:db8::10]:5060"), answers, nullptr).config),
            "core/2001:db8::1 [2001:db8::1]:5060 100 0\n");
}

TEST(Expand, what_cannot_be_a_backend_is_left_out_and_told) {
  const config::Config config = configured(entry("p1", "10.0.1.1") + entry("core", "core.example.net"));
  const Answers answers = {
      {{"core.example.net", 0}, {target("", 5060, {"0.0.0.0", "10.0.1.1", "10.0.1.2", "127.0.0.1", "192.0.2.10"})}}};
  const Expanded expanded = expand(config, answers, nullptr);
  EXPECT_EQ(rows(expanded.config), "p1 10.0.1.1:5060 100 0\ncore/10.0.1.2 10.0.1.2:5060 100 0\n");
  ASSERT_EQ(expanded.notes.size(), 4u);
  EXPECT_EQ(expanded.notes[1],
            "pool p: 10.0.1.1:5060 of the name core.example.net is a backend of this pool already; it is left out");
  EXPECT_NE(expanded.notes[3].find("is a listener's own address"), std::string::npos);
}

TEST(Expand, a_name_stands_for_so_many_addresses_and_no_more) {
  const config::Config config = configured(entry("srv", "_sip._udp.example.net"));
  Answers answers;
  for (int i = 0; i < 64; ++i) {
    answers[{"_sip._udp.example.net", 0}].push_back(target("t" + std::to_string(i), 5060, addresses(800, 1 + i)));
  }
  const Expanded expanded = expand(config, answers, nullptr);
  EXPECT_EQ(expanded.config.pools[0].backends.size(), addresses_of_name_max);
  EXPECT_EQ(expanded.config.pools[0].backends.back().name, "srv/t0/10.1.0.64") << "the first ones";
  EXPECT_EQ(expanded.notes,
            std::vector<std::string>{
                "pool p: the name _sip._udp.example.net has more than 64 addresses; the others are left out"});
}

TEST(Expand, there_are_never_more_backends_than_are_counted) {
  std::string names;
  for (int i = 0; i < 20; ++i) {
    names += entry("n" + std::to_string(i), "n" + std::to_string(i) + ".example.net:5070");
  }
  const config::Config config =
      configured(names + "[[pool]]\nname = \"q\"\n" + entry("s1", "10.99.0.1") + entry("s2", "10.99.0.2") +
                 "[[pool]]\nname = \"r\"\n" + entry("core", "core.example.net"));
  const config::Config before =
      configured(entry("p1", "10.0.1.1") + "[[pool]]\nname = \"q\"\n" + entry("s1", "10.99.0.1") +
                 "[[pool]]\nname = \"r\"\n" + entry("r1", "10.98.0.1") + entry("r2", "10.98.0.2"));
  Answers answers;
  const auto answer = [&](int count) {
    answers.clear();
    for (int i = 0; i < count; ++i) {
      answers[{"n" + std::to_string(i) + ".example.net", 5070}] = {target("", 5070, addresses(64, 1 + i))};
    }
    return expand(config, answers, &before);
  };
  EXPECT_EQ(counts(answer(15).config), "960 2 2");
  EXPECT_EQ(counts(answer(16).config), "1022 2 0") << "static ones are counted before, and what a pool keeps as well";
  answers[{"n15.example.net", 5070}] = {target("", 5070, addresses(61, 16))};
  const Expanded full = expand(config, answers, &before);
  EXPECT_EQ(counts(full.config), "1021 2 1");
  EXPECT_EQ(full.notes, std::vector<std::string>{"pool r: 10.98.0.2:5060 is one backend too many; it is left out"});
  EXPECT_EQ(counts(answer(20).config), "1022 2 0");
}

TEST(Expand, a_pool_whose_names_wait_for_their_first_answer_keeps_what_it_had) {
  const config::Config before = configured(entry("p1", "10.0.1.1"));
  const config::Config after = configured(entry("core", "core.example.net"));
  EXPECT_EQ(rows(expand(after, {}, &before).config), "p1 10.0.1.1:5060 100 0\n");
  EXPECT_EQ(rows(expand(after, {}, nullptr).config), "");
  const Answers answers = {{{"core.example.net", 0}, {target("", 5060, {"10.0.1.2"})}}};
  EXPECT_EQ(rows(expand(after, answers, &before).config), "core/10.0.1.2 10.0.1.2:5060 100 0\n");
}

}  // namespace
}  // namespace viaduct::control
