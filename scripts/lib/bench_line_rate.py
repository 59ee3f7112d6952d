"""Forwarding rate of viaduct, and of dpdk-testpmd in csum mode, over the same memif wire with the same frames.

    viablast --flood  --a.sock--  device under test, one core  --b.sock--  viablast --sink

viablast has one core, the device under test the other. testpmd does nothing but move frames and write their checksums,
so the ratio says what share of a wire's best viaduct reaches; the absolute rates are the machine's. Both are started
afresh for each round, in turn, so that whatever else the machine does hits both. Where there is a third core, viaduct is
measured with two workers too. As root, after scripts/build.

Between two cores of one die a cache line takes some 45 ns, between two dies 200, and a virtual machine's cores are put
now here, now there: testpmd's rate falls by half then, viaduct's by less. So that distance is measured before and after
each rate, there and back. A round in which the readings differ does not count and is repeated; the figures are those of
the distance that most rounds had. That somebody else is given the other thread of a core now and then, which costs
viaduct a third and testpmd a sixth, is not seen: hence so many rounds.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

from blast_lab import (URGENT, Blast, Stolen, bench_cores, memif, memif_arguments, memif_balancer_config, print_versions,
                       stable_mac, start_testpmd, urge, versions)
from netlab import Lab, LabError, wait_until
from testbed import Balancer, built

HEADERS = 14 + 20 + 8
SAME_DISTANCE = 2.2  # distances that differ by less are one
ATTEMPTS = 4  # rounds begun for each that is to count


def parse():
    parser = argparse.ArgumentParser(prog="bench-line-rate", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="measurements of each that count (default 7)")
    parser.add_argument("--seconds", type=float, default=2, help="of each measurement (default 2)")
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


def distance(one, other):
    """Nanoseconds that a cache line takes from one core to the other and back."""
    path = built("bench", "core_distance")
    run = subprocess.run([path, str(one), str(other)], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise LabError(run.stderr.strip() or f"{path} ended with {run.returncode}")
    return float(run.stdout)


def are_one(distances):
    return max(distances) < SAME_DISTANCE * min(distances)


def measure(options, generator, under_test):
    """One round, whether it counts or not."""
    stolen = Stolen(generator, *under_test)
    looks = []
    entry = {}

    def look():
        looks.append([distance(generator, core) for core in under_test])

    def rate(name, take):
        entry[name], entry[f"{name}_blocked"] = take()
        look()

    look()
    rate("viaduct", lambda: viaduct_round(options, generator, under_test[:1]))
    rate("testpmd", lambda: testpmd_round(options, generator, under_test[0]))
    if len(under_test) > 1:
        rate("viaduct_2_workers", lambda: viaduct_round(options, generator, under_test))
    by_core = list(zip(*looks))  # another worker's core may be at another distance
    return {**entry, "ratio": entry["viaduct"] / entry["testpmd"], "distances_ns": by_core,
            "distance_ns": statistics.median(by_core[0]), "counts": all(are_one(core) for core in by_core),
            "stolen_ms": sum(stolen.ms())}


def describe(number, entry):
    limit = "" if entry["testpmd_blocked"] > 0.1 else " (limited by the generator)"
    text = (f"round {number}: viaduct {entry['viaduct']:.3f} M frames/s, testpmd csum {entry['testpmd']:.3f} M frames/s"
            f"{limit}")
    if "viaduct_2_workers" in entry:
        text += f", viaduct with two workers {entry['viaduct_2_workers']:.3f} M frames/s"
    if entry["counts"]:
        text += f", from core to core and back {entry['distance_ns']:.0f} ns"
    else:
        readings = ", from the next ".join(" then ".join(f"{each:.0f}" for each in core)
                                           for core in entry["distances_ns"])
        text += f", from core to core and back {readings} ns: the cores were moved meanwhile, so this round does not count"
    return f"{text}, load {os.getloadavg()[0]:.1f}, stolen {entry['stolen_ms']} ms"


def by_distance(rounds):
    """The rounds of each distance, those of the one that most had first; of two the shorter."""
    groups = []
    for entry in sorted(rounds, key=lambda entry: entry["distance_ns"]):
        if groups and are_one((groups[-1][0]["distance_ns"], entry["distance_ns"])):
            groups[-1].append(entry)
        else:
            groups.append([entry])
    return sorted(groups, key=lambda group: -len(group))


def summary(rounds):
    def median(name):
        return statistics.median(entry[name] for entry in rounds)

    viaduct, testpmd = median("viaduct"), median("testpmd")
    figures = {"viaduct_mps": viaduct, "testpmd_mps": testpmd, "ratio": viaduct / testpmd,
               "distance_ns": median("distance_ns"), "rounds_of_that": len(rounds)}
    text = (f"median of {len(rounds)} at {figures['distance_ns']:.0f} ns: viaduct {viaduct:.3f}, testpmd {testpmd:.3f}, "
            f"ratio {viaduct / testpmd:.3f}")
    if "viaduct_2_workers" in rounds[0]:
        figures["viaduct_2_workers_mps"] = median("viaduct_2_workers")
        figures["ratio_2_workers_to_1"] = figures["viaduct_2_workers_mps"] / viaduct
        text += f"; two workers {figures['viaduct_2_workers_mps']:.3f}, {figures['ratio_2_workers_to_1']:.2f} times one"
    print(text)
    return figures


def main():
    options = parse()
    if options.urgent:
        os.nice(URGENT)
    generator, under_test = bench_cores()
    if len(under_test) == 1:
        print("two workers and a generator want three cores, this machine has two: only one worker is measured")
    rounds = []
    while len(rounds) < ATTEMPTS * options.rounds and sum(entry["counts"] for entry in rounds) < options.rounds:
        rounds.append(measure(options, generator, under_test))
        print(describe(len(rounds), rounds[-1]), flush=True)
    counted = [entry for entry in rounds if entry["counts"]]
    if len(counted) < options.rounds:
        print(f"only {len(counted)} of {len(rounds)} rounds count, {options.rounds} were wanted: the cores are moved too "
              "often")
    if not counted:
        raise LabError("there is no round in which the cores stayed where they were")
    figures, *elsewhere = [summary(group) for group in by_distance(counted)]
    about = versions()
    print_versions(about)
    if options.json:
        print(json.dumps({**figures, "elsewhere": elsewhere, "frame_bytes": options.frame, "workers": 1, "rounds": rounds,
                          "load": os.getloadavg()[0], **about}))


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(f"bench-line-rate: {error}")
