// [hep].
#include "capture/filter.h"
#include "capture/taps.h"
#include "config/draft.h"
#include "config/section.h"
#include "config/values.h"

namespace viaduct::config {

void read_hep(const Node& table, Draft& draft, Problems& problems) {
  constexpr uint16_t usual_port = 9060;
  Section section(table, "[hep]", problems);
  Hep& hep = draft.config.hep;
  if (std::string text; section.read("collector", text)) {
    hep.collector = net::parse_endpoint(text, usual_port);
    if (!hep.collector) {
      section.wrong("collector", section.find("collector")->value,
                    "an address with or without a port, such as \"198.51.100.20:9060\",");
    } else if (const net::IpAddress& address = hep.collector->address;
               address.is_unspecified() || address.is_multicast() || address.is_broadcast()) {
      section.wrong("collector", section.find("collector")->value, "the address of one host");
    }
  }
  section.read_number("capture_id", hep.capture_id, 0, UINT32_MAX);
  section.read_name("node", hep.node);
  section.read("password", hep.password);
  section.read_number("sample", hep.sample, 1, capture::sample_max);
  if (section.read("filter", hep.filter)) {
    if (const auto filter = capture::Filter::parse(hep.filter); !filter) {
      problems.error(section.place_of("filter"), filter.error());
    }
  }
  section.report_unknown();
}

}  // namespace viaduct::config
