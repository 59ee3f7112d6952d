// Backends from Kamailio's list, and names to look up.
#include <gtest/gtest.h>

#include <map>

#include "config/sample.h"

namespace viaduct::config {
namespace {

std::string main_text(std::string_view pool_keys) {
  return replaced(smallest, "[[pool.backend]]\nname = \"p1\"\naddress = \"10.0.1.1\"\n", pool_keys);
}

Loaded load_list(std::string_view list, std::string_view pool_keys = "dispatcher = \"dispatcher.list\"\n") {
  return load_edited("/etc/viaduct/v.toml", {{"/etc/viaduct/v.toml", main_text(pool_keys)},
                                             {"/etc/viaduct/dispatcher.list", std::string(list)}});
}

std::string row(const Backend& backend) {
  static constexpr std::string_view states[] = {"up", "drain", "down"};
  const std::string where = backend.host.empty() ? net::to_string(backend.address)
                                                 : backend.host + ':' + std::to_string(backend.address.port);
  return backend.name + ' ' + where + ' ' + std::to_string(backend.weight) + ' ' + std::to_string(backend.priority) +
         ' ' + std::string(states[static_cast<size_t>(backend.state)]) + '\n';
}

std::string rows(const Loaded& loaded) {
  if (!loaded.config) return all_of(loaded.errors);
  std::string text;
  for (const Backend& backend : loaded.config->pools[0].backends) text += row(backend);
  return text;
}

// Without the one about the secret.
std::string warnings(const Loaded& loaded) {
  std::string text;
  for (const Diagnostic& warning : loaded.warnings) {
    if (warning.line != 0) text += to_string(warning) + '\n';
  }
  return text;
}

TEST(Dispatcher, lines_of_one_set_become_backends) {
  const Loaded loaded = load_list(R"(# setid destination flags priority attrs

1 sip:10.78.0.11:5060
  1 sip:10.78.0.12:5070;transport=udp 0 0 weight=50;duid=sip2	# the old one
2 sip:10.78.0.99:5060 0 0 nonsense=1
1	sip:[2001:db8::11]:5062 4
1 sip:Core.example.net 0x0 0 rweight=20
1 sip:core.example.net:5080 0 0 rweight=20;weight=30
)");
  EXPECT_EQ(rows(loaded),
            "10.78.0.11 10.78.0.11:5060 100 0 up\n"
            "sip2 10.78.0.12:5070 50 0 up\n"
            "2001-db8--11-5062 [2001:db8::11]:5062 100 0 down\n"
            "Core.example.net core.example.net:0 20 0 up\n"
            "core.example.net-5080 core.example.net:5080 30 0 up\n");
  EXPECT_EQ(warnings(loaded), "");
  ASSERT_TRUE(loaded.config);
  EXPECT_EQ(loaded.config->pools[0].backends[0].origin, "/etc/viaduct/dispatcher.list");
  EXPECT_EQ(loaded.config->files.back(), "/etc/viaduct/dispatcher.list");
}

TEST(Dispatcher, is_read_as_it_is_written_elsewhere) {
  const Loaded loaded = load_list(
      "\xef\xbb\xbf"
      "1 SIP:10.78.0.11;Transport=UDP;LR 0\n");
  EXPECT_EQ(rows(loaded), "10.78.0.11 10.78.0.11:5060 100 0 up\n");
  EXPECT_EQ(warnings(loaded), "");
  const Loaded wide = load_list("1 sip:10.0.1.1;\u00e4\u00e4 x 0 \u00e4=1;weight=x\n1 Sips:10.0.1.1");
  const std::string errors = all_of(wide.errors);
  EXPECT_NE(errors.find("dispatcher.list:1:19: flags are \"x\""), std::string::npos) << errors;
  EXPECT_NE(errors.find("dispatcher.list:1:27: weight is \"x\""), std::string::npos) << errors;
  EXPECT_NE(errors.find("dispatcher.list:2:3: \"Sips:10.0.1.1\" asks for TLS"), std::string::npos) << errors;
}

TEST(Dispatcher, another_set_and_backends_of_the_pools_own) {
  const Loaded loaded = load_list("1 sip:10.78.0.11\n7 sip:10.78.0.12\n",
                                  "dispatcher = \"dispatcher.list\"\nset = 7\n[[pool.backend]]\nname = \"p1\"\n"
                                  "address = \"10.78.0.13\"\n");
  EXPECT_EQ(rows(loaded), "p1 10.78.0.13:5060 100 0 up\n10.78.0.12 10.78.0.12:5060 100 0 up\n");
}

TEST(Dispatcher, higher_priorities_come_first) {
  constexpr std::string_view list =
      "1 sip:10.0.1.1 0 5\n1 sip:10.0.1.2 0 10\n1 sip:10.0.1.3 0 10\n1 sip:10.0.1.4 0 -1\n";
  const Loaded loaded = load_list(list);
  EXPECT_EQ(rows(loaded),
            "10.0.1.1 10.0.1.1:5060 100 1 up\n10.0.1.2 10.0.1.2:5060 100 0 up\n"
            "10.0.1.3 10.0.1.3:5060 100 0 up\n10.0.1.4 10.0.1.4:5060 100 2 up\n");
  EXPECT_NE(warnings(loaded).find("dispatcher.list:1:3: set 1 has more than one priority"), std::string::npos)
      << warnings(loaded);
  const Loaded ignored = load_list(list, "dispatcher = \"dispatcher.list\"\npriorities = \"ignore\"\n");
  ASSERT_TRUE(ignored.config);
  for (const Backend& backend : ignored.config->pools[0].backends) EXPECT_EQ(backend.priority, 0);
  EXPECT_EQ(warnings(ignored), "");
}

TEST(Dispatcher, what_has_no_meaning_here_is_told_once_with_its_place) {
  const Loaded loaded = load_list(
      "1 sip:10.0.1.1;foo=1 0 0 socket=udp:10.0.0.1:5060;maxload=9;duid=a/b\n"
      "1 sip:u@10.0.1.2 8 0 socket=udp:10.0.0.1:5060\n"
      "1 sip:10.0.1.3 1 0\n1 sip:10.0.1.4 2\n1 sip:core.example.net 0x50\n");
  ASSERT_TRUE(loaded.config) << all_of(loaded.errors);
  EXPECT_EQ(loaded.config->pools[0].backends[2].state, BackendState::down);
  const std::string f = "/etc/viaduct/dispatcher.list:";
  EXPECT_EQ(warnings(loaded),
            f + "1:3: URI parameter \"foo=1\" has no meaning here\n" + f +
                "1:26: attribute \"socket\" has no meaning here (2 times)\n" + f +
                "1:51: attribute \"maxload\" has no meaning here\n" + f +
                "1:61: a duid with other characters than letters, digits, '.', '_' and '-' is no name here\n" + f +
                "2:3: the user in a destination's URI has no meaning here: requests keep their Request-URI\n" + f +
                "2:18: probing (flag 8) needs a [pool.health] here\n" + f +
                "3:16: inactive (flag 1) is state \"down\" here, where no [pool.health] brings it back\n" + f +
                "4:16: trying (flag 2) has no meaning here: such a destination serves\n" + f +
                "5:24: flag 16: names are looked up here all the same\n" + f +
                "5:24: flags above 32 have no meaning here\n");
  const Loaded probed =
      load_list("1 sip:10.0.1.3 9\n1 sip:10.0.1.4 32\n", "dispatcher = \"dispatcher.list\"\n[pool.health]\n");
  ASSERT_TRUE(probed.config) << all_of(probed.errors);
  EXPECT_EQ(probed.config->pools[0].backends[0].state, BackendState::up);
  EXPECT_EQ(warnings(probed), f + "1:16: inactive (flag 1): here the probes of [pool.health] decide\n" + f +
                                  "2:16: flag 32: all backends of a pool with [pool.health] are probed\n");
}

TEST(Dispatcher, mistakes_have_the_lists_places) {
  struct Case {
    std::string_view list, place, sentence;
  };
  const Case cases[] = {
      {"one sip:10.0.1.1", "1:1", "\"one\" is no set"},
      {"\n1", "2:1", "a set without destination"},
      {"1 10.0.1.1:5060", "1:3", "\"10.0.1.1:5060\" is no SIP URI; a URI such as"},
      {"1 sips:10.0.1.1", "1:3", "asks for TLS"},
      {"1 sip:10.0.1.1;transport=tcp", "1:3", "\"transport=tcp\": backends are reached over UDP"},
      {"1 sip:10.0.1.1:99999", "1:3", "the destination is \"10.0.1.1:99999\": the port is out of range"},
      {"1 sip:10.0.1.1 x", "1:16", "flags are \"x\""},
      {"1 sip:10.0.1.1 0 x", "1:18", "priority is \"x\""},
      {"1 sip:10.0.1.1 0 0 a=1;weight=1001", "1:24", "weight is \"1001\"; a whole number from 0 to 1000"},
      {"1 sip:10.0.1.1 0 0 a=1 b=2", "1:24", "\"b=2\" behind the attributes"},
      {"1 sip:10.0.1.1\n1 sip:10.0.1.1:5060", "2:3", "backend name \"10.0.1.1\" is taken (line 1)"},
      {"1 sip:10.0.1.1\n1 sip:10.0.1.1:5060 0 0 duid=b", "2:3", "address 10.0.1.1:5060 is a backend's of this pool"},
  };
  for (const Case& row : cases) {
    SCOPED_TRACE(row.list);
    const Loaded loaded = load_list(row.list);
    ASSERT_FALSE(loaded.errors.empty());
    const std::string text = to_string(loaded.errors[0]);
    EXPECT_EQ(text.find("/etc/viaduct/dispatcher.list:" + std::string(row.place) + ": "), 0u) << text;
    EXPECT_NE(text.find(row.sentence), std::string::npos) << text;
  }
  EXPECT_EQ(all_of(load_list("2 sip:10.0.1.1").errors),
            "/etc/viaduct/v.toml:10:14: no line of set 1 in \"/etc/viaduct/dispatcher.list\"; the number of one is "
            "expected\n");
  EXPECT_NE(all_of(load_list("", "dispatcher = \"none.list\"\n").errors)
                .find("v.toml:10:14: \"/etc/viaduct/none.list\" "
                      "cannot be read"),
            std::string::npos);
  EXPECT_NE(all_of(load_list("", "set = 3\n").errors).find("v.toml:10:7: set is of a dispatcher.list"),
            std::string::npos);
}

TEST(Addresses, of_a_backend_may_be_names) {
  const std::map<std::string_view, std::string_view> cases = {
      {"SIP.example.net:5070", "p1 sip.example.net:5070 100 0 up\n"},
      {"sip.example.net", "p1 sip.example.net:0 100 0 up\n"},
      {"_sip._udp.Example.net", "p1 _sip._udp.example.net:0 100 0 up\n"},
      {"core", "p1 core:0 100 0 up\n"},
      {"[2001:db8::1]:5070", "p1 [2001:db8::1]:5070 100 0 up\n"},
      {"10.0.1.1", "p1 10.0.1.1:5060 100 0 up\n"},
  };
  for (const auto& [address, expected] : cases) {
    EXPECT_EQ(rows(load_text(replaced(smallest, "10.0.1.1", address), "f")), expected);
  }
}

TEST(Addresses, of_name_servers_have_port_53_where_none_is_written) {
  const Loaded loaded = load_text(
      "[resolver]\nservers = [\"192.0.2.53\", \"[2001:db8::53]:5353\"]\ntimeout = \"500ms\"\n" + std::string(smallest),
      "f");
  ASSERT_TRUE(loaded.config) << all_of(loaded.errors);
  EXPECT_EQ(loaded.config->resolver.servers, (std::vector<std::string>{"192.0.2.53:53", "[2001:db8::53]:5353"}));
  EXPECT_EQ(loaded.config->resolver.timeout, std::chrono::milliseconds(500));
}

}  // namespace
}  // namespace viaduct::config
