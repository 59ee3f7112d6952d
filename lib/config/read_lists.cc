// [[list]] and [access].
#include "config/read_lists.h"

#include "config/draft.h"
#include "config/include.h"
#include "config/values.h"

namespace viaduct::config {
namespace {

constexpr size_t list_prefixes_max = 1'000'000;

std::string_view without_blanks(std::string_view text) {
  constexpr std::string_view around = " \t\r";
  const size_t begin = text.find_first_not_of(around);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(around) - begin + 1);
}

// A prefix or an address a line; `#` and `;` begin comments, as in the lists that are around.
void read_list_file(Section& section, PrefixList& list, const ReadFile& read, Problems& problems) {
  std::string named;
  if (!section.read("file", named)) return;
  const Place at = section.place_of("file");
  const std::string path = path_beside(problems.files()[at.file], named);
  const core::Result<std::string> text = read(path);
  if (!text) return problems.error(at, "file " + quoted(named) + ' ' + text.error());
  constexpr size_t complaints_max = 5;
  size_t complaints = 0;
  Place place, last;
  for (std::string_view rest = without_byte_order_mark(*text); !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view row = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ++place.line;
    const std::string_view entry = without_blanks(row.substr(0, row.find_first_of("#;")));
    if (entry.empty()) continue;
    if (const auto prefix = net::parse_network(entry)) {
      list.prefixes.push_back(*prefix);
      continue;
    }
    if (++complaints == 1) place.file = problems.add_file(path);
    place.column = column_of(row, static_cast<size_t>(entry.data() - row.data()));
    if (complaints > complaints_max) {
      last = place;
      continue;
    }
    problems.error(place, quoted(entry) +
                              " is no prefix; one such as \"192.0.2.0/24\" or \"2001:db8::/32\" "
                              "is expected on each line");
  }
  if (complaints <= complaints_max) return;
  problems.error(last, "the last of " + std::to_string(complaints - complaints_max) +
                           " more lines that are no prefix; one is expected on each line");
}

}  // namespace

void read_sources(Section& section, std::string_view key, Sources& out, Problems& problems) {
  std::vector<PlacedText> texts;
  section.read_string_or_strings(key, texts);
  for (PlacedText& text : texts) {
    if (const auto prefix = net::parse_network(text.text)) {
      out.prefixes.push_back(*prefix);
    } else if (is_name(text.text)) {
      out.lists.push_back(std::move(text.text));
      out.places.push_back(text.place);
    } else {
      problems.error(text.place, quoted(text.text) + " in " + std::string(key) +
                                     "; a prefix such as \"192.0.2.0/24\" or the name of a [[list]] is expected");
    }
  }
}

void read_prefixes(Section& section, std::vector<net::Prefix>& out, Problems& problems) {
  std::vector<PlacedText> texts;
  section.read_string_or_strings("prefixes", texts);
  for (const PlacedText& text : texts) {
    if (const auto prefix = net::parse_network(text.text)) {
      out.push_back(*prefix);
    } else {
      problems.error(text.place, quoted(text.text) + " is no prefix; one such as \"192.0.2.0/24\" is expected");
    }
  }
}

void read_list(const Node& table, Draft& draft, Problems& problems) {
  PrefixList list;
  Section section(table, "[[list]]", problems);
  section.require("name", "a name such as \"partners\"");
  if (section.read_name("name", list.name)) section.set_title("[[list]] \"" + list.name + '"');
  list.place = section.place_of("name");
  if (net::parse_ip(list.name)) {
    section.wrong("name", section.find("name")->value,
                  "a name that is no address, for that is what a rule would take it for,");
  }
  if (section.find("prefixes") == nullptr && section.find("file") == nullptr) {
    problems.error(section.place(), section.title() + " has neither \"prefixes\" nor \"file\"; one is expected");
  }
  read_prefixes(section, list.prefixes, problems);
  read_list_file(section, list, draft.read, problems);
  if (list.prefixes.size() > list_prefixes_max) {
    problems.error(section.place(), section.title() + " has " + std::to_string(list.prefixes.size()) +
                                        " prefixes; at most 1000000 are possible");
  }
  section.report_unknown();
  draft.config.rules.lists.push_back(std::move(list));
}

void read_access(const Node& table, Draft& draft, Problems& problems) {
  Section section(table, "[access]", problems);
  read_sources(section, "allow", draft.config.rules.access.allow, problems);
  read_sources(section, "deny", draft.config.rules.access.deny, problems);
  section.report_unknown();
}

}  // namespace viaduct::config
