"""Starting, stopping, and what may happen in between."""

import json
import mmap
import os
import re
import signal
import socket
import time

from calls import FAMILIES, testbed
from harness import Skip, check, check_calls, check_equal, check_ledger, check_stops, drops, requests_by_backend, scenario
from netlab import wait_until
from testbed import IPV4, Balancer, balancer_config

AF_XDP = 44  # socket(2)
VIEWS = ("info", "stat", "backends", "workers", "drops", "ports", "neighbors")


@scenario
def control_socket_answers_every_view():
    """viaductctl info, stat, backends, workers, drops, ports, neighbors: as text and as JSON."""
    with testbed() as bed:
        balancer = bed.start_balancer(IPV4)
        callees = bed.start_callees(IPV4)
        check_calls(bed.start_caller(IPV4, rate=50, calls=60), callees, 60)
        for view in VIEWS:
            text = balancer.ctl(view)
            check(text.returncode == 0 and text.stdout.strip(), f"viaductctl {view}: {text.returncode} {text.stderr}")
            as_json = balancer.ctl(view, "--json")
            check_equal(as_json.returncode, 0, f"exit code of viaductctl {view} --json")
            check(isinstance(json.loads(as_json.stdout), dict), f"viaductctl {view} --json is no object")
        check_equal(balancer.ctl("no-such-view").returncode, 2, "exit code of viaductctl no-such-view")
        check_equal(sum(requests_by_backend(balancer).values()), 180, "requests of 60 calls")
        neighbors = json.dumps(balancer.show("neighbors"))
        for address in (IPV4.client, *IPV4.backends.values()):
            check(address in neighbors, f"{address} is not among the neighbours")
        check_ledger(balancer)
        check_stops(balancer)


def kernel_counts(host):
    """What the stack of a host counted: packets that came to IPv4, datagrams that a UDP socket refused."""
    counts = {}
    for names, numbers in zip(*[iter(host.run("cat", "/proc/net/snmp").stdout.splitlines())] * 2):
        protocol = names.split(":")[0]
        counts.update({f"{protocol}.{name}": int(number)
                       for name, number in zip(names.split()[1:], numbers.split()[1:])})
    return counts["Ip.InReceives"], counts["Udp.InErrors"]


@scenario
def kernel_is_kept_off_what_workers_take():
    """Behind the packet sockets of af_packet ports the kernel drops what is for the listeners, before its stack; a
    balancer that is killed leaves nothing behind."""
    with testbed() as bed:
        balancer = bed.start_balancer(IPV4)
        callees = bed.start_callees(IPV4)
        for port in balancer.show("ports")["ports"].values():
            kept = [row for row in port["capabilities"] if row["what"] == "the kernel's copy of SIP"]
            check_equal([row["got"] for row in kept], ["dropped at ingress"], "what `viaductctl ports` says of it")
        received, refused = kernel_counts(bed.balancer_host)
        check_calls(bed.start_caller(IPV4, rate=100, calls=200), callees, 200)
        received_then, refused_then = kernel_counts(bed.balancer_host)
        check(received_then - received < 200, f"{received_then - received} packets of 1,400 came to the kernel's stack")
        check_equal(refused_then - refused, 0, "datagrams that came as far as a guard socket")
        check_ledger(balancer)
        balancer.process.signal(signal.SIGKILL)
        balancer.process.wait(10)
        with bed.client.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(5):
                sender.sendto(b"x", (IPV4.outside, 5060))
        wait_until(lambda: kernel_counts(bed.balancer_host)[0] >= received_then + 5, 5, "the kernel to see them again")


def stop_under_load(number):
    with testbed() as bed:
        balancer = bed.start_balancer(IPV4)
        bed.start_callees(IPV4)
        caller = bed.start_caller(IPV4, rate=300, calls=3000)
        wait_until(lambda: caller.statistics().completed > 300, 15, "300 calls")
        started = time.monotonic()
        balancer.process.signal(number)
        code = balancer.process.wait(10)
        check(code is not None, f"still running 10 s after {signal.Signals(number).name}")
        check_equal(code, 0, f"exit code after {signal.Signals(number).name}:\n{balancer.process.output()[-2000:]}")
        check(time.monotonic() - started < 5, "took more than 5 s to stop")
        output = balancer.process.output()
        last = [line for line in output.splitlines() if "ledger" in line]
        check(last, f"no ledger in the last words:\n{output[-2000:]}")
        terms = {name: int(count) for count, name in re.findall(r"(\d+) (handed in|handed out|[a-z]+)", last[-1])}
        taken = sum(terms[name] for name in ("received", "generated", "handed in"))
        settled = sum(terms[name] for name in
                      ("forwarded", "replied", "absorbed", "punted", "dropped", "handed out"))
        check(taken > 1000, f"the ledger says too little: {last[-1]!r}")
        check_equal(taken, settled, f"the two sides of {last[-1]!r}")


@scenario(number={"sigterm": signal.SIGTERM, "sigint": signal.SIGINT})
def stops_cleanly_under_load(number):
    stop_under_load(number)


@scenario
def restart_in_mid_call_keeps_the_calls():
    """No state is lost, because there is none: calls begun before a restart end after it at the same backend."""
    with testbed() as bed:
        first = bed.start_balancer(IPV4)
        callees = bed.start_callees(IPV4)
        caller = bed.start_caller(IPV4, rate=100, calls=100, extra=["-d", "6000"])
        wait_until(lambda: caller.statistics().started == 100, 10, "100 calls started")
        time.sleep(1)  # the last one is answered
        check_stops(first)
        second = bed.start_balancer(IPV4)
        check_calls(caller, callees, 100)
        byes = sum(requests_by_backend(second).values())
        check(100 <= byes <= 100 + caller.statistics().retransmissions, f"{byes} BYEs through the second process")
        check_ledger(second)


@scenario
def killed_backend_takes_only_its_own_calls():
    """A backend dies without a word: the others' calls go on, viaduct stays up, the ledger closes."""
    with testbed() as bed:
        balancer = bed.start_balancer(IPV4)
        callees = bed.start_callees(IPV4)
        # Without retransmissions a call that meets the dead backend fails at once instead of after half a minute.
        caller = bed.start_caller(IPV4, rate=100, calls=600, extra=["-nr", "-recv_timeout", "2000"])
        wait_until(lambda: caller.statistics().completed > 100, 15, "100 calls")
        callees["p2"].process.signal(signal.SIGKILL)
        check(caller.process.wait(40) is not None, "the caller did not end")
        statistics = caller.statistics()
        at_backends = {name: callee.settled_statistics() for name, callee in callees.items()}
        shares = {name: at.started for name, at in at_backends.items()}
        check(balancer.process.running(), f"viaduct ended:\n{balancer.process.output()[-2000:]}")
        check(statistics.completed + statistics.failed == 600, f"{statistics.completed} completed, "
                                                               f"{statistics.failed} failed of 600")
        # p2's third of what was left when it died, and no more.
        check(50 <= statistics.failed <= 230, f"{statistics.failed} calls failed; calls at the backends: {shares}")
        for name in ("p1", "p3"):
            check_equal(at_backends[name].failed, 0, f"failed calls at {name}")
        check_ledger(balancer)
        check_stops(balancer)


class HugePages:
    """So many megabytes more in huge pages of 2 MB while it lasts; the scenario is skipped where they cannot be had."""

    FOLDER = "/sys/kernel/mm/hugepages/hugepages-2048kB"
    MAP_HUGETLB = 0x40000  # mmap(2)

    def __init__(self, megabytes):
        self.wanted = megabytes // 2

    def read(self, name):
        with open(f"{self.FOLDER}/{name}", encoding="ascii") as file:
            return int(file.read())

    def reserve(self, count):
        with open(f"{self.FOLDER}/nr_hugepages", "w", encoding="ascii") as file:
            file.write(str(count))

    def __enter__(self):
        if not os.path.isdir(self.FOLDER):
            raise Skip("this kernel has no huge pages of 2 MB")
        self.before = self.read("nr_hugepages")
        try:
            self.reserve(self.before + self.wanted)
        except OSError as problem:
            raise Skip(f"huge pages cannot be reserved here: {problem}") from problem
        got = self.read("free_hugepages")
        if got < self.wanted:
            self.reserve(self.before)
            raise Skip(f"of {self.wanted} huge pages the kernel could give {got}")
        self.touch()
        return self

    def touch(self):
        """A virtual machine may get its memory only as it touches it, and then a start takes half a minute."""
        with mmap.mmap(-1, self.wanted << 21, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | self.MAP_HUGETLB) as memory:
            for at in range(0, len(memory), mmap.PAGESIZE):
                memory[at] = 1

    def __exit__(self, *_):
        self.reserve(self.before)

    def free(self):
        return self.read("free_hugepages")


@scenario(alone=True)
def hugepages_carry_calls_and_are_given_back():
    """hugepages = true: the buffers are there, calls go through behind the filter of system calls, nothing is left."""
    with testbed() as bed, HugePages(192) as pages:
        free = pages.free()
        text = balancer_config(IPV4, bed.lab.directory).replace("hugepages    = false", "hugepages    = true")
        text = text.replace("memory_mb    = 256", "memory_mb    = 128")
        bed.settle(IPV4)
        balancer = Balancer(bed.balancer_host, text)
        check(free - pages.free() >= 60, f"of {free} free huge pages {free - pages.free()} are in use")
        callees = bed.start_callees(IPV4)
        check_calls(bed.start_caller(IPV4, rate=100, calls=200), callees, 200)
        check_ledger(balancer)
        check_stops(balancer)
        wait_until(lambda: pages.free() == free, 5, "huge pages given back")


def permanent_neighbors(bed):
    """Everybody knows everybody's link address for good: of AF_XDP's interfaces the kernel sees no ARP."""
    def introduce(one, other, interface, addresses_of_one, addresses_of_other):
        for host, peer, addresses in ((one, other, addresses_of_other), (other, one, addresses_of_one)):
            link = peer.run("cat", f"/sys/class/net/{interface}/address").stdout.strip()
            for address in addresses:
                host.configure("neigh", "replace", address, "lladdr", link, "dev", interface, "nud", "permanent")

    introduce(bed.balancer_host, bed.client, "edge0", [IPV4.outside], [IPV4.client])
    introduce(bed.balancer_host, bed.backend_host, "core0", [IPV4.inside], IPV4.backends.values())


@scenario
def af_xdp_carries_calls():
    """Over AF_XDP, behind the filter of system calls."""
    try:
        socket.socket(AF_XDP, socket.SOCK_RAW).close()
    except OSError as problem:
        raise Skip(f"this kernel has no AF_XDP: {problem}") from problem
    with testbed() as bed:
        text = balancer_config(IPV4, bed.lab.directory).replace("af_packet:", "af_xdp:")
        bed.settle(IPV4)
        permanent_neighbors(bed)
        balancer = Balancer(bed.balancer_host, text)
        ports = balancer.show("ports")["ports"]
        check_equal({port["driver"] for port in ports.values()}, {"net_af_xdp"}, "drivers")
        callees = bed.start_callees(IPV4)
        check_calls(bed.start_caller(IPV4, rate=50, calls=100), callees, 100)
        check_ledger(balancer)
        check_stops(balancer)


@scenario
def unknown_neighbor_is_counted_and_harms_nobody():
    """A backend whose address nobody has: its calls are dropped by name; everybody else's go through."""
    with testbed() as bed:
        backends = {**IPV4.backends, "p4": "10.78.0.99"}
        balancer = bed.start_balancer(IPV4, backends=backends)
        callees = bed.start_callees(IPV4)
        caller = bed.start_caller(IPV4, rate=100, calls=400, extra=["-nr", "-recv_timeout", "2000"])
        check(caller.process.wait(40) is not None, "the caller did not end")
        statistics = caller.statistics()
        dropped = drops(balancer).get("no_neighbor", 0)
        check(dropped > 0, f"nothing is counted as no_neighbor: {drops(balancer)}")
        check_equal(dropped, statistics.failed, "INVITEs dropped for want of a neighbour, and calls that failed")
        check(60 <= statistics.failed <= 140, f"{statistics.failed} of 400 calls failed, expected a quarter")
        check_equal(sum(callee.settled_statistics().failed for callee in callees.values()), 0, "failed calls elsewhere")
        check_ledger(balancer)
        check_stops(balancer)


@scenario
def links_that_go_and_come_are_told_of():
    with testbed() as bed:
        balancer = bed.start_balancer(IPV4)
        for state in ("down", "up"):
            bed.client.configure("link", "set", "edge0", state)
            wait_until(lambda: f"the link is {state}" in balancer.events_of("edge"), 5, f"the event of a link {state}")
            check_equal(balancer.show("ports")["ports"]["edge"]["link"], state, "the link")
        check_equal(balancer.events_of("edge"), ["the link is down", "the link is up"], "events")
        callees = bed.start_callees(IPV4)
        check_calls(bed.start_caller(IPV4, rate=50, calls=50), callees, 50)
        check_ledger(balancer)
        check_stops(balancer)


@scenario
def an_interface_that_is_made_anew_wants_a_start():
    """Packet sockets of a deleted interface stay dead. It is told of at once, and the process ends when another
    interface of this name is up; started again it goes on with the calls."""
    with testbed() as bed:
        first = bed.start_balancer(IPV4)
        callees = bed.start_callees(IPV4)
        caller = bed.start_caller(IPV4, rate=50, calls=50, extra=["-d", "6000"])
        wait_until(lambda: caller.statistics().started == 50, 10, "50 calls started")
        time.sleep(0.5)  # the last one is answered
        bed.balancer_host.configure("link", "del", "edge0")
        wait_until(lambda: any("edge0 is gone" in what for what in first.events_of("edge")), 5, "an event")
        check_equal(first.show("ports")["ports"]["edge"]["link"], "down", "the link")
        time.sleep(0.6)
        check(first.process.running(), "it did not wait for the interface")
        bed.lab.connect(bed.client, "edge0", bed.balancer_host, "edge0")
        bed.client.add_address("edge0", f"{IPV4.client}/24")
        bed.balancer_host.add_address("edge0", f"{IPV4.outside}/24")
        check_equal(first.process.wait(5), 1, "exit code")
        output = first.process.output()
        check("interface edge0 was deleted and made anew: ended, to be started again" in output, output[-1000:])
        second = bed.start_balancer(IPV4)
        check_calls(caller, callees, 50)
        check_ledger(second)
        check_stops(second)


@scenario
def calls_go_on_while_forgotten_neighbours_do_not_answer():
    """All link addresses are forgotten, and for a second nobody answers who is asked for his."""
    with testbed() as bed:
        balancer = bed.start_balancer(IPV4)
        callees = bed.start_callees(IPV4)
        caller = bed.start_caller(IPV4, rate=100, calls=300, extra=["-nr"])
        wait_until(lambda: caller.statistics().completed > 50, 10, "50 calls")
        peers = ((bed.client, "edge0"), (bed.backend_host, "core0"))
        for host, interface in peers:
            host.run("sysctl", "-w", f"net.ipv4.conf.{interface}.arp_ignore=8")  # no answer, whosever it is
        for _, interface in peers:
            bed.balancer_host.configure("neigh", "flush", "dev", interface)
        time.sleep(1)
        lines = bed.balancer_host.configure("neigh", "show", "10.78.0.11").splitlines()
        check(lines and "INCOMPLETE" in lines[0], f"what the kernel has of p1: {lines}, expected to be asking")
        for host, interface in peers:
            host.run("sysctl", "-w", f"net.ipv4.conf.{interface}.arp_ignore=0")
        check_calls(caller, callees, 300)
        check_equal(drops(balancer).get("no_neighbor", 0), 0, "messages lost for want of a neighbour")
        check_ledger(balancer)
        check_stops(balancer)


@scenario(alone=True, family=FAMILIES)
def calls_go_on_while_the_kernel_forgets_its_neighbours(family):
    """Every 0.1 s nobody's link address is known any more. SIPp repeats nothing, so each message lost fails a call."""
    with testbed() as bed:
        balancer = bed.start_balancer(family)
        callees = bed.start_callees(family)
        caller = bed.start_caller(family, rate=50, calls=150, extra=["-nr"])
        while caller.process.running():
            for interface in ("edge0", "core0"):
                bed.balancer_host.configure("neigh", "flush", "dev", interface)
            time.sleep(0.1)
        check_calls(caller, callees, 150)
        check_equal(drops(balancer).get("no_neighbor", 0), 0, "messages lost for want of a neighbour")
        check_ledger(balancer)
        check_stops(balancer)
