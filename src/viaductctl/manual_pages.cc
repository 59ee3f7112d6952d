#include "manual_pages.h"

#include <set>

#include "control/commands.h"
#include "control/csv.h"
#include "control/orders.h"
#include "control/server.h"
#include "control/words.h"
#include "fmt/format.h"
#include "serve/metrics.h"

namespace viaduct::ctl {
namespace {

constexpr std::string_view socket_intro = R"(# The control socket

A Unix stream socket, `[control] socket` in the configuration. A line is a command, and each answer ends with an
empty line:

```
$ echo 'show stat' | socat - UNIX:/run/viaduct/viaduct.sock
$ printf 'show stat json\nshow drops json\n' | socat - UNIX:/run/viaduct/viaduct.sock
```

`viaductctl` types these lines for you: `viaductctl stat --json`, `viaductctl workers --csv --table burst_sizes`,
`viaductctl events --follow`.
)";

constexpr std::string_view form_intro = R"(
## Forms of an answer

| form | what |
|---|---|
| `show NAME` | text for people: tables are aligned; its form may change |
| `show NAME json` | one line with one object |
| `show NAME csv [TABLE]` | RFC 4180 with a line of names; without TABLE the first table; new columns come at the end |

What cannot be answered is answered with a sentence that begins with `error: `.

The JSON object has `schema` and `command`, and the members that the tables below describe. `schema` grows when a
member changes its meaning or goes; a new
member does not make it grow, so readers ignore those that they do not know. Octets beyond printable ASCII are escaped.

A table is one of

| shape | in JSON |
|---|---|
| members | plain members of the object itself |
| object | a member that is an object |
| rows | a member that is an array of objects |
| named | a member that is an object of objects, by name; in csv the name is the first column |

and a column one of text, number (of now), counter (since the start, never falls), real (with a fraction), flag
(`true` or `false`; 1 or 0 in csv), list. `a.b` is
the member `b` of the member object `a`. Numbers may be `null` (nothing in csv) where there is nothing to say yet.
)";

std::string_view shape_text(control::Shape shape) {
  switch (shape) {
    case control::Shape::members: return "members";
    case control::Shape::object: return "object";
    case control::Shape::rows: return "rows";
    case control::Shape::named: return "named";
  }
  return "";
}

void put_table(std::string& out, const control::Table& table) {
  out += fmt::format("\n`{}` ({}{}): {}.\n\n| column | kind | |\n|---|---|---|\n", table.name, shape_text(table.shape),
                     table.optional ? ", may be absent" : "", table.help);
  if (table.shape == control::Shape::named) {
    out += fmt::format("| `{}` | text | its name; in JSON the member's |\n", control::name_column(table));
  }
  for (const control::Column& column : table.columns) {
    out += fmt::format("| `{}` | {} | {} |\n", column.name, control::text_of(column.kind), cell_text(column.help));
  }
}

std::string words_of_order(const control::Order& order) {
  return fmt::format("{}{}{}", order.name, order.arguments.empty() ? "" : " ", order.arguments);
}

}  // namespace

std::string cell_text(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

std::string socket_page() {
  std::string out(made_by);
  out += socket_intro;
  out += fmt::format(
      "\nAt most {} clients at once. One more gets the place of the client that has been idle longest, if one has "
      "followed\nnothing, awaited nothing and said nothing for {} s; otherwise it is told that there are too many, and "
      "disconnected.\nA line has at most {} bytes. An answer may be of any size; who has more than {} MiB unread is "
      "answered nothing more\nuntil it has read, and is cut off when it reads nothing for {} s. No client holds up "
      "another, or the balancer: of each\none line is obeyed in a turn. `show info` counts them.\n"
      "`reload` is answered when it is done, seconds later where patterns have to be compiled; what its client says\n"
      "meanwhile waits. What a client has said that closes the connection before it is its turn is not done.\n",
      control::Server::clients_max, control::Server::idle_time_min.count(), control::Server::line_bytes_max,
      control::Server::unread_bytes_max >> 20, control::Server::unread_time_max.count());
  out += form_intro;
  out += "\n## Commands\n\n| command | |\n|---|---|\n";
  for (const control::Command& command : control::commands()) {
    out += fmt::format("| `show {}{}{}` | {} |\n", command.name, command.arguments.empty() ? "" : " ",
                       cell_text(command.arguments), cell_text(command.help));
  }
  for (const control::Order& order : control::orders()) {
    out += fmt::format("| `{}` | {} |\n", cell_text(words_of_order(order)), cell_text(order.help));
  }
  out += fmt::format(
      "\n`events follow` sends the events that are kept and then each new one, a line each, until the client "
      "disconnects; with `json` a line is an\n"
      "object with the columns of `show events`. Who reads too slowly ({} KiB wait for it) misses lines and is told "
      "how many: `{{\"left_out\":N}}`.\n",
      control::Server::followed_bytes_max >> 10);
  for (const control::Command& command : control::commands()) {
    out += fmt::format("\n### show {}\n\n{}.\n", command.name, command.help);
    for (const control::Table& table : command.tables) put_table(out, table);
  }
  return out;
}

std::string metrics_page() {
  std::string out(made_by);
  out += fmt::format(R"(# Metrics

`viaductctl serve --listen 127.0.0.1:9469` serves them at `/metrics`, as Prometheus text or, for who accepts it, as
OpenMetrics. It is a process of its own that reads the control socket and nothing else; started by root it becomes
another user and keeps the socket's group. `/healthz` answers 200 while the balancer does, 503 with a sentence
otherwise (`/metrics` too where all clients' places on the socket are taken); `/readyz` answers 200 while every port has
a link and every listener's pool a usable backend, 503 with what is missing otherwise; `/api/NAME` is `show NAME json`.
It listens on the loopback unless told otherwise, and does not ask who is there: put what does in front of it.

Counters never fall while the balancer lives. `viaduct_messages_total` is the ledger; over all workers, once they
are quiet,

    received + generated + handed_in = forwarded + replied + absorbed + punted + dropped + handed_out

and `viaduct_unforwarded_messages_total` of every `booked` sums to the term of that name.

No stranger's text is a label. A table has at most {} rows; what is beyond is counted by
`viaduct_metrics_rows_left_out`.

| metric | type | unit | labels | | from |
|---|---|---|---|---|---|
)",
                     serve::rows_max);
  for (const serve::Metric& metric : serve::metrics()) {
    std::string labels;
    for (const std::string_view label : metric.labels)
      labels += fmt::format("{}`{}`", labels.empty() ? "" : " ", label);
    if (!metric.spread.empty()) {
      labels += fmt::format("{}`{}`", labels.empty() ? "" : " ", metric.spread);
      std::string values;
      for (const serve::Source& source : metric.sources) {
        values += fmt::format("{}{}", values.empty() ? "" : ", ", source.label);
      }
      labels += fmt::format(" ({})", values);
    }
    const std::string_view suffix = metric.type == serve::MetricType::counter ? "_total"
                                    : metric.type == serve::MetricType::info  ? "_info"
                                                                              : "";
    out += fmt::format("| `{}{}` | {} | {} | {} | {} | `show {}`, {} |\n", metric.name, suffix,
                       serve::text_of(metric.type), metric.unit, labels, cell_text(metric.help), metric.command,
                       metric.table);
  }
  out +=
      "| `viaduct_metrics_rows_left_out` | gauge |  |  | rows of tables that are too long | |\n"
      "| `viaduct_up` | gauge |  |  | whether the balancer answers on its control socket | |\n";
  return out;
}

std::string completion(const std::map<std::string, std::string>& options) {
  std::map<std::string, std::set<std::string>> words;
  for (const control::Order& order : control::orders()) {
    const std::string text = words_of_order(order);
    std::string_view rest = text;
    const std::string verb(control::next_word(rest));
    for (auto word = control::next_word(rest); !word.empty(); word = control::next_word(rest)) {
      if (word.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ[]") != std::string_view::npos) continue;
      for (size_t bar; !word.empty(); word.remove_prefix(std::min(bar + 1, word.size()))) {
        bar = std::min(word.find('|'), word.size());
        words[verb].insert(std::string(word.substr(0, bar)));
      }
    }
  }
  words["ban"].insert("list");  // the socket's `show bans`
  std::string names, cases;
  for (const auto& [command, own] : options) {
    if (command.empty()) continue;
    names += ' ' + command;
    std::string all = own;
    for (const std::string& word : words[command]) all += ' ' + word;
    cases += fmt::format("    {}) words=\"{}\" ;;\n", command, all);
  }
  std::string tables;
  for (const control::Command& command : control::commands()) {
    std::string list;
    for (const control::Table& table : command.tables) list += fmt::format("{}{}", list.empty() ? "" : " ", table.name);
    tables += fmt::format("      {}) words=\"{}\" ;;\n", command.name, list);
  }
  return fmt::format(R"(# bash completion for viaductctl; made by scripts/generate-docs
_viaductctl() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}} command="" words="" word
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case " {0} " in *" $word "*) command=$word; break ;; esac
  done
  case "$prev" in
    -s | --socket | -c | --config) return ;;
    --table)
      case "$command" in
{1}      esac
      COMPREPLY=($(compgen -W "$words" -- "$cur"))
      return ;;
  esac
  case "$command" in
    "") words="{2}{0}" ;;
{3}  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}}
complete -o default -F _viaductctl viaductctl
)",
                     names.substr(1), tables, options.contains("") ? options.at("") + ' ' : "", cases);
}

}  // namespace viaduct::ctl
