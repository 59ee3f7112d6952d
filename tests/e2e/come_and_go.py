"""Backends come and go: probes see a death, calls spread, and everything returns to where it was."""

import re
import signal
import time

from calls import testbed
from harness import check, check_calls, check_equal, check_ledger, check_stops, scenario
from netlab import wait_until
from sip_hosts import Callee
from testbed import IPV4, Balancer, balancer_config

HEALTH = """
[pool.health]
interval = "500ms"
timeout  = "250ms"
rise     = 2
fall     = 3
"""
CALLEE = "callee_probed.xml"
TALKS = "caller_talks.xml"  # along its route set
DEATH_SECONDS = 3 * 0.5 + 0.25


def config_text(bed, health=HEALTH, addresses=IPV4, **options):
    """The three-host configuration with probes."""
    text = balancer_config(addresses, bed.lab.directory, **options)
    return text.replace('key  = "call-id"\n', f'key  = "call-id"\n{health}')


def start(bed, **options):
    bed.settle(IPV4)
    return Balancer(bed.balancer_host, config_text(bed, **options))


def health(balancer):
    return {row["backend"]: row["health"] for row in balancer.show("health")["health"]}


def shares(balancer):
    return {row["backend"]: row["share_percent"] for row in balancer.show("backends")["backends"]}


def await_health(balancer, name, wanted, seconds=8):
    started = time.monotonic()
    wait_until(lambda: health(balancer)[name] == wanted, seconds, f"{name} {wanted}", interval=0.05)
    return time.monotonic() - started


def await_probed(balancer):
    """Every backend has answered a probe."""
    wait_until(lambda: all(row["last"] == "200" for row in balancer.show("health")["health"]), 8, "answered probes")


@scenario(alone=True, number={"killed": signal.SIGKILL, "stopped": signal.SIGSTOP})
def a_dead_backend_is_seen_and_its_calls_spread(number):
    """LBG-23: kill -9 (ICMP says so) and SIGSTOP (nobody says anything) under load; then the return."""
    with testbed() as bed:
        balancer = start(bed)
        callees = bed.start_callees(IPV4, CALLEE)
        await_probed(balancer)
        before = shares(balancer)
        caller = bed.start_caller(IPV4, rate=100, calls=1000, extra=["-nr", "-recv_timeout", "2000"])
        wait_until(lambda: caller.statistics().completed > 50, 10, "50 calls")
        callees["p2"].process.signal(number)
        seen = await_health(balancer, "p2", "down")
        check(seen < DEATH_SECONDS + 1.0, f"seen after {seen:.2f} s, expected {DEATH_SECONDS} s")
        during = shares(balancer)
        check_equal(during["p2"], 0, "p2's share while it is down")
        for name in ("p1", "p3"):
            gained = during[name] - before[name]
            check(abs(gained - before["p2"] / 2) < 0.3 * before["p2"] / 2, f"{name} gained {gained:.1f} points")
        failed = caller.settled_statistics().failed
        check(caller.process.wait(20) is not None, "the caller did not end")
        statistics = caller.statistics()
        check(statistics.failed - failed <= 100, f"{statistics.failed} calls failed, {failed} when p2 was seen dead")
        check(statistics.failed < 0.45 * DEATH_SECONDS * 100 + 60, f"{statistics.failed} calls failed")
        if number == signal.SIGSTOP:
            callees["p2"].process.signal(signal.SIGCONT)
        else:
            callees["p2"] = Callee(bed.backend_host, "p2b", IPV4.backends["p2"], CALLEE)
        await_health(balancer, "p2", "up")
        check_equal(shares(balancer), before, "shares after the return")
        events = balancer.events_of("proxies/p2")
        check_equal([text.split(":")[0] for text in events], ["down", "up"], f"events of p2: {events}")
        log = balancer.process.output()
        check(re.search(r"backend proxies/p2 is down: 3 probes in a row failed", log), f"no line in the log:\n{log}")
        check_ledger(balancer)
        check_stops(balancer)


def requests(balancer, name):
    return next(row["requests"] for row in balancer.show("backends")["backends"] if row["backend"] == name)


@scenario
def drain_under_load_loses_no_call():
    """LBG-08: 200 calls/s of a second each; drained, p2 gets no new call, and the BYEs of its dialogs."""
    with testbed() as bed:
        balancer = bed.start_balancer(IPV4)
        callees = bed.start_callees(IPV4, "callee_trying.xml")
        caller = bed.start_caller(IPV4, scenario=TALKS, rate=200, calls=1200, extra=["-d", "1000"])
        wait_until(lambda: caller.statistics().started > 300, 10, "300 calls")
        done = balancer.ctl("backend", "drain", "proxies/p2")
        check_equal(done.returncode, 0, f"exit code of backend drain: {done.stderr}")
        check("state up -> drain" in done.stdout, done.stdout)
        time.sleep(1.0)
        at_one_second = callees["p2"].settled_statistics().started
        row = next(row for row in balancer.show("backends")["backends"] if row["backend"] == "p2")
        check_equal((row["state"], row["configured"], row["share_percent"]), ("drain", "state up", 0), "p2's row")
        at_backends = check_calls(caller, callees, 1200)
        check_equal(at_backends["p2"].started, at_one_second, "calls at p2 a second after the drain, and at the end")
        check_equal(at_backends["p2"].completed, at_backends["p2"].started, "calls of p2 that ended with a BYE")
        check_equal(sum(at.out_of_call for at in at_backends.values()), 0, "messages out of call")
        check_ledger(balancer)
        check_stops(balancer)


@scenario
def a_broken_file_changes_nothing():
    """A failed reload says why, with places, and calls go on."""
    with testbed() as bed:
        balancer = bed.start_balancer(IPV4)
        callees = bed.start_callees(IPV4)
        with open(balancer.config_path, "a", encoding="utf-8") as file:
            file.write('\n[[pool.backend]]\nname = "p1"\naddress = "10.78.0.300"\nwieght = 3\n')
        before = shares(balancer)
        done = balancer.ctl("reload")
        check_equal(done.returncode, 1, "exit code of a failed reload")
        for sentence in ("nothing was changed", 'name "p1" is taken', '"10.78.0.300"', 'did you mean "weight"?'):
            check(sentence in done.stderr, f"{sentence!r} is not in {done.stderr!r}")
        balancer.process.signal(signal.SIGHUP)
        wait_until(lambda: any("refused" in row["what"] for row in balancer.show("events")["events"]), 5, "an event")
        check_equal(shares(balancer), before, "shares")
        check_calls(bed.start_caller(IPV4, rate=50, calls=50), callees, 50)
        check_stops(balancer)


@scenario
def a_restart_keeps_drains_and_deaths():
    """What an operator drained and what probes found dead stays so over kill -9: no call meets either."""
    with testbed() as bed:
        first = start(bed)
        callees = bed.start_callees(IPV4, CALLEE)
        await_probed(first)
        check_equal(first.ctl("backend", "drain", "proxies/p1").returncode, 0, "exit code of backend drain")
        callees["p2"].process.signal(signal.SIGKILL)
        await_health(first, "p2", "down")
        first.process.signal(signal.SIGKILL)
        first.process.wait(5)
        second = start(bed)
        check_equal(shares(second), {"p1": 0, "p2": 0, "p3": 100}, "shares after the restart")
        caller = bed.start_caller(IPV4, rate=100, calls=200)
        check(caller.process.wait(20) == 0, f"calls failed: {caller.complaint()}")
        check_equal((requests(second, "p1"), requests(second, "p2")), (0, 0), "requests to p1 and p2")
        check_equal(second.ctl("backend", "up", "proxies/p1").returncode, 0, "exit code of backend up")
        check(shares(second)["p1"] > 40, f"p1 is back: {shares(second)}")
        check_ledger(second)
        check_stops(second)
