"""The demo: SIPp calls through viaduct to three backends, a live table, a summary."""

import argparse
import json
import os
import re
import shlex
import shutil
import sys
import time

from netlab import LabError, remove_namespace
from sip_hosts import endpoint
from testbed import IPV4, IPV6, Testbed, default_cores

# What the two sides play: (caller, callee).
SCENARIOS = {
    "trying": ("uac", "callee_trying.xml"),
    "stock": ("uac", "uas"),
    "routed": ("caller_routed.xml", "callee_reinvite.xml"),
}
KEPT_DIRECTORY = "/run/viaduct-demo"
NAMESPACES = re.compile(r"^vd-\d+(\.\d+)?-(client|balancer|backends)$")


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(
        prog="scripts/demo", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Three test hosts in network namespaces (client, balancer, backends), real SIPp calls through viaduct "
                    "to three\nSIPp backends, a live table, a summary. Installs and builds what is missing first.",
        epilog="scenarios:\n"
               "  trying   SIPp's stock caller; callees answer 100, 180, 200 (default)\n"
               "  stock    SIPp's stock caller and stock callee\n"
               "  routed   a caller with a route set: ACK, re-INVITE and BYE go along Record-Route\n\n"
               "exit codes: 0 every call completed and the ledger closes; 1 something failed; 2 wrong usage")
    parser.add_argument("--seconds", type=positive, default=15, metavar="N", help="how long to make calls (15)")
    parser.add_argument("--rate", type=positive, default=300, metavar="R", help="calls a second (300)")
    parser.add_argument("--workers", type=core_list, metavar="LIST", help='worker cores, as in "0,1" (one core)')
    parser.add_argument("--ipv6", action="store_true", help="run over IPv6")
    parser.add_argument("--scenario", choices=sorted(SCENARIOS), default="trying", help="what kind of calls (trying)")
    parser.add_argument("--json", action="store_true", help="the summary as one JSON object, the last line of stdout")
    parser.add_argument("--keep", action="store_true", help="leave hosts, viaduct and backends running; --clean ends them")
    parser.add_argument("--clean", action="store_true", help="take away what --keep left, and do nothing else")
    parser.add_argument("--parse-only", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def positive(text):
    if not text.isdigit() or not 1 <= int(text) <= 86400:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 to 86400")
    return int(text)


def core_list(text):
    usable = os.sched_getaffinity(0)
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdigit() for word in words) or len(set(words)) != len(words):
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of different core numbers, such as 0,1")
    cores = [int(word) for word in words]
    if not usable.issuperset(cores):
        raise argparse.ArgumentTypeError(f"'{text}' names a core this machine does not offer; it offers "
                                         f"{','.join(map(str, sorted(usable)))}")
    return cores


class Table:
    """The live table: one line a second."""

    def __init__(self, out, backends):
        self.out = out
        self.backends = list(backends)
        self.before = None

    def header(self):
        names = "".join(f"{name:>8}" for name in self.backends)
        self.line(f"   time   started  completed  failed  retrans |  msg/s in  msg/s out  dropped |{names}")

    def row(self, label, seconds, calls, ledger, requests):
        taken, sent = ledger["received"], ledger["forwarded"] + ledger["replied"]
        before_seconds, before_taken, before_sent = self.before or (0, 0, 0)
        span = max(seconds - before_seconds, 0.001)
        self.before = (seconds, taken, sent)
        total = sum(requests.values())
        shares = "".join(f"{100 * requests[name] / total:7.1f}%" if total else f"{'-':>8}" for name in self.backends)
        self.line(f"{label:>7} {calls.started:9,} {calls.completed:10,} {calls.failed:7,} "
                  f"{calls.retransmissions:8,} | {(taken - before_taken) / span:9,.0f} "
                  f"{(sent - before_sent) / span:10,.0f} {ledger['dropped']:8,} |{shares}")

    def line(self, text):
        print(text, file=self.out, flush=True)


def read_balancer(balancer):
    """(ledger terms, backend name -> requests) from viaductctl."""
    ledger = balancer.show("stat")["ledger"]
    requests = {row["backend"]: row["requests"] for row in balancer.show("backends")["backends"]}
    return ledger, requests


def read_drops(balancer):
    """Reason -> messages, of what was dropped (not of what is the kernel's, or ends with viaduct by design)."""
    return {row["reason"]: row["messages"] for row in balancer.show("drops")["reasons"] if row["booked"] == "dropped"}


def settled_ledger(balancer):
    """The ledger once nothing is under way: counters are read while workers run, so a reading may be torn."""
    for _ in range(50):
        ledger, requests = read_balancer(balancer)
        if ledger["closes"]:
            break
        time.sleep(0.1)
    return ledger, requests


def run_calls(options, testbed, balancer, out):
    addresses = IPV6 if options.ipv6 else IPV4
    caller_scenario, callee_scenario = SCENARIOS[options.scenario]
    callees = testbed.start_callees(addresses, callee_scenario)
    calls = options.rate * options.seconds
    caller = testbed.start_caller(addresses, scenario=caller_scenario, rate=options.rate, calls=calls)

    table = Table(out, addresses.backends)
    table.header()
    started = time.monotonic()
    tick = 1.3  # SIPp writes its figures every full second, a little after it started
    while caller.process.wait(max(0.0, started + tick - time.monotonic())) is None:
        table.row(f"{tick:.0f} s", time.monotonic() - started, caller.statistics(), *read_balancer(balancer))
        tick += 1
    seconds = time.monotonic() - started
    ledger, requests = settled_ledger(balancer)
    table.row("end", seconds, caller.statistics(), ledger, requests)
    return caller, callees, calls, seconds, ledger, requests


def summarize(options, testbed, balancer, out):
    """Runs the calls and returns (summary, problems)."""
    caller, callees, planned, seconds, ledger, requests = run_calls(options, testbed, balancer, out)
    calls = caller.statistics()
    callee_calls = {name: callee.settled_statistics().started for name, callee in callees.items()}
    summary = {
        "calls_started": calls.started,
        "calls_completed": calls.completed,
        "calls_failed": calls.failed + (planned - calls.started),
        "retransmissions": calls.retransmissions,
        "backends": requests,
        "ledger": ledger,
        "drops": read_drops(balancer),
        "seconds": round(seconds, 1),
        "workers": options.workers or default_cores()[1],
        "ip": 6 if options.ipv6 else 4,
        "scenario": options.scenario,
        "calls_per_backend": callee_calls,
    }
    problems = []
    if calls.started != planned:
        problems.append(f"{planned - calls.started} of {planned} calls were never started")
    if calls.failed or calls.completed != calls.started:
        problems.append(f"{calls.started - calls.completed} of {calls.started} calls did not complete; SIPp says:\n"
                        + caller.complaint())
    if not ledger["closes"]:
        problems.append(f"the ledger does not close: {ledger}")
    for name, count in requests.items():
        if count == 0:
            problems.append(f"backend {name} got no request")
    if not balancer.process.running():
        problems.append(f"viaduct ended by itself with exit code {balancer.process.returncode()}:\n"
                        + balancer.process.output()[-2000:])
    return summary, problems


def print_summary(summary, problems, out):
    ledger = summary["ledger"]
    total = sum(summary["backends"].values()) or 1
    left = " + ".join(f"{name} {ledger[name]:,}" for name in ("received", "generated") if name in ledger)
    right = " + ".join(f"{name} {ledger[name]:,}" for name in ("forwarded", "replied", "absorbed", "punted", "dropped")
                       if name in ledger)
    print(f"\ncalls     {summary['calls_started']:,} started, {summary['calls_completed']:,} completed, "
          f"{summary['calls_failed']:,} failed, {summary['retransmissions']:,} retransmissions", file=out)
    for name, requests in summary["backends"].items():
        print(f"backend   {name}: {requests:,} requests, {100 * requests / total:.1f} %, "
              f"{summary['calls_per_backend'].get(name, 0):,} calls", file=out)
    print(f"ledger    {left} = {right}\n          {'closes' if ledger['closes'] else 'DOES NOT CLOSE'}", file=out)
    if summary["drops"]:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in summary["drops"].items())
        print(f"dropped   {reasons}", file=out)
    for problem in problems:
        print(f"demo: {problem}", file=sys.stderr)
    print(f"verdict   {'failed' if problems else 'every call went through'}", file=out, flush=True)


def keep(testbed, balancer, options, out):
    """Leaves everything standing and notes down what `--clean` has to take away."""
    addresses = IPV6 if options.ipv6 else IPV4
    lab = testbed.lab
    os.makedirs(KEPT_DIRECTORY, exist_ok=True)
    with open(os.path.join(KEPT_DIRECTORY, lab.prefix), "w", encoding="utf-8") as file:
        json.dump({"namespaces": [host.namespace for host in lab.hosts], "directory": lab.directory}, file)
    call = testbed.client.command("sipp", endpoint(addresses.outside), "-sn", "uac", "-i", addresses.client, "-p", 5060,
                                  "-r", 10, "-m", 100)
    print(f"""
left running, in namespaces {', '.join(host.namespace for host in lab.hosts)}
  look        build/src/viaductctl/viaductctl --socket {balancer.socket_path} stat
  more calls  {shlex.join(call)}
  config      {balancer.config_path}
  end it      scripts/demo --clean""", file=out, flush=True)
    lab.processes.clear()
    lab.hosts.clear()
    lab.directory = None


def clean(out):
    if os.geteuid() != 0:
        raise LabError("network namespaces need root; run it as root or with sudo")
    notes = sorted(os.listdir(KEPT_DIRECTORY)) if os.path.isdir(KEPT_DIRECTORY) else []
    for name in notes:
        path = os.path.join(KEPT_DIRECTORY, name)
        with open(path, encoding="utf-8") as file:
            note = json.load(file)
        for namespace in filter(NAMESPACES.match, note["namespaces"]):
            remove_namespace(namespace)
        shutil.rmtree(note["directory"], ignore_errors=True)
        os.remove(path)
        print(f"demo: took away {', '.join(note['namespaces'])}", file=out)
    if not notes:
        print("demo: nothing was left running", file=out)


def demonstrate(options, out):
    addresses = IPV6 if options.ipv6 else IPV4
    with Testbed() as testbed:
        workers = options.workers or default_cores()[1]
        backends = ", ".join(f"{name} {address}" for name, address in addresses.backends.items())
        print(f"client {addresses.client} -> {addresses.outside} viaduct {addresses.inside} -> {backends}\n"
              f"{options.rate * options.seconds:,} calls, {options.rate} a second, worker cores {workers}\n", file=out)
        balancer = testbed.start_balancer(addresses, workers=workers)
        summary, problems = summarize(options, testbed, balancer, out)
        if options.keep:
            print_summary(summary, problems, out)
            keep(testbed, balancer, options, out)
        else:
            code = balancer.stop()
            if code != 0:
                problems.append(f"viaduct did not stop cleanly: exit code {code}\n{balancer.process.output()[-2000:]}")
            print_summary(summary, problems, out)
    return summary, problems


def main():
    options = parse_arguments(sys.argv[1:])
    if options.parse_only:
        return 0
    out = sys.stderr if options.json else sys.stdout
    try:
        if options.clean:
            clean(out)
            return 0
        summary, problems = demonstrate(options, out)
    except LabError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndemo: stopped; everything is cleaned up", file=sys.stderr)
        return 130
    if options.json:
        print(json.dumps(summary), flush=True)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
