// Any text as configuration: TOML, what it includes, lists of prefixes, Kamailio's dispatcher lists.
//
//   there is a configuration or there are errors, never both and never neither
//   every complaint is one line of printable text, and its place is within the file that it names
//   what compiling finds wrong (patterns) has a place, too
//   a value edited in the text is that value when it is read again
//
// The files of an input are parted by lines `%%%%` and have the names below, in this order.
#include <algorithm>
#include <map>
#include <string>

#include "config/config.h"
#include "config/edit.h"
#include "control/policies.h"
#include "fuzz/require.h"

namespace viaduct::test {
namespace {

// Where nothing is, so that no other file is found beside them.
const std::string home = "/nonexistent/";
const char* const names[] = {"viaduct.toml", "rules.toml", "dispatcher.list", "list.txt", "more.toml"};

using Texts = std::map<std::string, std::string>;

Texts texts_of(std::string_view input) {
  constexpr std::string_view parting = "\n%%%%\n";
  Texts texts;
  for (const char* name : names) {
    const size_t end = input.find(parting);
    texts[home + name] = input.substr(0, end);
    input = end == std::string_view::npos ? std::string_view() : input.substr(end + parting.size());
  }
  return texts;
}

// Of line `number`, from 1; a file that ends in a line end has an empty line behind it.
std::string_view line_of(std::string_view text, uint32_t number) {
  for (; number > 1; --number) {
    const size_t end = text.find('\n');
    REQUIRE(end != std::string_view::npos);
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

void check(const config::Diagnostic& problem, const Texts& texts) {
  const std::string told = config::to_string(problem);
  const auto raw = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; };
  if (std::any_of(told.begin(), told.end(), raw)) std::cerr << told << '\n';
  REQUIRE(!problem.sentence.empty());
  REQUIRE(std::none_of(told.begin(), told.end(), raw));
  if (problem.line == 0) return;
  const auto text = texts.find(problem.file);
  REQUIRE(text != texts.end());
  const std::string_view line = line_of(text->second, problem.line);
  if (problem.column == 0 || problem.column > line.size() + 1) std::cerr << told << '\n';
  REQUIRE(problem.column > 0 && problem.column <= line.size() + 1);
}

void check_edit(const config::Config& config, const Texts& texts) {
  for (const config::Pool& pool : config.pools) {
    for (const config::Backend& backend : pool.backends) {
      if (!backend.origin.empty() || backend.place.line == 0) continue;
      const std::string& file = config.files.at(backend.place.file);
      const config::BackendEdit edit{pool.name, backend.name, config::BackendState::drain, 7};
      const core::Result<std::string> edited = config::edit_backend(texts.at(file), file, edit);
      if (!edited) return;
      Texts anew = texts;
      anew[file] = *edited;
      const config::Loaded again = config::load_edited(home + names[0], anew);
      if (!again.config) std::cerr << *edited << '\n';
      REQUIRE(again.config);
      for (size_t p = 0; p < config.pools.size(); ++p) {
        const config::Pool& other = again.config->pools.at(p);
        REQUIRE(other.name == config.pools[p].name && other.backends.size() == config.pools[p].backends.size());
        for (size_t b = 0; b < other.backends.size(); ++b) {
          const config::Backend &is = other.backends[b], &was = config.pools[p].backends[b];
          const bool meant = other.name == pool.name && was.name == backend.name;
          REQUIRE(is.weight == (meant ? 7 : was.weight));
          REQUIRE(is.state == (meant ? config::BackendState::drain : was.state));
        }
      }
      return;  // one will do
    }
  }
}

void check(const Texts& texts) {
  const config::Loaded loaded = config::load_edited(home + names[0], texts);
  REQUIRE(loaded.config.has_value() == loaded.errors.empty());
  for (const config::Diagnostic& problem : loaded.errors) check(problem, texts);
  for (const config::Diagnostic& problem : loaded.warnings) check(problem, texts);
  if (!loaded.config) return;
  check_edit(*loaded.config, texts);
  if (loaded.config->rules.rules.empty()) return;
  for (const config::Diagnostic& problem : control::policy_problems(loaded)) check(problem, texts);
}

}  // namespace
}  // namespace viaduct::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace viaduct::test;
  check(texts_of({reinterpret_cast<const char*>(data), size}));
  return 0;
}
