"""What end-to-end scenarios share: the list of them, checks, a bare SIP peer, captures."""

import collections
import os
import re
import select
import socket
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))

from netlab import LabError, wait_until  # noqa: E402
from sip_hosts import endpoint  # noqa: E402

Scenario = collections.namedtuple("Scenario", "name function arguments alone")
SCENARIOS = []  # in the order of the files


class Skip(Exception):
    """This machine cannot run the scenario; the message says why."""


def scenario(function=None, *, alone=False, **variants):
    """Registers a scenario. `@scenario(family={"ipv4": IPV4, "ipv6": IPV6})` registers one a value, named after it.
    `alone`: it measures time or floods, and no other scenario may run beside it."""
    def register(body):
        if not variants:
            SCENARIOS.append(Scenario(body.__name__, body, {}, alone))
        for argument, values in variants.items():
            for label, value in values.items():
                SCENARIOS.append(Scenario(f"{body.__name__}_{label}", body, {argument: value}, alone))
        return body

    return register(function) if function else register


def check(condition, sentence):
    if not condition:
        raise AssertionError(sentence)


def check_equal(got, wanted, what):
    check(got == wanted, f"{what}: {got!r}, expected {wanted!r}")


def check_calls(caller, callees, calls, patience=60):
    """Waits for the caller; every call must have completed, at both ends. Returns the callees' statistics by name."""
    code = caller.process.wait(patience)
    statistics = caller.statistics()
    check(code == 0, f"the caller ended with {code}: {statistics.completed} of {calls} calls completed, "
                     f"{statistics.failed} failed\n{caller.complaint()}")
    check_equal(statistics.completed, calls, "calls completed")
    check_equal(statistics.failed, 0, "calls failed")
    at_backends = {name: callee.settled_statistics() for name, callee in callees.items()}
    for name, at in at_backends.items():
        check(at.failed == 0, f"{at.failed} calls failed at {name}\n{callees[name].complaint()}")
    return at_backends


def check_ledger(balancer):
    """The law of conservation, once everything is quiet; returns the terms."""
    def closed():
        ledger = balancer.show("stat")["ledger"]
        return ledger if ledger["closes"] else None

    try:
        return wait_until(closed, 5, "a ledger that closes", interval=0.2)
    except LabError:
        raise AssertionError(f"the ledger does not close: {balancer.show('stat')['ledger']}")


def drops(balancer):
    """Reason -> messages, of the reasons that have been counted."""
    return {row["reason"]: row["messages"] for row in balancer.show("drops")["reasons"]}


def check_counted(balancer, reason, wanted):
    """A worker counts a moment after it sends, so a fresh answer may be ahead of its count."""
    for _ in range(20):
        if drops(balancer).get(reason, 0) >= wanted:
            break
        time.sleep(0.1)
    counted = drops(balancer)
    check_equal(counted.get(reason, 0), wanted, f"counted as {reason} (all: {counted})")


def requests_by_backend(balancer):
    return {row["backend"]: row["requests"] for row in balancer.show("backends")["backends"]}


def check_stops(balancer):
    """SIGTERM: the exit code is 0, and all that it did until then was allowed."""
    code = balancer.stop()
    check(code == 0, f"viaduct ended with {code} after SIGTERM:\n{balancer.process.output()[-2000:]}")
    refused = refused_system_calls(balancer.process)
    check(not refused, f"viaduct wanted system calls that its filter does not allow:\n{refused}")


def refused_system_calls(process):
    """What the kernel noted of a process's seccomp filter (audit type 1326), where its log can be read. Lines from before
    its start are of another process that had the same number."""
    done = subprocess.run(["dmesg"], capture_output=True, text=True, errors="replace")
    mine = []
    for line in done.stdout.splitlines():
        time_of_line = re.match(r"\[ *(\d+\.\d+)\]", line)
        is_new = time_of_line is None or float(time_of_line[1]) > process.started - 1
        # The C library is told that there is no clone3, and makes a thread by clone (lib/control/sandbox.cc).
        refused = "type=1326" in line and " syscall=435 " not in line
        if refused and f" pid={process.pid} " in line and is_new:
            mine.append(line)
    return "\n".join(mine)


class Peer:
    """A UDP socket on a host that speaks SIP as told."""

    def __init__(self, host, address, port=5060):
        self.address, self.port = address, port
        self.socket = host.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, port))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, text, target, port=5060):
        data = text if isinstance(text, bytes) else text.replace("\n", "\r\n").encode()
        self.socket.sendto(data, (target, port))

    def receive(self, timeout=3.0):
        """(text, source address, source port), or None when nothing comes."""
        if not select.select([self.socket], [], [], timeout)[0]:
            return None
        data, source = self.socket.recvfrom(65535)
        return data.decode(errors="replace").replace("\r\n", "\n"), source[0], source[1]


def header_values(message, name):
    """The values of a header, top first; one row each is assumed, as Viaduct writes them."""
    head = message.split("\n\n", 1)[0]
    return [line.split(":", 1)[1].strip() for line in head.split("\n")[1:] if line.lower().startswith(name.lower() + ":")]


def tshark(path, display_filter, *names, every=True):
    """tshark's verdict on a capture: one tuple of field values a packet, of each field every value it has (with | between
    them) or the first; checksums are verified, and HEP is understood."""
    command = ["tshark", "-n", "-X", f"lua_script:{ROOT}/config/wireshark/hep3.lua", "-r", path,
               "-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-Y", display_filter, "-T", "fields",
               "-E", "separator=/t", "-E", f"occurrence={'a' if every else 'f'}", "-E", "aggregator=|"]
    for name in names:
        command += ["-e", name]
    done = subprocess.run(command, capture_output=True, text=True)
    check(done.returncode == 0, f"tshark failed: {done.stderr.strip()}")
    return [tuple(line.split("\t")) for line in done.stdout.splitlines()]


class Capture:
    """tshark's dumpcap on one interface, from the moment it says that it captures until `stop`."""

    def __init__(self, host, interface, name, port=5060):
        self.path = host.lab.path(f"{name}.pcap")
        self.process = host.start(f"dumpcap-{name}", "dumpcap", "-q", "-P", "-i", interface, "-w", self.path,
                                  "-f", f"udp port {port}")
        wait_until(lambda: "File:" in self.process.output(), 15, f"dumpcap on {interface}: {self.process.output()}")

    def stop(self):
        time.sleep(0.3)  # what has just arrived is still on its way to the file
        self.process.stop()

    def fields(self, display_filter, *names):
        return tshark(self.path, display_filter, *names)
