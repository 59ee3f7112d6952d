"""Who is shut out, limited or refused by a rule: through the real program, from real sources."""

import json
import os
import re
import select
import subprocess
import time

from answers import message
from calls import testbed
from harness import (ROOT, Peer, check, check_counted, check_equal, check_ledger, check_stops, drops, scenario)
from netlab import wait_until
from sip_hosts import endpoint
from testbed import IPV4, Balancer, balancer_config, program

OTHER_CLIENT = "10.77.0.3"


def invite(number, source=IPV4.client, headers="", method="INVITE"):
    text = message(IPV4, f"{method} sip:service@{endpoint(IPV4.outside)} SIP/2.0", f"1 {method}", f"z9hG4bKpolicy{number}",
                   headers="Max-Forwards: 70\n" + headers, call_id=f"policy-{number}")
    return text.replace(IPV4.client, source)


class Wire:
    """A client or two, and three backends that only listen."""

    def __init__(self, bed):
        bed.client.add_address("edge0", f"{OTHER_CLIENT}/24")
        self.clients = {address: Peer(bed.client, address) for address in (IPV4.client, OTHER_CLIENT)}
        self.backends = [Peer(bed.backend_host, address) for address in IPV4.backends.values()]
        self.sent = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for peer in (*self.clients.values(), *self.backends):
            peer.socket.close()

    def send(self, source=IPV4.client, **options):
        self.sent += 1
        self.clients[source].send(invite(self.sent, source, **options), IPV4.outside)

    def arrived(self, patience):
        """Everything that reached a backend until `patience` seconds pass without anything."""
        texts = []
        by_socket = {peer.socket: peer for peer in self.backends}
        while ready := select.select(list(by_socket), [], [], patience)[0]:
            texts += [by_socket[sock].receive(0)[0] for sock in ready]
        return texts

    def arrivals(self, count):
        """What reached a backend, when `count` messages have, and nothing more is to come."""
        texts = []
        end = time.monotonic() + 10
        while len(texts) < count and time.monotonic() < end:
            texts += self.arrived(0.2)
        return texts + self.arrived(0.5)

    def passes(self, source=IPV4.client, **options):
        """Whether one more request reaches a backend."""
        self.send(source, **options)
        wanted = f"Call-ID: policy-{self.sent}\n"
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            if any(wanted in text for text in self.arrived(0.1)):
                return True
        return False


def start(bed, rules="", top=""):
    return Balancer(bed.balancer_host, top + balancer_config(IPV4, bed.lab.directory) + rules)


def ban(balancer, *arguments):
    """A word about a ban; the workers have it with the next View."""
    def epoch():
        return balancer.show("info")["view_epoch"]

    before = epoch()
    check_equal(balancer.ctl("ban", *arguments).returncode, 0, f"exit code of ban {' '.join(arguments)}")
    wait_until(lambda: epoch() > before, 5, "a View with that ban")


def bans(balancer):
    return json.loads(balancer.ctl("ban", "list", "--json").stdout)["bans"]


@scenario
def a_ban_by_hand_ends_by_itself_or_by_hand():
    with testbed() as bed, Wire(bed) as wire:
        balancer = start(bed)
        check(wire.passes(), "a request before the ban did not arrive")
        ban(balancer, "add", IPV4.client, "3s")
        check(not wire.passes(), "a banned source's request arrived")
        check(wire.passes(OTHER_CLIENT), "its neighbour's did not")
        rows = bans(balancer)
        check(len(rows) == 1 and rows[0]["source"].startswith(IPV4.client) and rows[0]["seconds_left"] <= 3,
              f"ban list: {rows}")
        check_counted(balancer, "banned", 1)
        wait_until(lambda: not bans(balancer), 5, "the end of a ban of 3 s")
        check(wire.passes(), "a request after the ban did not arrive")

        ban(balancer, "add", "10.77.0.0/24", "1h")
        check(not wire.passes() and not wire.passes(OTHER_CLIENT), "a request from a banned prefix arrived")
        ban(balancer, "del", "10.77.0.0/24")
        check(wire.passes(), "a request after ban del did not arrive")

        # Whoever bans the backends by mistake does not lose them.
        ban(balancer, "add", "10.78.0.0/24", "1h")
        wire.send()
        arrived = wait_until(lambda: wire.arrived(0.1), 3, "a request under a ban of the backends")
        via = [line for line in arrived[0].splitlines() if line.startswith("Via:")]
        rest = [line for line in arrived[0].splitlines() if re.match("(From|To|Call-ID|CSeq):", line)]
        wire.backends[0].send("\n".join(["SIP/2.0 486 Busy Here", *via, *rest, "Content-Length: 0", "", ""]), IPV4.inside)
        answer = wire.clients[IPV4.client].receive()
        check(answer is not None and answer[0].startswith("SIP/2.0 486"), f"a backend's answer under a ban: {answer}")

        for wrong in (("add", "nonsense", "60s"), ("add", IPV4.client, "soon"), ("del", "192.0.2.99")):
            done = balancer.ctl("ban", *wrong)
            check(done.returncode == 1 and done.stderr.startswith("error: "), f"ban {wrong}: {done}")
        check_ledger(balancer)
        check_stops(balancer)


@scenario
def a_limit_bans_by_itself():
    with testbed() as bed, Wire(bed) as wire:
        balancer = start(bed, '\n[[limit]]\nname = "per-source"\nby = "source"\nrate = "5/s"\naction = "ban 2s"\n')
        for _ in range(60):
            wire.send()
        passed = len(wire.arrived(0.5))
        check(5 <= passed <= 20, f"{passed} of 60 requests at once passed a limit of 5/s")
        rows = wait_until(lambda: bans(balancer), 2, "a ban")
        check(len(rows) == 1 and rows[0]["source"].startswith(IPV4.client) and "per-source" in rows[0]["why"],
              f"ban list: {rows}")
        check(not wire.passes(), "a banned source's request arrived")
        check(wire.passes(OTHER_CLIENT), "its neighbour's did not")
        log = balancer.process.output()
        check(re.search(rf"banned {IPV4.client}(/32)? for 2s: over limit per-source", log), f"no line in the log:\n{log}")
        wait_until(lambda: not bans(balancer), 5, "the end of the ban")
        check(wire.passes(), "a request after the ban did not arrive")
        counted = drops(balancer)
        check(counted.get("banned", 0) >= 1 and counted.get("limited", 0) >= 1, f"dropped by reason: {counted}")
        check_ledger(balancer)


POLICY = """
[[rule]]
name  = "no-options"
method = ["OPTIONS"]
match  = { user-agent = 'probe' }
action = "drop"
mode   = "MODE"

[[rule]]
name   = "calls"
method = ["INVITE"]
action = "limit slow"

[[limit]]
name   = "slow"
by     = "source"
rate   = "6/m"
burst  = 6
mode   = "MODE"
"""


def without_our_rows(text):
    """A message as it arrived, without the Via that was added: it may tell the time."""
    lines = text.splitlines()
    lines.remove(next(line for line in lines if line.startswith("Via:")))
    return "\n".join(lines)


def run_policy(mode, expected):
    """Twenty requests under POLICY: what arrived, and the counters of the rule, the limit and the ledger."""
    with testbed() as bed, Wire(bed) as wire:
        balancer = start(bed, POLICY.replace("MODE", mode) if mode else "")
        for number in range(20):
            if number % 4 == 0:
                wire.send(method="OPTIONS", headers="User-Agent: probe\n")
            else:
                wire.send()
        arrived = sorted(without_our_rows(text) for text in wire.arrivals(expected))
        rules = {row["rule"]: row["matched"] for row in balancer.show("rules")["rules"]}
        limits = {row["limit"]: row["over"] for row in balancer.show("limits")["limits"]}
        check_ledger(balancer)
        return arrived, rules, limits, drops(balancer)


@scenario
def observing_changes_nothing_and_counts_what_would_go():
    plain, _, _, _ = run_policy("", 20)
    check_equal(len(plain), 20, "requests that arrive without rules")
    observed, rules, limits, dropped = run_policy("observe", 20)
    check_equal(observed, plain, "what arrived, observed and without rules")
    check_equal((rules["no-options"], limits["slow"]), (5, 9), "counted in observe mode")
    check(not {"rule_dropped", "limited"} & set(dropped), f"observe mode dropped: {dropped}")
    enforced, _, _, dropped = run_policy("enforce", 20 - 5 - 9)
    check_equal(dropped.get("rule_dropped"), rules["no-options"], "dropped by the rule, against observed")
    check_equal(dropped.get("limited"), limits["slow"], "dropped by the limit, against observed")
    check_equal(len(enforced), 20 - 5 - 9, "what arrived with both enforced")


# argv: source, target, messages a second, seconds. Each message is a call of its own.
FLOOD = """
import socket, sys, time
source, target, rate, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((source, 5060))
s.connect((target, 5060))
text = ('INVITE sip:service@{t}:5060 SIP/2.0\\r\\nVia: SIP/2.0/UDP {s}:5060;branch=z9hG4bK%d\\r\\nMax-Forwards: 70\\r\\n'
        'From: <sip:flood@{s}>;tag=f\\r\\nTo: <sip:service@{t}>\\r\\nCall-ID: flood-%d\\r\\nCSeq: 1 INVITE\\r\\n'
        'Content-Length: 0\\r\\n\\r\\n').format(s=source, t=target)
begin, sent = time.monotonic(), 0
while (passed := time.monotonic() - begin) < seconds:
    while sent < passed * rate:
        try:
            s.send((text % (sent, sent)).encode())
        except OSError:
            pass
        sent += 1
    time.sleep(0.001)
print(sent)
"""


def flooded(limit, seconds):
    """Calls beside a source at a hundred times its limit. Returns how many failed; everything else is checked."""
    calls = 20 * (seconds + 1)
    with testbed() as bed:
        bed.client.add_address("edge0", f"{OTHER_CLIENT}/24")
        balancer = start(bed, f'\n[[limit]]\nname = "per-source"\nby = "source"\nrate = "{limit}/s"\n')
        callees = bed.start_callees(IPV4)
        caller = bed.start_caller(IPV4, rate=20, calls=calls)
        wait_until(lambda: caller.statistics().completed > 5, 10, "the first calls")
        flood = bed.client.start("flood", "python3", "-c", FLOOD, OTHER_CLIENT, IPV4.outside, 100 * limit, seconds)
        time.sleep(seconds - 1)
        top = {row["who"]: row for row in balancer.show("top-sources")["top_sources"]}
        check_equal(flood.wait(seconds + 20), 0, "exit code of the flood")
        check(caller.process.wait(60) is not None, "the caller did not end")
        statistics = caller.statistics()
        check(top[OTHER_CLIENT]["over"] > 0 and top[OTHER_CLIENT]["verdict"] == "drop", f"top-sources in the flood: {top}")
        check(IPV4.client not in top or top[IPV4.client]["over"] == 0, f"the caller was limited, too: {top}")
        sent = int(flood.output().split()[-1])
        limited = drops(balancer).get("limited", 0)
        check_equal(limited, balancer.show("limits")["limits"][0]["over"], "messages dropped, and over the limit")
        check(limited > 0.5 * sent, f"{limited} of {sent} flood messages were limited")
        requests = sum(row["requests"] for row in balancer.show("backends")["backends"])
        good = 3 * calls + statistics.retransmissions
        check(requests - good <= limit * (seconds + 3), f"{requests - good} messages of the flood were forwarded")
        check(all(callee.process.running() for callee in callees.values()), "a backend ended")
        check_ledger(balancer)
        check_stops(balancer)
        return calls - statistics.completed


@scenario(alone=True)
def a_flood_loses_only_its_own_messages():
    """A source at a hundred times its limit; every call beside it completes."""
    failed = flooded(limit=100, seconds=5)
    if failed:
        print("      the balancer limited nobody else, but SIPp gave up calls: a stalled machine; once more", flush=True)
        failed = flooded(limit=100, seconds=5)
    check_equal(failed, 0, "calls that failed beside the flood")


@scenario
def prefix_lists_are_read_anew():
    with testbed() as bed, Wire(bed) as wire:
        path = bed.lab.path("blocked.txt")

        def write(text):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)

        write("# nobody yet\n192.0.2.0/24\n")
        balancer = start(bed, f'\n[[list]]\nname = "blocked"\nfile = "{path}"\n\n[access]\ndeny = ["blocked"]\n')
        check(wire.passes(), "a request from a source on no list did not arrive")
        write("192.0.2.0/24\n10.77.0.2\n")
        check(wire.passes(), "a list took effect before it was read")
        check_equal(balancer.ctl("reload").returncode, 0, "exit code of reload")
        check(not wire.passes(), "a denied source's request arrived")
        check(wire.passes(OTHER_CLIENT), "its neighbour's did not")
        check_counted(balancer, "denied", 1)
        write("10.77.0.2\nnonsense\n")
        done = balancer.ctl("reload")
        check(done.returncode == 1 and f"{path}:2" in done.stdout + done.stderr, f"reload of a wrong list: {done}")
        check(not wire.passes(), "a refused reload changed the list")
        write("")
        check_equal(balancer.ctl("reload").returncode, 0, "exit code of the last reload")
        check(wire.passes(), "a request from a source that is denied no more did not arrive")
        check_ledger(balancer)
        check_stops(balancer)


def compiles(balancer):
    """Whether the thread that prepares reloads is at it."""
    for task in os.listdir(f"/proc/{balancer.process.pid}/task"):
        with open(f"/proc/{balancer.process.pid}/task/{task}/stat", encoding="ascii") as file:
            name, rest = file.read().split("(", 1)[1].rsplit(") ", 1)
        if name == "reload":
            return rest.startswith("R")
    raise AssertionError("there is no thread that prepares reloads")


@scenario
def a_reload_that_compiles_many_patterns_holds_nobody_up():
    """Patterns take seconds; whoever asks meanwhile is answered at once, by a control thread that goes on."""
    with testbed() as bed, Wire(bed) as wire:
        path = bed.lab.path("many.toml")

        def write(word, count=1000):
            patterns = ", ".join(f"'(?i)({word}{number}|tool{number})[a-z ]+x[0-9]+'" for number in range(count))
            with open(path, "w", encoding="utf-8") as file:
                file.write(f'[[rule]]\nname = "many"\nmatch = {{ user-agent = [{patterns}] }}\naction = "drop"\n')

        def start_reload():
            with open(bed.lab.path("reload"), "w", encoding="utf-8") as said:
                return subprocess.Popen([program("viaductctl"), "--socket", balancer.socket_path, "reload"],
                                        stdout=said, stderr=said)

        def reload():
            """Its exit code, how long it took, and the longest that anybody waited for an answer meanwhile."""
            begun = time.monotonic()
            reloading = start_reload()
            longest = 0
            while reloading.poll() is None:
                asked = time.monotonic()
                balancer.show("info")
                longest = max(longest, time.monotonic() - asked)
            return reloading.returncode, time.monotonic() - begun, longest

        write("old")
        balancer = start(bed, top=f'include = ["{path}"]\n')
        write("(unclosed")
        code, took, longest = reload()
        check_equal(code, 1, "exit code of a reload with wrong patterns")
        check(longest < took / 2, f"an answer took {longest:.2f} s while a reload was refused, which took {took:.2f} s")
        write("new")
        code, took, longest = reload()
        check_equal(code, 0, "exit code of reload")
        check(longest < took / 2, f"an answer took {longest:.2f} s while a reload took {took:.2f} s")
        check(wire.passes(headers="User-Agent: old7 x7\n"), "the old patterns are still in force")
        check(not wire.passes(headers="User-Agent: new7 x7\n"), "the new patterns are not in force")
        print(f"      a reload of 1,000 patterns took {took:.2f} s, the longest answer meanwhile {longest:.2f} s", flush=True)
        write("newer", 300)
        reloading = start_reload()
        wait_until(lambda: compiles(balancer), 5, "a reload that is being prepared", interval=0.01)
        check_equal(balancer.ctl("backend", "drain", "proxies/p1").returncode, 0, "exit code of a drain behind a reload")
        check_equal(reloading.wait(10), 0, "exit code of the reload in front of it")
        states = {backend["backend"]: backend["state"] for backend in balancer.show("backends")["backends"]}
        check_equal(states["p1"], "drain", "what was said of p1 after asking for a reload")
        write("newest", 300)
        reloading = start_reload()
        wait_until(lambda: compiles(balancer), 5, "a reload that is being prepared", interval=0.01)
        check_stops(balancer)
        check_equal(reloading.wait(10), 1, "exit code of a reload of one that is stopped")
        with open(bed.lab.path("reload"), encoding="utf-8") as said:
            check("is being stopped" in said.read(), "a reload of one that is stopped is not told so")


@scenario
def the_ready_made_rules_silence_scanners():
    include = f'include = ["{os.path.join(ROOT, "config", "rules", "scanners.toml")}"]\n'
    scanners = ("User-Agent: friendly-scanner\n", "User-Agent: sipcli/v1.8\n", "user-agent : VaxSIPUserAgent/3.1\n",
                "User-Agent: sipvicious\n", "User-Agent: pplsip\n")
    with testbed() as bed, Wire(bed) as wire:
        balancer = start(bed, top=include)
        check(wire.passes(headers="User-Agent: Yealink SIP-T46S 66.86.0.15\n"), "a phone's request did not arrive")
        for headers in scanners:
            for method in ("OPTIONS", "REGISTER", "INVITE"):
                wire.send(method=method, headers=headers)
        check_equal(wire.arrived(0.6), [], "scanners' requests at the backends")
        check(wire.clients[IPV4.client].receive(0.2) is None, "a scanner was answered")
        check_counted(balancer, "rule_dropped", 3 * len(scanners))
        matched = {row["rule"]: row["matched"] for row in balancer.show("rules")["rules"]}
        check_equal(matched["scanner-user-agents"], 3 * len(scanners), "matched by scanner-user-agents")
        path = bed.lab.path("scanner.sip")
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(invite(0, headers="User-Agent: friendly-scanner\n").replace("\n", "\r\n"))
        done = bed.balancer_host.run(program("viaductctl"), "explain", "--config", balancer.config_path, path)
        check_equal(done.returncode, 0, f"exit code of explain: {done.stderr}")
        told = json.loads(done.stdout)
        check_equal((told["verdict"], told["reason"], told["rule"]), ("drop", "rule_dropped", "scanner-user-agents"),
                    "what explain says")
        check_ledger(balancer)
        check_stops(balancer)
