"""Runs the test steps and adds up their cases; `scripts/test` calls it after setup and build.

The instrumented build takes the time that nobody else wants, from the first moment on. The end-to-end scenarios mostly
wait for calls to ring, so they run beside it and beside the tests of that build, which give way to them by their
niceness. Everything else is one after another.
"""

import concurrent.futures
import functools
import json
import os
import shutil
import subprocess
import sys
import time
import traceback

from signals import end_by_exception
from test_results import FAILED, PASSED, SKIPPED, Case, count, merge, read_junit, read_meson

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RESULTS = os.path.join(ROOT, "build", "test-results")
FUZZ_SECONDS = 60
STEPS = ("release", "sanitizers", "e2e", "fuzz")
BESIDE = "e2e"
GIVING_WAY = ("nice", "-n", "10")
IDLE = ("chrt", "--idle", "0")
BACKGROUND = concurrent.futures.ThreadPoolExecutor(2)
RUNNING = set()  # programs


def say(text):
    print(f"test: {text}", flush=True)


def call(arguments, **options):
    """subprocess.run of a program that ends when this one is told to."""
    with subprocess.Popen(arguments, cwd=ROOT, stdin=subprocess.DEVNULL, **options) as process:
        RUNNING.add(process)
        try:
            output, errors = process.communicate()
        finally:
            RUNNING.discard(process)
    return subprocess.CompletedProcess(arguments, process.returncode, output, errors)


def end_what_runs():
    for process in list(RUNNING):
        process.terminate()


def run(*arguments, env=None, output=None):
    return call(arguments, env={**os.environ, **(env or {})}, stdout=output, stderr=output).returncode


def introspect(build, what):
    done = subprocess.run(["meson", "introspect", build, f"--{what}"], cwd=ROOT, capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else []


def fresh_directory(name):
    path = os.path.join(RESULTS, name)
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    return path


def run_meson_tests(build, name, env=None, before=()):
    reports = fresh_directory(name)
    log = os.path.join(ROOT, build, "meson-logs", "testlog.json")
    if os.path.exists(log):
        os.remove(log)
    code = run(*before, "meson", "test", "-C", build, "--no-rebuild", "--print-errorlogs",
               env={"GTEST_OUTPUT": f"xml:{reports}{os.sep}", **(env or {})})
    if not os.path.exists(log):
        return [Case(name, "meson test", FAILED, f"'meson test -C {build}' ended with {code} before it ran anything")]
    return read_meson(log, reports)


def configure_instrumented(build, output=None):
    """Meson's set-up for sanitizers and fuzzing, once; later runs only compile what changed. clang, because fuzzing needs
    it and it compiles this in two thirds of GCC's time; lld, because it links this in a fifth of ld's."""
    if os.path.exists(os.path.join(ROOT, build, "build.ninja")):
        return True
    shutil.rmtree(os.path.join(ROOT, build), ignore_errors=True)
    return run("meson", "setup", build, "-Dfuzz=true", "-Db_sanitize=address,undefined", "-Db_lundef=false",
               "-Dbuildtype=debug", "-Doptimization=1", "-Dunity=on", "-Dunity_size=32", "-Dcpp_args=-g1",
               env={"CC": "clang", "CXX": "clang++", "CXX_LD": "lld"}, output=output) == 0


def step_release():
    return run_meson_tests("build", "release")


def build_instrumented():
    """The build that sanitizers and fuzz share: (its directory, its fuzz targets), or (None, what went wrong)."""
    build = "build-asan"
    log = os.path.join(fresh_directory("instrumented"), "build.log")
    say(f"AddressSanitizer and UndefinedBehaviorSanitizer build in {build}/, in idle time; see {os.path.relpath(log, ROOT)}")
    with open(log, "w", encoding="utf-8") as output:
        if not configure_instrumented(build, output):
            problem = f"meson setup {build} failed"
        else:
            targets = introspect(build, "targets")
            programs = {os.path.relpath(target["filename"][0], os.path.join(ROOT, build)) for target in targets
                        if target["type"] == "executable"}
            tested = {os.path.relpath(test["cmd"][0], os.path.join(ROOT, build)) for test in introspect(build, "tests")}
            # Only what runs: benchmarks under sanitizers tell nothing, and scenarios take the release.
            wanted = sorted(path for path in programs if path in tested or path.endswith(("_fuzz", "/viaductctl")))
            if run(*IDLE, "ninja", "-C", build, *wanted, output=output) == 0:
                return build, [path for path in wanted if path.endswith("_fuzz")]
            problem = f"ninja -C {build} failed"
    with open(log, encoding="utf-8", errors="replace") as file:
        print(file.read(), end="", flush=True)
    return None, problem


@functools.cache
def instrumented_build():
    """A future of build_instrumented, which is under way from the first call on."""
    return BACKGROUND.submit(build_instrumented)


def step_sanitizers():
    build, problem = instrumented_build().result()
    if build is None:
        return [Case("sanitizers", "build", FAILED, problem)]
    return run_meson_tests(build, "sanitizers", sanitizer_environment(), GIVING_WAY)


def sanitizer_environment():
    return {
        "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:abort_on_error=0",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
        "LSAN_OPTIONS": f"suppressions={ROOT}/tests/support/lsan.supp:print_suppressions=0",
    }


def step_e2e():
    directory = fresh_directory("e2e")
    report, log = os.path.join(directory, "e2e.xml"), os.path.join(directory, "e2e.log")
    command = [sys.executable, os.path.join(ROOT, "tests", "e2e", "run.py"), "--junit", report]
    if os.geteuid() != 0 and shutil.which("sudo"):
        command = ["sudo", *command]
    say(f"end-to-end scenarios run beside the next steps; they write to {os.path.relpath(log, ROOT)}")
    with open(log, "w", encoding="utf-8") as file:
        code = call(command, stdout=file, stderr=subprocess.STDOUT).returncode
    with open(log, encoding="utf-8", errors="replace") as file:
        print(file.read(), end="", flush=True)
    if not os.path.exists(report):
        return [Case("e2e", "runner", FAILED, f"tests/e2e/run.py ended with {code} and left no report")]
    return read_junit(report, "e2e")


def step_fuzz():
    say(f"fuzz targets in build-asan/, {FUZZ_SECONDS} s each, side by side")
    build, targets = instrumented_build().result()
    if build is None or not targets:
        return [Case("fuzz", "build", FAILED, "no *_fuzz target" if build else targets)]
    with concurrent.futures.ThreadPoolExecutor(len(targets)) as pool:
        return list(pool.map(lambda target: fuzz(build, target), targets))


def fuzz(build, target):
    """One libFuzzer target for a minute, from its committed seeds; what it finds stays in the results' folder."""
    name = os.path.basename(target)
    work = fresh_directory(f"fuzz-{name}")
    done = call([*GIVING_WAY, os.path.join(ROOT, build, target), f"-max_total_time={FUZZ_SECONDS}",
                 f"-artifact_prefix={work}{os.sep}", *fuzz_arguments(target), work, *fuzz_seeds(target)],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                env={**os.environ, **sanitizer_environment()})
    runs = [line for line in done.stderr.splitlines() if line.startswith("Done ")]
    say(f"{name}: {runs[-1] if runs else f'ended with {done.returncode}'}")
    return Case("fuzz", name, PASSED if done.returncode == 0 else FAILED, done.stderr[-2000:])


def fuzz_file(target, folder, ending=""):
    """tests/fuzz/FOLDER/NAME, of tests/fuzz/NAME_fuzz."""
    name = os.path.basename(target).removesuffix("_fuzz")
    return os.path.join(ROOT, "tests", "fuzz", folder, name + ending)


def fuzz_arguments(target):
    """Without libFuzzer's entropic schedule: its bookkeeping takes nine times as long as these targets do."""
    words = fuzz_file(target, "dict", ".dict")
    return ["-timeout=10", "-max_len=4096", "-entropic=0", *([f"-dict={words}"] if os.path.exists(words) else [])]


def fuzz_seeds(target):
    seeds = fuzz_file(target, "corpus")
    return [seeds] if os.path.isdir(seeds) else []


def report(step_cases, durations):
    every = merge([case for cases in step_cases.values() for case in cases])
    print("\nstep          seconds   passed   failed  skipped")
    for name, cases in step_cases.items():
        passed, failed, skipped = count(cases)
        print(f"{name:<12}{durations[name]:9.0f}{passed:9}{failed:9}{skipped:9}")
    for title, result in (("skipped", SKIPPED), ("failed", FAILED)):
        chosen = [case for case in every if case.result == result]
        if chosen:
            print(f"\n{title}:")
        for case in chosen:
            text = case.text.strip().replace("\n", "\n      ")
            print(f"  {case.suite}: {case.name}: {text}")
    passed, failed, skipped = count(every)
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if failed else 0


def run_step(name):
    """Its cases and how many seconds it took."""
    started = time.monotonic()
    say(f"step {name}")
    try:
        cases = globals()[f"step_{name}"]()
    except Exception:
        cases = [Case(name, "the step itself", FAILED, traceback.format_exc())]
    if not cases and name != "fuzz":
        cases = [Case(name, "any case", FAILED, "this step found no test to run")]
    return cases, time.monotonic() - started


def main():
    chosen = [step for step in STEPS if step in sys.argv[1:]] or list(STEPS)
    results = {}
    if "sanitizers" in chosen or "fuzz" in chosen:
        instrumented_build()
    if "release" in chosen:  # first, and beside nothing that does not give way: some of its cases measure time
        results["release"] = run_step("release")
    beside = BACKGROUND.submit(run_step, BESIDE) if BESIDE in chosen else None
    for name in chosen:
        if name not in ("release", BESIDE):
            results[name] = run_step(name)
    if beside:
        results[BESIDE] = beside.result()
    step_cases = {name: results[name][0] for name in STEPS if name in results and results[name][0]}
    return report(step_cases, {name: seconds for name, (_, seconds) in results.items()})


if __name__ == "__main__":
    end_by_exception(end_what_runs)
    sys.exit(main())
