"""viablast: its counts against others' counts, through viaduct and through Kamailio."""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time

from blast_lab import (IDLE, Blast, Kamailio, af_packet_arguments, memif_arguments, memif_balancer_config,
                       start_reflector)
from calls import FAMILIES, root_or_skip, testbed
from harness import Capture, Skip, check, check_equal, check_ledger, check_stops, scenario
from netlab import Lab, LabError, wait_until
from sip_hosts import endpoint
from testbed import IPV4, ROOT, Balancer, program

SECONDS = 3
RATE = 500


def check_all_well(code, figures, calls):
    for name in ("lost", "refused", "duplicated", "misrouted"):
        check_equal(figures[name], 0, f"{name} ({figures['uac']})")
    check_equal(figures["closes"], True, "viablast's ledger closes")
    check_equal(figures["uac"]["completed"], figures["uac"]["calls"], "calls completed")
    check(figures["uac"]["calls"] >= calls * 0.9, f"{figures['uac']['calls']} calls, {calls} were ordered")
    check_equal(code, 0, "exit code")


def blast(*arguments):
    return subprocess.run([program("viablast"), *arguments], capture_output=True, text=True, timeout=60)


CALLER = ["--from", "10.0.0.1", "--to", "10.0.0.2", "--gateway-mac", "02:00:00:00:00:01", *IDLE]


@scenario
def blast_says_what_is_wrong_with_its_options():
    for arguments, words in (([], "--uac-port"), (["--uac-port", "wire:x"], "wire:x"),
                             (["--uac-port", "tap:x", "--to", "10.0.0.2"], "--from"),
                             (["--uac-port", "tap:x", "--from", "10.0.0.1", "--to", "nobody"], "nobody"),
                             (["--uac-port", "tap:x", *CALLER], "--duration"),
                             (["--uac-port", "tap:x", *CALLER, "--duration", "1", "--rate", "fast"], "fast"),
                             (["--uas-port", "tap:x", "--answer", "99:1"], "99:1"),
                             (["--uas-port", "tap:x", "--answer", "486:0.7,503:0.7"], "503:0.7"),
                             (["--uas-port", "tap:x", "--answer", "401.9:1"], "401.9"), (["--nosuch"], "--nosuch"),
                             *((["--uac-port", "tap:x", *CALLER, "--duration", "1", *wrong], words) for wrong, words in (
                                 (["--users", "0"], "--users"), (["--retransmit", "4294967295"], "0 to 10"),
                                 (["--window", "1000000000000"], "--window"), (["--rate", "inf"], "inf"),
                                 (["--search", "0", "--search-start", "0"], "--search-start"), (["--hold", "-1"], "-1"),
                                 (["--hold", "nan"], "nan"), (["--time-limit", "-1"], "--time-limit"),
                                 (["--delay", "-1"], "--delay"), (["--drain", "-1"], "--drain"), (["--t1", "-1"], "--t1"),
                                 (["--size", "200"], "smallest"), (["--sources", "0"], "--sources"),
                                 (["--core", "4000"], "may run on"), (["--hold", "60000", "--rate", "10000"], "600000"),
                                 (["--flood", "--search", "0"], "--sink"), (["--flood", "--retransmit", "1"], "--retransmit"),
                                 (["--template", "x", "--scenario", "invite"], "--scenario"),
                                 (["--search", "0", "--search-start", "9", "--search-max", "3"], "--search-max"))),
                             (["--uac-port", "tap:x", *CALLER, "--duration", "-1"], "--duration")):
        done = blast(*arguments)
        check_equal(done.returncode, 2, f"exit code of {arguments}")
        check(words in done.stderr and len(done.stderr.strip().splitlines()) == 1, f"{arguments}: {done.stderr!r}")
    done = blast("--help")
    check_equal(done.returncode, 0, "--help")
    for word in ("--search", "Exit codes", "memif"):
        check(word in done.stdout, f"--help does not mention {word}")


@scenario
def blast_exit_codes_and_a_capture_file_that_holds_what_it_sent():
    """No network: everything goes into a file, which tshark counts; nobody answers."""
    with tempfile.TemporaryDirectory(prefix="vd-e2e-blast-") as directory:
        path = os.path.join(directory, "out.pcap")
        port = ["--uac-port", f"pcap:/dev/null,{path}", *CALLER, "--quiet", "--json", "--drain", "0.2"]
        done = blast(*port, "--scenario", "mixed", "--sources", "300", "--rate", "5000", "--calls", "1000")
        check_equal(done.returncode, 1, f"exit code when nobody answers ({done.stderr})")
        listed = subprocess.run(
            ["tshark", "-n", "-r", path, "-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-T", "fields",
             "-e", "sip.Call-ID", "-e", "ip.src", "-e", "udp.checksum.status", "-e", "ip.checksum.status",
             "-e", "_ws.malformed", "-E", "separator=/t"], capture_output=True, text=True, check=True)
        rows = [line.split("\t") for line in listed.stdout.splitlines()]
        check_equal(len(rows), 1000, "frames in the file")
        check_equal(len({row[0] for row in rows}), 1000, "different Call-IDs")
        check_equal(len({row[1] for row in rows}), 300, "different sources")
        check_equal({tuple(row[2:5]) for row in rows}, {("1", "1", "")}, "checksums good, nothing malformed")
        done = blast(*port, "--rate", "1", "--duration", "1")
        check_equal(json.loads(done.stdout)["uac"]["calls"], 1, "calls of a second at one a second")
        check_equal(blast("--uas-port", f"pcap:/dev/null,{path}", *IDLE, "--duration", "0.3").returncode, 99,
                    "exit code without a call")
        check_equal(blast(*port, "--rate", "10", "--duration", "9", "--time-limit", "0.5").returncode, 97,
                    "exit code at the time limit")
        search = ["--search", "0", "--search-max", "20", "--trial", "0.2", "--warm-up", "0"]
        done = blast(*port, *search, "--search-start", "20")
        figures = json.loads(done.stdout)
        check_equal((done.returncode, figures["exit_code"]), (1, 1), "exit code of a search that finds nothing")
        check(len(figures["search"]["trials"]) > 1 and figures["search"]["rate"] == 0, f"the search's trials: {figures}")
        check("no rate passed" in done.stderr and "lost" in done.stderr, f"the reason: {done.stderr!r}")
        done = blast(*port, *search, "--search-start", "20", "--time-limit", "0.7")
        figures = json.loads(done.stdout)
        check_equal((done.returncode, figures["search"]["interrupted"]), (97, True), "a search at its time limit")
        check(1 <= len(figures["search"]["trials"]) <= 2, f"trials before the time limit: {figures['search']}")


@contextlib.contextmanager
def cable():
    """Two hosts, for callers and for a reflector."""
    with Lab("vd-e2e") as lab:
        near, far = lab.add_host("near"), lab.add_host("far")
        lab.connect(near, "wire0", far, "wire0")
        near.add_address("wire0", "10.77.0.2/24")
        far.add_address("wire0", "10.77.0.1/24")
        yield near, far


def reflect(host, *arguments):
    reflector = Blast(host, "reflector", "--uas-port", "af_packet:wire0", *arguments, *IDLE)
    wait_until(lambda: "10.77.0.1:5060" in host.run("ss", "-Huln").stdout, 20, "the reflector's guard socket")
    return reflector


def call(host, *arguments):
    return Blast(host, "caller", "--uac-port", "af_packet:wire0", "--from", "10.77.0.2:5060", "--to", "10.77.0.1",
                 *arguments, *IDLE)


@scenario
def blast_counts_as_tshark_does():
    """Two viablasts on a cable; what each end received is counted by tshark too."""
    root_or_skip()
    with cable() as (near, far):
        captures = [Capture(near, "wire0", "near"), Capture(far, "wire0", "far")]
        reflector = reflect(far)
        caller = call(near, "--scenario", "mixed", "--rate", str(RATE), "--duration", str(SECONDS))
        code, figures = caller.finish()
        reflected = reflector.stop()
        for capture in captures:
            capture.stop()
        check_all_well(code, figures, RATE * SECONDS)
        uac, uas = figures["uac"], reflected["uas"]
        requests = captures[1].fields("sip.Method && ip.src == 10.77.0.2", "sip.Method", "sip.Call-ID")
        responses = captures[0].fields("sip.Status-Code && ip.src == 10.77.0.1", "sip.Status-Code")
        check_equal(len(requests), figures["sent"] + uac["acks"], "requests that tshark saw")
        check_equal(len({call_id for _, call_id in requests}), uac["calls"], "Call-IDs that tshark saw")
        check_equal(sum(method == "ACK" for method, _ in requests), uas["acks"], "ACKs that tshark saw")
        check_equal(sum(method == "BYE" for method, _ in requests), uac["requests"]["bye"]["sent"], "BYEs")
        check_equal(len(responses), uac["received"], "responses that tshark saw")
        by_code = {}
        for (status,) in responses:
            by_code[status] = by_code.get(status, 0) + 1
        check_equal(by_code, uac["codes"], "responses by code")
        unreachable = captures[0].fields("icmp || icmpv6.type == 1", "frame.number")
        check_equal(unreachable, [], "ICMP errors from a kernel that was not kept out")


@scenario
def blast_that_is_ended_waits_for_its_answers():
    """The first signal ends the schedule; the answers that are under way, and BYEs on hold, still come."""
    root_or_skip()
    with cable() as (near, far):
        reflector = reflect(far, "--delay", "300")
        caller = call(near, "--scenario", "invite", "--size", "300", "--hold", "200", "--rate", "100", "--duration", "60")
        wait_until(lambda: "10.77.0.2:5060" in near.run("ss", "-Huln").stdout, 20, "the caller's guard socket")
        time.sleep(2)
        os.kill(caller.process.pid, signal.SIGINT)
        code, figures = caller.finish()
        reflector.stop()
        check_equal(code, 97, "exit code")
        check_equal((figures["interrupted"], figures["lost"], figures["closes"]), (True, 0, True), "the end")
        check(10 < figures["uac"]["calls"] < 3000, f"calls: {figures['uac']['calls']}")
        check_equal(figures["uac"]["completed"], figures["uac"]["calls"], "calls completed")
        check_equal(figures["uac"]["withheld_byes"], 0, "BYEs never sent")


def through_viaduct_over_memif(family, blast_scenario, *more):
    root_or_skip()
    if len(os.sched_getaffinity(0)) < 2:
        raise Skip("needs two cores")
    with Lab("vd-e2e") as lab:
        host = lab.add_host("balancer")
        balancer = Balancer(host, memif_balancer_config(lab, family))
        code, figures = Blast(host, "blast", *memif_arguments(lab, family), "--rate", str(RATE), "--duration", str(SECONDS),
                              *(("--scenario", blast_scenario) if blast_scenario else ()), *IDLE, *more).finish()
        check_all_well(code, figures, RATE * SECONDS)
        ledger = check_ledger(balancer)
        near, far = figures["ports"]
        check_equal(ledger["received"], near["sent"] + far["sent"], "what viaduct received")
        messages = sum(port["received"] - port["fragments"] + port["put_together"] for port in (near, far))
        check_equal(ledger["forwarded"], messages, "what viaduct forwarded")
        check_equal(figures["uas"]["misrouted"], 0, "requests of a dialog at another backend")
        check_stops(balancer)
        return figures


@scenario(role={name: name for name in ("server", "client")})
def memif_ends_that_come_and_go(role):
    """viablast ends and comes back, and viaduct, which stays, finds it again."""
    root_or_skip()
    if len(os.sched_getaffinity(0)) < 2:
        raise Skip("needs two cores")
    with Lab("vd-e2e") as lab:
        host = lab.add_host("balancer")
        arguments = memif_arguments(lab, role="client" if role == "server" else "server")

        def blast():
            return Blast(host, "blast", *arguments, "--rate", "200", "--duration", "1", *IDLE)

        # Who is to be connected to comes first.
        caller = blast() if role == "client" else None
        balancer = Balancer(host, memif_balancer_config(lab, role=role))
        for _ in range(3):
            code, figures = (caller or blast()).finish()
            check_all_well(code, figures, 200)
            wait_until(lambda: all(port["link"] == "down" for port in balancer.show("ports")["ports"].values()), 5,
                       "the links' end")
            caller = None
        check_ledger(balancer)
        check_stops(balancer)


@scenario(blast_scenario={name: name for name in ("options", "invite", "register", "cancel", "mixed")})
def blast_through_viaduct_ipv4(blast_scenario):
    through_viaduct_over_memif(FAMILIES["ipv4"], blast_scenario)


@scenario
def blast_through_viaduct_ipv6_mixed():
    through_viaduct_over_memif(FAMILIES["ipv6"], "mixed")


@scenario
def blast_through_viaduct_large_invites():
    through_viaduct_over_memif(FAMILIES["ipv4"], "invite", "--size", "1100")


@scenario
def blast_through_viaduct_invites_that_leave_in_fragments():
    figures = through_viaduct_over_memif(FAMILIES["ipv4"], "invite", "--size", "1460")
    reflector = figures["ports"][1]
    check_equal(reflector["put_together"], figures["uas"]["invites"], "INVITEs put together")
    check_equal(reflector["not_ours"], 0, "frames that are no UDP")


@scenario
def blast_through_viaduct_calls_held_longer_than_it_drains():
    figures = through_viaduct_over_memif(FAMILIES["ipv4"], "invite", "--hold", "2000")
    check_equal(figures["uac"]["requests"]["bye"]["sent"], figures["uac"]["calls"], "BYEs")
    check_equal((figures["uac"]["hurried_byes"], figures["uac"]["withheld_byes"]), (0, 0), "BYEs before their time, or never")


@scenario
def blast_through_viaduct_with_the_manuals_template():
    with open(os.path.join(ROOT, "docs", "viablast.md"), encoding="utf-8") as file:
        block = next(part for part in file.read().split("```") if part.lstrip().startswith("MESSAGE sip:"))
    with tempfile.NamedTemporaryFile("w", suffix=".sip", encoding="ascii") as template:
        template.write(block.lstrip("\n"))
        template.flush()
        through_viaduct_over_memif(FAMILIES["ipv4"], None, "--template", template.name)


@scenario
def blast_through_viaduct_over_af_packet():
    with testbed() as bed:
        balancer = bed.start_balancer(IPV4)
        reflector = start_reflector(bed)
        wait_until(lambda: endpoint(IPV4.backends["p3"]) in bed.backend_host.run("ss", "-Huln").stdout, 20,
                   "the reflector's guard sockets")
        code, figures = Blast(bed.client, "caller", *af_packet_arguments(50), "--scenario", "mixed", "--rate", str(RATE),
                              "--duration", str(SECONDS), *IDLE).finish()
        reflected = reflector.stop()
        check_all_well(code, figures, RATE * SECONDS)
        check_equal(reflected["uas"]["misrouted"], 0, "requests of a dialog at another backend")
        check_ledger(balancer)
        check_stops(balancer)


@scenario(alone=True)
def blast_through_kamailio():
    with testbed() as bed:
        reflector = start_reflector(bed)
        wait_until(lambda: endpoint(IPV4.backends["p3"]) in bed.backend_host.run("ss", "-Huln").stdout, 20,
                   "the reflector's guard sockets")
        try:
            kamailio = Kamailio(bed)
        except LabError as error:
            raise Skip(str(error))
        wait_until(lambda: endpoint(IPV4.outside) in bed.balancer_host.run("ss", "-Huln").stdout, 20, "Kamailio's socket")
        code, figures = Blast(bed.client, "caller", *af_packet_arguments(50), "--scenario", "mixed", "--rate", str(RATE),
                              "--duration", str(SECONDS), *IDLE).finish()
        reflected = reflector.stop()
        kamailio.stop()
        check_all_well(code, figures, RATE * SECONDS)
        check_equal(reflected["uas"]["misrouted"], 0, "requests of a dialog at another backend")
