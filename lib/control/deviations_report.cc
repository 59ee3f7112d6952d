#include "control/deviations_report.h"

#include <algorithm>
#include <chrono>
#include <set>

#include "control/findings.h"
#include "control/words.h"
#include "fmt/format.h"
#include "nlohmann/json.hpp"

namespace viaduct::control {
namespace {

// A moment of the monotonic clock, in seconds, on the wall.
std::string wall_time_of(uint32_t monotonic_s) {
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(core::SteadyClock().now().time_since_epoch());
  return wall_time(std::chrono::system_clock::now() - (now - std::chrono::seconds(monotonic_s)));
}

struct Wish {
  std::string_view peer;  // empty: all
  bool samples = false;
  bool understood = true;
};

Wish wish_of(Arguments arguments) {
  Wish wish;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "samples") {
      wish.samples = true;
    } else if (arguments[i] == "peer" && i + 1 < arguments.size()) {
      wish.peer = arguments[++i];
    } else {
      wish.understood = false;
    }
  }
  return wish;
}

Report lines_of(std::string_view text) {
  Report lines = Report::array();
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

Report sample_row(const Findings::Row& row, const std::string& peer, const FindingText& text,
                  const dataplane::View& view) {
  const Findings::Sample& sample = *row.sample;
  const bool known = sample.socket < view.proxy->sockets.size();
  return {{"peer", peer},
          {"name", text.name},
          {"section", text.section},
          {"time", wall_time_of(sample.at_s)},
          {"from", net::to_string(sample.from)},
          {"to", known ? net::to_string(view.proxy->sockets[sample.socket].address) : ""},
          {"bytes", sample.bytes},
          {"message", lines_of(shown_message(sample.text))}};
}

Report deviations_report(const Status& status, Arguments arguments) {
  const Wish wish = wish_of(arguments);
  if (!wish.understood) return refusal("'peer NAME', 'samples', or nothing, is expected behind 'deviations'");
  Report rows = Report::array(), samples = Report::array(), totals = Report::array();
  if (status.view != nullptr && status.findings != nullptr) {
    for (const Findings::Row& row : status.findings->rows(status.watches)) {
      const std::string peer = finding_source_name(row.source, *status.view);
      if (!wish.peer.empty() && wish.peer != peer) continue;
      const FindingText text = finding_text(row.kind);
      rows.push_back({{"peer", peer},
                      {"section", text.section},
                      {"what", text.what},
                      {"messages", row.messages},
                      {"since", wall_time_of(row.since_s)},
                      {"last", wall_time_of(row.last_s)},
                      {"refused", text.refused},
                      {"name", text.name}});
      if (wish.samples && row.sample != nullptr) samples.push_back(sample_row(row, peer, text, *status.view));
    }
    for (const auto& [kind, total] : Findings::totals(status.watches)) {
      if (!wish.peer.empty()) break;
      const FindingText text = finding_text(kind);
      totals.push_back({{"name", text.name},
                        {"section", text.section},
                        {"what", text.what},
                        {"messages", total.messages},
                        {"others", total.others}});
    }
  }
  Report report = {{"deviations", std::move(rows)}};
  if (wish.peer.empty()) report["totals"] = std::move(totals);
  if (wish.samples) report["samples"] = std::move(samples);
  return report;
}

std::string field(const Report& value) {
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  std::string escaped;
  for (const char c : text) {
    if (c == '|' || c == '<' || c == '*' || c == '_' || c == '`') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string indented(const Report& lines) {
  std::string block;
  for (const Report& line : lines) block += "    " + line.get<std::string>() + '\n';
  return block;
}

// What was found of one peer: a table, then each section with the packet.
void put_peer(std::string& page, const std::string& peer, const Report& report) {
  page += fmt::format(
      "\n## {}\n\n| section | what was seen | messages | since | last |  |\n|---|---|---:|---|---|---|\n", field(peer));
  for (const Report& row : report["deviations"]) {
    if (row["peer"] != peer) continue;
    page += fmt::format("| {} | {} | {} | {} | {} | {} |\n", field(row["section"]), field(row["what"]),
                        field(row["messages"]), field(row["since"]), field(row["last"]),
                        row["refused"].get<bool>() ? "refused" : "tolerated");
  }
  if (!report.contains("samples")) return;
  for (const Report& row : report["deviations"]) {
    if (row["peer"] != peer) continue;
    for (const Report& sample : report["samples"]) {
      if (sample["peer"] != peer || sample["name"] != row["name"]) continue;
      page += fmt::format("\n### {}: {}\n\n{}, from {} to {}, {} octets:\n\n{}\n", field(row["section"]),
                          field(row["what"]), field(sample["time"]), field(sample["from"]), field(sample["to"]),
                          field(sample["bytes"]), indented(sample["message"]));
    }
  }
}

// No line is empty on the control socket; what separates paragraphs is a line with a blank.
std::string without_empty_lines(std::string_view page) {
  std::string text;
  for (const char c : page) {
    if (c == '\n' && (text.empty() || text.back() == '\n')) text += ' ';
    text += c;
  }
  while (text.ends_with("\n")) text.pop_back();
  return text;
}

std::string to_markdown(const Report& report) {
  std::string page =
      "# Departures from the SIP standards\n\nMessages received over UDP, by sender. A message is \"refused\" where it "
      "cannot be processed as it is, \"tolerated\" where it is forwarded all the same. Credentials have been taken out "
      "of the samples; `\\xNN` is an octet that is no printable ASCII, `<LF>` a line end without CR.\n";
  std::set<std::string> peers;
  for (const Report& row : report["deviations"]) peers.insert(row["peer"].get<std::string>());
  if (peers.empty()) page += "\nNone was seen.\n";
  for (const std::string& peer : peers) put_peer(page, peer, report);
  return without_empty_lines(page);
}

constexpr Column deviation_columns[]{
    {"peer", Kind::text, "the [[peer]], the backend, or the address that sent it", true},
    {"section", Kind::text, "where the standard says otherwise"},
    {"what", Kind::text, "what was seen"},
    {"messages", Kind::counter, "how many messages had it"},
    {"since", Kind::text, "when the first one came"},
    {"last", Kind::text, "when the last one came"},
    {"refused", Kind::flag, "whether such a message is refused"},
    {"name", Kind::text, "as rules and metrics call it", true},
};
constexpr Column total_columns[]{
    {"name", Kind::text, "as rules and metrics call it", true},
    {"section", Kind::text, "where the standard says otherwise"},
    {"what", Kind::text, "what was seen"},
    {"messages", Kind::counter, "how many messages had it, whoever sent them"},
    {"others", Kind::counter, "of these, from sources that are too many to be told apart"},
};
constexpr Column sample_columns[]{
    {"peer", Kind::text, "who sent it", true},
    {"name", Kind::text, "of the deviation", true},
    {"section", Kind::text, "where the standard says otherwise"},
    {"time", Kind::text, "when it came"},
    {"from", Kind::text, "its source"},
    {"to", Kind::text, "the listener's address"},
    {"bytes", Kind::number, "its size; the message may be cut at 2,048"},
    {"message", Kind::list, "its lines, without credentials"},
};
constexpr Table deviation_tables[]{
    {"deviations", Shape::rows, "departures from the standard, by sender", deviation_columns},
    {"totals", Shape::rows, "the same over all senders; not with 'peer'", total_columns, true},
    {"samples", Shape::rows, "with 'samples': a message of each kind", sample_columns, true, "samples"},
};

}  // namespace

constinit const Command deviations_command{"deviations",
                                           "who leaves the standard, in which section, how often",
                                           deviation_tables,
                                           deviations_report,
                                           "[peer NAME] [samples]",
                                           to_markdown};

}  // namespace viaduct::control
