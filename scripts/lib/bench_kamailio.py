"""The highest rate without loss through viaduct, and through Kamailio, over the same veth pairs with the same generator.

    world: viablast, callers and reflector        balancer: the device under test
      10.77.0.2             edge0 ----------- edge0   10.77.0.1
      10.78.0.11 .12 .13    core0 ----------- core0   10.78.0.1

An OPTIONS is two messages for the balancer, the request and its answer; rates are messages a second. Kamailio selects a
backend with the dispatcher and forwards without transactions, with one child a socket and all of it on one core; viaduct
has one worker on that core. Each is started afresh for each round, in turn. As root, after scripts/build.

With --testpmd it says as well how many INVITEs a second go one way, edge0 to core0, through viaduct and through
dpdk-testpmd, which moves the frames and changes their link addresses, by DPDK's own driver for packet sockets.
"""

import argparse
import json
import os
import statistics
import sys

from blast_lab import (URGENT, Blast, Kamailio, Stolen, bench_cores, print_versions, start_testpmd, urge,
                       versions)
from netlab import LabError, Layout, wait_until
from sip_hosts import endpoint
from testbed import IPV4, Balancer, balancer_config

MESSAGES_PER_CALL = 2


class World(Layout):
    """The two hosts of the picture."""

    def build(self):
        self.world = self.lab.add_host("world")
        self.balancer_host = self.lab.add_host("balancer")
        for interface in ("edge0", "core0"):
            self.lab.connect(self.world, interface, self.balancer_host, interface)
        self.world.add_address("edge0", f"{IPV4.client}/24")
        for address in IPV4.backends.values():
            self.world.add_address("core0", f"{address}/24")
        self.balancer_host.add_address("edge0", f"{IPV4.outside}/24")
        self.balancer_host.add_address("core0", f"{IPV4.inside}/24")

    def search(self, options, core):
        """Messages a second, and every trial."""
        arguments = ["--uac-port", "af_packet:edge0", "--from", endpoint(IPV4.client, 10000), "--source-ports", "100",
                     "--to", endpoint(IPV4.outside), "--uas-port", "af_packet:core0", "--scenario", "options",
                     "--search", str(options.loss), "--search-start", "5000", "--trial", str(options.seconds),
                     "--warm-up", "0.5", "--resolution", "0.03", "--drain", "0.5", "--core", str(core),
                     "--control-core", str(core)]
        blast = Blast(self.world, "blast", *arguments)
        if options.urgent:
            urge(blast.process)
        code, figures = blast.finish(600)
        if code != 0:
            raise LabError(f"viablast ended with {code}: {figures}")
        search = figures["search"]
        return search["rate"] * MESSAGES_PER_CALL, search

    def flood(self, options, core, *to):
        """Frames a second that come through, of all that can be sent."""
        blast = Blast(self.world, "flood", "--uac-port", "af_packet:edge0", "--from", endpoint(IPV4.client, 10000),
                      "--source-ports", "100", "--uas-port", "af_packet:core0", "--scenario", "invite", "--size", "470",
                      "--flood", "--sink", "--rate", "max", "--duration", str(options.seconds), "--core", str(core),
                      "--control-core", str(core), "--quiet", *to)
        if options.urgent:
            urge(blast.process)
        code, figures = blast.finish(60)
        if code not in (0, 1) or figures["sunk_per_second"] == 0:
            raise LabError(f"nothing came through: viablast ended with {code}, {figures}")
        return figures["sunk_per_second"]


def parse():
    parser = argparse.ArgumentParser(prog="bench-kamailio", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="searches of each (default 3)")
    parser.add_argument("--seconds", type=float, default=2, help="of each trial (default 2)")
    parser.add_argument("--loss", type=float, default=0, help="share of loss that a trial may have (default 0)")
    parser.add_argument("--testpmd", action="store_true", help="measure dpdk-testpmd there, too")
    parser.add_argument("--urgent", action="store_true",
                        help="run before everything else on a machine that has other work")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    return parser.parse_args()


def viaduct_round(options, generator, under_test):
    with World("vd-bench") as world:
        text = balancer_config(IPV4, world.lab.directory, workers=[under_test])
        text = text.replace('idle         = "adaptive"', 'idle         = "poll"')
        balancer = Balancer(world.balancer_host, text)
        if options.urgent:
            urge(balancer.process)
        result = world.search(options, generator)
        flood = world.flood(options, generator, "--to", endpoint(IPV4.outside)) if options.testpmd else 0
        balancer.stop()
        return *result, flood


def testpmd_round(options, generator, under_test):
    with World("vd-bench") as world:
        here, there = world.balancer_host.link_address("edge0"), world.world.link_address("core0")
        devices = [f"net_af_packet{number},iface={interface},qdisc_bypass=1"
                   for number, interface in enumerate(("edge0", "core0"))]
        process = start_testpmd(world.lab, world.balancer_host, (generator, under_test), devices, "--forward-mode=mac",
                                f"--eth-peer=1,{there}", "--total-num-mbufs=8192")
        wait_until(lambda: "Port 1" in process.output(), 30, "testpmd's ports")
        if options.urgent:
            urge(process)
        result = world.flood(options, generator, "--to", endpoint(IPV4.backends["p1"]), "--gateway-mac", here)
        process.stop()
        return result


def kamailio_round(options, generator, under_test):
    with World("vd-bench") as world:
        kamailio = Kamailio(world, children=1, core=under_test)
        wait_until(lambda: endpoint(IPV4.outside) in world.balancer_host.run("ss", "-Huln").stdout, 20,
                   "Kamailio's socket")
        if options.urgent:
            urge(kamailio.process)
        result = world.search(options, generator)
        kamailio.stop()
        return result


def main():
    options = parse()
    if options.urgent:
        os.nice(URGENT)
    generator, (under_test, *_) = bench_cores()
    rounds = []
    for number in range(1, options.rounds + 1):
        stolen = Stolen(generator, under_test)
        viaduct, viaduct_search, flood = viaduct_round(options, generator, under_test)
        kamailio, kamailio_search = kamailio_round(options, generator, under_test)
        rounds.append({"viaduct": viaduct, "kamailio": kamailio,
                       "generator_limited": viaduct_search["generator_limited"],
                       "viaduct_trials": len(viaduct_search["trials"]),
                       "kamailio_trials": len(kamailio_search["trials"]), "stolen_ms": sum(stolen.ms())})
        if options.testpmd:
            rounds[-1]["viaduct_flood"] = flood
            rounds[-1]["testpmd_flood"] = testpmd_round(options, generator, under_test)
            print(f"round {number}: flooded, viaduct {flood:,.0f} messages/s, testpmd "
                  f"{rounds[-1]['testpmd_flood']:,.0f} frames/s", flush=True)
        print(f"round {number}: viaduct {viaduct:,.0f} messages/s"
              f"{' (limited by the generator)' if viaduct_search['generator_limited'] else ''}, Kamailio "
              f"{kamailio:,.0f} messages/s, load {os.getloadavg()[0]:.1f}, stolen "
              f"{rounds[-1]['stolen_ms']} ms", flush=True)
    viaduct = statistics.median(entry["viaduct"] for entry in rounds)
    kamailio = statistics.median(entry["kamailio"] for entry in rounds)
    print(f"median: viaduct {viaduct:,.0f}, Kamailio {kamailio:,.0f}, ratio {viaduct / kamailio:.2f}")
    figures = {"viaduct_rate": viaduct, "kamailio_rate": kamailio, "ratio": viaduct / kamailio}
    if options.testpmd:
        figures["testpmd_ratio"] = statistics.median(entry["viaduct_flood"] / entry["testpmd_flood"] for entry in rounds)
        print(f"median of what viaduct lets through against testpmd: {figures['testpmd_ratio']:.2f}")
    about = versions()
    print_versions(about)
    if options.json:
        print(json.dumps({**figures, "unit": "messages/s", "loss": options.loss, "rounds": rounds,
                          "load": os.getloadavg()[0], **about}))


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(f"bench-kamailio: {error}")
