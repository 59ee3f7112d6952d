"""Calls from end to end: SIPp on both sides, viaduct between them."""

import json
import os
import subprocess
import sys

from harness import ROOT, Skip, check, check_calls, check_equal, check_ledger, check_stops, requests_by_backend, scenario
from netlab import LabError, require_root
from sip_hosts import endpoint
from testbed import IPV4, IPV6, Testbed

FAMILIES = {"ipv4": IPV4, "ipv6": IPV6}


def root_or_skip():
    try:
        require_root()
    except LabError as error:
        raise Skip(str(error))


def testbed():
    root_or_skip()
    return Testbed("vd-e2e")


@scenario(family=FAMILIES)
def the_lab_itself_carries_calls(family):
    """Without viaduct: the kernel forwards, SIPp calls a backend. When this fails the machine is at fault."""
    with testbed() as bed:
        bed.settle(family)
        for setting in ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"):
            bed.balancer_host.run("sysctl", "-w", setting)
        bed.client.configure("route", "add", "default", "via", family.outside)
        bed.backend_host.configure("route", "add", "default", "via", family.inside)
        callees = bed.start_callees(family, "uas")
        caller = bed.start_caller(family, target=endpoint(family.backends["p1"]), scenario="uac", rate=50, calls=100)
        check_calls(caller, callees, 100)


def sipp_alone_failed(output):
    """Whether every message went on and calls failed all the same: SIPp, held up for seconds, does not recover a call."""
    lines = output.splitlines()
    if not lines or not lines[-1].startswith("{"):
        return False
    ledger = json.loads(lines[-1])["ledger"]
    return ledger["closes"] and ledger["dropped"] == 0 and ledger["replied"] == 0 and ledger["received"] > 0


@scenario(demo={
    "ipv4_one_worker": ["--workers", "1"],
    "ipv4_two_workers": ["--workers", "0,1"],
    "ipv6_one_worker": ["--workers", "1", "--ipv6"],
    "ipv6_two_workers": ["--workers", "0,1", "--ipv6"],
})
def demo(demo):
    """What the README's first command must show: no call failed, each backend a third, a ledger that closes."""
    root_or_skip()
    usable = os.sched_getaffinity(0)
    wanted = set(map(int, demo[1].split(",")))
    if not usable.issuperset(wanted):
        raise Skip(f"needs cores {sorted(wanted)}, this machine offers {sorted(usable)}")
    command = [sys.executable, os.path.join(ROOT, "scripts", "lib", "demo.py"), "--json", "--seconds", "5", *demo]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 1 and sipp_alone_failed(done.stdout):
        print("      the balancer lost nothing, but SIPp gave up calls: a stalled machine; once more", flush=True)
        done = subprocess.run(command, capture_output=True, text=True)
    check(done.returncode == 0, f"the demo ended with {done.returncode}:\n{done.stderr[-3000:]}")
    summary = json.loads(done.stdout.splitlines()[-1])
    check(summary["calls_started"] >= 1000, f"only {summary['calls_started']} calls")
    check_equal(summary["calls_completed"], summary["calls_started"], "calls completed")
    check_equal(summary["calls_failed"], 0, "calls failed")
    check_equal(summary["workers"], sorted(wanted), "workers")
    check_equal(summary["ledger"]["closes"], True, "the ledger closes")
    check_equal(sorted(summary["backends"]), ["p1", "p2", "p3"], "backends")
    total = sum(summary["backends"].values())
    for name, requests in summary["backends"].items():
        share = 100 * requests / total
        check(27 <= share <= 39, f"{name} got {share:.1f} % of the requests, expected 33 % within 6 points")
    check_equal(sum(summary["calls_per_backend"].values()), summary["calls_started"], "calls that reached a backend")


# (caller, callee, requests of one call: each must be at the backend once)
FLOWS = {
    "stock": ("uac", "uas", 3),
    "branch": ("branchc", "branchs", None),
    "trying": ("uac", "callee_trying.xml", 3),
    "cancel": ("caller_cancels.xml", "callee_cancelled.xml", 3),
    "reinvite_along_record_route": ("caller_routed.xml", "callee_reinvite.xml", 5),
    "callee_hangs_up": ("caller_waits_for_bye.xml", "callee_hangs_up.xml", 2),
}


def run_flow(family, flow, calls=150, rate=50, **options):
    caller_scenario, callee_scenario, requests = FLOWS[flow]
    with testbed() as bed:
        balancer = bed.start_balancer(family, **options)
        callees = bed.start_callees(family, callee_scenario)
        caller = bed.start_caller(family, scenario=caller_scenario, rate=rate, calls=calls)
        at_backends = check_calls(caller, callees, calls)
        # A call that strayed to a second backend would have been started there, or be out of call there.
        check_equal(sum(at.started for at in at_backends.values()), calls, "calls at the backends")
        check_equal(sum(at.out_of_call for at in at_backends.values()), 0, "messages out of call")
        check(all(at.started for at in at_backends.values()), "a backend got no call")
        if requests and caller.statistics().retransmissions == 0:
            check_equal(sum(requests_by_backend(balancer).values()), requests * calls, "requests forwarded to backends")
        check_ledger(balancer)
        check_stops(balancer)


@scenario(flow={name: name for name in FLOWS})
def flow_ipv4(flow):
    run_flow(IPV4, flow)


@scenario(flow={name: name for name in ("stock", "cancel", "reinvite_along_record_route", "callee_hangs_up")})
def flow_ipv6(flow):
    run_flow(IPV6, flow)


@scenario(flow={name: name for name in ("stock", "cancel", "callee_hangs_up")})
def flow_two_workers(flow):
    if len(os.sched_getaffinity(0)) < 2:
        raise Skip("needs two cores")
    run_flow(IPV4, flow, workers=sorted(os.sched_getaffinity(0))[:2])


@scenario
def flow_two_workers_without_hand_off():
    if len(os.sched_getaffinity(0)) < 2:
        raise Skip("needs two cores")
    run_flow(IPV4, "stock", workers=sorted(os.sched_getaffinity(0))[:2], affinity="queue")


@scenario
def flow_without_record_route():
    run_flow(IPV4, "stock", record_route=False)
