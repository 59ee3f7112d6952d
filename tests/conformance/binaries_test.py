#!/usr/bin/env python3
"""The programs are built as docs/security.md says: read back from the files with readelf."""
import re
import shutil
import subprocess
import sys

SKIPPED = 77  # Meson's


def readelf(option, path):
    return subprocess.run(["readelf", "-W", option, path], capture_output=True, text=True, check=True).stdout


def faults(path):
    headers, dynamic, symbols = readelf("-hl", path), readelf("-d", path), readelf("--dyn-syms", path)
    if not re.search(r"Type:\s+DYN", headers) or "FLAGS_1" not in dynamic or " PIE" not in dynamic:
        yield "it is not position-independent"
    stack = re.search(r"GNU_STACK(?:\s+0x[0-9a-f]+){5}\s+(\S+)", headers)
    if not stack or "E" in stack[1]:
        yield "its stack can be executed"
    if "GNU_RELRO" not in headers or "BIND_NOW" not in dynamic:
        yield "its relocations stay writable"
    for row in re.findall(r"^\s+LOAD.*$", headers, re.MULTILINE):
        if "RWE" in row.replace(" ", ""):
            yield "a segment can be written and executed"
    if "RPATH" in dynamic or "RUNPATH" in dynamic:
        yield "it looks for libraries in a directory of its own"
    if "__stack_chk_fail" not in symbols:
        yield "stacks are not protected"
    if not re.search(r"__\w+_chk\b", symbols.replace("__stack_chk_fail", "")):
        yield "the C library's functions are not fortified"


def main():
    if shutil.which("readelf") is None:
        print("readelf (binutils) is not here")
        return SKIPPED
    found = [f"{path}: {fault}" for path in sys.argv[1:] for fault in faults(path)]
    print("\n".join(found) or f"{len(sys.argv) - 1} programs are built as they should be")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
