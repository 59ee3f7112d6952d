"""Test cases and their results, out of what GoogleTest, Meson and the end-to-end runner write."""

import collections
import glob
import json
import os
import re
import xml.etree.ElementTree as ElementTree

# One test case: `suite` is the program or group, `text` why it failed or was skipped.
Case = collections.namedtuple("Case", "suite name result text")
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


def first_line(text):
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    # GoogleTest opens a message with the file and line; the sentence follows.
    return " ".join(lines[:2])[:300] if lines else ""


def parse_xml(path):
    """GoogleTest copies octets of failed comparisons as they are, which need not be UTF-8 nor characters of XML."""
    with open(path, "rb") as file:
        text = file.read().decode("utf-8", errors="replace")
    return ElementTree.fromstring(re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text))


def read_junit(path, suite):
    """The cases of one XML report (GoogleTest's or ours)."""
    cases = []
    for node in parse_xml(path).iter("testcase"):
        name = f"{node.get('classname')}.{node.get('name')}" if node.get("classname") else node.get("name")
        failure, skipped = node.find("failure"), node.find("skipped")
        if failure is not None:
            cases.append(Case(suite, name, FAILED, failure.get("message") or failure.text or ""))
        elif skipped is not None:
            cases.append(Case(suite, name, SKIPPED, first_line(skipped.get("message") or skipped.text)))
        elif node.get("status") == "notrun":
            cases.append(Case(suite, name, SKIPPED, "disabled in the source"))
        else:
            cases.append(Case(suite, name, PASSED, ""))
    return cases


def read_meson(log_path, reports):
    """The cases of a `meson test` by its log; its GoogleTest programs wrote their reports into the folder `reports`.

    A test without a report counts as one case. So does a program that failed without naming a case: it crashed, or
    ran out of time.
    """
    cases = []
    with open(log_path, encoding="utf-8") as log:
        runs = [json.loads(line) for line in log if line.strip()]
    taken = set()
    for run in runs:
        name = run["name"].split(" / ")[-1]
        program = os.path.splitext(os.path.basename(run["command"][0]))[0]
        result = {"OK": PASSED, "EXPECTEDFAIL": PASSED, "SKIP": SKIPPED}.get(run["result"], FAILED)
        ours = [path for path in sorted(glob.glob(os.path.join(reports, f"{glob.escape(program)}*.xml")))
                if path not in taken and is_report_of(path, program)]
        found = [case for path in ours for case in read_junit(path, name)]
        taken.update(ours)
        cases += found
        output = (run.get("stdout") or "") + (run.get("stderr") or "")
        if not found:
            cases.append(Case(name, name, result, "" if result == PASSED else output[-2000:]))
        elif result == FAILED and not any(case.result == FAILED for case in found):
            cases.append(Case(name, f"{name} (the program)", FAILED,
                              f"{run['result']}, exit code {run.get('returncode')}\n{output[-2000:]}"))
    return cases


def is_report_of(path, program):
    """GoogleTest names a report after its program, with _N behind it when there is one already."""
    rest = os.path.basename(path)[len(program):-len(".xml")]
    return rest == "" or (rest.startswith("_") and rest[1:].isdigit())


def merge(cases):
    """One case for each (suite, name): failed before passed before skipped."""
    order = {FAILED: 0, PASSED: 1, SKIPPED: 2}
    best = {}
    for case in cases:
        key = (case.suite, case.name)
        if key not in best or order[case.result] < order[best[key].result]:
            best[key] = case
    return list(best.values())


def count(cases):
    tally = collections.Counter(case.result for case in cases)
    return tally[PASSED], tally[FAILED], tally[SKIPPED]


def write_junit(path, cases):
    root = ElementTree.Element("testsuite", name="e2e")
    for case in cases:
        node = ElementTree.SubElement(root, "testcase", name=case.name)
        if case.result != PASSED:
            kind = "failure" if case.result == FAILED else "skipped"
            ElementTree.SubElement(node, kind, message=case.text)
    ElementTree.ElementTree(root).write(path, encoding="utf-8")
