"""Messages above the MTU: in fragments on both sides of viaduct, and ICMP errors about ours."""

import itertools
import random
import select
import socket
import struct

from calls import FAMILIES, testbed
from harness import Peer, check, check_counted, check_equal, check_ledger, check_stops, drops, header_values, scenario
from netlab import wait_until
from sip_hosts import endpoint
from testbed import IPV4, IPV6

ETH_P_ALL = 3
MTU = 1500


def invite(family, size, call_id):
    """An INVITE of so many octets, most of them in its body."""
    here = endpoint(family.client)
    head = (f"INVITE sip:service@{endpoint(family.outside)} SIP/2.0\nVia: SIP/2.0/UDP {here};rport;branch=z9hG4bK{call_id}\n"
            f"Max-Forwards: 70\nFrom: <sip:caller@{here}>;tag=e2e\nTo: <sip:service@{endpoint(family.outside)}>\n"
            f"Call-ID: {call_id}\nCSeq: 1 INVITE\nContact: <sip:caller@{here}>\nContent-Type: text/plain\n"
            "Content-Length: ").replace("\n", "\r\n").encode()
    body = b"".join(b"%06d." % number for number in range(size // 7 + 1))
    body = body[:size - len(head) - 8]
    return head + b"%04d" % len(body) + b"\r\n\r\n" + body


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Wire:
    """Raw frames from the client's interface to the balancer's."""

    def __init__(self, bed, family):
        self.family = family
        self.v6 = family.version == 6
        self.socket = bed.client.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.socket.bind(("edge0", ETH_P_ALL))

        def mac(host, interface):
            path = f"/sys/class/net/{interface}/address"
            return bytes.fromhex(host.run("cat", path).stdout.strip().replace(":", ""))

        self.link = (mac(bed.balancer_host, "edge0") + mac(bed.client, "edge0") +
                     struct.pack("!H", 0x86dd if self.v6 else 0x0800))
        kind = socket.AF_INET6 if self.v6 else socket.AF_INET
        self.there = socket.inet_pton(kind, family.outside)
        self.here = socket.inet_pton(kind, family.client)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def datagram(self, payload, here=None):
        """UDP header and payload, with the checksum."""
        length = 8 + len(payload)
        pseudo = (here or self.here) + self.there + (struct.pack("!II", length, 17) if self.v6
                                                     else struct.pack("!BBH", 0, 17, length))
        value = checksum(pseudo + struct.pack("!HHHH", 5060, 5060, length, 0) + payload) or 0xffff
        return struct.pack("!HHHH", 5060, 5060, length, value) + payload

    def fragment(self, datagram, begin, end, number, here=None, more=None):
        """The frame of datagram[begin:end]."""
        part = datagram[begin:end]
        more = end < len(datagram) if more is None else more
        here = here or self.here
        if self.v6:
            header = struct.pack("!BBHI", 17, 0, begin | more, number)
            return (self.link + struct.pack("!IHBB", 6 << 28, len(header) + len(part), 44, 64) + here +
                    self.there + header + part)
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(part), number & 0xffff, (0x2000 if more else 0) | begin // 8,
                             64, 17, 0) + here + self.there
        return self.link + header[:10] + struct.pack("!H", checksum(header)) + header[12:] + part

    def fragments(self, payload, number, step=1448):
        datagram = self.datagram(payload)
        return [self.fragment(datagram, begin, min(begin + step, len(datagram)), number)
                for begin in range(0, len(datagram), step)]

    def send(self, frames):
        for frame in frames:
            self.socket.send(frame)


class Backends:
    """Every backend's socket; who got what."""

    def __init__(self, bed, family):
        self.peers = [Peer(bed.backend_host, address) for address in family.backends.values()]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for peer in self.peers:
            peer.socket.close()

    def take(self, count, patience=5.0):
        """So many messages as octets by Call-ID, and no more."""
        arrived = {}
        sockets = [peer.socket for peer in self.peers]
        while True:
            ready = select.select(sockets, [], [], patience if len(arrived) < count else 0.2)[0]
            if not ready:
                return arrived
            for one in ready:
                text = one.recv(65535)
                call_id = text.split(b"Call-ID: ", 1)[1].split(b"\r\n", 1)[0].decode()
                check(call_id not in arrived, f"{call_id} arrived twice")
                arrived[call_id] = text


def check_bodies(arrived, sent):
    """Each message once, with its whole body and one Via more."""
    check_equal(sorted(arrived), sorted(sent), "Call-IDs at the backends")
    for call_id, text in sent.items():
        check(arrived[call_id].split(b"\r\n\r\n", 1)[1] == text.split(b"\r\n\r\n", 1)[1], f"the body of {call_id} changed")
        check_equal(len(header_values(arrived[call_id].decode().replace("\r\n", "\n"), "Via")), 2, f"Vias of {call_id}")


def meet_backends(balancer, wire, backends):
    """Small calls until the backends' link addresses are known."""
    def known():
        wire.send([wire.link + small(wire)])
        return backends.take(1, 0.5)

    wait_until(known, 10, "a first call at a backend")
    backends.take(0)


def small(wire):
    datagram = wire.datagram(invite(wire.family, 700, f"small{random.random()}"))
    if wire.v6:
        return struct.pack("!IHBB", 6 << 28, len(datagram), 17, 64) + wire.here + wire.there + datagram
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(datagram), 0, 0, 64, 17, 0) + wire.here + wire.there
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + datagram


def fragments_of(balancer, port):
    return balancer.show("ports")["ports"][port]["fragments"]


@scenario(family=FAMILIES)
def fragments_from_a_real_sender(family):
    """LBG-19, LBG-20: INVITEs of 1,400, 4,000 and 9,000 octets through kernels of 1,500: each once, whole."""
    with testbed() as bed, Peer(bed.client, family.client) as caller, Backends(bed, family) as backends:
        balancer = bed.start_balancer(family)
        with Wire(bed, family) as wire:
            meet_backends(balancer, wire, backends)
        sent = {f"{size}-{number}": invite(family, size, f"{size}-{number}")
                for size in (1400, 4000, 9000) for number in range(5)}
        for text in sent.values():
            caller.send(text, family.outside)
        check_bodies(backends.take(len(sent)), sent)
        out = fragments_of(balancer, "core")
        check(out["messages_cut"] >= len(sent) and out["sent"] >= 5 * (2 + 3 + 7), f"fragments toward backends: {out}")
        if family.version == 6:  # the kernel puts IPv4 fragments together before a packet socket sees them
            check(fragments_of(balancer, "edge")["messages_put_together"] >= 10, "IPv6 fragments are put together")
        check_ledger(balancer)
        check_stops(balancer)


@scenario
def fragments_in_every_order():
    """LBG-19, SEC-03: IPv6, where the kernel leaves fragments to us: all orders, duplicates, gaps, overlaps, tiny ones."""
    family = IPV6
    with testbed() as bed, Backends(bed, family) as backends, Wire(bed, family) as wire:
        balancer = bed.start_balancer(family, workers=None)
        meet_backends(balancer, wire, backends)
        sent, number = {}, 0
        for order in itertools.permutations(range(3)):
            number += 1
            call_id = f"order{''.join(map(str, order))}"
            sent[call_id] = invite(family, 4000, call_id)
            parts = wire.fragments(sent[call_id], number)
            wire.send([parts[place] for place in order])
        generator = random.Random(7)
        for turn in range(50):
            number += 1
            call_id = f"nine{turn}"
            sent[call_id] = invite(family, 9000, call_id)
            parts = wire.fragments(sent[call_id], number)
            generator.shuffle(parts)
            wire.send([part for part in parts for _ in range(generator.choice((1, 1, 2)))])
            if turn % 5 == 0:  # so that no receive buffer on the way runs over
                check_bodies(backends.take(len(sent)), sent)
                sent = {}
        check_bodies(backends.take(len(sent)), sent)
        check(drops(balancer).get("fragment_repeated", 0) > 10, f"repeated fragments are counted: {drops(balancer)}")

        datagram = wire.datagram(invite(family, 4000, "gap"))
        wire.send([wire.fragment(datagram, 0, 1448, 1001), wire.fragment(datagram, 2896, len(datagram), 1001)])
        wire.send([wire.fragment(datagram, 0, 1448, 1002), wire.fragment(datagram, 1440, 2888, 1002),
                   wire.fragment(datagram, 1448, 2896, 1002), wire.fragment(datagram, 2896, len(datagram), 1002)])
        wire.send([wire.fragment(datagram, 0, 40, 1003)])
        check_equal(backends.take(0), {}, "what reached the backends of ill datagrams")
        check_counted(balancer, "fragment_overlap", 3)
        check_counted(balancer, "fragment_tiny", 1)
        wait_until(lambda: drops(balancer).get("reassembly_timeout"), 10, "the gap's timeout")
        check_counted(balancer, "reassembly_timeout", 1)
        check_ledger(balancer)
        check_stops(balancer)


@scenario(alone=True)
def fragments_flood():
    """SEC-03: first fragments of 20,000 sources that never go on: counted, and calls go on as if nothing were."""
    family = IPV6
    with testbed() as bed, Backends(bed, family) as backends, Wire(bed, family) as wire:
        balancer = bed.start_balancer(family)
        meet_backends(balancer, wire, backends)
        datagram = wire.datagram(b"f" * 3000)
        for number in range(20_000):
            here = wire.here[:12] + struct.pack("!I", 0x10000 + number)
            wire.send([wire.fragment(datagram, 0, 1448, number, here=here)])
            if number % 400 == 0:  # the ring of a packet socket holds 1,020 frames
                call_id = f"good{number}"
                sent = {call_id: invite(family, 4000, call_id)}
                wire.send(wire.fragments(sent[call_id], number))
                check_bodies(backends.take(1), sent)
        wait_until(lambda: sum(drops(balancer).get(reason, 0) for reason in
                               ("reassembly_timeout", "reassembly_full", "reassembly_source")) >= 20_000, 15,
                   "every datagram of the flood booked", interval=0.3)
        check_ledger(balancer)
        check_stops(balancer)


def cut_toward_backend(balancer, backends, caller, call_id):
    """Sends a call of 1,150 bytes through; how many messages left the core port in parts meanwhile."""
    before = fragments_of(balancer, "core")["messages_cut"]
    caller.send(invite(IPV4, 1150, call_id), IPV4.outside)
    check_equal(list(backends.take(1)), [call_id], "calls at the backend")
    return fragments_of(balancer, "core")["messages_cut"] - before


@scenario
def path_mtu_of_a_backend():
    """LBG-22: a checked "fragmentation needed" makes the next large INVITE leave smaller; one of 68 does not."""
    family = IPV4
    with testbed() as bed, Backends(bed, family) as backends, Wire(bed, family) as wire, \
            Peer(bed.client, family.client) as caller:
        balancer = bed.start_balancer(family, backends={"p1": family.backends["p1"]})
        meet_backends(balancer, wire, backends)
        raw = bed.backend_host.socket(socket.AF_PACKET, socket.SOCK_RAW)
        raw.bind(("core0", ETH_P_ALL))

        def needs(mtu):
            addresses = [socket.inet_aton(text) for text in (family.inside, family.backends["p1"])]
            quoted = (struct.pack("!BBHHHBBH", 0x45, 0, 1400, 1, 0, 64, 17, 0) + addresses[0] + addresses[1] +
                      struct.pack("!HHHH", 5060, 5060, 1380, 0))
            body = struct.pack("!BBHHH", 3, 4, 0, 0, mtu) + quoted
            body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
            header = (struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 64, 1, 0) +
                      socket.inet_aton(family.backends["p2"]) + addresses[0])
            header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
            to = bed.balancer_host.run("cat", "/sys/class/net/core0/address").stdout.strip()
            source = bed.backend_host.run("cat", "/sys/class/net/core0/address").stdout.strip()
            raw.send(bytes.fromhex((to + source).replace(":", "")) + b"\x08\x00" + header + body)

        def cut_when_sent(call_id):
            return cut_toward_backend(balancer, backends, caller, call_id)

        check_equal(cut_when_sent("wide"), 0, "messages cut for a way as wide as the port")
        needs(68)
        wait_until(lambda: balancer.show("ports")["icmp"]["ignored"] == 1, 5, "the PTB of 68 ignored")
        check_equal(cut_when_sent("still-wide"), 0, "messages cut after a PTB of 68")
        needs(1280)
        wait_until(lambda: balancer.show("ports")["icmp"]["path_mtu_lowered"] == 1, 5, "the path MTU lowered")
        check_equal(cut_when_sent("narrow"), 1, "messages cut after a PTB of 1280")
        raw.close()
        check_ledger(balancer)
        check_stops(balancer)


@scenario
def an_mtu_that_changes_is_followed():
    """What an interface or a route is told while viaduct runs counts from then on: nothing leaves that the kernel, or
    a router behind it, drops."""
    family = IPV4
    with testbed() as bed, Backends(bed, family) as backends, Wire(bed, family) as wire, \
            Peer(bed.client, family.client) as caller:
        balancer = bed.start_balancer(family, backends={"p1": family.backends["p1"]})
        meet_backends(balancer, wire, backends)

        def cut_with(mtu):
            bed.balancer_host.configure("link", "set", "core0", "mtu", str(mtu))
            wait_until(lambda: balancer.show("ports")["ports"]["core"]["mtu"] == mtu, 5, f"an MTU of {mtu}")
            return cut_toward_backend(balancer, backends, caller, f"at-{mtu}")

        check_equal([cut_with(mtu) for mtu in (1500, 1200, 1500)], [0, 1, 0], "messages cut")
        prefix = f"{family.backends['p1']}/32"
        bed.balancer_host.configure("route", "add", prefix, "dev", "core0", "mtu", "1200")
        wait_until(lambda: any(route["prefix"] == prefix and route["mtu"] == 1200
                               for route in balancer.show("neighbors")["routes"]), 5, "a route with an MTU")
        check_equal(cut_toward_backend(balancer, backends, caller, "by-route"), 1, "messages cut for the route's MTU")
        check_ledger(balancer)
        check_stops(balancer)
