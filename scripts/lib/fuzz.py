"""Runs the libFuzzer targets side by side for as long as one likes, and tells what came of it in a table.

Builds them with AddressSanitizer and UndefinedBehaviorSanitizer into build-fuzz/. What a target learns stays in
build-fuzz/corpus/NAME for the next run, what it says in build-fuzz/NAME.log; an input that breaks it is kept as
build-fuzz/NAME-crash-* (-leak-, -timeout-, -oom-), and the others go on. Ctrl-C and SIGTERM end it early, with the
table of what there is. scripts/test gives each target a minute. Exit code 1 if anything was found.
"""

import argparse
import glob
import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time

from run_tests import ROOT, configure_instrumented, fuzz_arguments, fuzz_seeds, introspect, run, sanitizer_environment
from signals import end_by_exception

BUILD = "build-fuzz"
COLUMNS = ("target", "runs", "cpu_seconds", "runs_per_cpu_second", "edges", "features", "corpus", "findings")


def build(chosen):
    """The programs of these targets, or of all, by name."""
    if not configure_instrumented(BUILD):
        sys.exit(f"fuzz: meson setup {BUILD} failed")
    paths = [os.path.relpath(target["filename"][0], os.path.join(ROOT, BUILD)) for target in introspect(BUILD, "targets")
             if target["name"].endswith("_fuzz")]
    programs = {os.path.basename(path): path for path in sorted(paths)}
    unknown = [name for name in chosen if name not in programs]
    if unknown:
        print(f"fuzz: '{unknown[0]}' is no target; there are {', '.join(programs)}", file=sys.stderr)
        sys.exit(2)
    programs = {name: path for name, path in programs.items() if not chosen or name in chosen}
    if run("ninja", "-C", BUILD, *programs.values()) != 0:
        sys.exit(f"fuzz: ninja -C {BUILD} failed")
    return programs


class Target:
    def __init__(self, name, path, idle):
        self.name = name
        self.path = path
        self.before = ("chrt", "-i", "0", "nice", "-n", "19") if idle else ()
        self.log = os.path.join(ROOT, BUILD, f"{name}.log")
        self.artifacts = os.path.join(ROOT, BUILD, f"{name}-")
        self.row = dict.fromkeys(COLUMNS, 0) | {"target": name}
        self.lock = threading.Lock()
        self.process = None  # while it runs
        self.stopped = False

    def run(self, end):
        """Again after each finding, until `end` or `stop`."""
        corpus = os.path.join(ROOT, BUILD, "corpus", self.name)
        os.makedirs(corpus, exist_ok=True)
        open(self.log, "w", encoding="utf-8").close()
        known = set(glob.glob(self.artifacts + "*"))
        while (left := int(end - time.monotonic())) > 0:
            # Time is the wall's, and others may have the cores: what hangs hangs for minutes.
            command = [*self.before, os.path.join(ROOT, BUILD, self.path), *fuzz_arguments(self.path), "-timeout=300",
                       f"-max_total_time={left}", f"-artifact_prefix={self.artifacts}", "-print_final_stats=1",
                       "-interrupt_exit_code=0", corpus, *fuzz_seeds(self.path)]
            with open(self.log, "ab") as log, self.lock:
                if self.stopped:
                    break
                process = self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log,
                                                          stderr=log, env={**os.environ, **sanitizer_environment()})
            _, status, usage = os.wait4(process.pid, 0)
            self.process = None
            self.count(usage.ru_utime + usage.ru_stime)
            if status == 0 or self.stopped:
                break
            found = set(glob.glob(self.artifacts + "*")) - known
            if len(found) <= self.row["findings"]:  # it cannot even start
                self.row["findings"] += 1
                break
            self.row["findings"] = len(found)

    def stop(self):
        """From another thread: `run` ends once the program has."""
        with self.lock:
            self.stopped = True
            process = self.process
        if process is not None:
            os.kill(process.pid, signal.SIGTERM)

    def count(self, cpu_seconds):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            text = log.read()
        self.row["runs"] = sum(int(number) for number in re.findall(r"stat::number_of_executed_units: (\d+)", text))
        self.row["cpu_seconds"] = round(self.row["cpu_seconds"] + cpu_seconds)
        self.row["runs_per_cpu_second"] = round(self.row["runs"] / max(self.row["cpu_seconds"], 1))
        reached = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)/", text)
        if reached:
            self.row |= zip(("edges", "features", "corpus"), map(int, reached[-1]))


def run_all(targets, seconds):
    end = time.monotonic() + seconds
    threads = [threading.Thread(target=target.run, args=(end,)) for target in targets]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    finally:
        for target in targets:
            target.stop()
        for thread in threads:
            thread.join()


def tell(hours, rows, as_json):
    print("| " + " | ".join(COLUMNS).replace("_", " ") + " |\n|---" + "|---:" * (len(COLUMNS) - 1) + "|")
    for row in rows:
        print("| " + " | ".join(f"{row[column]:,}" if column != "target" else row[column] for column in COLUMNS) + " |")
    if as_json:
        print(json.dumps({"hours": hours, "targets": rows}))


def main():
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=1, help="how long, by the clock (default 1)")
    parser.add_argument("--idle", action="store_true", help="take only the time that nobody else wants (chrt -i)")
    parser.add_argument("--json", action="store_true", help="the table as one JSON object on the last line")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="such as way_fuzz (default: all)")
    options = parser.parse_args()
    end_by_exception()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    targets = [Target(name, path, options.idle) for name, path in build(options.targets).items()]
    print(f"fuzz: {', '.join(target.name for target in targets)} for {options.hours:g} h", flush=True)
    rows = [target.row for target in targets]
    started = time.monotonic()
    try:
        run_all(targets, 3600 * options.hours)
    finally:
        tell(round((time.monotonic() - started) / 3600, 3), rows, options.json)
    return 1 if any(row["findings"] for row in rows) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
