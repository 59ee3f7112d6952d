#!/usr/bin/env python3
"""Runs the end-to-end scenarios: real processes, real packets, network namespaces.

usage: tests/e2e/run.py [--junit FILE] [--list] [NAME...]     (NAME: a part of a scenario's name)
"""

import argparse
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
import observing  # noqa: E402,F401
import captures  # noqa: E402,F401
import dashboard  # noqa: E402,F401
import latency  # noqa: E402,F401
import top_screen  # noqa: E402,F401
import policy  # noqa: E402,F401
import security  # noqa: E402,F401
from netlab import LabError  # noqa: E402
from test_results import FAILED, PASSED, SKIPPED, Case, count, write_junit  # noqa: E402

SCENARIO_SECONDS = 150


def out_of_time(*_):
    raise AssertionError(f"not done within {SCENARIO_SECONDS} s")


def run(name, function, arguments):
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
        return Case("e2e", name, FAILED, f"{error} ({os.path.basename(here.filename)}:{here.lineno})")
    except Exception:
        return Case("e2e", name, FAILED, traceback.format_exc())
    finally:
        signal.alarm(0)


def main():
    parser = argparse.ArgumentParser(description="End-to-end scenarios: real processes, real packets, namespaces.")
    parser.add_argument("--junit", metavar="FILE", help="write a JUnit report")
    parser.add_argument("--list", action="store_true", help="name the scenarios and end")
    parser.add_argument("names", nargs="*", help="run only scenarios whose name contains one of these")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: sys.exit(128 + received))

    chosen = [entry for entry in harness.SCENARIOS
              if not options.names or any(name in entry[0] for name in options.names)]
    if options.list:
        print("\n".join(entry[0] for entry in chosen))
        return 0
    cases = []
    for name, function, arguments in chosen:
        started = time.monotonic()
        case = run(name, function, arguments)
        cases.append(case)
        word = {PASSED: "PASS", FAILED: "FAIL", SKIPPED: "SKIP"}[case.result]
        print(f"{word}  {name}  ({time.monotonic() - started:.1f} s)" + (f": {case.text}" if case.text else ""),
              flush=True)
    if options.junit:
        write_junit(options.junit, cases)
    passed, failed, skipped = count(cases)
    print(f"e2e: {passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
