// [overload].
#include "config/draft.h"
#include "config/section.h"
#include "config/values.h"

namespace viaduct::config {
namespace {

using std::chrono::milliseconds;

constexpr int64_t answers_entries_min = 1024, answers_entries_max = int64_t{1} << 22;

// "off", or so many to one source.
void read_answers(Section& section, Overload& overload) {
  std::string text;
  if (section.read("answers", text)) {
    const auto rate = parse_rate(text);
    if (text == "off") {
      overload.answers = 0;
    } else if (rate) {
      overload.answers = overload.answers_burst = rate->count;
      overload.answers_interval = rate->interval;
    } else {
      section.wrong("answers", section.find("answers")->value,
                    "\"off\", or a whole number up to 10000000 and \"/s\", \"/m\" or \"/h\", such as \"1000/s\",");
    }
  }
  section.read_number("answers_burst", overload.answers_burst, 1, rate_count_max);
  section.read_number("answers_entries", overload.answers_entries, answers_entries_min, answers_entries_max);
}

}  // namespace

void read_overload(const Node& table, Draft& draft, Problems& problems) {
  Section section(table, "[overload]", problems);
  Overload& overload = draft.config.overload;
  read_answers(section, overload);
  section.read_number("shed", overload.shed, 0, 100);
  section.read_number("shed_max", overload.shed_max, 0, 100);
  section.read("flood_after", overload.flood_after, milliseconds(1), std::chrono::seconds(10));
  section.read("flood_calm", overload.flood_calm, milliseconds(10), std::chrono::seconds(60));
  section.report_unknown();
}

}  // namespace viaduct::config
