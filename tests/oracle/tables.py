#!/usr/bin/env python3
"""Viaduct's backend tables, by weighted rendezvous and by the Maglev paper's pseudocode 1 (NSDI 2016, section 3.4), and
the overlay of health and slow start, in plain Python: the judge of lib/steer.

Reads sets of members from stdin. The first line of a set is `rendezvous` or `maglev`, then comes one member a line:
NAME WEIGHT PART (0 to 65536); an empty line ends a set. For each set it prints one line for the table and one for the
overlay: the fingerprint in hex, a colon, and the name of each slot's owner (`-` where there is none).
"""

import decimal
import functools
import sys

from siphash import siphash64, siphash128

SLOTS = 65537
PUBLIC_KEY = b"viaduct.maglev.1"
KEY_OF = {"maglev": PUBLIC_KEY, "rendezvous": b"viaduct.rendez.1"}
WHOLE = 65536
WRAP = 1 << 64


@functools.cache
def low_of(name):
    return siphash128(PUBLIC_KEY, name.encode())[0]


@functools.cache
def high_of(name):
    return siphash128(PUBLIC_KEY, name.encode())[1]


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
    """The member whose time (64 - log2 u) / weight is least, compared as a fraction by cross-multiplication."""
    best = None
    for name, weight in runners:
        u = mix(low_of(name) ^ (slot + 1) * 0x9E3779B97F4A7C15 % WRAP) | 1
        late = (64 << 32) - log2_fixed(u)
        if best is None:
            best = (late, weight, u, name)
            continue
        difference = late * best[1] - best[0] * weight
        if difference < 0 or (difference == 0 and u > best[2]):
            best = (late, weight, u, name)
    return best[3] if best else None


def is_open(slot, name, part):
    return mix(high_of(name) ^ (slot + 1) * 0x9E3779B97F4A7C15 % WRAP) >> 48 < part


def by_name(weight_of):
    return [(name, weight_of[name]) for name in sorted(weight_of, key=lambda name: name.encode()) if weight_of[name] > 0]


def overlaid(entry, weight_of, part_of):
    runners = [(name, weight) for name, weight in by_name(weight_of) if part_of[name] > 0]
    laid = []
    for slot, owner in enumerate(entry):
        if owner is not None and not is_open(slot, owner, part_of[owner]):
            owner = (next_choice(slot, [runner for runner in runners if is_open(slot, runner[0], part_of[runner[0]])])
                     or next_choice(slot, runners))
        laid.append(owner)
    return laid


def fingerprint(entry, kind):
    digest = {name: low_of(name).to_bytes(8, "little") for name in set(entry) - {None}}
    digest[None] = bytes(8)
    return siphash64(KEY_OF[kind], b"".join(digest[name] for name in entry))


def show(entry, kind):
    print(f"{fingerprint(entry, kind):016x}:" + " ".join(name or "-" for name in entry))


def main():
    for text in sys.stdin.read().split("\n\n"):
        if not text.strip():
            continue
        kind, *lines = text.strip().splitlines()
        rows = [line.split() for line in lines]
        weight_of = {name: int(weight) for name, weight, _ in rows}
        part_of = {name: int(part) for name, _, part in rows}
        if kind == "maglev":
            entry = populate(weight_of)
        else:
            entry = [next_choice(slot, by_name(weight_of)) for slot in range(SLOTS)]
        show(entry, kind)
        show(overlaid(entry, weight_of, part_of), kind)


if __name__ == "__main__":
    main()
