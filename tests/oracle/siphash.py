#!/usr/bin/env python3
"""SipHash-2-4 in whole-number arithmetic, straight from the paper (Aumasson and Bernstein, 2012, section 2).

Written without a look at lib/steer, as its judge. Reads lines `KEY INPUT` in hex (`-` for an empty input) and answers
each with the 64-bit and the 128-bit hash in hex, as numbers. `--vectors` prints the hashes of 0, 1, .. 63 bytes
00 01 02 .. under the key 00 01 .. 0f, the inputs of the authors' published vectors.
"""

import sys

MASK = (1 << 64) - 1


def rotated(value, count):
    return (value << count | value >> (64 - count)) & MASK


def sip_round(v):
    v[0] = (v[0] + v[1]) & MASK
    v[1] = rotated(v[1], 13) ^ v[0]
    v[0] = rotated(v[0], 32)
    v[2] = (v[2] + v[3]) & MASK
    v[3] = rotated(v[3], 16) ^ v[2]
    v[0] = (v[0] + v[3]) & MASK
    v[3] = rotated(v[3], 21) ^ v[0]
    v[2] = (v[2] + v[1]) & MASK
    v[1] = rotated(v[1], 17) ^ v[2]
    v[2] = rotated(v[2], 32)


def finished(v):
    for _ in range(4):
        sip_round(v)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def compressed(key, message, wide):
    k0 = int.from_bytes(key[:8], "little")
    k1 = int.from_bytes(key[8:], "little")
    v = [int.from_bytes(text, "big") for text in (b"somepseu", b"dorandom", b"lygenera", b"tedbytes")]
    v = [v[0] ^ k0, v[1] ^ k1 ^ (0xEE if wide else 0), v[2] ^ k0, v[3] ^ k1]
    padded = message + bytes(-(len(message) + 1) % 8) + bytes([len(message) & 0xFF])
    for at in range(0, len(padded), 8):
        word = int.from_bytes(padded[at : at + 8], "little")
        v[3] ^= word
        sip_round(v)
        sip_round(v)
        v[0] ^= word
    v[2] ^= 0xEE if wide else 0xFF
    return v


def siphash64(key, message):
    return finished(compressed(key, message, wide=False))


def siphash128(key, message):
    """The 16 output bytes as two little-endian numbers (low, high)."""
    v = compressed(key, message, wide=True)
    low = finished(v)
    v[1] ^= 0xDD
    return low, finished(v)


def derived_key(secret, purpose):
    low, high = siphash128(secret[:16], secret[16:] + purpose)
    return low.to_bytes(8, "little") + high.to_bytes(8, "little")


def answer(key, message):
    low, high = siphash128(key, message)
    return f"{siphash64(key, message):016x} {low:016x} {high:016x}"


def main():
    if "--vectors" in sys.argv:
        for length in range(64):
            print(answer(bytes(range(16)), bytes(range(length))))
        return
    for line in sys.stdin:
        key, message = line.split()
        print(answer(bytes.fromhex(key), b"" if message == "-" else bytes.fromhex(message)))


if __name__ == "__main__":
    main()
