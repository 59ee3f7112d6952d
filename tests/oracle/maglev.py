#!/usr/bin/env python3
"""Viaduct's backend table from the Maglev paper's pseudocode 1 (NSDI 2016, section 3.4) and a health overlay by weighted
rendezvous, in plain Python: the judge of lib/steer.

Reads sets of members from stdin, one member a line: NAME WEIGHT USABLE(0 or 1); an empty line ends a set. For each set
it prints one line for the table and one for the overlay: the fingerprint in hex, a colon, and the name of each slot's
owner (`-` where there is none).
"""

import decimal
import sys

from siphash import siphash64, siphash128

SLOTS = 65537
PUBLIC_KEY = b"viaduct.maglev.1"
WRAP = 1 << 64


def populate(weight_of):
    """Pseudocode 1: entry[permutation[i][next[i]]], in the order of names, with credit for weights."""
    names = sorted((name for name, weight in weight_of.items() if weight > 0), key=lambda name: name.encode())
    entry = [None] * SLOTS
    if not names:
        return entry
    offset, skip, following, credit = {}, {}, {}, {}
    for name in names:
        low, high = siphash128(PUBLIC_KEY, name.encode())
        offset[name] = low % SLOTS
        skip[name] = high % (SLOTS - 1) + 1
        following[name] = 0
        credit[name] = 0
    heaviest = max(weight_of[name] for name in names)
    filled = 0
    while True:
        for name in names:
            credit[name] += weight_of[name]
            if credit[name] < heaviest:
                continue
            credit[name] -= heaviest
            slot = (offset[name] + following[name] * skip[name]) % SLOTS
            while entry[slot] is not None:
                following[name] += 1
                slot = (offset[name] + following[name] * skip[name]) % SLOTS
            entry[slot] = name
            following[name] += 1
            filled += 1
            if filled == SLOTS:
                return entry


def exact_log_table():
    with decimal.localcontext() as context:
        context.prec = 60
        two = decimal.Decimal(2)
        return [int((two**32 * (1 + decimal.Decimal(i) / 1024).ln() / two.ln()).to_integral_value(decimal.ROUND_FLOOR))
                for i in range(1024)] + [2**32]


LOG = exact_log_table()


def log2_fixed(u):
    exponent = u.bit_length() - 1
    fraction = (u - (1 << exponent)) << (64 - exponent)  # 64 bits behind the point
    index, rest = fraction >> 54, (fraction & ((1 << 54) - 1)) >> 22
    return (exponent << 32) + LOG[index] + ((LOG[index + 1] - LOG[index]) * rest >> 32)


def mix(x):
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 % WRAP
    x = (x ^ x >> 27) * 0x94D049BB133111EB % WRAP
    return x ^ x >> 31


def next_choice(slot, runners):
    """The usable member whose time (64 - log2 u) / weight is least, compared as a fraction by cross-multiplication."""
    best = None
    for name, weight, low in runners:
        u = mix(low ^ (slot + 1) * 0x9E3779B97F4A7C15 % WRAP) | 1
        late = (64 << 32) - log2_fixed(u)
        if best is None:
            best = (late, weight, u, name)
            continue
        difference = late * best[1] - best[0] * weight
        if difference < 0 or (difference == 0 and u > best[2]):
            best = (late, weight, u, name)
    return best[3] if best else None


def overlaid(entry, weight_of, usable):
    runners = [(name, weight_of[name], siphash128(PUBLIC_KEY, name.encode())[0])
               for name in sorted(weight_of, key=lambda name: name.encode()) if name in usable and weight_of[name] > 0]
    return [owner if owner is None or owner in usable else next_choice(slot, runners)
            for slot, owner in enumerate(entry)]


def fingerprint(entry):
    digest = {name: siphash128(PUBLIC_KEY, name.encode())[0].to_bytes(8, "little") for name in set(entry) - {None}}
    digest[None] = bytes(8)
    return siphash64(PUBLIC_KEY, b"".join(digest[name] for name in entry))


def show(entry):
    print(f"{fingerprint(entry):016x}:" + " ".join(name or "-" for name in entry))


def main():
    for text in sys.stdin.read().split("\n\n"):
        if not text.strip():
            continue
        rows = [line.split() for line in text.strip().splitlines()]
        weight_of = {name: int(weight) for name, weight, _ in rows}
        usable = {name for name, _, flag in rows if flag == "1"}
        entry = populate(weight_of)
        show(entry)
        show(overlaid(entry, weight_of, usable))


if __name__ == "__main__":
    main()
