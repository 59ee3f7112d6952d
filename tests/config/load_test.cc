// What a right file becomes.
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "config/sample.h"
#include "support/folder.h"

namespace viaduct::config {
namespace {

TEST(Load, reads_every_value_of_the_example) {
  const Loaded loaded = load_text(example, "viaduct.toml");
  ASSERT_TRUE(loaded.config) << all_of(loaded.errors);
  EXPECT_TRUE(loaded.warnings.empty()) << all_of(loaded.warnings);
  const Config& config = *loaded.config;
  EXPECT_EQ(config.file, "viaduct.toml");
  EXPECT_EQ(config.runtime.workers, (std::vector<unsigned>{2, 3}));
  EXPECT_EQ(config.runtime.control_core, 1u);
  EXPECT_TRUE(config.runtime.hugepages);
  EXPECT_EQ(config.runtime.memory_mb, 512u);
  EXPECT_EQ(config.runtime.affinity, AffinityMode::transaction);
  EXPECT_EQ(config.runtime.idle, IdleMode::poll);
  ASSERT_TRUE(config.runtime.secret_file);
  EXPECT_EQ(config.runtime.secret_file->path, "/etc/viaduct/secret");
  EXPECT_EQ(config.runtime.secret_file->place.line, 8u);
  EXPECT_EQ(config.runtime.secret_file->place.column, 16u);
  EXPECT_EQ(config.control.socket, "/run/viaduct/viaduct.sock");
  EXPECT_EQ(config.control.mode, 0660u);

  ASSERT_EQ(config.ports.size(), 1u);
  EXPECT_EQ(config.ports[0].name, "edge");
  EXPECT_EQ(config.ports[0].device.kind, DeviceKind::pci);
  EXPECT_EQ(config.ports[0].device.text, "pci:0000:3b:00.0");
  EXPECT_EQ(config.ports[0].device.target, "0000:3b:00.0");
  EXPECT_EQ(config.ports[0].mtu, 1500);

  ASSERT_EQ(config.listeners.size(), 1u);
  const Listener& listener = config.listeners[0];
  ASSERT_EQ(listener.addresses.size(), 2u);
  EXPECT_EQ(net::to_string(listener.addresses[0]), "203.0.113.10:5060");
  EXPECT_EQ(net::to_string(listener.addresses[1]), "[2001:db8::10]:5060");
  EXPECT_EQ(listener.pool, "proxies");
  EXPECT_TRUE(listener.record_route);
  EXPECT_FALSE(listener.force_rport);
  EXPECT_EQ(listener.side, Side::outside);
  EXPECT_EQ(listener.aliases, (std::vector<std::string>{"sip.example.com"}));
  EXPECT_TRUE(listener.domains.empty());

  ASSERT_EQ(config.pools.size(), 1u);
  const Pool& pool = config.pools[0];
  EXPECT_EQ(pool.key, PoolKey::call_id);
  EXPECT_TRUE(pool.health.enabled);
  EXPECT_EQ(pool.health.interval, std::chrono::seconds(2));
  EXPECT_EQ(pool.health.timeout, std::chrono::seconds(1));
  EXPECT_EQ(pool.health.accept.size(), 6u);
  ASSERT_EQ(pool.backends.size(), 1u);
  EXPECT_EQ(pool.backends[0].name, "p1");
  EXPECT_EQ(net::to_string(pool.backends[0].address), "10.78.0.11:5060");
  EXPECT_EQ(pool.backends[0].weight, 100u);
  EXPECT_EQ(pool.backends[0].state, BackendState::up);
}

TEST(Load, smallest_file_gets_the_defaults_and_one_warning) {
  const Loaded loaded = load_text(smallest, "f");
  ASSERT_TRUE(loaded.config) << all_of(loaded.errors);
  ASSERT_EQ(loaded.warnings.size(), 1u) << all_of(loaded.warnings);
  EXPECT_NE(loaded.warnings[0].sentence.find("secret_file"), std::string::npos);
  const Config& config = *loaded.config;
  EXPECT_EQ(net::to_string(config.listeners[0].addresses[0]), "192.0.2.10:5060");
  EXPECT_EQ(net::to_string(config.pools[0].backends[0].address), "10.0.1.1:5060");
  EXPECT_FALSE(config.pools[0].health.enabled);
  EXPECT_EQ(config.listeners[0].path, PathMode::off);
  EXPECT_FALSE(config.runtime.secret_file);
  EXPECT_EQ(config.sip.max_breadth, 60u);
}

TEST(Load, health_without_keys_gets_its_defaults) {
  const Loaded loaded = load_text(replaced(smallest, "[[pool.backend]]", "[pool.health]\n[[pool.backend]]"), "f");
  ASSERT_TRUE(loaded.config) << all_of(loaded.errors);
  const Health& health = loaded.config->pools[0].health;
  EXPECT_TRUE(health.enabled);
  EXPECT_EQ(health.method, "OPTIONS");
  EXPECT_EQ(health.accept.front(), "2xx");
}

TEST(Load, the_usual_timeout_is_no_longer_than_the_interval) {
  for (const auto& [interval, timeout] : {std::pair("500ms", 500), std::pair("1s", 1000), std::pair("5s", 1000)}) {
    const std::string health = "[pool.health]\ninterval = \"" + std::string(interval) + "\"\n[[pool.backend]]";
    const Loaded loaded = load_text(replaced(smallest, "[[pool.backend]]", health), "f");
    ASSERT_TRUE(loaded.config) << all_of(loaded.errors);
    EXPECT_EQ(loaded.config->pools[0].health.timeout.count(), timeout);
  }
}

TEST(Load, ports_without_a_kernel_name_what_is_around_them) {
  const Loaded loaded =
      load_text(replaced(smallest, "device = \"af_packet:eth0\"", R"(device = "memif:/run/m.sock?role=server&ring=8192"
addresses = ["10.77.0.1/24", "fd77::1/64"]
gateway   = "10.77.0.254"
gateway6  = "fd77::fe"
neighbors = [{ address = "10.77.0.2", mac = "02:00:00:00:00:02" }]
twin      = "sip0"
mtu       = 9000)"),
                "f");
  ASSERT_TRUE(loaded.config) << all_of(loaded.errors);
  const Port& port = loaded.config->ports[0];
  EXPECT_EQ(port.device.kind, DeviceKind::memif);
  EXPECT_EQ(port.device.target, "/run/m.sock");
  EXPECT_TRUE(port.device.memif_server);
  EXPECT_EQ(port.device.memif_ring, 8192u);
  ASSERT_EQ(port.addresses.size(), 2u);
  EXPECT_EQ(net::to_string(port.addresses[1]), "fd77::1/64");
  EXPECT_EQ(net::to_string(*port.gateway), "10.77.0.254");
  EXPECT_EQ(net::to_string(*port.gateway6), "fd77::fe");
  ASSERT_EQ(port.neighbors.size(), 1u);
  EXPECT_EQ(net::to_string(port.neighbors[0].mac), "02:00:00:00:00:02");
  EXPECT_EQ(port.twin, "sip0");
  EXPECT_EQ(port.mtu, 9000);
}

// Its kernel may have networks that are not written here, or of the other family only.
TEST(Load, a_gateway_need_not_be_in_a_network_that_is_written_here) {
  for (const char* port : {"device = \"af_packet:eth0\"\naddresses = [\"10.77.0.1/24\"]\ngateway = \"10.9.0.254\"",
                           "device = \"memif:/run/a\"\naddresses = [\"10.77.0.1/24\"]\ngateway6 = \"fd77::fe\"",
                           "device = \"memif:/run/a\"\naddresses = [\"fd77::1/64\"]\ngateway6 = \"fe80::fe\""}) {
    const Loaded loaded = load_text(replaced(smallest, "device = \"af_packet:eth0\"", port), "f");
    EXPECT_TRUE(loaded.config) << all_of(loaded.errors);
  }
}

TEST(Load, a_port_with_a_twin_may_leave_its_addresses_to_the_kernel) {
  const Loaded loaded = load_text(
      replaced(smallest, "device = \"af_packet:eth0\"", "device = \"memif:/run/m.sock?role=server\"\ntwin = \"sip0\""),
      "f");
  ASSERT_TRUE(loaded.config) << all_of(loaded.errors);
  EXPECT_EQ(all_of(loaded.warnings).find("nothing can be sent"), std::string::npos) << all_of(loaded.warnings);
}

struct DeviceCase {
  std::string_view text;
  DeviceKind kind;
  std::string_view target;
  std::string_view output;
};

TEST(Load, every_kind_of_device) {
  const DeviceCase cases[] = {
      {"af_packet:veth-a.100", DeviceKind::af_packet, "veth-a.100", ""},
      {"af_xdp:ens1f0np0", DeviceKind::af_xdp, "ens1f0np0", ""},
      {"memif:/run/m.sock", DeviceKind::memif, "/run/m.sock", ""},
      {"memif:/run/m.sock?role=client", DeviceKind::memif, "/run/m.sock", ""},
      {"tap:vd0", DeviceKind::tap, "vd0", ""},
      {"pcap:in.pcap,/tmp/out.pcap", DeviceKind::pcap, "in.pcap", "/tmp/out.pcap"},
      {"pci:3B:00.1", DeviceKind::pci, "0000:3b:00.1", ""},
      {"memif:/run//viaduct/./m.sock?ring=64&role=client", DeviceKind::memif, "/run/viaduct/m.sock", ""},
  };
  for (const DeviceCase& row : cases) {
    SCOPED_TRACE(row.text);
    const Loaded loaded = load_text(replaced(smallest, "af_packet:eth0", row.text), "f");
    ASSERT_TRUE(loaded.config) << all_of(loaded.errors);
    const Device& device = loaded.config->ports[0].device;
    EXPECT_EQ(device.kind, row.kind);
    EXPECT_EQ(device.text, row.text);
    EXPECT_EQ(device.target, row.target);
    EXPECT_EQ(device.output, row.output);
    EXPECT_FALSE(device.memif_server);
  }
}

TEST(Load, durations_with_every_unit) {
  for (const auto& [text, expected] :
       {std::pair<std::string_view, int>{"500ms", 500}, {"3s", 3000}, {"2m", 120'000}, {"1h", 3'600'000}}) {
    SCOPED_TRACE(text);
    const Loaded loaded = load_text(
        replaced(smallest, "[[pool.backend]]",
                 "[pool.health]\ntimeout = \"100ms\"\ninterval = \"" + std::string(text) + "\"\n[[pool.backend]]"),
        "f");
    ASSERT_TRUE(loaded.config) << all_of(loaded.errors);
    EXPECT_EQ(loaded.config->pools[0].health.interval.count(), expected);
  }
}

TEST(Load, names_of_hosts_become_what_is_compared) {
  const Loaded loaded = load_text(
      replaced(smallest, "address = \"192.0.2.10\"",
               "address = \"192.0.2.10\"\naliases = [\"SIP.Example.COM.\", \"[2001:DB8:0::1]\", \"192.0.2.99\"]\n"
               "domains = \"example.com\""),
      "f");
  ASSERT_TRUE(loaded.config) << all_of(loaded.errors);
  EXPECT_EQ(loaded.config->listeners[0].aliases,
            (std::vector<std::string>{"sip.example.com", "2001:db8::1", "192.0.2.99"}));
  EXPECT_EQ(loaded.config->listeners[0].domains, (std::vector<std::string>{"example.com"}));
}

TEST(Load, choices_of_the_proxy) {
  const Loaded loaded = load_text(R"([sip]
message_bytes_max = 8192
request_uri_bytes_max = 2048
max_breadth = 0
answer_incomplete = false
rewrite_503 = true
retry_after = "30s"
server = "edge 1"
extensions = ["privacy", "sec-agree"]
)" + replaced(smallest, "pool = \"proxies\"", "pool = \"proxies\"\npath = \"auto\"\nrequire_path = true"),
                                  "f");
  ASSERT_TRUE(loaded.config) << all_of(loaded.errors);
  const Sip& sip = loaded.config->sip;
  EXPECT_EQ(sip.message_bytes_max, 8192u);
  EXPECT_EQ(sip.request_uri_bytes_max, 2048u);
  EXPECT_EQ(sip.max_breadth, 0u);
  EXPECT_FALSE(sip.answer_incomplete);
  EXPECT_TRUE(sip.rewrite_503);
  EXPECT_EQ(sip.retry_after_s, 30);
  EXPECT_EQ(sip.server, "edge 1");
  EXPECT_EQ(sip.extensions, (std::vector<std::string>{"privacy", "sec-agree"}));
  EXPECT_EQ(loaded.config->listeners[0].path, PathMode::auto_);
  EXPECT_TRUE(loaded.config->listeners[0].require_path);
}

TEST(Load, what_is_too_much) {
  const std::string more = R"([overload]
answers = "50/m"
answers_burst = 20
answers_entries = 4096
shed = 5
shed_max = 60
flood_after = "20ms"
flood_calm = "3s"
)";
  const std::string stripping =
      replaced(smallest, "pool = \"proxies\"", "pool = \"proxies\"\nstrip_headers = [\"P-Asserted-Identity\"]");
  const Loaded loaded =
      load_text(more + replaced(stripping, "[[pool.backend]]", "feedback = \"loss\"\n[[pool.backend]]"), "f");
  ASSERT_TRUE(loaded.config) << all_of(loaded.errors);
  const Overload expected{.answers = 50,
                          .answers_interval = std::chrono::minutes(1),
                          .answers_burst = 20,
                          .answers_entries = 4096,
                          .shed = 5,
                          .shed_max = 60,
                          .flood_after = std::chrono::milliseconds(20),
                          .flood_calm = std::chrono::seconds(3)};
  EXPECT_EQ(loaded.config->overload, expected);
  EXPECT_EQ(loaded.config->listeners[0].strip_headers, std::vector<std::string>{"p-asserted-identity"});
  EXPECT_TRUE(loaded.config->pools[0].feedback);
  const Loaded off = load_text("[overload]\nanswers = \"off\"\n" + std::string(smallest), "f");
  ASSERT_TRUE(off.config) << all_of(off.errors);
  EXPECT_EQ(off.config->overload.answers, 0u);
  EXPECT_FALSE(off.config->pools[0].feedback);
}

TEST(Load, states_and_weights_of_backends) {
  const Loaded loaded =
      load_text(std::string(smallest) +
                    "state = \"drain\"\nrouter = \"loose\"\nweight = 1000\n"
                    "[[pool.backend]]\nname = \"p2\"\naddress = \"10.0.1.2\"\nstate = \"down\"\nweight = 0\n",
                "f");
  ASSERT_TRUE(loaded.config) << all_of(loaded.errors);
  const Pool& pool = loaded.config->pools[0];
  EXPECT_EQ(pool.backends[0].state, BackendState::drain);
  EXPECT_EQ(pool.backends[0].weight, 1000u);
  EXPECT_EQ(pool.backends[1].state, BackendState::down);
  EXPECT_EQ(pool.backends[1].weight, 0u);
}

TEST(Load, health_belongs_to_the_last_pool) {
  const Loaded loaded = load_text(std::string(smallest) + R"([[pool]]
name = "second"
[pool.health]
fall = 9
[[pool.backend]]
name = "p1"
address = "10.0.2.1"
)",
                                  "f");
  ASSERT_TRUE(loaded.config) << all_of(loaded.errors);
  EXPECT_FALSE(loaded.config->pools[0].health.enabled);
  EXPECT_TRUE(loaded.config->pools[1].health.enabled);
  EXPECT_EQ(loaded.config->pools[1].health.fall, 9u);
}

TEST(Load, inside_listener_needs_no_pool) {
  const Loaded loaded = load_text(
      std::string(smallest) + "[[listener]]\nname = \"inside\"\naddress = \"10.0.0.1\"\nside = \"inside\"\n", "f");
  ASSERT_TRUE(loaded.config) << all_of(loaded.errors);
  EXPECT_EQ(loaded.config->listeners[1].side, Side::inside);
  EXPECT_TRUE(loaded.config->listeners[1].pool.empty());
}

TEST(Load, a_file_from_the_disk) {
  const test::Folder folder;
  const std::string path = folder / "viaduct.toml";
  std::ofstream(path) << example;
  const Loaded loaded = load(path);
  EXPECT_TRUE(loaded.config) << all_of(loaded.errors);
}

TEST(Load, the_example_that_is_shipped) {
  const Loaded loaded = load(VIADUCT_SOURCE_ROOT "/config/viaduct.example.toml");
  EXPECT_TRUE(loaded.config) << all_of(loaded.errors);
  EXPECT_TRUE(loaded.warnings.empty()) << all_of(loaded.warnings);
}

// Every default in it, written out, is right and is the default.
TEST(Load, the_defaults_in_the_example_that_is_shipped) {
  std::ifstream file(VIADUCT_SOURCE_ROOT "/config/viaduct.example.toml");
  std::string text;
  for (std::string line; std::getline(file, line);) {
    const bool is_default = line.starts_with("# ") && line.find(" = ") != std::string::npos &&
                            line.find("= ...") == std::string::npos && !line.starts_with("# [");
    text += (is_default ? line.substr(2) : line) + '\n';
    if (line.starts_with("# [[")) {  // a table that is commented out as a whole
      while (std::getline(file, line) && line.starts_with("# ")) text += '\n';
    }
  }
  const Loaded written = load_text(text, "written.toml");
  ASSERT_TRUE(written.config) << all_of(written.errors) << text;
  const Loaded plain = load(VIADUCT_SOURCE_ROOT "/config/viaduct.example.toml");
  ASSERT_TRUE(plain.config);
  EXPECT_NE(text.find("\nmax_breadth "), std::string::npos) << "the test uncomments nothing";
  EXPECT_EQ(written.config->sip.message_bytes_max, plain.config->sip.message_bytes_max);
  EXPECT_EQ(written.config->sip.request_uri_bytes_max, plain.config->sip.request_uri_bytes_max);
  EXPECT_EQ(written.config->sip.max_breadth, plain.config->sip.max_breadth);
  EXPECT_EQ(written.config->sip.answer_incomplete, plain.config->sip.answer_incomplete);
  EXPECT_EQ(written.config->sip.rewrite_503, plain.config->sip.rewrite_503);
  EXPECT_EQ(written.config->sip.retry_after_s, plain.config->sip.retry_after_s);
  EXPECT_EQ(written.config->overload, plain.config->overload);
  EXPECT_EQ(written.config->control.socket, plain.config->control.socket);
  EXPECT_EQ(written.config->control.mode, plain.config->control.mode);
  EXPECT_EQ(written.config->ports[0].mtu, plain.config->ports[0].mtu);
  EXPECT_EQ(written.config->listeners[0].force_rport, plain.config->listeners[0].force_rport);
  EXPECT_EQ(written.config->listeners[0].path, plain.config->listeners[0].path);
  EXPECT_EQ(written.config->pools[0].backends[0].weight, plain.config->pools[0].backends[0].weight);
  EXPECT_EQ(written.config->pools[0].backends[0].state, plain.config->pools[0].backends[0].state);
}

TEST(Load, a_file_that_cannot_be_read_is_named) {
  for (const char* path : {"/nonexistent/viaduct.toml", "/tmp"}) {
    const Loaded loaded = load(path);
    EXPECT_FALSE(loaded.config);
    ASSERT_EQ(loaded.errors.size(), 1u);
    EXPECT_EQ(to_string(loaded.errors[0]).rfind(std::string(path) + ": cannot be read (", 0), 0u)
        << to_string(loaded.errors[0]);
  }
}

}  // namespace
}  // namespace viaduct::config
