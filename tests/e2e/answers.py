"""What viaduct answers itself, and what it drops."""

from calls import FAMILIES, testbed
from harness import Peer, check, check_counted, check_equal, check_ledger, drops, header_values, requests_by_backend, scenario
from netlab import wait_until
from sip_hosts import endpoint
from testbed import IPV4


def message(family, start_line, cseq="1 INVITE", branch="z9hG4bKe2e1", to_tag="", headers="", call_id="e2e"):
    here = endpoint(family.client)
    return (f"{start_line}\nVia: SIP/2.0/UDP {here};rport;branch={branch}\n{headers}"
            f"From: <sip:caller@{here}>;tag=e2e\nTo: <sip:service@{endpoint(family.outside)}>{to_tag}\n"
            f"Call-ID: {call_id}\nCSeq: {cseq}\nContact: <sip:caller@{here}>\nContent-Length: 0\n\n")


def ask(peer, family, text):
    """Sends a request; the answer, which must come from the listener."""
    peer.send(text, family.outside)
    answer = peer.receive()
    check(answer is not None, f"no answer to {text.splitlines()[0]!r}")
    check_equal(answer[1:], (family.outside, 5060), "where the answer comes from")
    return answer[0]


def check_status(answer, status):
    check(answer.startswith(f"SIP/2.0 {status} "), f"answered {answer.splitlines()[0]!r}, expected {status}")


@scenario(family=FAMILIES)
def answer_too_many_hops_and_absorb_the_ack(family):
    """W.8: 483 with a keyed To tag; the ACK to it ends here."""
    with testbed() as bed, Peer(bed.client, family.client) as peer:
        balancer = bed.start_balancer(family)
        uri = f"sip:service@{endpoint(family.outside)}"
        answer = ask(peer, family, message(family, f"INVITE {uri} SIP/2.0", headers="Max-Forwards: 0\n"))
        check_status(answer, 483)
        via = header_values(answer, "Via")
        check_equal(len(via), 1, "Via values of the answer")
        check("rport=5060" in via[0] and f"received={family.client}" in via[0], f"the Via of the answer: {via[0]!r}")
        tag = header_values(answer, "To")[0].partition(";tag=")[2]
        check(tag, "the answer has no To tag")
        again = ask(peer, family, message(family, f"INVITE {uri} SIP/2.0", headers="Max-Forwards: 0\n"))
        check_equal(again, answer, "the answer to a retransmission")
        peer.send(message(family, f"ACK {uri} SIP/2.0", cseq="1 ACK", to_tag=f";tag={tag}",
                          headers="Max-Forwards: 70\n"), family.outside)
        check(peer.receive(0.5) is None, "the ACK was answered")
        check_counted(balancer, "too_many_hops", 2)
        check_counted(balancer, "ack_to_own_reply", 1)
        check_equal(sum(requests_by_backend(balancer).values()), 0, "requests at the backends")
        check_ledger(balancer)


@scenario
def answer_refusals_by_name():
    """OPTIONS for us, an unknown scheme, an unknown extension, a version from the future."""
    cases = (
        ("options_answered", 200, "OPTIONS sip:{us} SIP/2.0", "1 OPTIONS", ""),
        ("scheme_unsupported", 416, "OPTIONS nobodyknows:x SIP/2.0", "1 OPTIONS", ""),
        ("extension_unknown", 420, "INVITE sip:service@{us} SIP/2.0", "1 INVITE", "Proxy-Require: nothing-we-know\n"),
        ("version_unsupported", 505, "INVITE sip:service@{us} SIP/7.0", "1 INVITE", ""),
        ("malformed_request", 400, "OPTIONS sip:service@{us} SIP/2.0", "1 INVITE", ""),
    )
    with testbed() as bed, Peer(bed.client, IPV4.client) as peer:
        balancer = bed.start_balancer(IPV4)
        for number, (reason, status, start_line, cseq, headers) in enumerate(cases):
            text = message(IPV4, start_line.format(us=endpoint(IPV4.outside)), cseq, f"z9hG4bKe2e{number}",
                           headers="Max-Forwards: 70\n" + headers)
            check_status(ask(peer, IPV4, text), status)
            check_counted(balancer, reason, 1)
        check_ledger(balancer)


@scenario
def forged_responses_go_nowhere():
    """A response whose top Via bears our address without our seal is dropped, and so is one whose top Via is not ours."""
    with testbed() as bed, Peer(bed.client, IPV4.client) as peer, Peer(bed.client, IPV4.client, 5070) as victim:
        balancer = bed.start_balancer(IPV4)
        below = f"Via: SIP/2.0/UDP {IPV4.client}:5070;branch=z9hG4bKvictim\n"
        rest = f"{below}From: <sip:a@x>;tag=1\nTo: <sip:b@x>;tag=2\nCall-ID: forged\nCSeq: 1 INVITE\nContent-Length: 0\n\n"
        for top in (f"{IPV4.inside}:5060;branch=z9hG4bKvd0123456789abcdef012345;vd=1.0.0123456789abcdef",
                    f"{IPV4.outside}:5060;branch=z9hG4bKplain",
                    "192.0.2.77:5060;branch=z9hG4bKforeign"):
            peer.send(f"SIP/2.0 200 OK\nVia: SIP/2.0/UDP {top}\n{rest}", IPV4.outside)
        check(victim.receive(1.0) is None, "the victim got a forged response")
        counted = drops(balancer)
        check_equal(counted.get("via_mac_bad", 0) + counted.get("via_not_ours", 0), 3, f"dropped by reason: {counted}")
        check(counted.get("via_not_ours", 0) >= 1, "the foreign top Via is not counted as via_not_ours")
        check_ledger(balancer)


@scenario
def junk_is_counted_by_reason():
    """PAR-18, PAR-19: what is not SIP has a name by kind; nothing is answered, nothing reaches a backend."""
    stun = bytes.fromhex("000100002112a442") + bytes(12)
    junk = [
        ("keepalive", b""), ("keepalive", b"\r\n\r\n"), ("keepalive", b"\0"),
        ("stun", stun), ("stun", bytes(300)), ("stun", bytes(range(256)) * 4),
        ("sigcomp", b"\xf8" + bytes(40)), ("sigcomp", b"\xff" * 64),
        ("not_sip", b"A" * 1400), ("not_sip", b"\x80\x7f\x02" * 100), ("not_sip", b"hello\r\n\r\n"),
        ("unanswerable_request", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    ]
    with testbed() as bed, Peer(bed.client, IPV4.client) as peer:
        balancer = bed.start_balancer(IPV4)
        for _, data in junk:
            peer.send(data, IPV4.outside)
        check(peer.receive(1.0) is None, "junk was answered")
        for reason in sorted({reason for reason, _ in junk}):
            check_counted(balancer, reason, sum(1 for name, _ in junk if name == reason))
        check_equal(sum(requests_by_backend(balancer).values()), 0, "requests at the backends")
        check_ledger(balancer)


@scenario
def kernel_keeps_what_is_not_ours():
    """Ping and other ports stay the kernel's; on the listener's port it is silent: no ICMP port unreachable."""
    with testbed() as bed:
        balancer = bed.start_balancer(IPV4)
        ping = bed.client.run("python3", "-c", PING, IPV4.outside)
        check_equal(ping.stdout.strip(), "answered", f"ICMP echo to the listener's address: {ping.stderr}")
        with Peer(bed.client, IPV4.client, 5071) as peer:
            for port, wanted in ((5999, True), (5060, False)):
                peer.socket.connect((IPV4.outside, port))
                peer.socket.send(b"\r\n\r\n")
                try:
                    peer.socket.settimeout(1.0)
                    peer.socket.recv(1)
                    refused = False
                except ConnectionRefusedError:
                    refused = True
                except TimeoutError:
                    refused = False
                check_equal(refused, wanted, f"ICMP port unreachable from port {port}")
        check(drops(balancer).get("left_to_kernel", 0) > 0, "nothing is counted as left_to_kernel")
        check_ledger(balancer)


# An ICMP echo without the ping package.
PING = """
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
s.settimeout(3)
body = struct.pack('!BBHHH', 8, 0, 0, 77, 1) + b'viaduct!'
total = sum(struct.unpack('!8H', body))
total = (total & 0xffff) + (total >> 16)
total = (total & 0xffff) + (total >> 16)
s.sendto(body[:2] + struct.pack('!H', 0xffff - total) + body[4:], (sys.argv[1], 0))
while s.recv(2048)[20] != 0:
    pass
print('answered')
"""


@scenario(family=FAMILIES)
def answer_waits_until_the_kernel_has_found_the_client(family):
    """A client knows our link address, and the kernel not yet his: the first answer waits for it."""
    with testbed() as bed:
        balancer = bed.start_balancer(family)
        link = bed.balancer_host.run("cat", "/sys/class/net/edge0/address").stdout.strip()
        bed.client.configure("neigh", "replace", family.outside, "lladdr", link, "dev", "edge0", "nud", "permanent")

        for number in range(5):
            client = f"{family.client}{number}"  # 10.77.0.20 and on, fd77::20 and on
            bed.client.configure("address", "add", f"{client}/{32 if family.version == 4 else 128}", "dev", "edge0",
                                 *([] if family.version == 4 else ["nodad"]))
            check(not balancer.knows_neighbor(client), f"{client} is known before it has said anything")
            uri = f"sip:service@{endpoint(family.outside)}"
            with Peer(bed.client, client) as peer:
                peer.send(message(family, f"INVITE {uri} SIP/2.0", headers="Max-Forwards: 0\n",
                                  call_id=f"unknown{number}", branch=f"z9hG4bKunknown{number}"), family.outside)
                answer = peer.receive(0.45)
            check(answer is not None, f"answer {number} did not come before the request would have been repeated")
            check_status(answer[0], 483)
            check(balancer.knows_neighbor(client), "the client's link address is not known")
        check_counted(balancer, "too_many_hops", 5)
        check_equal(drops(balancer).get("no_neighbor", 0), 0, "answers lost for want of a neighbour")
        check_ledger(balancer)
