// viaductctl: everything an operator types. Options and wiring, nothing else.
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "../manual.h"
#include "CLI/CLI.hpp"
#include "capture.h"
#include "capture/filter.h"
#include "capture/taps.h"
#include "complain.h"
#include "config/config.h"
#include "control/checked.h"
#include "control/client.h"
#include "control/commands.h"
#include "core/number.h"
#include "explain_files.h"
#include "fmt/format.h"
#include "manual_pages.h"
#include "serve.h"
#include "settings_pages.h"
#include "top.h"

namespace {

using namespace viaduct;

constexpr int exit_fine = 0;
constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

constexpr const char* about = "Asks a running viaduct over its control socket, and explains messages without one.";

constexpr const char* examples =
    "Examples:\n"
    "  viaductctl stat                                  the ledger: where every message went\n"
    "  viaductctl drops                                 why messages were not forwarded\n"
    "  viaductctl --socket /run/lb2.sock backends --json\n"
    "  viaductctl backend drain proxies/p2              no new calls; 'backend up' ends it\n"
    "  viaductctl backend weight proxies/p1 50          a share of new calls for now; 'save' keeps it\n"
    "  viaductctl reload --dry-run                      what would change, and which calls would move\n"
    "  viaductctl explain --config viaduct.toml invite.sip\n"
    "  viaductctl explain --config viaduct.toml --from 203.0.113.9:40112 --to 192.0.2.10:5060 *.sip\n"
    "  viaductctl explain --config viaduct.toml --pcap trace.pcap | jq -r .reason | sort | uniq -c\n"
    "  viaductctl explain --live invite.sip             what the running balancer would do with it now\n"
    "  viaductctl capture -o calls.pcapng --sample 1000 copies of one call in 1,000\n"
    "  viaductctl trace a84b4c76e66710@pc33.example     one call, drawn as it happens\n"
    "  viaductctl check viaduct.toml\n"
    "  viaductctl events --follow                       what comes and goes, as it does\n"
    "  viaductctl top                                   the whole at a glance, live; h shows the keys\n"
    "  viaductctl serve --listen 127.0.0.1:9469         /metrics, /healthz, /readyz and /api over HTTP\n"
    "\n"
    "Exit codes: 0 fine, 1 the work failed (nobody answers, a bad file), 2 wrong usage.";

constexpr int reload_time_ms = 120'000;  // patterns take seconds to compile

int tell(const std::string& socket, const std::string& line, int time_ms = control::ask_time_ms) {
  const auto answer = control::ask(socket, line, time_ms);
  if (!answer) {
    ctl::complain(answer.error());
    return exit_failed;
  }
  const bool refused = answer->starts_with("error: ");
  std::fputs(answer->c_str(), refused ? stderr : stdout);
  return refused ? exit_failed : exit_fine;
}

// Until the balancer is gone, or nobody reads any more.
int follow(const std::string& socket, const std::string& line) {
  bool unread = false;
  const core::Status done = control::follow(socket, line, [&](std::string_view piece) {
    std::fwrite(piece.data(), 1, piece.size(), stdout);
    unread = std::fflush(stdout) != 0;
    return !unread;
  });
  if (!done) ctl::complain(done.error());
  if (done && !unread) ctl::complain("'" + socket + "' tells no more: viaduct has been stopped, or has ended");
  return done && unread ? exit_fine : exit_failed;
}

std::string options_of(const CLI::App& app) {
  std::string words;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) words += (words.empty() ? "--" : " --") + name;
  }
  return words;
}

// For scripts/generate-docs.
int print_manual(const CLI::App& app, const std::string& page) {
  std::string text;
  if (page == "man") text = manual::man_page(app, VIADUCT_VERSION, 1, "viaduct(8), viaduct.toml(5), viablast(1)");
  if (page == "socket") text = ctl::socket_page();
  if (page == "metrics") text = ctl::metrics_page();
  if (page == "reasons") text = ctl::reasons_page();
  if (page == "settings") text = ctl::settings_page();
  if (page == "settings-man") text = ctl::settings_man_page();
  if (page == "completion") {
    std::map<std::string, std::string> options{{"", options_of(app)}};
    for (const CLI::App* sub : app.get_subcommands([](const CLI::App* each) { return !each->get_group().empty(); })) {
      options[sub->get_name()] = options_of(*sub);
    }
    text = ctl::completion(options);
  }
  std::fputs(text.c_str(), stdout);
  return text.empty() ? exit_usage : exit_fine;
}

// `--seconds nan` would be for ever, and so would `-5`.
std::string problem_of_time(const std::string& text) {
  char* end = nullptr;
  const double seconds = std::strtod(text.c_str(), &end);
  const bool fine = !text.empty() && *end == '\0' && std::isfinite(seconds) && seconds > 0;
  return fine ? "" : "'" + text + "' is no time; seconds, such as 0.5 or 60, are";
}

std::string problem_of_number(const std::string& text) {
  return core::whole_number<uint64_t>(text) ? "" : "'" + text + "' is no number; one such as 0 or 42 is";
}

std::string problem_of_weight(const std::string& text) {
  const std::string problem = problem_of_number(text);
  const bool fine = problem.empty() && text.size() <= 4 && std::stoul(text) <= config::weight_max;
  return fine ? "" : fmt::format("'{}' is no weight; a number from 0 to {} is", text, config::weight_max);
}

int refuse_usage(const std::string& sentence) {
  ctl::complain(sentence);
  return exit_usage;
}

// A command as it was found on the command line, and what carries it out: its exit code.
struct Command {
  CLI::App* app;
  std::function<int()> run;
};
// Each adds one command. What its options are read into belongs to `run`; the socket's path is the caller's, who knows
// it once the command line has been read.
using AddCommand = Command (*)(CLI::App& app, const std::string& socket);

// What was asked of a `show` command.
struct Shown {
  bool json = false, csv = false, markdown = false, follow = false, samples = false;
  std::string table, since, kind, peer;
  std::vector<std::string> words;
};

int show(const std::string& socket, const std::string& name, const Shown& shown) {
  const control::Command& command = *control::command_named(name);
  if (!shown.table.empty() && control::table_named(command, shown.table) == nullptr) {
    std::string tables;
    for (const control::Table& table : command.tables) tables += (tables.empty() ? "" : ", ") + std::string(table.name);
    return refuse_usage("'" + shown.table + "' is no table of " + name + "; there are " + tables);
  }
  std::string line = (shown.follow ? "" : "show ") + name;
  for (const std::string& word : shown.words) line += ' ' + word;
  if (shown.follow) line += " follow";
  if (shown.json) line += " json";
  if (shown.csv) line += " csv " + shown.table;
  if (!shown.peer.empty()) line += " peer " + shown.peer;
  if (shown.samples || shown.markdown) line += " samples";
  if (shown.markdown) line += " markdown";
  if (!shown.since.empty()) line += " since " + shown.since;
  if (!shown.kind.empty()) line += " kind " + shown.kind;
  return shown.follow ? follow(socket, line) : tell(socket, line);
}

Command add_show(CLI::App& app, const std::string& socket, const control::Command& command) {
  const auto shown = std::make_shared<Shown>();
  CLI::App* sub = app.add_subcommand(std::string(command.name), std::string(command.help));
  CLI::Option* json = sub->add_flag("--json", shown->json, "One JSON object instead of text");
  CLI::Option* csv = sub->add_flag("--csv", shown->csv, "Comma-separated values with a line of names instead of text");
  csv->excludes(json);
  std::string tables;
  for (const control::Table& table : command.tables) tables += (tables.empty() ? "" : ", ") + std::string(table.name);
  sub->add_option("--table", shown->table, "With --csv: which table, of " + tables)->type_name("TABLE")->needs(csv);
  if (command.markdown != nullptr) {
    sub->add_flag("--markdown", shown->markdown, "A page to send to somebody instead of text")
        ->excludes(json)
        ->excludes(csv);
  }
  if (command.name == "events") {
    sub->add_flag("-f,--follow", shown->follow, "And those that come, until interrupted")->excludes(csv);
    sub->add_option("--since", shown->since, "Only those behind this number")
        ->type_name("NUMBER")
        ->check(problem_of_number);
    sub->add_option("--kind", shown->kind, "Only of this one: health, port, reload, ...")->type_name("KIND");
  } else if (command.name == "deviations") {
    sub->add_option("--peer", shown->peer, "Only of this [[peer]], backend or address")->type_name("NAME");
    sub->add_flag("--samples", shown->samples, "With a message of each kind");
  } else if (!command.arguments.empty()) {
    sub->add_option("ARGUMENT", shown->words, std::string(command.arguments));
  }
  return {sub, [sub, shown, &socket] { return show(socket, sub->get_name(), *shown); }};
}

Command add_explain(CLI::App& app, const std::string& socket) {
  const auto request = std::make_shared<ctl::ExplainRequest>();
  CLI::App* sub = app.add_subcommand("explain", "What would become of a message, and why: one JSON object a message");
  CLI::Option* config = sub->add_option("-c,--config", request->config, "The balancer's configuration file");
  config->type_name("FILE");
  sub->add_option("--from", request->from, "Where the message comes from; captures know it themselves")
      ->type_name("IP:PORT")
      ->capture_default_str();
  sub->add_option(
         "--to", request->to,
         "The listener's address that it goes to; without it the first. In captures: for what no listener would get")
      ->type_name("IP:PORT");
  sub->add_flag("--pcap", request->pcap,
                "The arguments are capture files: explain each UDP datagram to or from a listener's port");
  sub->add_flag("--live", request->live, "Ask the running balancer: with backends as they are now, bans, weights")
      ->excludes(config)
      ->excludes("--pcap");
  sub->add_option("MESSAGE", request->files, "Files with one message each; - for stdin")->required();
  return {sub, [request, &socket] {
            if (!request->live && request->config.empty()) {
              ctl::complain("explain needs --config FILE, or --live to ask the running balancer");
              return exit_usage;
            }
            request->socket = socket;
            return ctl::explain_files(*request);
          }};
}

Command add_capture(CLI::App& app, const std::string& socket) {
  const auto request = std::make_shared<ctl::CaptureRequest>();
  CLI::App* sub = app.add_subcommand(
      "capture", "Copies of messages, as they come and as they leave, with what became of them, into a file");
  sub->add_option("-o,--output", request->output, "The pcapng file; - for stdout")->type_name("FILE")->required();
  sub->add_option("--filter", request->filter, "Which messages, such as 'method=INVITE and backend=p1'; see below")
      ->type_name("EXPRESSION");
  sub->add_option("--sample", request->sample, "One call in so many, whole, the same on every node")
      ->type_name("N")
      ->check(CLI::Range(uint32_t{1}, capture::sample_max));
  sub->add_option("--count", request->count, "Stop after so many copies")->type_name("N")->check(problem_of_number);
  sub->add_option("--seconds", request->seconds, "Stop after so long")->type_name("S")->check(problem_of_time);
  sub->add_flag("--drops", request->drops, "Only what is dropped");
  sub->footer("A filter compares fields, with and, or, not and parentheses:\n\n" + capture::Filter::help() +
              "\n= and != compare all of it, ~ a part; letters' case counts in a Call-ID only. Examples:\n"
              "  viaductctl capture -o drops.pcapng --drops --seconds 60\n"
              "  viaductctl capture -o p1.pcapng --filter 'backend=proxies/p1 and not status<400'\n"
              "  viaductctl capture -o - --filter 'from ~ +49301234' | tshark -r - -Y sip");
  return {sub, [request, &socket] {
            request->socket = socket;
            return ctl::capture(*request);
          }};
}

Command add_trace(CLI::App& app, const std::string& socket) {
  const auto request = std::make_shared<ctl::TraceRequest>();
  CLI::App* sub = app.add_subcommand("trace", "Draw one call as it happens: who sends what to whom, and why");
  sub->add_option("CALL-ID", request->call_id, "The call's Call-ID")->required();
  sub->add_option("--file", request->file, "From a file of 'capture' instead of the running balancer")
      ->type_name("FILE");
  sub->add_option("--seconds", request->seconds, "Stop after so long")->type_name("S")->check(problem_of_time);
  return {sub, [request, &socket] {
            request->socket = socket;
            return ctl::trace(*request);
          }};
}

Command add_backend(CLI::App& app, const std::string& socket) {
  struct Wish {
    std::string action, target, weight;
  };
  const auto wish = std::make_shared<Wish>();
  CLI::App* sub = app.add_subcommand("backend", "Tell a running balancer what you want of a backend");
  sub->add_option("ACTION", wish->action, "drain: no new calls, dialogs go on; up; down; weight")
      ->required()
      ->check(CLI::IsMember({"drain", "up", "down", "weight"}));
  sub->add_option("BACKEND", wish->target, "Its pool and name, such as proxies/p1")->required();
  sub->add_option("N", wish->weight, "With weight: its share of new calls, from 0 to 1000")
      ->type_name("N")
      ->check(problem_of_weight);
  return {sub, [wish, &socket] {
            const std::string& weight = wish->weight;
            if ((wish->action == "weight") == weight.empty()) {
              ctl::complain(weight.empty() ? "weight needs a number: backend weight POOL/NAME N"
                                           : "only weight takes a number");
              return exit_usage;
            }
            return tell(socket, "backend " + wish->action + ' ' + wish->target + (weight.empty() ? "" : ' ' + weight));
          }};
}

Command add_reload(CLI::App& app, const std::string& socket) {
  struct How {
    bool dry_run = false, json = false;
  };
  const auto how = std::make_shared<How>();
  CLI::App* sub = app.add_subcommand("reload", "Read the configuration file anew: all of it or nothing");
  sub->add_flag("--dry-run", how->dry_run, "Show what would change and which calls would move; change nothing");
  sub->add_flag("--json", how->json, "One JSON object instead of text");
  return {sub, [how, &socket] {
            return tell(socket, std::string("reload") + (how->dry_run ? " dry-run" : "") + (how->json ? " json" : ""),
                        reload_time_ms);
          }};
}

Command add_save(CLI::App& app, const std::string& socket) {
  CLI::App* sub =
      app.add_subcommand("save", "Write the states and weights that were set by 'backend' into the configuration file");
  return {sub, [&socket] { return tell(socket, "save"); }};
}

Command add_ban(CLI::App& app, const std::string& socket) {
  struct Wish {
    std::string verb, prefix, time;
    bool json = false;
  };
  const auto wish = std::make_shared<Wish>();
  CLI::App* sub = app.add_subcommand("ban", "Shut sources out for a while, or let them in again");
  sub->add_option("ACTION", wish->verb, "add, del or list")->required()->check(CLI::IsMember({"add", "del", "list"}));
  sub->add_option("PREFIX", wish->prefix, "An address or a prefix, such as 192.0.2.7 or 2001:db8::/48")
      ->type_name("PREFIX");
  sub->add_option("TIME", wish->time, "With add: how long, such as 60s or 24h")->type_name("TIME");
  sub->add_flag("--json", wish->json, "With list: one JSON object instead of text");
  return {
      sub, [wish, &socket] {
        if (wish->verb == "list") return tell(socket, std::string("show bans") + (wish->json ? " json" : ""));
        const std::string &verb = wish->verb, &prefix = wish->prefix, &time = wish->time;
        if (prefix.empty() || (verb == "add") == time.empty()) {
          return refuse_usage("'ban add PREFIX TIME' or 'ban del PREFIX' is expected, such as 'ban add 192.0.2.7 60s'");
        }
        return tell(socket, "ban " + verb + ' ' + prefix + (time.empty() ? "" : ' ' + time));
      }};
}

Command add_reset(CLI::App& app, const std::string& socket) {
  CLI::App* sub =
      app.add_subcommand("reset", "Zero what is shown 'since reset'; counters, the ledger and metrics stay");
  return {sub, [&socket] { return tell(socket, "reset"); }};
}

Command add_log(CLI::App& app, const std::string& socket) {
  struct Wish {
    std::string what, level;
  };
  const auto wish = std::make_shared<Wish>();
  CLI::App* sub = app.add_subcommand("log", "Change how much is logged, until the next start");
  sub->add_option("WHAT", wish->what, "level, or reopen: the file anew, after it was renamed")
      ->required()
      ->check(CLI::IsMember({"level", "reopen"}));
  sub->add_option("LEVEL", wish->level, "With level: debug, info, warning or error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  return {sub, [wish, &socket] {
            const std::string &what = wish->what, &level = wish->level;
            if ((what == "level") == level.empty()) {
              return refuse_usage("'log level debug|info|warning|error' or 'log reopen' is expected");
            }
            return tell(socket, "log " + what + (level.empty() ? "" : ' ' + level));
          }};
}

Command add_serve(CLI::App& app, const std::string& socket) {
  const auto request = std::make_shared<ctl::ServeRequest>();
  CLI::App* sub = app.add_subcommand("serve", "Serve metrics, JSON and a dashboard over HTTP");
  sub->add_option("--listen", request->listen, "Where to listen")->type_name("IP:PORT")->capture_default_str();
  sub->add_option("--host", request->hosts,
                  "A name that this server is asked by, as behind a proxy; addresses, localhost and the machine's "
                  "own name need none")
      ->type_name("NAME")
      ->allow_extra_args(false);
  sub->add_option("--user", request->user, "Who to become when started by root")
      ->type_name("NAME")
      ->capture_default_str();
  CLI::Option* token_file =
      sub->add_option("--token-file", request->token_file, "Whose first line is the token that orders need")
          ->type_name("FILE");
  sub->add_flag("--allow-control", request->allow_control, "Backends may be drained and taken up by who has the token")
      ->needs(token_file);
  return {sub, [request, &socket] {
            request->socket = socket;
            return ctl::serve(*request);
          }};
}

Command add_top(CLI::App& app, const std::string& socket) {
  const auto request = std::make_shared<ctl::TopRequest>();
  CLI::App* sub = app.add_subcommand(
      "top", "What goes on, live: rates, workers, backends, drops, limits, deviations, events; 'h' shows the keys");
  sub->add_option("-d,--delay", request->seconds, "Time between two questions")
      ->type_name("SECONDS")
      ->check(problem_of_time)
      ->check(CLI::Range(0.1, 3600.0).description(""))
      ->capture_default_str();
  sub->add_option("--view", request->view, "What is shown first: " + ctl::names_of_views())
      ->type_name("VIEW")
      ->capture_default_str();
  sub->add_flag("--plain", request->plain, "Pages one after the other, as without a terminal");
  sub->add_option("-n,--count", request->count, "So many pages, and the end")
      ->type_name("COUNT")
      ->check(problem_of_number);
  return {sub, [request, &socket] {
            request->socket = socket;
            return ctl::top(*request);
          }};
}

Command add_manual(CLI::App& app, const std::string&) {
  const auto page = std::make_shared<std::string>();
  CLI::App* sub = app.add_subcommand("manual", "Print a page that is made from these tables")->group("");
  sub->add_option("PAGE", *page, "man, socket, metrics, reasons, settings, settings-man or completion")->required();
  return {sub, [&app, page] { return print_manual(app, *page); }};
}

Command add_check(CLI::App& app, const std::string&) {
  const auto file = std::make_shared<std::string>();
  CLI::App* sub =
      app.add_subcommand("check", "Is this configuration file fine? All mistakes at once, each with its place");
  sub->add_option("FILE", *file, "The configuration file")->required();
  return {sub, [file] { return control::check_configuration(*file); }};
}

// In the order in which --help lists them, behind those that show something.
constexpr AddCommand other_commands[] = {add_explain, add_capture, add_trace, add_backend, add_reload,
                                         add_save,    add_ban,     add_reset, add_log,     add_serve,
                                         add_top,     add_manual,  add_check};

// CLI11 says of an unknown command that one is required; the user wants to hear about the one that was typed.
int refuse(const CLI::App& app, const CLI::ParseError& problem) {
  const std::vector<std::string> left = app.remaining();
  if (!app.get_subcommands().empty() || left.empty() || problem.get_exit_code() == 0) {
    return app.exit(problem) == 0 ? exit_fine : exit_usage;
  }
  if (left.front().starts_with('-')) {
    ctl::complain("'" + left.front() + "' is no option; viaductctl --help shows what is");
    return exit_usage;
  }
  std::string known;
  for (const CLI::App* sub : app.get_subcommands(nullptr)) known += (known.empty() ? "" : ", ") + sub->get_name();
  ctl::complain("'" + left.front() + "' is no command; there are " + known);
  return exit_usage;
}

// A line end in an argument would begin another command.
bool has_control_characters(int argc, char** argv) {
  return std::any_of(argv, argv + argc, [](std::string_view argument) {
    return std::any_of(argument.begin(), argument.end(),
                       [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
  });
}

int run(int argc, char** argv) {
  CLI::App app(about, "viaductctl");
  app.footer(examples);
  app.set_version_flag("--version", std::string("viaductctl ") + VIADUCT_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  std::string socket = "/run/viaduct/viaduct.sock";
  app.add_option("-s,--socket", socket, "The control socket of the balancer")->type_name("PATH")->capture_default_str();
  std::vector<Command> commands;
  for (const control::Command& command : control::commands()) commands.push_back(add_show(app, socket, command));
  for (const AddCommand add : other_commands) commands.push_back(add(app, socket));
  if (has_control_characters(argc, argv)) {
    return refuse_usage("an argument has line ends or other control characters, which no command has");
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return refuse(app, problem);
  }
  const auto given =
      std::find_if(commands.begin(), commands.end(), [](const Command& command) { return command.app->parsed(); });
  return given->run();
}

}  // namespace

// What was printed must have arrived.
int main(int argc, char** argv) {
  const int code = run(argc, argv);
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  ctl::complain(std::string("what there was to say could not be written: ") + std::strerror(errno));
  return code == exit_fine ? exit_failed : code;
}
