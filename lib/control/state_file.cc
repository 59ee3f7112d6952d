#include "control/state_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>

#include "control/counterparts.h"
#include "control/whole_file.h"
#include "fmt/format.h"
#include "nlohmann/json.hpp"

namespace viaduct::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr int format_version = 1;

Json to_json(const Running& running) {
  Json backends = Json::object();
  for (const auto& [key, backend] : running) {
    if (!backend.state && !backend.weight && backend.healthy) continue;
    Json& entry = backends[key] = Json::object();
    if (backend.state) entry["state"] = text_of(counterpart(*backend.state));
    if (backend.weight) entry["weight"] = *backend.weight;
    if (!backend.healthy) entry["healthy"] = false;
  }
  return backends;
}

// Members of another type than expected are as good as absent.
RunningBackend from_json(const Json& entry, bool health_counts) {
  RunningBackend backend;
  if (!entry.is_object()) return backend;
  if (const auto state = entry.find("state"); state != entry.end() && state->is_string()) {
    const auto named = config::choice_named<config::BackendState>(state->get_ref<const std::string&>());
    if (named) backend.state = counterpart(*named);
  }
  if (const auto weight = entry.find("weight"); weight != entry.end() && weight->is_number_unsigned()) {
    if (const auto value = weight->get<uint64_t>(); value <= config::weight_max)
      backend.weight = static_cast<uint32_t>(value);
  }
  const auto healthy = entry.find("healthy");
  if (health_counts && healthy != entry.end() && healthy->is_boolean()) backend.healthy = healthy->get<bool>();
  return backend;
}

}  // namespace

core::Result<Running> StateFile::read(const config::Config& config, int64_t now_seconds) const {
  if (path_.empty()) return Running{};
  std::ifstream stream(path_, std::ios::binary);
  if (!stream) {
    if (errno == ENOENT) return Running{};
    return core::Error{fmt::format("state file '{}' cannot be read: {}", path_, std::strerror(errno))};
  }
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const Json document = Json::parse(text, nullptr, false);
  const bool usable = document.is_object() && document.contains("version") && document["version"] == format_version &&
                      document.contains("backends") && document["backends"].is_object();
  if (!usable) return core::Error{fmt::format("state file '{}' is none of this program's; it is not used", path_)};
  const Json saved = document.value("saved", Json());
  const int64_t when = saved.is_number_integer() ? saved.get<int64_t>() : INT64_MIN;
  const bool fresh = when <= now_seconds && when >= now_seconds - health_seconds_max;
  Running running;
  for (const config::Pool& pool : config.pools) {
    for (const config::Backend& backend : pool.backends) {
      const std::string own = backend_key(pool.name, backend.name);
      for (const auto& [key, entry] : document["backends"].items()) {
        // Whom a name stands for is known when it is answered.
        if (key != own && (backend.host.empty() || !key.starts_with(own + '/'))) continue;
        const RunningBackend read = from_json(entry, fresh && pool.health.enabled);
        if (!read.plain()) running[key] = read;
      }
    }
  }
  return running;
}

core::Status StateFile::write(const Running& running, int64_t now_seconds) {
  if (path_.empty()) return core::Done{};
  const Json backends = to_json(running);
  std::string text = backends.dump();
  const bool ages =
      std::any_of(running.begin(), running.end(), [](const auto& entry) { return !entry.second.healthy; });
  if (text == written_ && !ages) return core::Done{};
  const Json document = {{"version", format_version}, {"saved", now_seconds}, {"backends", backends}};
  if (const core::Status done = replace_file(path_, document.dump(2) + '\n'); !done) {
    return core::Error{fmt::format("state file {}", done.error())};
  }
  written_ = std::move(text);
  return core::Done{};
}

}  // namespace viaduct::control
