"""Reloads in a loop under calls, and an account of every message: no call may fail, no transaction may be split.

    callers  10.77.0.2  --edge0--  viaduct  --core0--  p1 p2 p3  10.78.0.11 .12 .13

Every INTERVAL another file is reloaded: p3 comes and goes, weights change, p1 is drained and back. Calls ring for a
third of a second, so that every one of them meets reloads; each INVITE is sent three times, every fifth call is
cancelled while it rings. The callers and backends are one thread that counts by Call-ID. As root, after scripts/build.
"""

import argparse
import json
import sys
import time

from blast_lab import versions
from census import Backend, Callers, Census
from netlab import LabError
from testbed import IPV4, Balancer, Testbed, balancer_config

RING_SECONDS = 0.35
COPIES = (0.12, 0.24)
CANCEL_EVERY = 5


def variants(text):
    """The files that take turns; the first is the one that the balancer was started with."""
    def with_line(name, line):
        head = f'name    = "{name}"\n'
        if head not in text:
            raise LabError(f"no backend {name} in the configuration as expected")
        return text.replace(head, head + line)

    p3 = text.index('\n[[pool.backend]]\nname    = "p3"')
    return text, text[:p3], with_line("p2", "weight  = 50\n"), with_line("p1", 'state   = "drain"\n')


def reload_in_turns(balancer, files, seconds, interval, warm_up):
    """How many reloads there were, the longest one, and what the process weighed after `warm_up` and at the end."""
    started = time.monotonic()
    number, longest, warm = 0, 0.0, None
    while time.monotonic() - started < seconds:
        begun = time.monotonic()
        with open(balancer.config_path, "w", encoding="utf-8") as file:
            file.write(files[(number + 1) % len(files)])
        done = balancer.ctl("reload")
        if done.returncode != 0:
            raise LabError(f"reload {number} failed: {done.stderr.strip()}")
        number += 1
        longest = max(longest, time.monotonic() - begun)
        if warm is None and time.monotonic() - started >= warm_up:
            warm = balancer.process.resident_bytes() // 1024
        time.sleep(max(interval - (time.monotonic() - begun), 0))
    return {"reloads": number, "longest_reload_ms": round(1000 * longest, 1), "rss_warm_kib": warm,
            "rss_end_kib": balancer.process.resident_bytes() // 1024}


def churn(bed, seconds, rate=100, interval=0.1):
    """The figures of one run, and the balancer, which still runs."""
    text = balancer_config(IPV4, bed.lab.directory)
    balancer = Balancer(bed.balancer_host, text)
    with Census(RING_SECONDS) as census:
        backends = [Backend(census, bed.backend_host, name, address) for name, address in IPV4.backends.items()]
        callers = Callers(census, bed.client, IPV4.client, IPV4.outside)
        with census.lock:
            callers.load(rate, int(rate * seconds), hold=0.2, copies=COPIES, cancel_every=CANCEL_EVERY)
        figures = reload_in_turns(balancer, variants(text), seconds, interval, min(seconds / 2, 10))
        callers.finish()
        census.check_alive()
        states, failures = callers.states(), callers.failures()
        homes = census.homes()
        transactions = {(arrival.branch, arrival.cseq) for arrival in census.arrivals}
        figures |= {
            "seconds": seconds, "calls": len(callers.calls), "completed": states.get("completed", 0),
            "failed": states.get("failed", 0), "failures": failures[:5], "requests": len(census.arrivals),
            "transactions": len(transactions), "split_transactions": len(census.split_transactions()),
            "wandered_calls": len(census.wandered_calls()),
            "strays": sum(len(backend.strays) for backend in backends),
            "calls_by_backend": {name: sum(name in names for names in homes.values()) for name in IPV4.backends},
        }
    figures["rss_growth_kib"] = figures["rss_end_kib"] - figures["rss_warm_kib"]
    return figures, balancer


def main():
    parser = argparse.ArgumentParser(prog="churn", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="how long (default 60)")
    parser.add_argument("--rate", type=int, default=100, help="calls a second (default 100)")
    parser.add_argument("--interval", type=float, default=0.1, help="seconds from reload to reload (default 0.1)")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args()
    with Testbed("vd-churn") as bed:
        figures, balancer = churn(bed, options.seconds, options.rate, options.interval)
        figures["ledger"] = balancer.show("stat")["ledger"]
        balancer.stop()
    print(f"{figures['reloads']} reloads (the longest {figures['longest_reload_ms']} ms) under {figures['calls']} calls: "
          f"{figures['failed']} failed, {figures['split_transactions']} of {figures['transactions']} transactions "
          f"split, {figures['wandered_calls']} calls wandered; resident memory {figures['rss_warm_kib']} KiB warm, "
          f"{figures['rss_end_kib']} KiB at the end")
    if options.json:
        print(json.dumps({**figures, **versions()}))
    well = figures["completed"] == figures["calls"] and figures["ledger"]["closes"] and not (
        figures["split_transactions"] or figures["wandered_calls"] or figures["strays"])
    return 0 if well else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        sys.exit(f"churn: {error}")
