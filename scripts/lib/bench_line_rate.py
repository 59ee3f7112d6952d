"""Forwarding rate of viaduct, and of dpdk-testpmd in csum mode, over the same memif wire with the same frames.

    viablast --flood  --a.sock--  device under test, one core  --b.sock--  viablast --sink

viablast has one core, the device under test the other. testpmd does nothing but move frames and write their checksums,
so the ratio says what share of a wire's best viaduct reaches; the absolute rates are the machine's. Both are started
afresh for each round, in turn, so that whatever else the machine does hits both. Where there is a third core, viaduct is
measured with two workers too. As root, after scripts/build.
"""

import argparse
import json
import os
import statistics
import sys

from blast_lab import (URGENT, Blast, Stolen, bench_cores, memif, memif_arguments, memif_balancer_config, print_versions,
                       stable_mac, start_testpmd, urge, versions)
from netlab import Lab, LabError, wait_until
from testbed import Balancer

HEADERS = 14 + 20 + 8


def parse():
    parser = argparse.ArgumentParser(prog="bench-line-rate", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each (default 3)")
    parser.add_argument("--seconds", type=float, default=3, help="of each measurement (default 3)")
    parser.add_argument("--frame", type=int, default=512, help="bytes of a frame (default 512)")
    parser.add_argument("--urgent", action="store_true",
                        help="run before everything else on a machine that has other work")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    return parser.parse_args()


def flood(host, lab, options, generator):
    """Million frames a second that come through, and the share of loops in which not all could be sent: near 0, it is
    the generator that is the limit."""
    arguments = memif_arguments(lab)
    blast = Blast(host, "blast", *arguments, "--scenario", "invite", "--size", str(options.frame - HEADERS), "--flood",
                  "--sink", "--rate", "max", "--duration", str(options.seconds), "--core", str(generator),
                  "--control-core", str(generator), "--quiet")
    if options.urgent:
        urge(blast.process)
    code, figures = blast.finish(60 + options.seconds)
    if code not in (0, 1) or figures["sunk_per_second"] == 0:
        raise LabError(f"nothing came through: viablast ended with {code}, {figures}")
    return figures["sunk_per_second"] / 1e6, figures["ports"][0]["blocked"]


def viaduct_round(options, generator, workers):
    with Lab("vd-bench") as lab:
        host = lab.add_host("wire")
        balancer = Balancer(host, memif_balancer_config(lab, workers=workers, idle="poll"))
        if options.urgent:
            urge(balancer.process)
        result = flood(host, lab, options, generator)
        ledger = balancer.show("stat")["ledger"]
        if not ledger["closes"]:
            raise LabError(f"viaduct's ledger does not close: {ledger}")
        balancer.stop()
        return result


def testpmd_round(options, generator, under_test):
    with Lab("vd-bench") as lab:
        host = lab.add_host("wire")
        devices = [f"net_memif{number},role=server,socket={lab.path(socket)},socket-abstract=no,mac={stable_mac(name)},"
                   "bsize=2048,rsize=10" for number, (name, socket) in enumerate((("edge", "a.sock"), ("core", "b.sock")))]
        process = start_testpmd(lab, host, (generator, under_test), devices, "--forward-mode=csum",
                                "--total-num-mbufs=4096")

        def ready():
            if not process.running():
                raise LabError(f"testpmd did not start:\n{process.output()[-2000:]}")
            return all(os.path.exists(lab.path(socket)) for socket in ("a.sock", "b.sock"))

        wait_until(ready, 30, "testpmd's sockets")
        if options.urgent:
            urge(process)
        result = flood(host, lab, options, generator)
        process.stop()
        return result


def main():
    options = parse()
    if options.urgent:
        os.nice(URGENT)
    generator, under_test = bench_cores()
    two_workers = len(under_test) > 1
    if not two_workers:
        print("two workers and a generator want three cores, this machine has two: only one worker is measured")
    rounds = []
    for number in range(1, options.rounds + 1):
        stolen = Stolen(generator, under_test[0])
        viaduct, viaduct_blocked = viaduct_round(options, generator, under_test[:1])
        testpmd, testpmd_blocked = testpmd_round(options, generator, under_test[0])
        rounds.append({"viaduct": viaduct, "testpmd": testpmd, "ratio": viaduct / testpmd,
                       "viaduct_blocked": viaduct_blocked, "testpmd_blocked": testpmd_blocked,
                       "stolen_ms": sum(stolen.ms())})
        limit = "" if testpmd_blocked > 0.1 else " (limited by the generator)"
        text = f"round {number}: viaduct {viaduct:.3f} M frames/s, testpmd csum {testpmd:.3f} M frames/s{limit}"
        if two_workers:
            rounds[-1]["viaduct_2_workers"], rounds[-1]["viaduct_2_workers_blocked"] = viaduct_round(options, generator,
                                                                                                   under_test)
            text += f", viaduct with two workers {rounds[-1]['viaduct_2_workers']:.3f} M frames/s"
        print(f"{text}, load {os.getloadavg()[0]:.1f}, stolen {rounds[-1]['stolen_ms']} ms", flush=True)

    def median(name):
        return statistics.median(entry[name] for entry in rounds)

    viaduct, testpmd = median("viaduct"), median("testpmd")
    figures = {"viaduct_mps": viaduct, "testpmd_mps": testpmd, "ratio": viaduct / testpmd}
    text = f"median: viaduct {viaduct:.3f}, testpmd {testpmd:.3f}, ratio {viaduct / testpmd:.3f}"
    if two_workers:
        figures["viaduct_2_workers_mps"] = median("viaduct_2_workers")
        figures["ratio_2_workers_to_1"] = figures["viaduct_2_workers_mps"] / viaduct
        text += f"; two workers {figures['viaduct_2_workers_mps']:.3f}, {figures['ratio_2_workers_to_1']:.2f} times one"
    print(text)
    least, most = min(entry["ratio"] for entry in rounds), max(entry["ratio"] for entry in rounds)
    if most > 1.25 * least:
        print(f"the rounds disagree, {least:.2f} to {most:.2f}: the machine changed its speed between them; judge by those "
              "in which both rates are its higher or both its lower ones")
    about = versions()
    print_versions(about)
    if options.json:
        print(json.dumps({**figures, "frame_bytes": options.frame, "workers": 1, "rounds": rounds,
                          "load": os.getloadavg()[0], **about}))


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(f"bench-line-rate: {error}")
