"""Good calls in a storm, and an account of them: how many went well, how long they took, what it cost.

    callers, attacker  10.77.0.2  --edge0--  viaduct  --core0--  p1 p2 p3

A hundred calls a second go through one worker. Beside them come, through the same port: junk, scanners (rules on),
forged answers, first fragments without rest, malformed messages and a flood that limits hold (storm_attack.py), and
what was heard on both sides once more. First the rate is looked for at which the worker loses frames; the storm is 1.3
times that, or as much as the attacker can. As root, after scripts/build; callers and attacker share the cores that
viaduct leaves them.

Well is: at least 99.9 % of the calls, a ledger that closes, no growth of memory in the second half, and an end
without complaint.
"""

import argparse
import collections
import glob
import json
import os
import random
import socket
import struct
import sys
import threading
import time

import census
from blast_lab import print_versions, urge, urge_this_session, versions
from census import Backend, Callers, Census
from netlab import LabError
from testbed import IPV4, IPV6, ROOT, Balancer, Testbed, balancer_config, build_directory

RATES = (5_000, 10_000, 20_000, 40_000, 80_000, 120_000, 160_000, 240_000, 320_000, 480_000)
LOST_SHARE = 0.01
BEYOND = 1.3
GOAL = 0.999
GROWTH_MAX = 1 << 20
ETH_P_ALL = 3

RULES = f"""
[[limit]]
name   = "sources"
by     = "source"
rate   = "2/s"
burst  = 4
action = "drop"
exempt = "{IPV4.client}"
"""


def config_of(lab):
    text = balancer_config(IPV4, lab.directory)
    text = text.replace(f'address      = ["{IPV4.outside}:5060"]',
                        f'address      = ["{IPV4.outside}:5060", "[{IPV6.outside}]:5060"]')
    scanners = os.path.join(ROOT, "config", "rules", "scanners.toml")
    return f'include = ["{scanners}"]\n' + text + RULES


def is_ours(text):
    """Of a good call, or its replay; the rest of the storm is for viaduct to read."""
    return "\r\nCall-ID: good" in text or "\r\nCall-ID: first" in text


class CalmBackend(Backend):
    """Answers good calls and lets everything else that arrives lie."""

    def receive(self, text, source):
        if is_ours(text):
            super().receive(text, source)


class TimedCallers(Callers):
    """Callers who look at the clock: seconds from the INVITE to the answer."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.begun, self.setup = {}, {}

    def call(self, call_id, **options):
        self.begun[call_id] = time.monotonic()
        super().call(call_id, **options)

    def receive(self, text, source):
        if not is_ours(text):
            return
        super().receive(text, source)
        if text.startswith("SIP/2.0 200"):
            call_id = census.Message(text).call_id
            if call_id in self.begun:
                self.setup[call_id] = time.monotonic() - self.begun.pop(call_id)

    def latency(self):
        with self.census.lock:
            values = sorted(self.setup.values())
        return {f"p{share:g}_ms": round(1000 * values[min(int(len(values) * share / 100), len(values) - 1)], 1)
                for share in (50, 90, 99, 99.9)} if values else {}


class Replayer(threading.Thread):
    """Says again, from the edge, what callers and backends have said."""

    def __init__(self, bed, link, rate=20):
        super().__init__(daemon=True)
        self.link, self.pause = link, 1 / rate
        self.edge = self.listen(bed.client, "edge0")
        self.core = self.listen(bed.backend_host, "core0")
        self.heard = collections.deque(maxlen=512)
        self.sent = 0
        self.running = True

    @staticmethod
    def listen(host, interface):
        made = host.socket(socket.AF_PACKET, socket.SOCK_RAW)
        made.bind((interface, ETH_P_ALL))
        made.setblocking(False)
        return made

    def hear(self):
        for one in (self.edge, self.core):
            for _ in range(200):
                try:
                    frame, where = one.recvfrom(2048)
                except BlockingIOError:
                    break
                # Outgoing only: what callers and backends send themselves.
                if where[2] == socket.PACKET_OUTGOING and frame[12:14] == b"\x08\x00" and frame[23] == 17:
                    self.heard.append(self.as_sent(frame))

    def as_sent(self, frame):
        """To viaduct's edge, with no UDP checksum: the kernel has not finished it yet."""
        again = bytearray(self.link + b"\x08\x00" + frame[14:])
        again[40:42] = bytes(2)
        return bytes(again)

    def run(self):
        dice = random.Random(1)
        while self.running:
            self.hear()
            if self.heard:
                self.edge.send(dice.choice(self.heard))
                self.sent += 1
            time.sleep(self.pause)

    def stop(self):
        self.running = False
        self.join()
        self.edge.close()
        self.core.close()


class Storm:
    def __init__(self, bed, balancer):
        self.bed, self.balancer = bed, balancer

        def mac(host):
            return bytes.fromhex(host.link_address("edge0").replace(":", ""))

        self.link = mac(bed.balancer_host) + mac(bed.client)
        corpora = [os.path.join(ROOT, "tests", "fuzz", "corpus", name) for name in ("sip_parse", "proxy_decide")]
        shared = os.environ.get("VIADUCT_SHARED", os.path.join(os.path.dirname(ROOT), "shared"))
        self.folders = corpora + [path for path in glob.glob(os.path.join(shared, "corpus", "rfc*"))]
        self.runs = 0

    def start(self, rate, seconds):
        self.runs += 1
        attacker = os.path.join(ROOT, "scripts", "lib", "storm_attack.py")
        process = self.bed.client.start(
            f"attacker{self.runs}", sys.executable, attacker, "--interface", "edge0", "--link", self.link.hex(),
            "--target", IPV4.outside, "--target6", IPV6.outside, "--rate", rate, "--seconds", seconds, "--seed", self.runs,
            *self.folders)
        urge(process)
        return process

    @staticmethod
    def finish(process, patience=30):
        if process.wait(patience) != 0:
            raise LabError(f"the attacker failed:\n{process.output()[-1000:]}")
        return json.loads(process.output().splitlines()[-1])

    def counted(self):
        edge = self.balancer.show("ports")["ports"]["edge"]
        return {"received": edge["rx_packets"], "missed": edge["rx_missed"]}

    def measure(self, rate, seconds=2.0):
        """(frames sent a second, of which viaduct received, share that its port lost)."""
        before = self.counted()
        process = self.start(rate, seconds)
        busy = []
        while process.running():
            busy.append(self.balancer.show("workers")["workers"][0]["busy_percent"] or 0)
            time.sleep(0.3)
        sent = self.finish(process)
        time.sleep(0.3)
        after = self.counted()
        received = after["received"] - before["received"]
        missed = max(after["missed"] - before["missed"], 0)
        return {"rate": rate, "sent_per_second": sent["per_second"],
                "received_per_second": round(received / sent["seconds"]),
                "lost_share": round(missed / max(received + missed, 1), 4), "busy_percent": max(busy)}

    def capacity(self):
        """The first rate at which frames are lost, or the last that the attacker reaches; and every step."""
        steps = []
        for rate in RATES:
            steps.append(self.measure(rate))
            if steps[-1]["lost_share"] > LOST_SHARE or steps[-1]["sent_per_second"] < 0.8 * rate:
                break
        return steps


def weather(bed, seconds, calls_per_second, rate):
    """The figures of one run."""
    balancer = Balancer(bed.balancer_host, config_of(bed.lab))
    urge(balancer.process)
    urge_this_session()  # callers and backends, or the attacker on their core leaves them no time to answer in
    # Whoever is answered can be reached, spoofed or not.
    bed.balancer_host.configure("route", "add", "default", "via", IPV4.client)
    storm = Storm(bed, balancer)
    with Census(0.2) as account:
        for name, address in IPV4.backends.items():
            CalmBackend(account, bed.backend_host, name, address)
        callers = TimedCallers(account, bed.client, IPV4.client, IPV4.outside)
        with account.lock:  # neighbours are known and pages are touched before anything is measured
            callers.load(20, 40, prefix="first", hold=0.2)
        callers.finish(60)
        steps = [] if rate else storm.capacity()
        saturated = bool(steps) and steps[-1]["lost_share"] > LOST_SHARE
        if not rate:
            rate = (BEYOND if saturated else 1.0) * steps[-1]["sent_per_second"]
        before = storm.counted()
        replayer = Replayer(bed, storm.link)
        attack = storm.start(rate, seconds)
        replayer.start()
        callers.begun.clear()
        callers.setup.clear()
        with account.lock:
            callers.load(calls_per_second, int(calls_per_second * seconds), prefix="good", hold=0.2)
        time.sleep(seconds / 2)
        warm = balancer.process.resident_bytes()
        busy = balancer.show("workers")["workers"][0]["busy_percent"]
        attacked = storm.finish(attack, seconds + 60)
        growth = balancer.process.resident_bytes() - warm
        replayer.stop()
        callers.finish(120)
        account.check_alive()
        time.sleep(3)  # the last fragments time out
        after = storm.counted()
        good = [call for call_id, call in callers.calls.items() if call_id.startswith("good")]
        completed = sum(call.state == "completed" for call in good)
        ledger = balancer.show("stat")["ledger"]
        lost = after["missed"] - before["missed"]
        received = after["received"] - before["received"]
        figures = {
            "good_calls_success": round(completed / len(good), 6), "ledger_closes": ledger["closes"],
            "memory_growth_bytes": max(growth, 0), "seconds": seconds, "good_calls": len(good), "completed": completed,
            "failures": callers.failures()[:5], "call_setup": callers.latency(), "attack": attacked,
            "replayed": replayer.sent, "received_per_second": round(received / attacked["seconds"]),
            "lost_share": round(lost / max(lost + received, 1), 4), "capacity": steps, "worker_saturated": saturated,
            "worker_busy_percent": busy,
            "resident_bytes": {"half_time": warm, "end": warm + growth}, "ledger": ledger,
            "reasons": {row["reason"]: row["messages"] for row in balancer.show("drops")["reasons"]},
        }
    figures["exit_code"] = balancer.stop(30)
    if figures["exit_code"] != 0:
        print(f"viaduct ended with {figures['exit_code']}:\n{balancer.process.output()[-3000:]}", file=sys.stderr)
    return figures


def tell(figures):
    for step in figures["capacity"]:
        print(f"  {step['sent_per_second']:>8,} frames/s: {100 * step['lost_share']:.1f} % lost, worker "
              f"{step['busy_percent']:.0f} % busy")
    attack, setup = figures["attack"], figures["call_setup"]
    print(f"storm of {attack['per_second']:,} frames/s from {attack['sources']:,} sources for {attack['seconds']} s"
          f"{'' if figures['worker_saturated'] else ' (all that the attacker could, or as told)'}: "
          f"{100 * figures['lost_share']:.1f} % of the frames lost at the port, worker "
          f"{figures['worker_busy_percent'] or 0:.0f} % busy")
    print(f"good calls: {figures['completed']} of {figures['good_calls']}, answered after {setup.get('p50_ms')} ms "
          f"(median), {setup.get('p99_ms')} ms (99 %); backends ring for 200 ms")
    print(f"ledger {'closes' if figures['ledger_closes'] else 'DOES NOT CLOSE'}; resident memory "
          f"{figures['resident_bytes']['end'] >> 20} MiB, {figures['memory_growth_bytes'] >> 10} KiB more than at half "
          "time")
    for reason, messages in list(figures["reasons"].items())[:12]:
        print(f"  {messages:>12,}  {reason}")


def main():
    parser = argparse.ArgumentParser(prog="storm", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120, help="how long the storm lasts (default 120)")
    parser.add_argument("--calls", type=float, default=None, help="good calls a second (default 100; sanitized 20)")
    parser.add_argument("--rate", type=float, default=None,
                        help="hostile frames a second (default: 1.3 of the capacity)")
    parser.add_argument("--sanitized", action="store_true", help="the build in build-asan; growth is not judged")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args()
    if options.sanitized:
        os.environ.setdefault("VIADUCT_BUILD", os.path.join(ROOT, "build-asan"))
        os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=0:quarantine_size_mb=16")
    census.GIVE_UP_SECONDS = 32.0  # RFC 3261's timers B and F: 64 times T1
    with Testbed("vd-storm") as bed:
        figures = weather(bed, options.seconds, options.calls or (20 if options.sanitized else 100), options.rate)
    figures |= {"sanitized": options.sanitized, "build": os.path.relpath(build_directory(), ROOT), **versions()}
    tell(figures)
    print_versions(figures)
    if options.json:
        print(json.dumps(figures))
    well = figures["good_calls_success"] >= GOAL and figures["ledger_closes"] and figures["exit_code"] == 0
    return 0 if well and (options.sanitized or figures["memory_growth_bytes"] <= GROWTH_MAX) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        sys.exit(f"storm: {error}")
