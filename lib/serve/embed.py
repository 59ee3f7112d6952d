"""Writes the dashboard's files into a C++ source, as bytes: what is served needs no file at run time.

usage: embed.py OUTPUT.cc FILE...
"""

import os
import sys

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


def main():
    output, files = sys.argv[1], sys.argv[2:]
    arrays, rows = [], []
    for number, path in enumerate(files):
        with open(path, "rb") as file:
            content = file.read()
        octets = [f"'\\x{octet:02x}'" for octet in content]
        lines = [", ".join(octets[at:at + 16]) for at in range(0, len(octets), 16)]
        arrays.append(f"constexpr char file_{number}[] = {{\n" + ",\n".join(lines) + "};\n")
        name = os.path.basename(path)
        served = "/" if name == "index.html" else "/" + name
        rows.append(f'    {{"{served}", "{TYPES[os.path.splitext(name)[1]]}", {{file_{number}, sizeof file_{number}}}}},\n')
    with open(output, "w", encoding="ascii") as file:
        file.write('#include "serve/page_files.h"\n\nnamespace viaduct::serve {\nnamespace {\n\n' + "\n".join(arrays) +
                   "\nconstexpr PageFile all[]{\n" + "".join(rows) + "};\n\n}  // namespace\n\n"
                   "std::span<const PageFile> page_files() { return all; }\n\n}  // namespace viaduct::serve\n")


if __name__ == "__main__":
    main()
