"""What is on the wire: one call captured on both sides of viaduct, judged by tshark."""

import re

from calls import FAMILIES, FLOWS, testbed
from harness import Capture, check, check_calls, check_equal, scenario
from sip_hosts import endpoint

FIELDS = ("sip.Request-Line", "sip.Status-Line", "sip.CSeq", "sip.Via", "sip.Record-Route", "sip.Route",
          "sip.Max-Forwards", "sip.Call-ID", "ip.src", "ipv6.src", "ip.dst", "ipv6.dst", "frame.number",
          "udp.checksum.status", "ip.checksum.status", "_ws.malformed", "_ws.expert.severity", "_ws.expert.message")
CHECKSUM_GOOD = "1"
SEVERITY_ERROR = 0x00800000


class Message:
    """One packet as tshark took it apart."""

    def __init__(self, values):
        (request, status, self.cseq, via, record_route, route, self.hops, self.call_id, source4, source6, destination4,
         destination6, self.frame, self.udp_checksum, self.ip_checksum, self.malformed, severities,
         self.complaints) = values
        self.method = request.split(" ")[0] if request else None
        self.status = int(status.split(" ")[1]) if status else None
        self.vias = split(via)
        self.record_routes = split(record_route)
        self.routes = split(route)
        self.source = source4 or source6
        self.destination = destination4 or destination6
        self.erroneous = any(int(severity, 0) >= SEVERITY_ERROR for severity in severities.split("|") if severity)

    def is_response(self, status, method):
        return self.status == status and self.cseq.endswith(method)


def split(text):
    """The values of a header: rows as tshark lists them, and the comma lists within (SIPp joins rows it repeats)."""
    rows = text.split("|") if text else []
    return [value.strip() for row in rows for value in re.split(r",\s*(?=SIP/|<)", row)]


class Wire:
    """One flow captured on the client and on the backends: what each side of viaduct got and gave."""

    def __init__(self, bed, family, flow, calls=1):
        self.family = family
        caller_scenario, callee_scenario, _ = FLOWS[flow]
        balancer = bed.start_balancer(family)
        callees = bed.start_callees(family, callee_scenario)
        captures = [Capture(bed.client, "edge0", "outside"), Capture(bed.backend_host, "core0", "inside")]
        caller = bed.start_caller(family, scenario=caller_scenario, rate=20, calls=calls)
        check_calls(caller, callees, calls)
        for capture in captures:
            capture.stop()
        check_equal(balancer.stop(), 0, "viaduct's exit code")
        outside, inside = ([Message(values) for values in capture.fields("udp.port == 5060", *FIELDS)]
                           for capture in captures)
        self.to_client = [message for message in outside if message.source == family.outside]
        self.from_client = [message for message in outside if message.source == family.client]
        self.to_backends = [message for message in inside if message.source == family.inside]
        self.from_backends = [message for message in inside if message.source != family.inside]

    def check_sound(self):
        """Nothing that viaduct sent is malformed or has a wrong checksum. What the kernel's own hosts sent is left out:
        on a veth their checksums are not filled in, which is the kernel's good right."""
        for side, sent in (("the client", self.to_client), ("the backends", self.to_backends)):
            check(sent, f"{side} got nothing")
            for message in sent:
                where = f"frame {message.frame} to {side}"
                check_equal(message.udp_checksum, CHECKSUM_GOOD, f"UDP checksum status of {where}")
                check(message.ip_checksum == CHECKSUM_GOOD or ":" in message.source, f"bad IPv4 checksum of {where}")
                check(message.call_id, f"{where} is no SIP message to tshark")
                check(not message.malformed and not message.erroneous, f"{where}: tshark says {message.complaints!r}")


def one(messages, what, matches):
    found = [message for message in messages if matches(message)]
    check(len(found) == 1, f"{len(found)} messages are {what}, expected one")
    return found[0]


def request(messages, method, cseq=None):
    return one(messages, f"{method} {cseq or ''}",
               lambda message: message.method == method and (cseq is None or message.cseq.startswith(str(cseq))))


def response(messages, status, method):
    return one(messages, f"{status} to {method}", lambda message: message.is_response(status, method))


def parameters(via):
    pairs = [part.strip().partition("=") for part in via.split(";")[1:]]
    return {name.lower(): value for name, _, value in pairs}


def check_forwarded_request(wire, sent, arrived, ours):
    """One Via of ours on top, the caller's below it with received and rport, one hop less."""
    check_equal(len(arrived.vias), len(sent.vias) + 1, f"Vias of the forwarded {sent.method}")
    top = arrived.vias[0]
    check(top.startswith(f"SIP/2.0/UDP {endpoint(ours)};"), f"the top Via is {top!r}, expected our {ours}")
    check(parameters(top)["branch"].startswith("z9hG4bKvd"), f"the branch of {top!r} is not ours")
    check(parameters(top).get("vd"), f"{top!r} bears no vd")
    before, after = parameters(sent.vias[0]), parameters(arrived.vias[1])
    check_equal(after["branch"], before["branch"], "the branch below ours")
    if "rport" in before:
        check_equal(after.get("rport"), "5060", "rport below ours (RFC 3581)")
        check(after.get("received"), f"{arrived.vias[1]!r} bears no received")
    check_equal(int(arrived.hops), int(sent.hops) - 1, "Max-Forwards")


def check_popped(arrived, sent):
    check_equal(sent.vias, arrived.vias[1:], f"Vias of the {sent.status} that leaves: all but ours")


def check_one_backend(wire):
    """Every message of a call reaches one backend."""
    backends = {}
    for message in wire.to_backends:
        backends.setdefault(message.call_id, set()).add(message.destination)
    check(backends, "nothing reached the backends")
    for call_id, addresses in backends.items():
        check_equal(len(addresses), 1, f"backends that saw Call-ID {call_id}")


@scenario(family=FAMILIES)
def wire_call_along_record_route(family):
    """W.1 INVITE, W.2 responses, W.3 ACK for 2xx, W.4 BYE from the caller."""
    with testbed() as bed:
        wire = Wire(bed, family, "reinvite_along_record_route")
        wire.check_sound()
        check_one_backend(wire)
        sent, arrived = wire.from_client, wire.to_backends
        answered, returned = wire.from_backends, wire.to_client

        invite, invite_in = request(sent, "INVITE", 1), request(arrived, "INVITE", 1)
        check_forwarded_request(wire, invite, invite_in, family.inside)
        check_equal(len(invite_in.record_routes), 2, "Record-Route values, one for each side")
        check(endpoint(family.inside) in invite_in.record_routes[0], "the inner Record-Route is not on top")
        check(endpoint(family.outside) in invite_in.record_routes[1], "the outer Record-Route is not below")

        for status, method in ((180, "INVITE"), (200, "BYE")):
            check_popped(response(answered, status, method), response(returned, status, method))
        for message in returned:
            check_equal(len(message.vias), 1, f"Vias of the {message.status} that the caller gets")

        for method, cseq in (("ACK", 1), ("INVITE", 2), ("ACK", 2), ("BYE", 3)):
            out, into = request(sent, method, cseq), request(arrived, method, cseq)
            check_equal(len(out.routes), 2, f"Route values of the caller's {method} {cseq}")
            check_forwarded_request(wire, out, into, family.inside)
            check_equal(into.routes, [], f"Route values left in {method} {cseq}")
        branches = {parameters(message.vias[0])["branch"] for message in arrived if message.method}
        check_equal(len(branches), 5, "different branches of INVITE, ACK, INVITE, ACK, BYE")


@scenario(family=FAMILIES)
def wire_callee_hangs_up(family):
    """W.5 BYE from the callee's side, and its 200."""
    with testbed() as bed:
        wire = Wire(bed, family, "callee_hangs_up")
        wire.check_sound()
        check_one_backend(wire)
        bye, bye_out = request(wire.from_backends, "BYE"), request(wire.to_client, "BYE")
        check_equal(len(bye.routes), 2, "Route values of the callee's BYE")
        check_equal(len(bye_out.vias), 2, "Vias of the BYE that the caller gets")
        check_equal(bye_out.vias[0].split(";")[0], f"SIP/2.0/UDP {endpoint(family.outside)}", "its top Via")
        check_equal(bye_out.routes, [], "Route values left in the BYE")
        check_equal(int(bye_out.hops), int(bye.hops) - 1, "Max-Forwards")
        check_popped(response(wire.from_client, 200, "BYE"), response(wire.to_backends, 200, "BYE"))


@scenario(family=FAMILIES)
def wire_cancel(family):
    """W.6 CANCEL and W.7 ACK for non-2xx: the top Via of their INVITE, byte for byte."""
    with testbed() as bed:
        wire = Wire(bed, family, "cancel")
        wire.check_sound()
        check_one_backend(wire)
        arrived, answered, returned = wire.to_backends, wire.from_backends, wire.to_client
        invite = request(arrived, "INVITE")
        for method in ("CANCEL", "ACK"):
            check_equal(request(arrived, method).vias, invite.vias, f"Vias of the {method}")
        check_popped(response(answered, 200, "CANCEL"), response(returned, 200, "CANCEL"))
        check_popped(response(answered, 487, "INVITE"), response(returned, 487, "INVITE"))


@scenario
def wire_trying_goes_on():
    """100 Trying is forwarded like every response; every message of 40 calls stays with its call's backend."""
    with testbed() as bed:
        wire = Wire(bed, FAMILIES["ipv4"], "trying", calls=40)
        wire.check_sound()
        check_one_backend(wire)
        trying = [message for message in wire.to_client if message.status == 100]
        # Nobody sends a lost one again, and on a busy machine a packet socket may run over.
        check(36 <= len(trying) <= 40, f"{len(trying)} 100 Trying at the caller, expected 40")
        check_equal({len(message.vias) for message in trying}, {1}, "Vias of 100 Trying at the caller")
        backends = {message.destination for message in wire.to_backends}
        check_equal(len(backends), 3, "backends that got calls")
