"""Backends that are named elsewhere: in DNS, in a Kamailio dispatcher.list."""

import socket
import struct
import threading

from calls import testbed
from harness import Peer, check, check_calls, check_equal, check_ledger, check_stops, header_values, scenario
from netlab import wait_until
from testbed import IPV4, Balancer, balancer_config

SRV, A = 33, 1
SERVFAIL, NXDOMAIN = 2, 3


def wire_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


class NameServer:
    """An authoritative server on a host, which says what it is told to."""

    def __init__(self, host, address):
        self.records = {}  # (name, type) -> [(TTL, data)]
        self.refusal = 0
        self.silent = False
        self.socket = host.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        self.socket.settimeout(0.1)
        self.running = True
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.running = False
        self.thread.join()
        self.socket.close()

    def srv(self, name, targets, ttl=5):
        """`targets`: (priority, weight, port, host)."""
        self.records[name, SRV] = [(ttl, struct.pack("!HHH", *target[:3]) + wire_name(target[3])) for target in targets]

    def a(self, name, *addresses, ttl=5):
        self.records[name, A] = [(ttl, socket.inet_aton(address)) for address in addresses]

    def serve(self):
        while self.running:
            try:
                question, client = self.socket.recvfrom(1500)
            except TimeoutError:
                continue
            if not self.silent:
                self.socket.sendto(self.answer(question), client)

    def answer(self, question):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode().lower())
            at += 1 + question[at]
        kind = struct.unpack("!H", question[at + 1:at + 3])[0]
        name = ".".join(labels)
        records = [] if self.refusal else self.records.get((name, kind), [])
        known = any(key[0] == name for key in self.records)
        code = self.refusal or (0 if known else NXDOMAIN)
        reply = question[:2] + struct.pack("!HHHHH", 0x8400 | code, 1, len(records), 0, 0) + question[12:at + 5]
        for ttl, data in records:
            reply += b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data
        return reply


def config_text(bed, pool, top=""):
    """The three-host configuration with other backends."""
    text = balancer_config(IPV4, bed.lab.directory)
    return top + text[:text.index("\n[[pool.backend]]")] + pool


def backends(balancer):
    """Name -> (state, share) of those that are configured."""
    return {row["backend"]: row for row in balancer.show("backends")["backends"] if row["state"] != "departing"}


@scenario
def backends_by_srv_follow_what_dns_says():
    """RFC 2782: the lower priority serves; a changed answer loses no call; a failing server changes nothing."""
    service = "_sip._udp.sip.lab"
    with testbed() as bed, NameServer(bed.backend_host, IPV4.backends["p1"]) as dns:
        for name, address in IPV4.backends.items():
            dns.a(f"{name}.sip.lab", address)
        dns.srv(service, [(10, 50, 5060, "p1.sip.lab"), (10, 50, 5060, "p2.sip.lab"), (20, 50, 5060, "p3.sip.lab")])
        balancer = Balancer(bed.balancer_host, config_text(
            bed, f'\n[[pool.backend]]\nname = "core"\naddress = "{service}"\n',
            f'[resolver]\nservers = ["{IPV4.backends["p1"]}"]\ntimeout = "300ms"\n'))
        callees = bed.start_callees(IPV4, "callee_trying.xml")
        rows = backends(balancer)
        check_equal(sorted(rows), ["core/p1.sip.lab", "core/p2.sip.lab", "core/p3.sip.lab"], "backends")
        check_equal(rows["core/p3.sip.lab"]["share_percent"], 0, "the share of the higher priority")
        check_calls(bed.start_caller(IPV4, name="first", scenario="caller_talks.xml", rate=50, calls=100), callees, 100)
        first = {name: callee.statistics().started for name, callee in callees.items()}
        check(first["p3"] == 0 and min(first["p1"], first["p2"]) > 20, f"calls before the change: {first}")

        caller = bed.start_caller(IPV4, name="second", scenario="caller_talks.xml", rate=40, calls=480,
                                  extra=["-d", "1000"])
        wait_until(lambda: caller.statistics().started > 20, 10, "20 calls")
        dns.srv(service, [(10, 50, 5060, "p2.sip.lab"), (10, 50, 5060, "p3.sip.lab")])
        wait_until(lambda: sorted(backends(balancer)) == ["core/p2.sip.lab", "core/p3.sip.lab"], 10, "the new answer")
        at_change = callees["p1"].settled_statistics().started
        at_backends = check_calls(caller, callees, 480)
        check_equal(at_backends["p1"].started, at_change, "calls at p1 when it left DNS, and at the end")
        check_equal(at_backends["p1"].completed, at_backends["p1"].started, "calls of p1 that ended with a BYE")
        check(at_backends["p3"].started > 0, "p3 got no call")

        dns.refusal = SERVFAIL
        wait_until(lambda: balancer.show("backends").get("names"), 12, "a failed lookup in `show backends`")
        row = balancer.show("backends")["names"][0]
        check_equal((row["name"], row["in_force"]), (service, "the last answer"), "the failed lookup")
        check_equal(sorted(backends(balancer)), ["core/p2.sip.lab", "core/p3.sip.lab"], "backends while DNS fails")
        log = balancer.process.output()
        check(f"name {service} cannot be looked up: " in log, f"no line in the log:\n{log}")
        check("names: removed backend proxies/core/p1.sip.lab" in log, f"no difference in the log:\n{log}")
        check_ledger(balancer)
        check_stops(balancer)


def register(peer, user):
    peer.send(f"""\
REGISTER sip:10.77.0.1 SIP/2.0
Via: SIP/2.0/UDP {peer.address}:{peer.port};branch=z9hG4bK{user};rport
Max-Forwards: 70
From: <sip:{user}@example.com>;tag={user}
To: <sip:{user}@example.com>
Call-ID: {user}
CSeq: 1 REGISTER
Contact: <sip:{user}@{peer.address}:{peer.port}>
Content-Length: 0

""", IPV4.outside)


@scenario
def a_dispatcher_list_and_a_pool_by_method():
    """Set 1 takes calls, set 2 registrations; the list is read anew by a reload, and a wrong one changes nothing."""
    with testbed() as bed:
        addresses = IPV4.backends
        path = bed.lab.path("dispatcher.list")

        def write(text):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)

        write(f"# calls\n1 sip:{addresses['p1']}:5060 0 0 duid=p1;weight=50;socket=udp:10.78.0.1:5060\n"
              f"1 sip:{addresses['p2']}:5060 4 0 duid=p2\n"
              f"# registrations\n2 sip:{addresses['p3']}:5060 0 0 duid=p3\n")
        text = config_text(bed, f'dispatcher = "{path}"\n\n[[pool]]\nname = "registrars"\nkey = "aor"\n'
                                f'dispatcher = "{path}"\nset = 2\n')
        text = text.replace("record_route = true\n", 'record_route = true\n\n[[listener.route]]\nmethod = "REGISTER"\n'
                                                     'pool = "registrars"\n')
        balancer = Balancer(bed.balancer_host, text)
        check(f'{path}:2:' in balancer.process.output() and 'attribute "socket" has no meaning here' in
              balancer.process.output(), f"no note about socket=:\n{balancer.process.output()}")
        with Peer(bed.backend_host, addresses["p3"]) as registrar, Peer(bed.client, IPV4.client, 5070) as phone:
            register(phone, "alice")
            arrived = registrar.receive()
            check(arrived is not None and arrived[0].startswith("REGISTER "), f"the registrar got {arrived}")
            check_equal(header_values(arrived[0], "Call-ID"), ["alice"], "Call-ID")
        callees = bed.start_callees(IPV4, "callee_trying.xml")
        calls = check_calls(bed.start_caller(IPV4, name="first", scenario="caller_talks.xml", rate=50, calls=50),
                            callees, 50)
        check_equal({name: at.started for name, at in calls.items()}, {"p1": 50, "p2": 0, "p3": 0}, "calls by backend")

        write(f"1 sip:{addresses['p1']}:5060 0 0 duid=p1;weight=50\n1 sip:{addresses['p2']}:5060 0 0 duid=p2;weight=50\n"
              f"2 sip:{addresses['p3']}:5060 0 0 duid=p3\n")
        done = balancer.ctl("reload")
        check(done.returncode == 0 and "backend proxies/p2" in done.stdout, f"reload: {done.stdout}{done.stderr}")
        calls = check_calls(bed.start_caller(IPV4, name="second", scenario="caller_talks.xml", rate=50, calls=100),
                            callees, 100)
        check(calls["p2"].started > 25, f"calls after the reload: {calls['p2'].started} at p2")

        write("1 tcp:10.78.0.11\n")
        done = balancer.ctl("reload")
        check(done.returncode != 0 and f"{path}:1:3: " in done.stdout + done.stderr,
              f"reload of a wrong list: {done.stdout}{done.stderr}")
        check_equal(sorted(backends(balancer)), ["p1", "p2", "p3"], "backends after a refused reload")
        check_ledger(balancer)
        check_stops(balancer)
