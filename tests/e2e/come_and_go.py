"""Backends come and go: probes see a death, calls spread, and everything returns to where it was."""

import re
import signal
import time

from calls import testbed
from harness import check, check_equal, check_ledger, check_stops, scenario
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
DEATH_SECONDS = 3 * 0.5 + 0.25


def config_text(bed, health=HEALTH, **options):
    """The three-host configuration with probes, and its state file in the lab."""
    text = balancer_config(IPV4, bed.lab.directory, **options)
    text = text.replace("[control]\n", f'[control]\nstate_file = "{bed.lab.path("state.json")}"\n')
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


@scenario(number={"killed": signal.SIGKILL, "stopped": signal.SIGSTOP})
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
        time.sleep(0.5)
        failed = caller.statistics().failed
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
        events = [row["what"] for row in balancer.show("events")["events"] if row["subject"] == "proxies/p2"]
        check_equal([text.split(":")[0] for text in events], ["down", "up"], f"events of p2: {events}")
        log = balancer.process.output()
        check(re.search(r"backend proxies/p2 is down: 3 probes in a row failed", log), f"no line in the log:\n{log}")
        check_ledger(balancer)
        check_stops(balancer)
