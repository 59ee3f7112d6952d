"""A port that the kernel cannot see, and the TAP through which it does: as a card bound to vfio-pci.

    client  10.77.0.2  --edge0--  wire: testpmd  --memif--  viaduct, sip0: 10.77.0.1

testpmd stands for the card: it carries frames between a packet socket and a memif, and knows nothing of addresses.
"""

import os
import shutil
import socket
import time

from calls import FAMILIES, testbed
from come_and_go import CALLEE, HEALTH, await_health, config_text
from harness import Skip, check, check_calls, check_equal, check_ledger, check_stops, drops, scenario
from netlab import wait_until
from sip_hosts import Callee
from testbed import IPV4, Balancer

BITS = {4: 24, 6: 64}


def start_card(bed):
    """Moves the balancer's end of edge0 to a host of its own, and puts testpmd between it and a memif socket."""
    if shutil.which("dpdk-testpmd") is None:
        raise Skip("dpdk-testpmd is not here (package dpdk-dev)")
    wire = bed.lab.add_host("wire")
    bed.balancer_host.configure("link", "set", "edge0", "netns", wire.namespace)
    wire.configure("link", "set", "edge0", "up", "promisc", "on")
    wire.run("sysctl", "-w", "net.ipv6.conf.edge0.disable_ipv6=1")
    # A card delivers whole checksums; the client's end of a veth pair leaves them to it.
    bed.client.run("ethtool", "-K", "edge0", "tx", "off")
    path = bed.lab.path("card.sock")
    # It never sleeps: it gets what time nobody else wants.
    process = wire.start("testpmd", "chrt", "-i", "0", "dpdk-testpmd", "--lcores", "0@(0-1),1@(0-1)", "--no-huge", "-m",
                         "128", "--no-pci", "--iova-mode", "va", "--no-telemetry", "--file-prefix", bed.lab.prefix,
                         "--vdev", "net_af_packet0,iface=edge0", "--vdev", f"net_memif0,role=server,socket={path},"
                         "socket-abstract=no", "--", "--forward-mode=io", "--auto-start", "--nb-cores=1",
                         "--total-num-mbufs=4096", "--stats-period=1000")
    wait_until(lambda: os.path.exists(path) or not process.running(), 30, "the card's socket")
    check(process.running(), f"testpmd did not start:\n{process.output()[-2000:]}")
    return path


def behind_a_card(bed, family, health="", **options):
    device = f'device = "memif:{start_card(bed)}?role=client"\ntwin = "sip0"\n'
    device += f'addresses = ["{family.outside}/{BITS[family.version]}"]'
    text = config_text(bed, health, family, **options)
    return Balancer(bed.balancer_host, text.replace('device = "af_packet:edge0"', device))


def said_over_tcp(bed, family):
    """What a server behind the TAP hears of a client that says a lot."""
    version = socket.AF_INET6 if family.version == 6 else socket.AF_INET
    with bed.balancer_host.socket(version, socket.SOCK_STREAM) as server:
        server.bind((family.outside, 8080))
        server.listen()
        server.settimeout(10)
        with bed.client.socket(version, socket.SOCK_STREAM) as client:
            client.settimeout(10)
            client.connect((family.outside, 8080))
            served, _ = server.accept()
            with served:
                served.settimeout(10)
                client.sendall(b"hello" * 1000)
                client.shutdown(socket.SHUT_WR)
                heard = b""
                while piece := served.recv(65536):
                    heard += piece
                return heard


def interfaces(host):
    return host.configure("-o", "link", "show")


@scenario(family=FAMILIES)
def kernel_answers_behind_a_card_that_it_cannot_see(family):
    """ARP, ND and TCP through the TAP; calls past it; the clients' link addresses are the kernel's."""
    with testbed() as bed:
        bed.settle(family)
        balancer = behind_a_card(bed, family)
        port = balancer.show("ports")["ports"]["edge"]
        check_equal(port["kernel_interface"], "sip0", "the kernel's interface behind the port")
        check(port["mac"] in interfaces(bed.balancer_host), "the TAP has not the port's link address")
        check_equal(said_over_tcp(bed, family), b"hello" * 1000, "what a server of the host heard through the TAP")
        callees = bed.start_callees(family)
        check_calls(bed.start_caller(family, rate=50, calls=100), callees, 100)
        rows = balancer.show("neighbors")["neighbors"]
        check(any(row["address"] == family.client and row["port"] == "edge" for row in rows), f"neighbours: {rows}")
        check_equal(drops(balancer).get("no_neighbor", 0), 0, "messages lost for want of a neighbour")
        check(drops(balancer).get("left_to_kernel", 0) > 0, f"nothing was left to the kernel: {drops(balancer)}")
        check_ledger(balancer)
        check_stops(balancer)
        check("sip0" not in interfaces(bed.balancer_host), "the TAP is still there")


@scenario
def routes_of_a_twin_are_viaduct_s():
    """What the host's routing says of the TAP is what viaduct does."""
    with testbed() as bed:
        balancer = behind_a_card(bed, IPV4)
        bed.balancer_host.configure("route", "add", "10.99.0.0/24", "via", IPV4.client, "dev", "sip0")
        wait_until(lambda: any(row["prefix"] == "10.99.0.0/24" and row["port"] == "edge"
                               for row in balancer.show("neighbors")["routes"]), 5, "the route of the TAP")
        check_stops(balancer)


def processor_seconds(process):
    """Of its control thread, so far."""
    with open(f"/proc/{process.pid}/task/{process.pid}/stat", encoding="ascii") as file:
        user, system = file.read().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@scenario
def a_twin_that_somebody_deletes_is_told_of():
    """Without its TAP viaduct goes on, says so, and does not run in circles about it."""
    with testbed() as bed:
        balancer = behind_a_card(bed, IPV4)
        bed.balancer_host.configure("link", "del", "sip0")
        wait_until(lambda: "sip0 is gone; a restart makes it anew" in balancer.process.output(), 5, "a line in the log")
        before = processor_seconds(balancer.process)
        time.sleep(1)
        used = processor_seconds(balancer.process) - before
        check(used < 0.5, f"the control thread used {used:.2f} s of a second")
        check_stops(balancer)


@scenario
def probes_go_through_a_twin():
    """A backend behind the card lives and dies, and its probes, which are the kernel's packets, say so."""
    with testbed() as bed:
        callee = Callee(bed.client, "p1", IPV4.client, CALLEE)
        balancer = behind_a_card(bed, IPV4, HEALTH, backends={"p1": IPV4.client})
        await_health(balancer, "p1", "up")
        wait_until(lambda: balancer.show("health")["health"][0]["last"] == "200", 8, "an answered probe")
        callee.process.stop()
        await_health(balancer, "p1", "down")
        check_equal(balancer.show("ports")["ports"]["edge"]["twin_lost"], 0, "frames lost on their way to the kernel")
        check_ledger(balancer)
        check_stops(balancer)
