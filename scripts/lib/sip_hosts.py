"""SIPp as caller and callee, and what its statistics say."""

import csv
import os
import re
import time

from netlab import LabError, wait_until

SCENARIOS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "scenarios")


def endpoint(address, port=5060):
    """`address:port` as SIP and SIPp write it."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def scenario_arguments(scenario):
    """A name without a dot is one of SIPp's own scenarios, else it is a file of ours."""
    if "." not in scenario:
        return ["-sn", scenario]
    path = os.path.join(SCENARIOS, scenario)
    if not os.path.exists(path):
        raise LabError(f"scenario '{scenario}': no file {path}")
    return ["-sf", path]


class Statistics:
    """The last row of SIPp's statistics file, cumulative values."""

    def __init__(self, row):
        def number(column):
            text = row.get(column, "").strip()
            return int(text) if text.isdigit() else 0

        self.started = number("OutgoingCall(C)") + number("IncomingCall(C)")
        self.completed = number("SuccessfulCall(C)")
        self.failed = number("FailedCall(C)")
        self.retransmissions = number("Retransmissions(C)")
        self.running = number("CurrentCall")
        self.unexpected = sum(number(name) for name in (
            "FailedUnexpectedMessage(C)", "FailedCallRejected(C)", "FailedOutboundCongestion(C)"))
        self.out_of_call = number("OutOfCallMsgs(C)")


class SippLeg:
    """One SIPp process and the files it writes."""

    def __init__(self, host, name, arguments):
        lab = host.lab
        self.name = name
        self.statistics_path = lab.path(f"{name}.csv")
        self.errors_path = lab.path(f"{name}.errors")
        self.process = host.start(
            name, "sipp", *arguments, "-nostdin",
            "-trace_stat", "-stf", self.statistics_path, "-fd", "1",
            "-trace_err", "-error_file", self.errors_path)

    def statistics(self):
        """What SIPp last wrote (once a second, and when it ends)."""
        try:
            with open(self.statistics_path, newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file, delimiter=";"))
        except FileNotFoundError:
            rows = []
        # A row still being written has too few columns.
        whole = [row for row in rows if row and None not in row.values()]
        return Statistics(whole[-1] if whole else {})

    def settled_statistics(self):
        """Statistics no older than this call; SIPp writes them once a second while it runs."""
        asked = time.time()

        def written():
            return not self.process.running() or (
                os.path.exists(self.statistics_path) and os.path.getmtime(self.statistics_path) > asked)

        wait_until(written, 5, f"fresh statistics of {self.name}")
        return self.statistics()

    def errors(self):
        try:
            with open(self.errors_path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def complaint(self):
        """Why it ended badly, as far as it says."""
        lines = self.errors().strip().splitlines() or self.process.output().strip().splitlines()[-5:]
        # SIPp runs its lines together: cut at the time stamps, and let a few stand for all.
        lines = re.sub(r"(?<=\S)(?=\d{4}-\d\d-\d\d\t)", "\n", "\n".join(lines)).splitlines()
        return "\n".join(line[:400] for line in lines[:6]) or f"exit code {self.process.returncode()}, no message"


class Callee(SippLeg):
    """A SIPp server on one address."""

    def __init__(self, host, name, address, scenario="uas", port=5060, extra=()):
        self.address = address
        super().__init__(host, name, [
            *scenario_arguments(scenario), "-i", address, "-p", port, "-bind_local", *extra])

        def listening():
            if not self.process.running():
                raise LabError(f"SIPp callee {name} on {endpoint(address, port)} did not start: {self.complaint()}")
            sockets = host.run("ss", "-Huln", "sport", "=", f":{port}").stdout.split()
            return endpoint(address, port) in sockets

        wait_until(listening, 10, f"SIPp callee {name} listening on {endpoint(address, port)}")


class Caller(SippLeg):
    """A SIPp client that makes `calls` calls at `rate` a second to `target`."""

    def __init__(self, host, name, address, target, scenario="uac", rate=100, calls=100, port=5060, patience=60,
                 extra=()):
        self.calls = calls
        super().__init__(host, name, [
            target, *scenario_arguments(scenario), "-i", address, "-p", port, "-bind_local", "-r", rate, "-m", calls,
            "-l", max(calls, 1), "-timeout", f"{round(calls / rate + patience)}s", "-timeout_error", *extra])
