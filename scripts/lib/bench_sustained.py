"""Calls at 80 % of the loss-free rate for a minute: none lost, none misrouted, both ledgers close.

    viablast, callers  --a.sock--  viaduct, one worker  --b.sock--  viablast, reflector

First the highest rate is searched at which nothing is lost for a minute (RFC 2544 section 24), then that much of it is
held. viablast has one core for callers and reflector, viaduct's worker the other. As root, after scripts/build.
"""

import argparse
import json
import os
import sys

from blast_lab import URGENT, Blast, Stolen, bench_cores, memif_arguments, memif_balancer_config, urge, versions
from netlab import Lab, LabError
from testbed import Balancer


def parse():
    parser = argparse.ArgumentParser(prog="bench-sustained", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", default="invite", help="of viablast (default invite: whole calls)")
    parser.add_argument("--seconds", type=float, default=60, help="how long the rate is held (default 60)")
    parser.add_argument("--share", type=float, default=0.8, help="of the loss-free rate (default 0.8)")
    parser.add_argument("--rate", type=float, help="calls/s to hold instead: no search")
    parser.add_argument("--trial", type=float, default=10,
                        help="seconds of a trial of the search (default 10: in two, little goes wrong that does in sixty)")
    parser.add_argument("--confirm", type=float, default=60,
                        help="seconds of the trials that confirm what the search found, each 3 %% lower than the one that "
                             "failed (default 60)")
    parser.add_argument("--ring", type=int, default=16384,
                        help="frames that a ring of the wire holds, a power of two up to 16384 (the default: about 20 ms, "
                             "which a machine that takes a core away for as long asks for; 1024 is DPDK's)")
    parser.add_argument("--urgent", action=argparse.BooleanOptionalAction, default=True,
                        help="run before everything else on the machine (default)")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    return parser.parse_args()


def blast(options, cores, *more):
    """(exit code, viablast's figures, viaduct's ledger) of one run against a balancer of its own."""
    with Lab("vd-bench") as lab:
        host = lab.add_host("wire")
        balancer = Balancer(host, memif_balancer_config(lab, workers=[cores[1]], idle="poll"))
        run = Blast(host, "blast", *memif_arguments(lab, ring=options.ring), "--scenario", options.scenario, "--core",
                    str(cores[0]), "--control-core", str(cores[0]), "--quiet", *more)
        if options.urgent:
            urge(balancer.process)
            urge(run.process)
        code, figures = run.finish(1800 + options.seconds)
        ledger = balancer.show("stat")["ledger"]
        balancer.stop()
        return code, figures, ledger


def main():
    options = parse()
    if options.urgent:
        os.nice(URGENT)
    generator, (under_test, *_) = bench_cores()
    cores = generator, under_test
    rate, loss_free = options.rate, None
    if rate is None:
        code, figures, _ = blast(options, cores, "--search", "0", "--search-start", "5000", "--trial",
                                 str(options.trial), "--confirm", str(options.confirm), "--warm-up", "0.5",
                                 "--resolution", "0.05", "--drain", "0.5")
        if code != 0:
            raise LabError(f"the search ended with {code}: {figures}")
        loss_free = figures["search"]["rate"]
        limit = " (limited by the generator)" if figures["search"]["generator_limited"] else ""
        rate = int(loss_free * options.share)
        print(f"loss-free for {options.confirm:g} s: {loss_free:,.0f} calls/s{limit}; held: {rate:,} calls/s for "
              f"{options.seconds:g} s", flush=True)
    stolen = Stolen(*cores)
    code, figures, ledger = blast(options, cores, "--rate", str(rate), "--duration", str(options.seconds))
    of_generator, of_worker = stolen.ms()
    uac, uas = figures["uac"], figures["uas"]
    result = {"calls_per_second": rate, "loss_free_calls_per_second": loss_free,
              "confirm_seconds": options.confirm if loss_free else None, "seconds": options.seconds,
              "ring": options.ring, "calls": uac["calls"], "sent": figures["sent"],
              "lost": figures["lost"], "misrouted": figures["misrouted"] + uas["misrouted"],
              "viablast_exit_code": code, "viaduct_ledger": ledger, "viaduct_ledger_closes": ledger["closes"],
              "messages_per_second": ledger["received"] / options.seconds,
              "stolen_ms": {"generator": of_generator, "worker": of_worker}, "load": os.getloadavg()[0]}
    fine = code == 0 and result["lost"] == 0 and result["misrouted"] == 0 and ledger["closes"]
    closes = "closes" if ledger["closes"] else "DOES NOT CLOSE"
    print(f"{result['calls']:,} calls, {result['sent']:,} requests, {result['lost']:,} lost, {result['misrouted']:,} "
          f"misrouted; viaduct took {ledger['received']:,} messages, its ledger {closes}")
    print(f"stolen by the machine below: {of_generator} ms of the generator's core, {of_worker} ms of the worker's")
    if options.json:
        print(json.dumps({**result, **versions()}))
    return 0 if fine else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        sys.exit(f"bench-sustained: {error}")
