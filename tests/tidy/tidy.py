#!/usr/bin/env python3
"""The house rules that a machine can hold: who may include whom, doors, sizes, self-contained headers.

Run by `meson test`; prints one line a finding (file:line: sentence) and exits 1 if there is any.
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Bottom first: a room may include itself and the rooms named for it. Arrows point down only.
MAY_INCLUDE = {
    "core": [],
    "net": ["core"],
    "sip": ["core", "net"],
    "steer": ["core"],
    "telemetry": ["core"],
    "capture": ["core", "net", "sip", "telemetry"],
    "config": ["core", "net", "sip", "telemetry", "capture"],
    "health": ["core", "net", "sip", "telemetry"],
    "policy": ["core", "net", "sip", "telemetry", "config"],
    "proxy": ["core", "net", "sip", "steer", "policy", "telemetry"],
    "dataplane": ["core", "net", "sip", "steer", "policy", "proxy", "telemetry", "capture"],
    "blast": ["core", "net", "telemetry", "dataplane"],
    "dpdk": ["core", "net", "config", "telemetry", "proxy", "dataplane"],
    "control": ["core", "net", "sip", "steer", "policy", "health", "config", "telemetry", "proxy", "dataplane", "dpdk",
                "capture"],
    "serve": ["core", "net", "sip", "telemetry", "control"],
    "top": ["core", "control"],
}
# A library that has one door: the header's prefix and the places that may include it.
DOORS = {
    r"rte_": ["lib/dpdk/"],
    r"toml\+\+": ["lib/config/"],
    r"netlink/": ["lib/control/kernel_twin"],
    r"nftables/": ["lib/control/ingress_filter"],
    r"hs/": ["lib/policy/"],
    r"pcap": [],
    r"ares": ["lib/control/dns"],
    r"CLI/": ["src/"],
    r"httplib": ["lib/serve/http.cc"],
    r"seccomp": ["lib/control/sandbox"],
    r"n?curses": ["lib/top/terminal"],
}
FILE_LINES_MAX = 600
COLUMNS_MAX = 120
HOT = ["lib/dataplane/pipeline", "lib/dataplane/worker", "lib/proxy/", "lib/sip/", "lib/steer/keyed_hash"]
HOT_BANNED = re.compile(r"\b(?:throw|std::function|dynamic_cast|std::mutex|printf|spdlog|malloc)\b|\bnew [A-Z]")

findings = []


def found(path, line, sentence):
    findings.append(f"{path.relative_to(ROOT)}:{line}: {sentence}")


def sources():
    for folder in ("lib", "src", "tests", "bench"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".h", ".cc", ".def"):
                yield path


def check_includes(path, room, text):
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+([<"])([^>"]+)', line)
        if not match:
            continue
        target = match[2]
        first = target.split("/")[0]
        if room and match[1] == '"' and first in MAY_INCLUDE and first != room and first not in MAY_INCLUDE[room]:
            found(path, number, f"lib/{room} may not include {target}: arrows point down only")
        for prefix, places in DOORS.items():
            if match[1] == "<" and re.match(prefix, target):
                here = str(path.relative_to(ROOT))
                # A room's tests may look behind its door.
                allowed = places + [place.replace("lib/", "tests/", 1) for place in places]
                if not any(here.startswith(place) for place in allowed):
                    found(path, number, f"<{target}> has one door: {', '.join(places) or 'none'}")


def check_shape(path, text):
    lines = text.splitlines()
    if len(lines) > FILE_LINES_MAX and path.suffix != ".def" and "tests" not in path.parts:
        found(path, len(lines), f"{len(lines)} lines; a file holds one idea in at most {FILE_LINES_MAX}")
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS_MAX and path.suffix != ".def" and "http" not in line and "R\"" not in line:
            found(path, number, f"{len(line)} columns; at most {COLUMNS_MAX}")
        if re.search(r"\b(TODO|FIXME|XXX)\b", line):
            found(path, number, "unfinished work belongs in an issue")
        if line != line.rstrip():
            found(path, number, "white space at the end of the line")
    if path.suffix == ".h" and "#pragma once" not in text:
        found(path, 1, "a header starts with #pragma once")


def check_hot(path, text):
    here = str(path.relative_to(ROOT))
    if not any(here.startswith(prefix) for prefix in HOT) or path.suffix not in (".h", ".cc"):
        return
    for number, line in enumerate(text.splitlines(), 1):
        code = re.sub(r'//.*|"(?:[^"\\]|\\.)*"', "", line)
        match = HOT_BANNED.search(code)
        if match:
            found(path, number, f"`{match[0]}` does not belong on the hot path")


def check_headers_alone(compiler):
    """Every public header compiles by itself; DPDK's rooms need DPDK's flags and are compiled by their own sources."""
    command = [compiler, "-std=c++20", "-march=x86-64-v2", "-fsyntax-only", "-x", "c++", "-I", str(ROOT / "lib"), "-"]

    def compile_alone(path):
        include = path.relative_to(ROOT / "lib")
        return subprocess.run(command, input=f'#include "{include}"\n', text=True, capture_output=True)

    def is_proven(path):
        """Its own source includes it before anything else, so the build has compiled it alone."""
        source = path.with_suffix(".cc")
        first = re.search(r'^#include [<"]([^>"]+)', source.read_text(), re.M) if source.exists() else None
        return first is not None and first[1] == str(path.relative_to(ROOT / "lib"))

    paths = [path for path in sorted((ROOT / "lib").rglob("*.h"))
             if not any(word in path.read_text() for word in ("<rte_", "immintrin.h", "<toml++", "<netlink"))
             and not is_proven(path)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, run in zip(paths, pool.map(compile_alone, paths)):
            if run.returncode != 0:
                error = next((line for line in run.stderr.splitlines() if "error:" in line), run.stderr.strip())
                found(path, 1, "does not compile alone: " + error)


def check_format():
    """As .clang-format says. Another version of the tool would put some lines otherwise."""
    formatter = shutil.which("clang-format-14")
    if formatter is None:
        print("tidy: clang-format-14 is not here (scripts/setup brings it): the format is not checked")
        return
    paths = [path for path in sources() if path.suffix in (".h", ".cc")]
    command = [formatter, "--dry-run", "--Werror", "--ferror-limit=1"]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, run in zip(paths, pool.map(lambda path: subprocess.run([*command, path], capture_output=True, text=True),
                                             paths)):
            if run.returncode != 0:
                place = re.search(r":(\d+):\d+:", run.stderr)
                found(path, int(place[1]) if place else 1, "clang-format -i would put this otherwise")


def main():
    check_format()
    for path in sources():
        text = path.read_text(errors="replace")
        parts = path.relative_to(ROOT).parts
        room = parts[1] if parts[0] == "lib" else None
        check_includes(path, room, text)
        check_shape(path, text)
        check_hot(path, text)
    check_headers_alone(sys.argv[1] if len(sys.argv) > 1 else "c++")
    for line in findings:
        print(line)
    print(f"tidy: {len(findings)} findings")
    return 1 if findings else 0


sys.exit(main())
