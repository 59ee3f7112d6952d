// [[listener.route]]: which requests go to another pool than the listener's own.
#include <algorithm>

#include "config/draft.h"
#include "config/methods.h"
#include "config/section.h"
#include "config/values.h"

namespace viaduct::config {
namespace {

// An ACK and a CANCEL go where their INVITE goes.
const std::vector<std::string>& routed_methods() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list(known_methods().begin(), known_methods().end());
    std::erase_if(list, [](const std::string& name) { return name == "ACK" || name == "CANCEL"; });
    return list;
  }();
  return names;
}

// An ACK or CANCEL elsewhere than its INVITE would end nothing (conformance rule TGT-04).
void read_methods(Section& section, ListenerRoute& route, Problems& problems) {
  const std::vector<std::string>& accepted = routed_methods();
  std::vector<PlacedText> texts;
  section.read_string_or_strings("method", texts);
  for (const PlacedText& text : texts) {
    if (text.text == "ACK" || text.text == "CANCEL") {
      problems.error(text.place, "method is " + quoted(text.text) +
                                     ", which goes where its INVITE goes; INVITE means "
                                     "all three of them");
    } else if (std::find(accepted.begin(), accepted.end(), text.text) == accepted.end()) {
      problems.error(text.place, unknown_method(text.text, accepted));
    } else if (std::find(route.methods.begin(), route.methods.end(), text.text) != route.methods.end()) {
      problems.error(text.place, "method " + quoted(text.text) + " is named twice in this route");
    } else {
      route.methods.push_back(text.text);
    }
  }
}

void read_domains(Section& section, ListenerRoute& route, Problems& problems) {
  std::vector<PlacedText> texts;
  section.read_string_or_strings("domain", texts);
  for (const PlacedText& text : texts) {
    const auto host = parse_host(text.text);
    if (!host) {
      problems.error(text.place, quoted(text.text) +
                                     " in domain; a host name or IP address without port is expected, such as "
                                     "\"a.example\"");
    } else if (std::find(route.domains.begin(), route.domains.end(), *host) != route.domains.end()) {
      problems.error(text.place, "domain " + quoted(text.text) + " is named twice in this route");
    } else {
      route.domains.push_back(*host);
    }
  }
}

// Whether everything that has one of `inner` has one of `outer`, empty lists meaning all.
bool covers(const std::vector<std::string>& outer, const std::vector<std::string>& inner) {
  if (outer.empty()) return true;
  return !inner.empty() && std::all_of(inner.begin(), inner.end(), [&](const std::string& word) {
    return std::find(outer.begin(), outer.end(), word) != outer.end();
  });
}

void read_route(const Node& node, Listener& listener, ListenerPlaces& places, Problems& problems) {
  ListenerRoute route;
  Section section(node, "[[listener.route]]", problems);
  const bool unconditional = section.find("method") == nullptr && section.find("domain") == nullptr;
  if (unconditional) {
    problems.error(section.place(),
                   "[[listener.route]] has neither \"method\" nor \"domain\"; one of them is expected "
                   "(the listener's pool takes what no route takes)");
  }
  read_methods(section, route, problems);
  read_domains(section, route, problems);
  for (const std::string_view condition : {"method", "domain"}) section.refuse_empty(condition);
  section.require("pool", "the name of a [[pool]]");
  section.read_name("pool", route.pool);
  section.report_unknown();
  const bool wrong = route.methods.empty() && route.domains.empty();
  for (size_t i = 0; i < listener.routes.size() && !wrong; ++i) {
    const ListenerRoute& earlier = listener.routes[i];
    if (!covers(earlier.methods, route.methods) || !covers(earlier.domains, route.domains)) continue;
    problems.error(section.place(),
                   "nothing reaches this [[listener.route]]: the first that matches decides, and the "
                   "one of " +
                       problems.where(places.routes[i].table, section.place()) + " takes all of it");
    break;
  }
  places.routes.push_back({section.place(), section.place_of("pool")});
  listener.routes.push_back(std::move(route));
}

}  // namespace

void read_listener_routes(Section& section, Listener& listener, ListenerPlaces& places, Problems& problems) {
  const Member* member = section.find("route");
  if (member == nullptr) return;
  if (member->value.kind != NodeKind::array) {
    section.wrong("route", member->value, "an array of tables, [[listener.route]],");
    return;
  }
  for (const Node& node : member->value.items) {
    if (node.kind == NodeKind::table) {
      read_route(node, listener, places, problems);
    } else {
      section.wrong("an element of route", node, "a table [[listener.route]]");
    }
  }
}

}  // namespace viaduct::config
