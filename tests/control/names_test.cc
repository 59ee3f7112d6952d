// A cluster whose backends come from names and lists.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "control/cluster.h"
#include "support/folder.h"

namespace viaduct::control {
namespace {

using namespace std::chrono_literals;

class ClusterNames : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const { std::ofstream(folder_ / name) << text; }
  std::string read(const std::string& name) const {
    std::ostringstream out;
    out << std::ifstream(folder_ / name).rdbuf();
    return out.str();
  }
  void write_config(const std::string& pool) const {
    write("v.toml", "[control]\nstate_file = \"" + (folder_ / "state.json") +
                        "\"\n[[port]]\nname = \"edge\"\ndevice = \"memif:/run/edge.sock\"\n[[listener]]\n"
                        "name = \"public\"\naddress = \"192.0.2.10:5060\"\npool = \"p\"\n[[pool]]\nname = \"p\"\n" +
                        pool);
  }
  std::unique_ptr<Cluster> cluster(const Answers& answers = {}) const {
    config::Loaded loaded = config::load(folder_ / "v.toml");
    for (const auto& error : loaded.errors) ADD_FAILURE() << config::to_string(error);
    auto cluster = std::make_unique<Cluster>(std::move(*loaded.config), config::Secrets{}, [] { return at; });
    cluster->take_answers(answers, at);
    cluster->restore();
    return cluster;
  }
  static Answers answer(std::vector<std::string> addresses) {
    Target target{.host = {}, .port = 5060, .priority = 0, .weight = 0, .addresses = {}};
    for (const std::string& text : addresses) target.addresses.push_back(*net::parse_ip(text));
    return {{{"core.example.net", 0}, {target}}};
  }
  static std::string rows(const Cluster& cluster) {
    std::string text;
    for (const proxy::Backend& backend : cluster.view()->backends) {
      text += backend.name + (backend.departing ? " departing" : backend.takes_new() ? "" : " idle") + '\n';
    }
    return text;
  }
  static std::string events(const Cluster& cluster) {
    std::string text;
    for (const Event& event : cluster.events().kept())
      text += std::string(text_of(event.kind)) + ' ' + event.subject + ": " + event.what + '\n';
    return text;
  }

  static constexpr core::Instant at{};
  static constexpr const char* core = "[[pool.backend]]\nname = \"core\"\naddress = \"core.example.net\"\n";
  const test::Folder folder_;
};

TEST_F(ClusterNames, another_answer_changes_the_set_like_a_reload) {  // LBG-08
  write_config(core);
  const auto cluster = this->cluster();
  EXPECT_EQ(rows(*cluster), "") << "nobody has answered";
  EXPECT_TRUE(cluster->take_answers(answer({"10.0.1.1", "10.0.1.2"}), at));
  EXPECT_EQ(rows(*cluster), "core/10.0.1.1\ncore/10.0.1.2\n");
  EXPECT_FALSE(cluster->take_answers(answer({"10.0.1.1", "10.0.1.2"}), at)) << "the same again";
  EXPECT_TRUE(cluster->take_answers(answer({"10.0.1.2", "10.0.1.3"}), at));
  EXPECT_EQ(rows(*cluster), "core/10.0.1.2\ncore/10.0.1.3\ncore/10.0.1.1 departing\n");
  EXPECT_FALSE(cluster->view()->pools[0].previous.empty()) << "what is under way finds the tables from before";
  const std::string told = events(*cluster);
  EXPECT_NE(told.find("names backend p/core/10.0.1.3: added: address 10.0.1.3:5060"), std::string::npos) << told;
  EXPECT_NE(told.find("names backend p/core/10.0.1.1: removed"), std::string::npos) << told;
}

TEST_F(ClusterNames, a_large_answer_of_a_stranger_is_cut_and_told_once) {
  write_config(core);
  const auto cluster = this->cluster();
  const auto large = [&](size_t count, const std::string& network) {
    std::vector<std::string> addresses;
    for (size_t i = 1; i <= count; ++i) {
      addresses.push_back(network + std::to_string(i / 256) + '.' + std::to_string(i % 256));
    }
    return answer(addresses);
  };
  const auto told = [&] {
    const std::string all = events(*cluster);
    size_t count = 0;
    for (size_t at = 0; (at = all.find("left out", at)) != std::string::npos; ++at) ++count;
    return count;
  };
  cluster->take_answers(large(20'000, "127.1."), at);
  EXPECT_EQ(told(), 65u) << "of each that was looked at, and of the rest";
  cluster->take_answers(large(20'001, "127.1."), at);
  EXPECT_EQ(told(), 65u) << "told already";
  cluster->take_answers(large(800, "10.1."), at);
  EXPECT_EQ(told(), 65u) << "the rest are told already";
  EXPECT_EQ(cluster->config().pools[0].backends.size(), 64u);
}

TEST_F(ClusterNames, the_operators_word_outlives_answers_and_restarts) {
  write_config(core);
  {
    const auto cluster = this->cluster(answer({"10.0.1.1", "10.0.1.2"}));
    ASSERT_TRUE(cluster->set_state("p/core/10.0.1.2", proxy::OperatorState::drain));
    cluster->take_answers(answer({"10.0.1.1"}), at);
    cluster->take_answers(answer({"10.0.1.1", "10.0.1.2", "10.0.1.3"}), at);
    EXPECT_EQ(rows(*cluster), "core/10.0.1.1\ncore/10.0.1.2 idle\ncore/10.0.1.3\n");
    const auto saved = cluster->save();
    ASSERT_FALSE(saved);
    EXPECT_EQ(saved.error(),
              "nothing was written; not written: p/core/10.0.1.2: state drain (it comes from the name "
              "core.example.net)");
  }
  EXPECT_EQ(rows(*cluster(answer({"10.0.1.1", "10.0.1.2"}))), "core/10.0.1.1\ncore/10.0.1.2 idle\n");
  const auto late = cluster();
  late->take_answers(answer({"10.0.1.1", "10.0.1.2"}), at);
  EXPECT_EQ(rows(*late), "core/10.0.1.1\ncore/10.0.1.2 idle\n") << "answered after the start";
}

TEST_F(ClusterNames, a_reload_keeps_answers_and_waits_for_new_ones_with_what_there_is) {
  write_config(core);
  const auto cluster = this->cluster(answer({"10.0.1.1"}));
  auto reload = cluster->reload(false, at);
  ASSERT_TRUE(reload) << reload.error();
  EXPECT_TRUE(reload->changes.empty()) << reload->changes[0].section;
  write_config("[[pool.backend]]\nname = \"other\"\naddress = \"_sip._udp.example.net\"\n");
  reload = cluster->reload(false, at);
  ASSERT_TRUE(reload) << reload.error();
  EXPECT_EQ(rows(*cluster), "core/10.0.1.1\n") << "until the new name is answered";
  ASSERT_FALSE(reload->warnings.empty());
  EXPECT_EQ(reload->warnings.back(),
            "_sip._udp.example.net has not been answered by a name server yet; its backends "
            "come when it is");
  EXPECT_EQ(names_in(cluster->written()), (std::set<BackendName>{{"_sip._udp.example.net", 0}}));
  Target target{
      .host = "sip1.example.net", .port = 5060, .priority = 1, .weight = 1, .addresses = {*net::parse_ip("10.0.1.7")}};
  EXPECT_TRUE(cluster->take_answers({{{"_sip._udp.example.net", 0}, {target}}}, at));
  EXPECT_EQ(rows(*cluster), "other/sip1.example.net\ncore/10.0.1.1 departing\n");
}

TEST_F(ClusterNames, a_dispatcher_list_is_read_anew_by_a_reload_and_never_written) {
  write("dispatcher.list", "1 sip:10.0.1.1:5060 0 0 duid=a\n1 sip:10.0.1.2:5060 0 0 duid=b\n");
  write_config("dispatcher = \"dispatcher.list\"\n");
  const auto cluster = this->cluster();
  EXPECT_EQ(rows(*cluster), "a\nb\n");
  const std::string list = "1 sip:10.0.1.1:5060 4 0 duid=a\n1 sip:10.0.1.3:5060 0 0 duid=c;weight=50\n";
  write("dispatcher.list", list);
  ASSERT_TRUE(cluster->reload(false, at));
  EXPECT_EQ(rows(*cluster), "a idle\nc\nb departing\n");
  ASSERT_TRUE(cluster->set_state("p/c", proxy::OperatorState::drain));
  EXPECT_FALSE(cluster->save());
  EXPECT_EQ(read("dispatcher.list"), list);
  write("dispatcher.list", "1 udp:10.0.1.1\n");
  const auto refused = cluster->reload(false, at);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("dispatcher.list:1:3: \"udp:10.0.1.1\" is no SIP URI"), std::string::npos)
      << refused.error();
  EXPECT_EQ(rows(*cluster), "a idle\nc idle\nb departing\n");
}

TEST_F(ClusterNames, words_are_saved_in_the_file_that_has_the_backend) {
  write("more.toml", "[[pool]]\nname = \"q\"\n[[pool.backend]]\nname = \"q1\"   # kept\naddress = \"10.0.3.1\"\n");
  write_config("[[pool.backend]]\nname = \"p1\"\naddress = \"10.0.1.1\"\n");
  const std::string main = read("v.toml");
  write("v.toml", "include = [\"more.toml\"]\n" + main);
  const auto cluster = this->cluster();
  ASSERT_TRUE(cluster->set_weight("q/q1", 40));
  const auto saved = cluster->save();
  ASSERT_TRUE(saved) << saved.error();
  EXPECT_EQ(read("v.toml"), "include = [\"more.toml\"]\n" + main);
  EXPECT_NE(read("more.toml").find("name = \"q1\"   # kept\nweight = 40\n"), std::string::npos) << read("more.toml");
}

TEST_F(ClusterNames, who_saves_half_is_told_which_half) {
  const std::string last = "z" + std::string(245, 'z') + ".toml";  // a name beside it would be too long
  write("a.toml", "[[pool]]\nname = \"q\"\n[[pool.backend]]\nname = \"q1\"\naddress = \"10.0.3.1\"\n");
  write(last, "[[pool]]\nname = \"r\"\n[[pool.backend]]\nname = \"r1\"\naddress = \"10.0.4.1\"\n");
  write_config("[[pool.backend]]\nname = \"p1\"\naddress = \"10.0.1.1\"\n");
  write("v.toml", "include = [\"a.toml\", \"" + last + "\"]\n" + read("v.toml"));
  const auto cluster = this->cluster();
  ASSERT_TRUE(cluster->set_weight("r/r1", 40));
  auto saved = cluster->save();
  ASSERT_FALSE(saved);
  EXPECT_TRUE(saved.error().ends_with("File name too long; nothing was written")) << saved.error();
  ASSERT_TRUE(cluster->set_weight("q/q1", 40));
  saved = cluster->save();
  ASSERT_FALSE(saved);
  EXPECT_TRUE(saved.error().ends_with("; " + (folder_ / "a.toml") + " was written before")) << saved.error();
  EXPECT_NE(read("a.toml").find("weight = 40"), std::string::npos);
}

}  // namespace
}  // namespace viaduct::control
