#include "control/config_report.h"

#include <map>
#include <string>

#include "control/counterparts.h"
#include "control/diff.h"
#include "fmt/format.h"
#include "nlohmann/json.hpp"

namespace viaduct::control {
namespace {

// What operators have said since: by section and name.
std::map<std::pair<std::string, std::string>, std::string> said(const Status& status) {
  std::map<std::pair<std::string, std::string>, std::string> words;
  if (status.view == nullptr) return words;
  const proxy::View& view = *status.view->proxy;
  for (const proxy::Backend& backend : view.backends) {
    if (backend.departing) continue;
    const std::string section = "backend " + backend_key(view.pools[backend.pool].name, backend.name);
    words[{section, "state"}] = text_of(counterpart(backend.state));
    words[{section, "weight"}] = std::to_string(backend.weight);
  }
  return words;
}

Report config_report(const Status& status, Arguments) {
  Report rows = Report::array();
  if (status.config == nullptr) return {{"config", std::move(rows)}};
  const auto words = said(status);
  for (const Setting& setting : settings(*status.config)) {
    const auto word = words.find({setting.section, setting.name});
    const std::string& value = word == words.end() ? setting.value : word->second;
    rows.push_back({{"section", setting.section},
                    {"setting", setting.name},
                    {"value", value},
                    {"source", value == setting.value ? "file" : "operator"}});
  }
  return {{"config", std::move(rows)}};
}

constexpr Column config_columns[]{
    {"section", Kind::text, "the part of the file: \"[sip]\", \"pool proxies\", \"backend proxies/p1\"", true},
    {"setting", Kind::text, "its name", true},
    {"value", Kind::text, "what is in force; empty: nothing"},
    {"source", Kind::text, "file (or its default), or operator: said since by 'backend'"},
};
constexpr Table config_tables[]{{"config", Shape::rows, "every setting, with defaults filled in", config_columns}};

}  // namespace

constinit const Command config_command{"config", "every setting in force, defaults included, secrets not",
                                       config_tables, config_report};

}  // namespace viaduct::control
