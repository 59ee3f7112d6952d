#!/usr/bin/env python3
"""Runs the end-to-end scenarios: real processes, real packets, network namespaces.

usage: tests/e2e/run.py [--jobs N] [--junit FILE] [--list] [NAME...]     (NAME: a part of a scenario's name)

Scenarios mostly wait, so N of them run side by side, each a process of its own; those that are to be alone come last.
"""

import argparse
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import time
import traceback

sys.dont_write_bytecode = True

import harness  # noqa: E402
import command_line  # noqa: E402,F401
import calls  # noqa: E402,F401
import wire  # noqa: E402,F401
import answers  # noqa: E402,F401
import lifecycle  # noqa: E402,F401
import come_and_go  # noqa: E402,F401
import where_calls_go  # noqa: E402,F401
import names  # noqa: E402,F401
import blast_calls  # noqa: E402,F401
import fragments  # noqa: E402,F401
import journal  # noqa: E402,F401
import observing  # noqa: E402,F401
import agreement  # noqa: E402,F401
import captures  # noqa: E402,F401
import dashboard  # noqa: E402,F401
import latency  # noqa: E402,F401
import telemetry  # noqa: E402,F401
import top_screen  # noqa: E402,F401
import policy  # noqa: E402,F401
import security  # noqa: E402,F401
import twins  # noqa: E402,F401
from netlab import LabError  # noqa: E402
from signals import end_by_exception  # noqa: E402
from test_results import FAILED, PASSED, SKIPPED, Case, count, write_junit  # noqa: E402

SCENARIO_SECONDS = 150
AGAIN_MAX = 6
FORK = multiprocessing.get_context("fork")


def out_of_time(*_):
    raise AssertionError(f"not done within {SCENARIO_SECONDS} s")


def run(scenario):
    """Its case. In the main thread of a process: the alarm has but one."""
    name, function, arguments = scenario.name, scenario.function, scenario.arguments
    signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(SCENARIO_SECONDS)
    try:
        function(**arguments)
        return Case("e2e", name, PASSED, "")
    except harness.Skip as reason:
        return Case("e2e", name, SKIPPED, str(reason))
    except (AssertionError, LabError) as error:
        where = traceback.extract_tb(error.__traceback__)
        here = next((frame for frame in where if frame.name == function.__name__), where[-1])
        notes = "".join(f"\n{note}" for note in getattr(error, "__notes__", ()))
        return Case("e2e", name, FAILED, f"{error} ({os.path.basename(here.filename)}:{here.lineno}){notes}")
    except Exception:
        return Case("e2e", name, FAILED, traceback.format_exc())
    finally:
        signal.alarm(0)


class Running:
    """A scenario in a process of its own, from which its case comes through a pipe."""

    def __init__(self, scenario):
        self.scenario = scenario
        self.started = time.monotonic()
        sys.stdout.flush()
        self.result, theirs = FORK.Pipe(duplex=False)
        self.process = FORK.Process(target=lambda: theirs.send(run(scenario)), name=scenario.name)
        self.process.start()
        theirs.close()

    def case(self):
        """Waits for it."""
        try:
            case = self.result.recv()
        except EOFError:
            self.process.join()
            case = Case("e2e", self.scenario.name, FAILED, f"its process ended with {self.process.exitcode}")
        self.process.join()
        self.result.close()
        return case


def run_side_by_side(scenarios, jobs):
    """Yields (case, seconds) as they end."""
    waiting, running = list(scenarios), {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                entry = Running(waiting.pop(0))
                running[entry.result] = entry
            for result in multiprocessing.connection.wait(list(running)):
                entry = running.pop(result)
                yield entry.case(), time.monotonic() - entry.started
    finally:  # a signal or Ctrl-C: they take away what they made
        for entry in running.values():
            entry.process.terminate()
        for entry in running.values():
            entry.process.join()


def told(case, seconds, word=None):
    word = word or {PASSED: "PASS", FAILED: "FAIL", SKIPPED: "SKIP"}[case.result]
    print(f"{word}  {case.name}  ({seconds:.1f} s)" + (f": {case.text}" if case.text else ""), flush=True)
    return case


def run_all(chosen, jobs):
    """The cases. What fails beside another is run once more, alone, and that counts: SIPp does not recover every call
    that a busy machine held up, and what is wrong with viaduct is wrong alone, too. Many failures are no bad luck."""
    cases, again = [], []
    for case, seconds in run_side_by_side([entry for entry in chosen if not entry.alone], jobs):
        if case.result == FAILED and jobs > 1:
            again.append(told(case, seconds, "ONCE MORE, ALONE"))
        else:
            cases.append(told(case, seconds))
    alone = [entry for entry in chosen if entry.alone]
    if len(again) <= AGAIN_MAX:
        failed = {case.name for case in again}
        alone += [entry for entry in chosen if entry.name in failed]
    else:
        cases += again
    return cases + [told(case, seconds) for case, seconds in run_side_by_side(alone, 1)]


def main():
    parser = argparse.ArgumentParser(description="End-to-end scenarios: real processes, real packets, namespaces.")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="how many run side by side (2)")
    parser.add_argument("--junit", metavar="FILE", help="write a JUnit report")
    parser.add_argument("--list", action="store_true", help="name the scenarios and end")
    parser.add_argument("names", nargs="*", help="run only scenarios whose name contains one of these")
    options = parser.parse_args()
    end_by_exception()

    chosen = [entry for entry in harness.SCENARIOS
              if not options.names or any(name in entry.name for name in options.names)]
    if options.list:
        print("\n".join(entry.name for entry in chosen))
        return 0
    cases = run_all(chosen, max(options.jobs, 1))
    if options.junit:
        write_junit(options.junit, cases)
    passed, failed, skipped = count(cases)
    print(f"e2e: {passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
