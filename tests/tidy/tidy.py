#!/usr/bin/env python3
"""The house rules that a machine can hold: who may include whom, doors, sizes, self-contained headers, what the hot
path leaves alone, names of files that exist, tables that are whole.

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
    r"hs/": ["lib/policy/hyperscan.cc"],
    r"pcap": [],
    r"ares": ["lib/control/dns"],
    r"CLI/": ["src/"],
    r"httplib": ["lib/serve/http.cc"],
    r"seccomp": ["lib/control/sandbox"],
    r"n?curses": ["lib/top/terminal"],
    r"systemd/": ["lib/control/daemon.cc"],
}
FILE_LINES_MAX = 600
COLUMNS_MAX = 120
# Where every message passes, by the beginnings of paths.
HOT = [
    "lib/core/spsc_ring",
    *(f"lib/dataplane/{name}" for name in (
        "adjacency", "admission", "call_key", "cutter", "egress", "flood_watch", "handoff", "icmp_listener", "observer",
        "overload", "path_mtu", "pipeline", "policy_stage", "reassembler", "rewrite", "splice", "tap", "waiting_room",
        "watch", "worker")),
    "lib/dpdk/dpdk_io", "lib/dpdk/port_queue",
    *(f"lib/net/{name}" for name in ("checksum", "ethernet", "fragment", "frame", "icmp", "ipv4", "ipv6", "udp")),
    *(f"lib/policy/{name}" for name in ("judge", "limit_key", "limit_table", "notices", "prefix_sets", "room", "tally")),
    "lib/proxy/", "lib/sip/",
    *(f"lib/steer/{name}" for name in ("hash_lanes", "keyed_hash", "overlay.h", "race.h", "table.h")),
    *(f"lib/telemetry/{name}" for name in ("counters", "findings_table", "latency")),
]
HOT_BANNED = re.compile(r"\b(?:throw|std::function|dynamic_cast|virtual|std::mutex|std::lock_guard|printf|spdlog|"
                        r"core::log\w*|malloc|getenv)\b|\bnew [A-Z]")
# System calls, and what waits, are declared here.
HOT_BANNED_HEADERS = re.compile(r"(?:sys|linux)/.*|(?:fcntl|poll|pthread|signal|time|unistd)\.h|condition_variable|fstream|"
                                r"iostream|mutex")
ALLOCATION = re.compile(r"\b(?:push_back|emplace_back|std::make_(?:unique|shared)\w*|std::to_string|fmt::format)\b|"
                        r"\bstd::string[({]|\.resize\(")
# Where that is, constructors make what the workers use. These do so besides, or no message waits for them.
MAY_ALLOCATE = {
    "lib/core/spsc_ring.h": None,
    "lib/net/fragment_table.cc": {"release_blocks", "remove"},  # onto stacks that have been full
    "lib/policy/limit_table.cc": {"top"},
    "lib/policy/notices.h": None,
    "lib/policy/prefix_sets.cc": {"sweep", "add_interval", "number_of", "index_v4"},
    "lib/policy/room.h": None,
    "lib/policy/tally.h": None,
    "lib/proxy/via_mac.cc": {"via_mac_head"},
    "lib/proxy/view.cc": {"seats_of"},
    "lib/telemetry/counters.cc": {"to_string"},
}
SOURCE_NAMED = re.compile(r"(?<![\w./<*-])((?:\w+/)*\w+\.(?:h|cc|def))\b(?![/*])")

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
    may_allocate = MAY_ALLOCATE.get(here, set())
    makes = False  # the function may allocate: one that is a constructor, or is listed
    for number, line in enumerate(text.splitlines(), 1):
        include = re.match(r"#include <(.*)>", line)
        if include and HOT_BANNED_HEADERS.fullmatch(include[1]):
            found(path, number, f"<{include[1]}> does not belong on the hot path")
        code = re.sub(r'//.*|"(?:[^"\\]|\\.)*"', "", line)
        function = re.match(r"(?=\w)(?:[^(=]*?\b)?(?:(\w+)::)?(\w+)\(", code)
        if function and may_allocate is not None:
            makes = function[1] == function[2] or function[2] in may_allocate
        match = HOT_BANNED.search(code)
        if match:
            found(path, number, f"`{match[0]}` does not belong on the hot path")
        match = ALLOCATION.search(code)
        if match and may_allocate is not None and not makes:
            found(path, number, f"`{match[0]}` allocates, on the hot path")


def check_named_sources(path, text, names):
    """A source that a comment or a manual names is there: from lib/, from the top, beside it, or somewhere by its name."""
    for number, line in enumerate(text.splitlines(), 1):
        comment = line if path.suffix == ".md" else "".join(line.partition("//")[1:])
        for match in SOURCE_NAMED.finditer(comment):
            places = (ROOT / "lib", ROOT, ROOT / "tests", path.parent)
            if "NAME" not in match[1] and match[1] not in names and not any((place / match[1]).exists() for place in places):
                found(path, number, f"there is no {match[1]}")


def check_tables(path, text):
    """All rows of a Markdown table have as many cells."""
    cells = 0  # of the table's first row
    for number, line in enumerate(text.splitlines(), 1):
        count = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        if cells and count and count != cells:
            found(path, number, f"{count - 1} cells in a table of {cells - 1}")
        cells = count and (cells or count)


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
    names = {path.name for path in sources()}
    for path in sources():
        text = path.read_text(errors="replace")
        parts = path.relative_to(ROOT).parts
        room = parts[1] if parts[0] == "lib" else None
        check_includes(path, room, text)
        check_shape(path, text)
        check_hot(path, text)
        check_named_sources(path, text, names)
    for path in [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"]:
        check_named_sources(path, path.read_text(), names)
        check_tables(path, path.read_text())
    check_headers_alone(sys.argv[1] if len(sys.argv) > 1 else "c++")
    for line in findings:
        print(line)
    print(f"tidy: {len(findings)} findings")
    return 1 if findings else 0


sys.exit(main())
