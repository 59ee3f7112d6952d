#include "config/dispatcher.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "config/include.h"
#include "config/values.h"
#include "core/number.h"
#include "sip/charset.h"

namespace viaduct::config {
namespace {

// Kamailio's bits of a destination's flags.
constexpr uint32_t inactive = 1, trying = 2, disabled = 4, probing = 8, no_dns = 16, no_ping = 32;

constexpr std::string_view blanks = " \t\r";

struct Word {
  std::string_view text;
  Place place;
};

std::vector<Word> words_of(std::string_view line, Place start) {
  std::vector<Word> words;
  for (size_t at = 0; at < line.size();) {
    const size_t begin = line.find_first_not_of(blanks, at);
    if (begin == std::string_view::npos || line[begin] == '#') break;
    const size_t end = std::min(line.find_first_of(blanks, begin), line.size());
    Place place = start;
    place.column = column_of(line, begin);
    words.push_back({line.substr(begin, end - begin), place});
    at = end;
  }
  return words;
}

std::optional<int64_t> number_of(std::string_view text) {
  const int base = text.starts_with("0x") || text.starts_with("0X") ? 16 : 10;
  if (base == 16) text.remove_prefix(2);
  return core::whole_number<int64_t>(text, base);
}

// What a name may hold, in place of `[2001:db8::11]:5070`.
std::string name_of(std::string_view address) {
  std::string name;
  for (const char c : address) {
    if (c == '[' || c == ']') continue;
    name += c == ':' ? '-' : c;
  }
  return name;
}

class List {
 public:
  List(Pool& pool, PoolPlaces& places, int64_t set, std::string file, Problems& problems)
      : pool_(pool), places_(places), set_(set), file_(std::move(file)), problems_(problems) {}

  void read(std::string_view text, uint16_t file) {
    text = without_byte_order_mark(text);
    Place place{1, 1, file};
    for (size_t at = 0; at < text.size(); ++place.line) {
      const size_t end = std::min(text.find('\n', at), text.size());
      read_line(words_of(text.substr(at, end - at), place));
      at = end + 1;
    }
    tell_notes();
  }

  // Whose priority is lower stands by, as with Kamailio's serial algorithms.
  void rank(bool ignored) {
    std::set<int64_t, std::greater<>> order;
    for (const Line& line : lines_) order.insert(line.priority);
    if (order.size() < 2 || ignored) return;
    for (const Line& line : lines_) {
      pool_.backends[line.backend].priority =
          static_cast<uint16_t>(std::min<ptrdiff_t>(std::distance(order.begin(), order.find(line.priority)), 65535));
    }
    problems_.warn(lines_.front().place,
                   "set " + std::to_string(set_) +
                       " has more than one priority: those below the highest stand by for "
                       "it, as with Kamailio's algorithm 8; priorities = \"ignore\" lets all of them serve");
  }

  bool found() const { return found_; }

 private:
  struct Line {
    size_t backend;
    int64_t priority;
    Place place;
  };
  struct Note {
    std::string sentence;
    Place place;
    size_t count;
  };

  void note(Place place, std::string sentence) {
    const auto known =
        std::find_if(notes_.begin(), notes_.end(), [&](const Note& told) { return told.sentence == sentence; });
    if (known != notes_.end()) {
      ++known->count;
    } else {
      notes_.push_back({std::move(sentence), place, 1});
    }
  }
  void tell_notes() {
    for (Note& told : notes_) {
      if (told.count > 1) told.sentence += " (" + std::to_string(told.count) + " times)";
      problems_.warn(told.place, std::move(told.sentence));
    }
  }

  void read_line(const std::vector<Word>& words) {
    if (words.empty()) return;
    const auto set = number_of(words[0].text);
    if (!set) {
      found_ = true;  // perhaps
      problems_.error(words[0].place, quoted(words[0].text) +
                                          " is no set; a whole number is expected, as in "
                                          "\"1 sip:192.0.2.1:5060 0 0 weight=50\"");
      return;
    }
    if (*set != set_) return;
    found_ = true;
    if (words.size() < 2) {
      problems_.error(words[0].place, "a set without destination; a SIP URI is expected behind it");
      return;
    }
    Backend backend;
    BackendPlaces places;
    backend.place = places.name = places.address = words[1].place;
    backend.origin = file_;
    if (!read_uri(words[1], backend, places)) return;
    if (words.size() > 2) read_flags(words[2], backend);
    const int64_t priority = words.size() > 3 ? read_priority(words[3]) : 0;
    if (words.size() > 4) read_attributes(words[4], backend, places);
    if (words.size() > 5) {
      problems_.error(words[5].place, quoted(words[5].text) + " behind the attributes, which have no blanks in them");
    }
    lines_.push_back({pool_.backends.size(), priority, words[1].place});
    pool_.backends.push_back(std::move(backend));
    places_.backends.push_back(places);
  }

  bool read_uri(const Word& word, Backend& backend, BackendPlaces& places) {
    constexpr std::string_view expectation = "; a URI such as \"sip:192.0.2.1:5060\" is expected";
    std::string_view uri = word.text;
    if (!sip::equals_ignoring_case(uri.substr(0, 4), "sip:")) {
      const bool secure = sip::equals_ignoring_case(uri.substr(0, 5), "sips:");
      problems_.error(word.place, quoted(uri) +
                                      (secure ? " asks for TLS, and backends are reached over UDP" : " is no SIP URI") +
                                      std::string(expectation));
      return false;
    }
    uri.remove_prefix(4);
    const size_t semicolon = uri.find(';');
    for (std::string_view rest = semicolon == std::string_view::npos ? "" : uri.substr(semicolon); !rest.empty();) {
      rest.remove_prefix(1);
      const size_t end = std::min(rest.find(';'), rest.size());
      const std::string_view parameter = rest.substr(0, end);
      rest.remove_prefix(end);
      const auto is = [&](std::string_view lower) { return sip::equals_ignoring_case(parameter, lower); };
      if (is("transport=udp") || is("lr") || is("lr=on") || parameter.empty()) continue;
      constexpr std::string_view transport = "transport=";
      if (sip::equals_ignoring_case(parameter.substr(0, transport.size()), transport)) {
        problems_.error(word.place, quoted(parameter) + ": backends are reached over UDP" + std::string(expectation));
        return false;
      }
      note(word.place, "URI parameter " + quoted(parameter) + " has no meaning here");
    }
    uri = uri.substr(0, semicolon);
    if (const size_t at = uri.rfind('@'); at != std::string_view::npos) {
      note(word.place, "the user in a destination's URI has no meaning here: requests keep their Request-URI");
      uri.remove_prefix(at + 1);
    }
    const core::Result<BackendAddress> address = parse_backend_address(uri);
    if (!address) {
      problems_.error(word.place, "the destination is " + address.error());
      return false;
    }
    backend.address = address->endpoint;
    backend.host = address->host;
    places.has_address = backend.host.empty();
    backend.name = name_of(uri.ends_with(":5060") ? uri.substr(0, uri.size() - 5) : uri);
    return true;
  }

  void read_flags(const Word& word, Backend& backend) {
    const auto flags = number_of(word.text);
    if (!flags || *flags < 0 || *flags > 0xffff) {
      problems_.error(word.place, "flags are " + quoted(word.text) + "; a number such as 0 or 0x8 is expected");
      return;
    }
    const bool probed = pool_.health.enabled;
    const auto has = [&](uint32_t flag) { return (static_cast<uint32_t>(*flags) & flag) != 0; };
    if (has(disabled)) {
      backend.state = BackendState::down;
    } else if (has(inactive) && !probed) {
      backend.state = BackendState::down;
      note(word.place, "inactive (flag 1) is state \"down\" here, where no [pool.health] brings it back");
    } else if (has(inactive)) {
      note(word.place, "inactive (flag 1): here the probes of [pool.health] decide");
    }
    if (has(trying)) note(word.place, "trying (flag 2) has no meaning here: such a destination serves");
    if (has(probing) && !probed) note(word.place, "probing (flag 8) needs a [pool.health] here");
    if (has(no_dns) && !backend.host.empty()) note(word.place, "flag 16: names are looked up here all the same");
    if (has(no_ping) && probed) note(word.place, "flag 32: all backends of a pool with [pool.health] are probed");
    constexpr uint32_t known = inactive | trying | disabled | probing | no_dns | no_ping;
    if (has(~known)) note(word.place, "flags above 32 have no meaning here");
  }

  int64_t read_priority(const Word& word) {
    const auto priority = number_of(word.text);
    if (priority) return *priority;
    problems_.error(word.place, "priority is " + quoted(word.text) + "; a whole number is expected");
    return 0;
  }

  void read_attributes(const Word& word, Backend& backend, BackendPlaces& places) {
    bool weighted = false;
    for (size_t at = 0; at < word.text.size();) {
      const size_t end = std::min(word.text.find(';', at), word.text.size());
      const std::string_view attribute = word.text.substr(at, end - at);
      Place place = word.place;
      place.column += column_of(word.text, at) - 1;
      at = end + 1;
      if (attribute.empty()) continue;
      const size_t equals = std::min(attribute.find('='), attribute.size());
      const std::string_view key = attribute.substr(0, equals);
      const std::string_view value = attribute.substr(std::min(equals + 1, attribute.size()));
      if (key == "weight" || (key == "rweight" && !weighted)) {
        weighted = weighted || key == "weight";
        read_weight(key, value, place, backend);
      } else if (key == "duid" && is_name(value)) {
        backend.name = value;
        places.name = place;
      } else if (key == "duid") {
        note(place, "a duid with other characters than letters, digits, '.', '_' and '-' is no name here");
      } else {
        note(place, "attribute " + quoted(key) + " has no meaning here");
      }
    }
  }

  void read_weight(std::string_view key, std::string_view value, Place place, Backend& backend) {
    const auto weight = number_of(value);
    if (weight && *weight >= 0 && *weight <= weight_max) {
      backend.weight = static_cast<uint32_t>(*weight);
    } else {
      problems_.error(place, std::string(key) + " is " + quoted(value) + "; a whole number from 0 to " +
                                 std::to_string(weight_max) + " is expected");
    }
  }

  Pool& pool_;
  PoolPlaces& places_;
  const int64_t set_;
  const std::string file_;
  Problems& problems_;
  std::vector<Line> lines_;
  std::vector<Note> notes_;
  bool found_ = false;
};

}  // namespace

void read_dispatcher(Section& section, Pool& pool, PoolPlaces& places, Draft& draft, Problems& problems) {
  int64_t set = 1;
  bool ignored = false;
  const bool numbered = section.read_number("set", set, 0, INT32_MAX) || section.find("set") != nullptr;
  static constexpr Choice<bool> priorities[]{{"backup", false}, {"ignore", true}};
  const bool ranked =
      section.read_choice<bool>("priorities", ignored, priorities) || section.find("priorities") != nullptr;
  std::string named;
  if (!section.read("dispatcher", named)) {
    if (section.find("dispatcher") == nullptr && (numbered || ranked)) {
      problems.error(section.place_of(numbered ? "set" : "priorities"),
                     std::string(numbered ? "set" : "priorities") +
                         " is of a dispatcher.list; dispatcher = \"/etc/kamailio/dispatcher.list\" is expected "
                         "beside it");
    }
    return;
  }
  const Place place = section.place_of("dispatcher");
  const std::string path = path_beside(problems.files()[place.file], named);
  const core::Result<std::string> text = draft.read(path);
  if (!text) {
    problems.error(place, quoted(path) + ' ' + text.error());
    return;
  }
  List list(pool, places, set, path, problems);
  list.read(*text, problems.add_file(path));
  list.rank(ignored);
  if (!list.found()) {
    problems.error(numbered ? section.place_of("set") : place,
                   "no line of set " + std::to_string(set) + " in " + quoted(path) + "; the number of one is expected");
  }
}

}  // namespace viaduct::config
