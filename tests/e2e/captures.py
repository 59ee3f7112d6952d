"""Captures of a running balancer: what they hold is what was on the wire, and the field's tools read it."""

import json
import os
import shutil
import signal
import stat
import subprocess
from collections import Counter

from harness import (Capture, Peer, check, check_calls, check_equal, check_ledger, check_stops, requests_by_backend,
                     scenario, tshark)
from netlab import wait_until
from testbed import IPV4, IPV6, Balancer, Testbed, balancer_config, program

FIELDS = ("sip.Request-Line", "sip.Status-Line", "sip.msg_hdr")
HEP_PORT = 9060


def first_fields(path, display_filter, *names):
    return tshark(path, display_filter, *names, every=False)


def start_ctl(bed, balancer, name, *arguments):
    return bed.balancer_host.start(name, program("viaductctl"), "--socket", balancer.socket_path, *arguments)


def wait_for_captures(balancer, count):
    wait_until(lambda: len(balancer.show("captures")["captures"]) == count, 10, f"{count} captures")


def interrupt(process):
    """Ctrl-C; the exit code."""
    process.signal(signal.SIGINT)
    return process.wait(10)


def sngrep_reads(path, saved):
    """How many packets sngrep finds in the file: it reads it, and saves what it has found."""
    done = subprocess.run(["sngrep", "-N", "-q", "-I", path, "-O", saved], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, env={**os.environ, "TERM": "xterm"})
    check(done.returncode == 0, f"sngrep failed with {done.returncode}: {done.stdout}{done.stderr}")
    return len(first_fields(saved, "sip", "frame.number"))


@scenario(family={"ipv4": IPV4, "ipv6": IPV6})
def a_capture_is_what_was_on_the_wire(family):
    with Testbed("vdx") as bed:
        balancer = bed.start_balancer(family, workers=[0, 1] if len(os.sched_getaffinity(0)) > 1 else None)
        bed.introduce_client(balancer, family)
        path = bed.lab.path("calls.pcapng")
        process = start_ctl(bed, balancer, "capture", "capture", "-o", path)
        wait_for_captures(balancer, 1)
        wires = [Capture(bed.client, "edge0", "outside"), Capture(bed.backend_host, "core0", "inside")]
        callees = bed.start_callees(family)
        check_calls(bed.start_caller(family, rate=20, calls=20), callees, 20)
        for wire in wires:
            wire.stop()
        check_equal(interrupt(process), 0, "exit code of capture")
        check("; 0 missed" in process.output(), process.output())
        check_equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, "mode of the file")

        on_wire = Counter(message for wire in wires for message in first_fields(wire.path, "sip", *FIELDS))
        captured = Counter(first_fields(path, "sip", *FIELDS))
        check_equal(sum(captured.values()), 2 * 6 * 20, "messages in the capture")
        check_equal(captured, on_wire, "what the capture holds, against the wire")
        bad = [row for row in first_fields(path, "sip", "frame.number", "frame.packet_flags_direction",
                                     "udp.checksum.status", "_ws.malformed")
               if row[3] or (row[1] in ("2", "0x00000002") and row[2] != "1")]
        check(not bad, f"malformed, or left with a wrong checksum: {bad[:3]}")
        comments = [row[0] for row in first_fields(path, "sip", "frame.comment")]
        check(all(comment.startswith("verdict=forward backend=proxies/p") for comment in comments), comments[:3])
        of_backend = Counter(comment.split("backend=proxies/")[1].split()[0] for comment in comments)
        # 12 messages a call in and out of us, 3 of them requests that we forward once each.
        check_equal({name: count // 12 * 3 for name, count in of_backend.items()}, requests_by_backend(balancer),
                    "backends named by the capture")
        if shutil.which("sngrep"):
            check_equal(sngrep_reads(path, bed.lab.path("saved.pcap")), 2 * 6 * 20, "messages that sngrep reads")
        wait_for_captures(balancer, 0)
        check_ledger(balancer)
        check_stops(balancer)


def request(method, call_id, target="sip:bob@example.com", hops=70):
    return (f"{method} {target} SIP/2.0\nVia: SIP/2.0/UDP 10.77.0.2:5060;branch=z9hG4bK{call_id}\n"
            f"From: <sip:alice@example.com>;tag=1\nTo: <sip:bob@example.com>\nCall-ID: {call_id}\n"
            f"CSeq: 1 {method}\nMax-Forwards: {hops}\nContent-Length: 0\n\n")


@scenario
def filters_samples_and_drops():
    with Testbed("vdx") as bed:
        balancer = bed.start_balancer(IPV4)
        wanted = {
            "filtered": ["--filter", "call_id ~ wanted and kind=request"],
            "drops": ["--drops"],
            "sampled": ["--sample", "4"],
            "counted": ["--count", "5"],
        }
        files = {name: bed.lab.path(f"{name}.pcapng") for name in wanted}
        processes = {name: start_ctl(bed, balancer, name, "capture", "-o", files[name], *options)
                     for name, options in wanted.items()}
        wait_for_captures(balancer, len(wanted))
        with Peer(bed.client, IPV4.client) as caller:
            for i in range(100):
                caller.send(request("OPTIONS", f"{'wanted' if i % 10 == 0 else 'other'}{i}"), IPV4.outside)
            caller.send("SIP/2.0 200 OK\nVia: SIP/2.0/UDP 10.77.0.1:5060;branch=z9hG4bKforged\n\n", IPV4.outside)
            wait_until(lambda: balancer.show("stat")["ledger"]["received"] >= 101, 10, "all messages")
        wait_until(lambda: not processes["counted"].running(), 10, "the end of what counts to five")
        check_equal(processes["counted"].returncode(), 0, "exit code of a capture with --count")
        for name in ("filtered", "drops", "sampled"):
            check_equal(interrupt(processes[name]), 0, f"exit code of {name}")
        rows = {name: first_fields(path, "udp", "sip.Call-ID", "frame.comment") for name, path in files.items()}
        check_equal(len(rows["counted"]), 5, "copies, of which five were wanted")
        check_equal(len(rows["filtered"]), 20, "copies of ten requests, as they came and as they left")
        check(all(call_id.startswith("wanted") for call_id, _ in rows["filtered"]), rows["filtered"][:3])
        check_equal(len(rows["drops"]), 1, "copies of what was dropped")
        check(rows["drops"][0][1].startswith("verdict=drop reason="), rows["drops"][0][1])
        sampled = Counter(call_id for call_id, _ in rows["sampled"])
        check(10 <= len(sampled) <= 45 and set(sampled.values()) == {2}, f"a sample of one call in four: {sampled}")

        refused = balancer.ctl("capture", "-o", "/dev/null", "--filter", "metod=INVITE")
        check_equal(refused.returncode, 1, "exit code with a filter that cannot be read")
        check("character 1: 'metod' is no field; there are call_id, method" in refused.stderr, refused.stderr)
        kinds = [row["what"] for row in balancer.show("events")["events"] if row["kind"] == "capture"]
        check_equal(len(kinds), 8, f"events of four captures: {kinds}")
        check_ledger(balancer)
        check_stops(balancer)


@scenario
def one_call_is_drawn_and_explained():
    with Testbed("vdx") as bed:
        balancer = bed.start_balancer(IPV4)
        path = bed.lab.path("call.pcapng")
        drawing = start_ctl(bed, balancer, "trace", "trace", "drawn@host")
        capturing = start_ctl(bed, balancer, "capture", "capture", "-o", path)
        wait_for_captures(balancer, 2)
        message = request("OPTIONS", "drawn@host").replace("\n", "\r\n")
        with open(bed.lab.path("options.sip"), "w", encoding="utf-8", newline="") as file:
            file.write(message)

        def explained():
            done = balancer.ctl("explain", "--live", "--from", "10.77.0.2:5060", bed.lab.path("options.sip"))
            check_equal(done.returncode, 0, f"explain --live: {done.stderr}")
            return json.loads(done.stdout)

        first = explained()
        check_equal(first["verdict"], "forward", "verdict of explain --live")
        check_equal(balancer.ctl("backend", "drain", f"proxies/{first['backend']}").returncode, 0, "drain")
        second = explained()
        check(second["backend"] != first["backend"], f"{second['backend']} is drained, and explain --live names it")
        check_equal(balancer.ctl("backend", "up", f"proxies/{first['backend']}").returncode, 0, "up")
        check_equal(explained()["backend"], first["backend"], "backend after the drain has ended")

        backend = first["backend"]
        with Peer(bed.client, IPV4.client) as caller, Peer(bed.backend_host, IPV4.backends[backend]) as callee:
            caller.send(request("OPTIONS", "drawn@host"), IPV4.outside)
            arrived = callee.receive()
            check(arrived is not None, f"{backend} got nothing")
            vias = [line for line in arrived[0].split("\n") if line.startswith("Via:")]
            callee.send("SIP/2.0 200 OK\n" + "\n".join(vias) + "\nFrom: <sip:alice@example.com>;tag=1\n"
                        "To: <sip:bob@example.com>;tag=2\nCall-ID: drawn@host\nCSeq: 1 OPTIONS\n"
                        "Content-Length: 0\n\n", IPV4.inside)
            check(caller.receive() is not None, "no answer came back")
        wait_until(lambda: drawing.output().count("200 OK") == 2, 10, "both ways of the answer in the drawing")
        check_equal(interrupt(drawing), 0, "exit code of trace")
        lines = [line.rstrip() for line in drawing.output().splitlines() if "|" in line]
        check_equal(len(lines), 4, f"arrows:\n{drawing.output()}")
        for line, arrow in zip(lines, ("-- OPTIONS --", "-- OPTIONS --", "- 200 OK (OPTIONS) -",
                                       "- 200 OK (OPTIONS) -")):
            check(arrow in line, f"'{arrow}' is not in '{line}'")
        check(f"backend=proxies/{backend}" in lines[0], lines[0])
        check(f"{IPV4.backends[backend]}:5060" in drawing.output(), drawing.output())

        wait_until(lambda: balancer.show("captures")["captures"][0]["written"] == 4, 10, "four copies")
        check_equal(interrupt(capturing), 0, "exit code of capture")
        from_file = balancer.ctl("trace", "--file", path, "drawn@host")
        check_equal([line[12:] for line in from_file.stdout.splitlines()],
                    [line[12:] for line in drawing.output().splitlines()], "the drawing from the file")
        check_equal(balancer.ctl("trace", "--file", path, "nobody@host").returncode, 1, "a call that is not there")
        check_stops(balancer)


@scenario
def homer_gets_every_message():
    with Testbed("vdx") as bed:
        collector = IPV4.backends["p2"]
        config = balancer_config(IPV4, bed.lab.directory) + f"""
[hep]
collector  = "{collector}:{HEP_PORT}"
capture_id = 2001
node       = "lb1"
password   = "hep-password"
"""
        balancer = Balancer(bed.balancer_host, config)
        hep = Capture(bed.backend_host, "core0", "hep", port=HEP_PORT)
        wires = [Capture(bed.client, "edge0", "outside"), Capture(bed.backend_host, "core0", "inside")]
        callees = bed.start_callees(IPV4)
        saved = bed.lab.path("homer.pcap")
        homer = bed.backend_host.start("homer", "env", "TERM=xterm", "sngrep", "-N", "-q", "-L",
                                       f"udp:{collector}:{HEP_PORT}", "-O", saved)
        check_calls(bed.start_caller(IPV4, rate=20, calls=20), callees, 20)
        wait_until(lambda: balancer.show("captures")["captures"][0]["written"] >= 240, 10, "240 messages sent")
        for capture in (hep, *wires):
            capture.stop()
        homer.signal(signal.SIGINT)
        homer.wait(10)
        check_equal(balancer.show("captures")["captures"][0]["missed"], 0, "messages that were not sent")
        on_wire = Counter(message for wire in wires for message in first_fields(wire.path, "sip", *FIELDS))
        decoded = Counter(first_fields(hep.path, "hep && sip", *FIELDS))
        check_equal(sum(decoded.values()), 240, "messages that the HEP dissector finds")
        check_equal(decoded, on_wire, "what the collector is sent, against the wire")
        check_equal(Counter(first_fields(saved, "sip", *FIELDS)), on_wire, "what sngrep makes of it, against the wire")
        ends = set(first_fields(hep.path, "hep", "hep.capture_id", "hep.node", "hep.password"))
        check_equal(ends, {("2001", "lb1", "hep-password")}, "who says that he sends it")
        shown = balancer.ctl("config").stdout + balancer.ctl("events").stdout
        check("hep-password" not in shown and "(set)" in shown, "the password is shown")

        with open(balancer.config_path, "w", encoding="utf-8") as file:
            file.write(config.replace("capture_id = 2001", "capture_id = 2002\nsample = 1000000"))
        check_equal(balancer.ctl("reload").returncode, 0, "reload")
        rows = balancer.show("captures")["captures"]
        check_equal([row["sample"] for row in rows], [1000000], "sample after the reload")
        with open(balancer.config_path, "w", encoding="utf-8") as file:
            file.write(config.split("[hep]")[0])
        check_equal(balancer.ctl("reload").returncode, 0, "reload without [hep]")
        check_equal(balancer.show("captures")["captures"], [], "captures without [hep]")
        check_stops(balancer)
