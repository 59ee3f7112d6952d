"""The hostile part of scripts/storm: frames onto a wire at a rate, each from another source, as one program.

    junk        octets that mean nothing, keep-alives, STUN, RTP            a source each
    scanners    OPTIONS and REGISTER of tools that call themselves so       a source each
    responses   answers with our address on top and a forged stamp          a source each
    fragments   first fragments of IPv6 datagrams that never go on          a source each
    malformed   messages that are wrong, from files and made of good ones   16 sources
    flood       good INVITEs and their copies                               16 sources

What is sent is a ring of frames that get other sources in every round; `sendmmsg` takes a batch of them.
"""

import argparse
import ctypes
import glob
import json
import os
import random
import socket
import struct
import time

BATCH = 64
SLOTS = 4096
SHARES = {"junk": 35, "scanners": 20, "responses": 20, "fragments": 15, "malformed": 7, "flood": 3}
FEW_SOURCES = 16
SOL_PACKET, PACKET_QDISC_BYPASS = 263, 20
SCANNERS = ("friendly-scanner", "sipvicious", "sipcli/v1.8", "VaxSIPUserAgent/3.1", "pplsip")


def sip(method, target, host, more="", number=0):
    return (f"{method} sip:{number}@{target} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:5060;branch=z9hG4bK{number:08x};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:x@{host}>;tag=a{number}\r\nTo: <sip:{number}@{target}>\r\n"
            f"Call-ID: {number:08x}@{host}\r\nCSeq: 1 {method}\r\n{more}Content-Length: 0\r\n\r\n").encode()


def forged(target, number):
    return (f"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP {target}:5060;branch=z9hG4bK{number:026x};vd={'abcdefgh' * 5}\r\n"
            f"Via: SIP/2.0/UDP 203.0.113.200;branch=z9hG4bKx\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>;tag=2\r\n"
            f"Call-ID: {number:08x}\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n").encode()


def torture(folders):
    """Messages from files, at most 1,400 octets each."""
    found = []
    for folder in folders:
        for path in sorted(glob.glob(os.path.join(folder, "**"), recursive=True)):
            if os.path.isfile(path) and path.endswith((".sip", ".dat")):
                with open(path, "rb") as file:
                    found.append(file.read(1400))
    return found


def spoil(dice, text):
    """Octets changed, lost or doubled."""
    octets = bytearray(text)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(octets)) if octets else 0  # a short one may have lost all it had
        octets[at:at + dice.choice((0, 1, 1, 4))] = dice.randbytes(dice.choice((0, 1, 2)))
    return bytes(octets)


class Frames:
    """A ring of frames and where each has its source."""

    def __init__(self, link, target, target6, folders, seed):
        self.dice = random.Random(seed)
        self.link, self.target, self.target6 = link, target, target6
        self.torture = torture(folders) or [sip("INVITE", target, "198.51.100.7")]
        self.kinds = []
        self.frames = []
        self.patches = []  # (offset of the source's last four octets, sum of the rest of the header or None)
        kinds = [kind for kind, share in SHARES.items() for _ in range(SLOTS * share // 100)]
        kinds += ["junk"] * (SLOTS - len(kinds))
        self.dice.shuffle(kinds)
        for number, kind in enumerate(kinds):
            self.kinds.append(kind)
            getattr(self, kind)(number)

    def datagram(self, payload, source=None):
        """IPv4 without a UDP checksum, so that a source can be changed alone."""
        udp = struct.pack("!HHHH", 5060, 5060, 8 + len(payload), 0) + payload
        head = bytearray(struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, source or bytes(4),
                                     socket.inet_aton(self.target)))
        total = sum(struct.unpack("!10H", head))
        total = (total & 0xffff) + (total >> 16)
        if source:
            struct.pack_into("!H", head, 10, ~total & 0xffff)
        self.frames.append(self.link + b"\x08\x00" + head + udp)
        self.patches.append((None, 0) if source else (26, total))

    def few(self):
        return bytes((10, 77, 200, self.dice.randrange(FEW_SOURCES)))

    def junk(self, number):
        octets = self.dice.randbytes(self.dice.randint(4, 600))
        self.datagram(self.dice.choice((octets, octets, b"\r\n\r\n", b"\0\1\0\0\x21\x12\xa4\x42" + octets[:12],
                                        b"\x80\x08" + octets[:170], b"INVITE " + octets)))

    def scanners(self, number):
        agent = f"User-Agent: {self.dice.choice(SCANNERS)}\r\n"
        method = self.dice.choice(("OPTIONS", "REGISTER", "INVITE"))
        self.datagram(sip(method, self.target, "198.51.100.7", agent, number))

    def responses(self, number):
        self.datagram(forged(self.target, number))

    def malformed(self, number):
        text = self.dice.choice(self.torture)
        self.datagram(spoil(self.dice, text) if self.dice.random() < 0.7 else text, self.few())

    def flood(self, number):
        self.datagram(sip("INVITE", self.target, "10.77.200.1", number=1_000_000 + number), self.few())

    def fragments(self, number):
        part = struct.pack("!BBHI", 17, 0, 1, number) + struct.pack("!HHHH", 5060, 5060, 3000, 1) + bytes(600)
        self.frames.append(self.link + b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, len(part), 44, 64) +
                           socket.inet_pton(socket.AF_INET6, "fd99::") + socket.inet_pton(socket.AF_INET6, self.target6) +
                           part)
        self.patches.append((34, None))


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("bytes", ctypes.c_size_t)]


class Header(ctypes.Structure):  # struct msghdr
    _fields_ = [("name", ctypes.c_void_p), ("name_bytes", ctypes.c_uint), ("iovec", ctypes.c_void_p),
                ("iovecs", ctypes.c_size_t), ("control", ctypes.c_void_p), ("control_bytes", ctypes.c_size_t),
                ("flags", ctypes.c_int)]


class Message(ctypes.Structure):  # struct mmsghdr
    _fields_ = [("header", Header), ("sent", ctypes.c_uint)]


class Sender:
    def __init__(self, interface, frames):
        self.frames = frames
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.bind((interface, 0))
        self.socket.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
        self.ring = (ctypes.c_char * sum(map(len, frames.frames))).from_buffer_copy(b"".join(frames.frames))
        self.iovecs = (Iovec * SLOTS)()
        self.messages = (Message * SLOTS)()
        self.places = []
        at = 0
        for slot, (frame, (offset, rest)) in enumerate(zip(frames.frames, frames.patches)):
            self.iovecs[slot].base = ctypes.addressof(self.ring) + at
            self.iovecs[slot].bytes = len(frame)
            self.messages[slot].header.iovec = ctypes.addressof(self.iovecs[slot])
            self.messages[slot].header.iovecs = 1
            self.places.append((at + offset if offset else None, at + 24, rest))
            at += len(frame)
        self.sendmmsg = ctypes.CDLL(None, use_errno=True).sendmmsg
        self.slot, self.number, self.sent, self.refused = 0, 0, 0, 0

    def renew(self, first):
        """Other sources for a batch: 100.64.0.0/10 in an order that repeats after four million."""
        view, number = memoryview(self.ring).cast("B"), self.number
        put16, put32 = struct.Struct("!H").pack_into, struct.Struct("!I").pack_into
        for place, checksum, rest in self.places[first:first + BATCH]:
            if place is None:
                continue
            number += 1
            source = 0x64400000 | number * 2654435761 & 0x3fffff
            put32(view, place, source)
            if rest is not None:
                total = rest + (source >> 16) + (source & 0xffff)
                total = (total & 0xffff) + (total >> 16)
                put16(view, checksum, ~((total & 0xffff) + (total >> 16)) & 0xffff)
        self.number = number

    def batch(self):
        self.renew(self.slot)
        taken = self.sendmmsg(self.socket.fileno(), ctypes.byref(self.messages, self.slot * ctypes.sizeof(Message)), BATCH, 0)
        self.sent += max(taken, 0)
        self.refused += BATCH - max(taken, 0)
        self.slot = (self.slot + BATCH) % SLOTS

    def run(self, rate, seconds):
        started = time.monotonic()
        done = 0
        while (elapsed := time.monotonic() - started) < seconds:
            if done >= elapsed * rate:
                time.sleep(0.0002)
                continue
            done += BATCH
            self.batch()
        return time.monotonic() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--interface", required=True)
    parser.add_argument("--link", required=True, help="destination's and source's link address, in hex")
    parser.add_argument("--target", required=True)
    parser.add_argument("--target6", required=True)
    parser.add_argument("--rate", type=float, required=True, help="frames a second")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("folders", nargs="*", help="with malformed messages")
    options = parser.parse_args()
    frames = Frames(bytes.fromhex(options.link), options.target, options.target6, options.folders, options.seed)
    sender = Sender(options.interface, frames)
    seconds = sender.run(options.rate, options.seconds)
    counted = {kind: frames.kinds.count(kind) / SLOTS for kind in SHARES}
    print(json.dumps({"sent": sender.sent, "refused": sender.refused, "seconds": round(seconds, 2),
                      "per_second": round(sender.sent / seconds), "sources": min(sender.number, 1 << 22),
                      "shares": {kind: round(share, 3) for kind, share in counted.items()}}))


if __name__ == "__main__":
    main()
