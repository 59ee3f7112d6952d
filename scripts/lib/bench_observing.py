"""What it costs to be seen: forwarding rate of viaduct with everything on that shows what it does, and with all of it off.

    viablast --flood  --a.sock--  viaduct, one worker  --b.sock--  viablast --sink

On: answers timed by our Via, DPDK telemetry, a capture of one call in 1,000 into a file, `viaductctl serve` with a scrape of
/metrics and a read of the dashboard's figures a second. Off: none of that. Both are started afresh for each round, in turn.
What is not the worker's (serve, the readers) runs on the generator's core. Flood mode, which would switch captures off at
this rate, is put off. As root, after scripts/build.
"""

import argparse
import json
import os
import statistics
import sys
import threading
import time

from bench_line_rate import flood
from blast_lab import bench_cores, memif_balancer_config, print_versions, versions
from lab_http import SERVE_PORT, get
from netlab import Lab, LabError, wait_until
from testbed import Balancer, program


def parse():
    parser = argparse.ArgumentParser(prog="bench-observing", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each (default 5)")
    parser.add_argument("--seconds", type=float, default=4, help="of each measurement (default 4)")
    parser.add_argument("--frame", type=int, default=512, help="bytes of a frame (default 512)")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args()
    options.urgent = False
    return options


class Reader:
    """Asks for /metrics and for the dashboard's figures once a second, until it is closed."""

    def __init__(self, host):
        self.host = host
        self.answers = 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.stop.is_set():
            started = time.monotonic()
            for path in ("/metrics", "/dashboard.json"):
                try:
                    self.answers += get(self.host, path)[0] == 200
                except OSError:
                    pass
            self.stop.wait(max(0.05, 1 - (time.monotonic() - started)))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


def config(lab, workers, seen):
    text = memif_balancer_config(lab, workers=workers, idle="poll")
    text += f"\n[sip]\ntime_responses = {str(seen).lower()}\n\n[overload]\nflood_after = \"10s\"\n"
    return text.replace("[runtime]\n", f"[runtime]\ndpdk_telemetry = {str(seen).lower()}\n", 1)


def measure(options, generator, workers, seen):
    with Lab("vd-bench") as lab:
        host = lab.add_host("wire")
        os.makedirs(lab.path("run"))
        balancer = Balancer(host, config(lab, workers, seen), launcher=("env", f"RUNTIME_DIRECTORY={lab.path('run')}"))
        about = {}
        if seen:
            os.chmod(lab.directory, 0o711)
            on_core = ("taskset", "-c", str(generator))
            capture = host.start("capture", *on_core, program("viaductctl"), "--socket", balancer.socket_path, "capture",
                                 "-o", lab.path("sample.pcapng"), "--sample", "1000")
            serve = host.start("serve", *on_core, program("viaductctl"), "--socket", balancer.socket_path, "serve",
                               "--listen", f"127.0.0.1:{SERVE_PORT}")
            wait_until(lambda: "serving on" in serve.output(), 10, "viaductctl serve")
            wait_until(lambda: balancer.show("captures")["captures"], 10, "the capture")
            with Reader(host) as reader:
                rate, blocked = flood(host, lab, options, generator)
            captures = balancer.show("captures")
            about = {"answers": reader.answers, "copied": sum(row["copied"] for row in captures["workers"]),
                     "skipped": sum(row["skipped"] for row in captures["workers"])}
            capture.stop()
            serve.stop()
        else:
            rate, blocked = flood(host, lab, options, generator)
        ledger = balancer.show("stat")["ledger"]
        if not ledger["closes"]:
            raise LabError(f"viaduct's ledger does not close: {ledger}")
        if seen and (about["copied"] == 0 or about["skipped"] != 0 or about["answers"] < options.seconds):
            raise LabError(f"it was not looked at as it should be: {about}")
        balancer.stop()
        return {"rate": rate, "blocked": blocked, **about}


def main():
    options = parse()
    generator, under_test = bench_cores()
    rounds = []
    for number in range(1, options.rounds + 1):
        off = measure(options, generator, under_test[:1], False)
        on = measure(options, generator, under_test[:1], True)
        rounds.append({"off": off, "on": on})
        print(f"round {number}: unseen {off['rate']:.3f}, seen {on['rate']:.3f} M frames/s, {on['rate'] / off['rate']:.3f}; "
              f"{on['copied']} copies, {on['answers']} answers over HTTP, load {os.getloadavg()[0]:.1f}", flush=True)
    off, on = (statistics.median(entry[which]["rate"] for entry in rounds) for which in ("off", "on"))
    print(f"median: unseen {off:.3f}, seen {on:.3f} M frames/s, ratio {on / off:.3f}")
    about = versions()
    print_versions(about)
    if options.json:
        print(json.dumps({"unseen_mps": off, "seen_mps": on, "ratio": on / off, "rounds": rounds, **about}))


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(f"bench-observing: {error}")
