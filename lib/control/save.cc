// The operator's words, written into the configuration file.
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>

#include "config/edit.h"
#include "control/cluster.h"
#include "control/compile.h"
#include "control/counterparts.h"
#include "control/whole_file.h"
#include "fmt/format.h"

namespace viaduct::control {
namespace {

core::Status read_text(const std::string& path, std::string& text) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return core::Error{fmt::format("'{}' cannot be read: {}", path, std::strerror(errno))};
  text.assign(std::istreambuf_iterator<char>(stream), {});
  return core::Done{};
}

const config::Backend* find(const config::Config& config, const config::BackendEdit& edit) {
  for (const config::Pool& pool : config.pools) {
    for (const config::Backend& backend : pool.backends) {
      if (pool.name == edit.pool && backend.name == edit.backend) return &backend;
    }
  }
  return nullptr;
}

// By path.
using Texts = std::map<std::string, std::string>;

// The files with the edits made, each in the one that has its backend.
core::Result<Texts> edited(const config::Config& config, const std::vector<config::BackendEdit>& edits) {
  Texts texts;
  for (const config::BackendEdit& edit : edits) {
    const config::Backend* backend = find(config, edit);
    const uint16_t number = backend == nullptr ? uint16_t{0} : backend->place.file;
    const std::string& file = config.files.at(number);
    const auto [at, fresh] = texts.try_emplace(file);
    if (fresh) {
      if (const core::Status done = read_text(file, at->second); !done) return core::Error{done.error()};
    }
    auto text = config::edit_backend(at->second, file, edit);
    if (!text) return core::Error{"nothing was written: " + text.error()};
    at->second = std::move(*text);
  }
  return texts;
}

// The texts are ones that this program takes and that say what was wanted.
core::Status verify(const std::string& file, const Texts& texts, const std::vector<config::BackendEdit>& edits) {
  const config::Loaded loaded = config::load_edited(file, texts);
  if (!loaded.config) return core::Error{"nothing was written: " + config::to_string(loaded.errors.front())};
  for (const config::BackendEdit& edit : edits) {
    const config::Backend* backend = find(*loaded.config, edit);
    const bool right = backend != nullptr && (!edit.state || backend->state == *edit.state) &&
                       (!edit.weight || backend->weight == *edit.weight);
    if (!right) {
      return core::Error{fmt::format("nothing was written: {} cannot be edited safely at backend {}/{}", file,
                                     edit.pool, edit.backend)};
    }
  }
  return core::Done{};
}

void apply(const config::BackendEdit& edit, config::Config& config) {
  for (config::Pool& pool : config.pools) {
    for (config::Backend& backend : pool.backends) {
      if (pool.name != edit.pool || backend.name != edit.backend) continue;
      backend.state = edit.state.value_or(backend.state);
      backend.weight = edit.weight.value_or(backend.weight);
    }
  }
}

}  // namespace

core::Result<std::string> Cluster::save() {
  std::vector<config::BackendEdit> edits;
  std::string what, unwritten;
  for (const auto& [key, running] : running_) {
    const std::string words = words_of(running);
    if (words.empty()) continue;
    const auto backend = configured(key);
    if (!backend || !(*backend)->origin.empty()) {
      const std::string_view origin = backend ? std::string_view((*backend)->origin) : "nowhere now";
      unwritten += fmt::format("; not written: {}: {} (it comes from {})", key, words, origin);
      continue;
    }
    config::BackendEdit edit;
    edit.pool = key.substr(0, key.find('/'));
    edit.backend = key.substr(key.find('/') + 1);
    if (running.state) edit.state = counterpart(*running.state);
    edit.weight = running.weight;
    edits.push_back(std::move(edit));
    what += fmt::format("{}{}: {}", what.empty() ? "" : "; ", key, words);
  }
  if (edits.empty() && !unwritten.empty()) return core::Error{"nothing was written" + unwritten};
  if (edits.empty()) return fmt::format("{} says already what is in force; nothing was written", config_.file);
  const auto texts = edited(config_, edits);
  if (!texts) return core::Error{texts.error()};
  if (const core::Status fine = verify(config_.file, *texts, edits); !fine) return core::Error{fine.error()};
  std::string files;
  for (const auto& [file, text] : *texts) {
    if (const core::Status done = replace_file(file, text); !done) {
      const std::string before = files.empty() ? "nothing was written" : files + " was written before";
      return core::Error{fmt::format("{}; {}", done.error(), before)};
    }
    files += (files.empty() ? "" : ", ") + file;
  }
  // The file is what is configured now: what was a word of the operator is a line of it.
  for (const config::BackendEdit& edit : edits) {
    for (config::Config* config : {&written_, &config_}) apply(edit, *config);
    RunningBackend& running = running_[backend_key(edit.pool, edit.backend)];
    running.state.reset();
    running.weight.reset();
  }
  compiled_ = compile_proxy(config_, secrets_, laid_.get());
  lay();
  remember();
  events_.add(EventKind::operator_, files, "saved: " + what, {fmt::format("saved to {}: {}", files, what)});
  return fmt::format("written to {}: {}{}", files, what, unwritten);
}

}  // namespace viaduct::control
